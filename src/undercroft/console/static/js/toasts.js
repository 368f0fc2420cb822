// Short messages in the corner: what was done, with what can be done next where there is something. Errors stay until they are closed, and
// all are kept in the list of the bar (data-notices), of this tab and its account, until somebody signs out or it is closed.

import { _ } from "./words.js";

const SHOWN_MS = 6000;
const KEPT_MAX = 30;
const STORE = "undercroft-notices";

/** Show a message. kind: note, done, warning, problem. `act` is a button, {label, run}. */
export function toast(text, { kind = "done", act } = {}) {
  const element = document.createElement("div");
  element.className = `alert ${kind}`;
  const words = document.createElement("div");
  words.textContent = text;
  element.append(words);
  if (act) element.append(button(act.label, () => (element.remove(), act.run())));
  show(element, kind);
}

function show(element, kind) {
  keep(element.querySelector("div").textContent.trim(), kind);
  const close = button(_("Close"), () => element.remove());
  element.append(close);
  document.querySelector("[data-toasts]").append(element);
  if (kind !== "problem" && kind !== "warning") fade(element);
}

/** Take a message away in a while, but not from under somebody's hand. */
function fade(element) {
  setTimeout(() => (element.matches(":hover, :focus-within") ? fade(element) : element.remove()), SHOWN_MS);
}

function button(label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button small";
  made.textContent = label;
  made.addEventListener("click", act);
  return made;
}

// -- What is kept ------------------------------------------------------------------------------------------------------
const account = () => document.querySelector('meta[name="account-id"]')?.content;

function kept() {
  const found = JSON.parse(sessionStorage.getItem(STORE) ?? "null");
  return found && found.account === account() ? found : { account: account(), fresh: 0, notices: [] };
}

function save(all) {
  sessionStorage.setItem(STORE, JSON.stringify(all));
  list(all);
}

function keep(text, kind) {
  if (!account()) return;
  const all = kept();
  all.notices = [{ text, kind, at: Date.now() }, ...all.notices].slice(0, KEPT_MAX);
  all.fresh += 1;
  save(all);
}

function list(all) {
  const menu = document.querySelector("[data-notices]");
  if (!menu) return;
  menu.hidden = !all.notices.length;
  const isFresh = all.fresh > 0 && !menu.open;
  const said = isFresh ? _("Notifications, %(number)s new", { number: all.fresh }) : _("Notifications");
  menu.querySelector("summary").setAttribute("aria-label", said);
  menu.querySelector("summary").title = said;
  menu.querySelector("summary").classList.toggle("fresh", isFresh);
  menu.querySelector("ul").replaceChildren(...(menu.open ? all.notices.map(line) : []));
}

function line({ text, kind, at }) {
  const made = document.createElement("li");
  made.className = kind;
  const when = new Date(at);
  const time = Object.assign(document.createElement("time"), { dateTime: when.toISOString(), title: when.toISOString(), textContent: when.toLocaleTimeString() });
  made.append(Object.assign(document.createElement("span"), { textContent: text }), time);
  return made;
}

function startList() {
  if (!account()) return sessionStorage.removeItem(STORE);
  list(kept());
  const menu = document.querySelector("[data-notices]");
  menu?.addEventListener("toggle", () => save({ ...kept(), fresh: 0 }));
  menu?.querySelector("button").addEventListener("click", () => {
    menu.open = false;
    save({ ...kept(), notices: [] });
  });
}

/** Move the page's own notice to the corner, and its word out of the address, so that it is said once. */
export function start() {
  startList();
  for (const notice of document.querySelectorAll("[data-toast]")) show(notice, "done");
  const here = new URL(location.href);
  if (here.searchParams.has("notice")) {
    here.searchParams.delete("notice");
    here.searchParams.delete("undo");
    history.replaceState(history.state, "", here);
  }
}
