// Buttons that copy a value (data-copy), and say so.

import { _ } from "./words.js";

const SAID_MS = 1500;

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Plain HTTP on another machine has no clipboard: the old way, through a field that is selected.
  const field = Object.assign(document.createElement("textarea"), { value: text, className: "unseen" });
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

export function start() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await copy(button.dataset.copy);
    const label = button.getAttribute("aria-label");
    button.setAttribute("aria-label", _("Copied"));
    button.title = _("Copied");
    button.classList.add("copied");
    setTimeout(() => {
      button.setAttribute("aria-label", label);
      button.title = label;
      button.classList.remove("copied");
    }, SAID_MS);
  });
}
