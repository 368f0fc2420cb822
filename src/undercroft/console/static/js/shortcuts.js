// The keyboard: `g` and a letter go somewhere, `/` searches, `?` shows all. Links and buttons may have a key of their own
// (data-key). Nothing happens while somebody types, in a dialog, or with a modifier.

const NAMES = { "/": "Search or filter", "Ctrl+K": "Search everything", "?": "Show these keys" };
let afterG = false;

const isTyping = (target) => target.closest("input, select, textarea, [contenteditable], dialog");

function rows() {
  const going = [...document.querySelectorAll("[data-go]")].map((link) => [`g ${link.dataset.go}`, link.textContent.trim()]);
  const acting = [...document.querySelectorAll("[data-key]")].map((one) => [one.dataset.key, one.textContent.trim() || one.getAttribute("aria-label")]);
  return [...acting, ...Object.entries(NAMES), ...going];
}

function showAll() {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "dialog-title");
  dialog.innerHTML = '<section class="dialog-page"><header><h1 id="dialog-title">Keyboard shortcuts</h1></header><dl class="pairs dialog-fields"></dl><footer class="dialog-buttons"><button class="button" type="button" data-close>Close</button></footer></section>';
  for (const [keys, meaning] of rows()) {
    const term = document.createElement("dt");
    for (const key of keys.split(" ")) term.append(Object.assign(document.createElement("kbd"), { textContent: key }), " ");
    dialog.querySelector("dl").append(term, Object.assign(document.createElement("dd"), { textContent: meaning }));
  }
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
}

export function start() {
  for (const opener of document.querySelectorAll("button[data-shortcuts]")) {
    opener.hidden = false;
    opener.addEventListener("click", showAll);
  }
  document.addEventListener("keydown", (event) => {
    const field = document.querySelector("[data-find]");
    if (field && event.key === "k" && (event.ctrlKey || event.metaKey) && !event.target.closest("dialog")) {
      event.preventDefault();
      if (field.checkVisibility()) field.select();
      else location.assign(field.form.action);
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
    const wanted = afterG ? `[data-go="${CSS.escape(event.key)}"]` : `[data-key="${CSS.escape(event.key)}"]`;
    afterG = !afterG && event.key === "g";
    if (afterG) return;
    if (event.key === "?") showAll();
    const target = event.key === "/" ? (document.querySelector('main input[type="search"]') ?? document.querySelector("[data-find]")) : document.querySelector(wanted);
    if (!target) return;
    event.preventDefault();
    if (target.matches("input")) target.focus();
    else target.click();
  });
}
