// Passkeys: the browser asks its person, and what it signs goes to the console. A page of signing in has a button for it
// (data-passkey-sign-in), and the form of a new one sends itself here (data-passkey-add).

import { leave } from "./leave.js";
import { call } from "./request.js";
import { _ } from "./words.js";

const isPossible = Boolean(window.PublicKeyCredential?.parseRequestOptionsFromJSON && window.PublicKeyCredential?.parseCreationOptionsFromJSON);
const GIVEN_UP = new Set(["NotAllowedError", "AbortError"]);

const words = (error) => (GIVEN_UP.has(error.name) ? _("It was not finished. Try again.") : error.name === "InvalidStateError" ? _("This device has a passkey of yours already.") : error.message);

/** Do some work that may be given up, and go where it leads; what is wrong stands beside the button. */
async function attempt(button, work) {
  const problem = button.form.querySelector("[data-passkey-problem]");
  problem.hidden = true;
  button.disabled = true;
  try {
    leave((await work()).go);
  } catch (error) {
    problem.textContent = words(error);
    problem.hidden = false;
  } finally {
    button.disabled = false;
  }
}

async function signIn(next) {
  const { options } = await call("/sign-in/passkey/options", {});
  const credential = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  return call("/sign-in/passkey", { credential: credential.toJSON(), next });
}

async function add(fields) {
  const { options } = await call("/settings/passkeys/options", { password: fields.get("password") });
  const credential = await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
  return call("/settings/passkeys/new", { name: fields.get("name"), credential: credential.toJSON() });
}

for (const button of document.querySelectorAll("[data-passkey-sign-in]")) {
  button.hidden = !isPossible;
  button.addEventListener("click", () => attempt(button, () => signIn(button.dataset.passkeySignIn)));
}
// Before dialogs send the form as they send all others.
document.addEventListener(
  "submit",
  (event) => {
    const button = event.target.querySelector("[data-passkey-add]");
    if (!button) return;
    event.preventDefault();
    if (isPossible) attempt(button, () => add(new FormData(event.target)));
    else Object.assign(event.target.querySelector("[data-passkey-problem]"), { hidden: false, textContent: "This browser knows no passkeys." });
  },
  true,
);
