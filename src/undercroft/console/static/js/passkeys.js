// Passkeys: the browser asks its person, and what it signs goes to the console. A page of signing in has a button for it
// (data-passkey-sign-in), and the form of a new one sends itself here (data-passkey-add).

import { leave } from "./leave.js";
import { call } from "./request.js";

const isPossible = Boolean(window.PublicKeyCredential?.parseRequestOptionsFromJSON && window.PublicKeyCredential?.parseCreationOptionsFromJSON);
const GIVEN_UP = new Set(["NotAllowedError", "AbortError"]);

const words = (error) => (GIVEN_UP.has(error.name) ? "It was not finished. Try again." : error.name === "InvalidStateError" ? "This device has a passkey of yours already." : error.message);

async function signIn(button) {
  const problem = button.form.querySelector("[data-passkey-problem]");
  problem.hidden = true;
  button.disabled = true;
  try {
    const { options } = await call("/sign-in/passkey/options", {});
    const credential = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
    const { go } = await call("/sign-in/passkey", { credential: credential.toJSON(), next: button.dataset.passkeySignIn });
    leave(go);
  } catch (error) {
    problem.textContent = words(error);
    problem.hidden = false;
  } finally {
    button.disabled = false;
  }
}

async function add(form, button) {
  const problem = form.querySelector("[data-passkey-problem]");
  const fields = new FormData(form);
  problem.hidden = true;
  button.disabled = true;
  try {
    const { options } = await call("/settings/passkeys/options", { password: fields.get("password") });
    const credential = await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
    const { go } = await call("/settings/passkeys/new", { name: fields.get("name"), credential: credential.toJSON() });
    leave(go);
  } catch (error) {
    problem.textContent = words(error);
    problem.hidden = false;
  } finally {
    button.disabled = false;
  }
}

for (const button of document.querySelectorAll("[data-passkey-sign-in]")) {
  button.hidden = !isPossible;
  button.addEventListener("click", () => signIn(button));
}
// Before dialogs send the form as they send all others.
document.addEventListener(
  "submit",
  (event) => {
    const button = event.target.querySelector("[data-passkey-add]");
    if (!button) return;
    event.preventDefault();
    if (isPossible) add(event.target, button);
    else Object.assign(event.target.querySelector("[data-passkey-problem]"), { hidden: false, textContent: "This browser knows no passkeys." });
  },
  true,
);
