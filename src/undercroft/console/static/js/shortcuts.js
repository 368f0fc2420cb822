// The keyboard: `g` and a letter go somewhere, `/` searches, `?` shows all. Links and buttons may have a key of their own
// (data-key). Nothing happens while somebody types, in a dialog, or with a modifier. Keys of one character can be switched off in the list of
// keys (WCAG 2.1.4), since those who speak to their computer press them by accident; this browser remembers it.

import { _ } from "./words.js";

const NAMES = { "/": _("Search or filter"), "Ctrl+K": _("Search everything"), "?": _("Show these keys") };
const OF_TABLES = [["↑ ↓", _("Move through the rows")], ["Space", _("Select the row")], ["Shift ↑ ↓", _("Select more rows")], ["Ctrl+A", _("Select all on the page")], ["Esc", _("Select none")], ["Enter", _("Open")], ["F2", _("Rename or move")], ["Del", _("Delete the selection")], ["Backspace", _("The folder above")]];
const OFF = "undercroft-single-keys-off";
let afterG = false;

const isOff = () => localStorage.getItem(OFF) !== null;

const isTyping = (target) => target.closest("input, select, textarea, [contenteditable], dialog");

function rows() {
  const going = [...document.querySelectorAll("[data-go]")].map((link) => [`g ${link.dataset.go}`, link.textContent.trim()]);
  const acting = [...document.querySelectorAll("[data-key]")].map((one) => [one.dataset.key, one.textContent.trim() || one.getAttribute("aria-label")]);
  return [...acting, ...Object.entries(NAMES), ...(document.querySelector("[data-files]") ? OF_TABLES : []), ...going];
}

function showAll() {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "shortcuts-title");
  dialog.innerHTML = '<section class="dialog-page"><header><h1 id="shortcuts-title"></h1></header><div class="dialog-fields"><div class="field check"><input id="single-keys" type="checkbox" aria-describedby="single-keys-help"><label for="single-keys"></label><p class="help" id="single-keys-help"></p></div><dl class="pairs keys"></dl></div><footer class="dialog-buttons"><button class="button" type="button" data-close></button></footer></section>';
  const texts = { h1: _("Keyboard shortcuts"), label: _("Keys of one character"), ".help": _("Switched off, a letter typed by accident does nothing. Ctrl K and the keys of tables stay."), "[data-close]": _("Close") };
  for (const [part, text] of Object.entries(texts)) dialog.querySelector(part).textContent = text;
  for (const [keys, meaning] of rows()) {
    const term = document.createElement("dt");
    for (const key of keys.split(" ")) term.append(Object.assign(document.createElement("kbd"), { textContent: key }), " ");
    dialog.querySelector("dl").append(term, Object.assign(document.createElement("dd"), { textContent: meaning }));
  }
  const box = dialog.querySelector("input");
  box.checked = !isOff();
  box.addEventListener("change", () => (box.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "")));
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
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target) || isOff()) return;
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
