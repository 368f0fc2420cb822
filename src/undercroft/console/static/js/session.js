// Says when the session is about to end, and lets it go on. What was typed stays: nothing is loaded again, and after signing in
// elsewhere the page's forms get the new session's token, if that is in the account that the page was opened in. Pages of one
// browser tell one another how long it lasts.
import { call, token } from "./request.js";
import { toast } from "./toasts.js";
import { _, ngettext } from "./words.js";

const WARN_MS = 5 * 60_000; // Before the end; of short sessions, half their time.
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const channel = "BroadcastChannel" in window ? new BroadcastChannel("undercroft-session") : null;
let endsAt = 0;
let timer = 0;
let dialog = null;
let ticking = 0;
let isOver = false;

export function start() {
  const left = document.querySelector('meta[name="session-left"]');
  if (!left) return;
  lasts(Number(left.content));
  channel?.postMessage(Number(left.content));
  channel?.addEventListener("message", (event) => (isOver ? goOn(session()) : lasts(event.data)));
}

/** The session lasts so long from now on. */
function lasts(leftMs) {
  isOver = false;
  endsAt = Date.now() + leftMs;
  dialog?.close();
  wait(leftMs - Math.min(WARN_MS, leftMs / 2));
}

function wait(ms) {
  clearTimeout(timer);
  timer = setTimeout(() => (Date.now() + 50 < endsAt - WARN_MS ? wait(endsAt - WARN_MS - Date.now()) : warn()), Math.min(Math.max(ms, 0), LONGEST_TIMER_MS));
}

function warn() {
  dialog = document.createElement("dialog");
  dialog.className = "session-end";
  dialog.setAttribute("role", "alertdialog");
  dialog.setAttribute("aria-labelledby", "session-title");
  dialog.setAttribute("aria-describedby", "session-text");
  dialog.innerHTML = '<section class="dialog-page"><header><h1 id="session-title"></h1></header><div class="dialog-fields"><p id="session-text"></p></div><footer class="dialog-buttons"></footer></section>';
  dialog.addEventListener("close", () => (dialog?.remove(), (dialog = null), clearInterval(ticking)));
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  document.body.append(dialog);
  show(_("You will be signed out soon"), "", [button(_("Stay signed in"), "primary", () => goOn(session("/extend"), {}))]);
  const tick = () => {
    const seconds = Math.ceil((endsAt - Date.now()) / 1000);
    if (seconds <= 0) return over();
    dialog.querySelector("p").textContent = _("Nothing was asked of the console for a while. Your session ends in %(time)s. What you have typed on this page stays.", { time: duration(seconds) });
  };
  ticking = setInterval(tick, 1000);
  tick();
  dialog.showModal();
}

/** Where to ask about the session, for this page: whose it is, and in which account. */
function session(part = "") {
  const said = (name) => encodeURIComponent(document.querySelector(`meta[name="${name}"]`).content);
  return `/session${part}?person=${said("person-id")}&account=${said("account-id")}`;
}

function over() {
  isOver = true;
  clearInterval(ticking);
  const link = Object.assign(document.createElement("a"), { className: "button plain", href: "/sign-in", target: "_blank", textContent: _("Sign in again") });
  show(_("You are signed out"), _("Your session is over. Sign in again in another tab, then go on here: what you have typed is kept."), [link, button(_("Go on"), "primary", () => goOn(session()))]);
}

/** Nothing can be sent from here: the browser has gone to another account, or somebody else has signed in. */
function elsewhere() {
  isOver = true;
  clearInterval(ticking);
  const link = Object.assign(document.createElement("a"), { className: "button plain", href: "/accounts", target: "_blank", textContent: _("To the accounts") });
  show(_("You are in another account now"), _("This page was opened in another one, and nothing can be sent from it here. Go back to that account in another tab, then go on: what you have typed is kept."), [link, button(_("Go on"), "primary", () => goOn(session()))]);
}

function show(title, text, buttons) {
  dialog.querySelector("h1").textContent = title;
  dialog.querySelector("p").textContent = text;
  dialog.querySelector("footer").replaceChildren(...buttons);
  buttons.at(-1).focus();
}

async function goOn(path, body) {
  try {
    const said = await call(path, body);
    renew(said.csrf_token);
    lasts(said.left_ms);
    channel?.postMessage(said.left_ms);
    toast(_("You stay signed in."));
  } catch (error) {
    if (error.status === 409) elsewhere();
    else if (error.status === 403 && body) goOn(session()); // The page's token is of another account, or of an earlier session.
    else if (error.status === 401 || error.status === 403) over();
    else toast(error.message, { kind: "problem" });
  }
}

/** Give the page's forms the token of the session that there is now. */
function renew(fresh) {
  const old = token();
  document.querySelector('meta[name="csrf-token"]').content = fresh;
  for (const field of document.querySelectorAll('input[name="csrf_token"]')) if (field.value === old) field.value = fresh;
}

function button(text, kind, act) {
  const made = Object.assign(document.createElement("button"), { type: "button", className: `button ${kind}`, textContent: text });
  made.addEventListener("click", act);
  return made;
}

function duration(seconds) {
  const minutes = Math.floor(seconds / 60);
  return minutes ? _("%(minutes)s min %(seconds)s s", { minutes, seconds: seconds % 60 }) : ngettext("%(number)s second", "%(number)s seconds", seconds, { number: seconds });
}
