// Short messages in the corner: what was done, with what can be done next where there is something. Errors stay until they are closed.

const SHOWN_MS = 6000;

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
  const close = button("Close", () => element.remove());
  element.append(close);
  document.querySelector("[data-toasts]").append(element);
  if (kind !== "problem" && kind !== "warning") setTimeout(() => element.remove(), SHOWN_MS);
}

function button(label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button small";
  made.textContent = label;
  made.addEventListener("click", act);
  return made;
}

/** Move the page's own notice to the corner, and its word out of the address, so that it is said once. */
export function start() {
  for (const notice of document.querySelectorAll("[data-toast]")) show(notice, "done");
  const here = new URL(location.href);
  if (here.searchParams.has("notice")) {
    here.searchParams.delete("notice");
    history.replaceState(history.state, "", here);
  }
}
