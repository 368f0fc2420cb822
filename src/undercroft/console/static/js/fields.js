// Small helps for fields: a password that can be looked at (data-reveal), and a box whose tick asks first (data-tick).
import { open } from "./dialogs.js";

export function start() {
  prepare(document);
  document.addEventListener("dialog-filled", (event) => prepare(event.target));
  document.addEventListener("page-shown", () => prepare(document));
  document.addEventListener("click", (event) => {
    const eye = event.target.closest("[data-reveal]");
    if (!eye) return;
    const field = eye.closest("form").querySelector(`#${eye.dataset.reveal}`);
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    eye.setAttribute("aria-pressed", shown);
    field.focus();
  });
}

function prepare(root) {
  for (const eye of root.querySelectorAll("[data-reveal]")) eye.hidden = false;
  for (const form of root.querySelectorAll("form[data-tick]")) {
    form.querySelector("[data-without-script]").hidden = true;
    const box = form.querySelector("input[type=checkbox]");
    box.addEventListener("change", () => {
      box.checked = box.defaultChecked; // What is asked there decides.
      open(form.action);
    });
  }
}
