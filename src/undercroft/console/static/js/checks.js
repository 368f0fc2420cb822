// A field that asks while it is typed whether its value would be taken (data-check): the answer stands below it, other values that would
// be taken are offered, and a form is not sent with one that is not. Whoever is quicker than the answer, or gets none, has the form's.

import { call } from "./request.js";
import { _ } from "./words.js";

const PAUSE_MS = 300;

function follow(field) {
  const submit = field.form.querySelector("button.primary");
  const answer = document.createElement("p");
  answer.className = "help";
  answer.setAttribute("role", "status");
  field.after(answer);
  let timer = 0;

  const allow = (isAllowed) => {
    submit.disabled = !isAllowed;
    submit.title = isAllowed ? "" : _("It needs a name that can be taken.");
  };
  const judge = (isFree) => {
    allow(isFree);
    if (isFree || !field.value) field.removeAttribute("aria-invalid");
    else field.setAttribute("aria-invalid", "true");
  };
  const offer = (name) => {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "offer", textContent: name });
    button.addEventListener("click", () => {
      field.value = name;
      field.dispatchEvent(new Event("input"));
      field.focus();
    });
    return button;
  };
  const ask = async () => {
    const value = field.value.trim();
    let said;
    try {
      said = await call(`${field.dataset.check}?${new URLSearchParams({ [field.name]: value })}`);
    } catch {
      return judge(true);
    }
    if (value !== field.value.trim()) return; // Another one was typed meanwhile.
    judge(said.isFree);
    answer.replaceChildren(said.text, ...said.suggestions.flatMap((name) => [" ", offer(name)]));
  };

  field.addEventListener("input", () => {
    clearTimeout(timer);
    judge(Boolean(field.value.trim()));
    answer.replaceChildren();
    if (field.value.trim()) timer = setTimeout(ask, PAUSE_MS);
  });
  allow(Boolean(field.value));
}

function prepare(root) {
  for (const field of root.querySelectorAll("input[data-check]")) follow(field);
}

export function start() {
  prepare(document);
  document.addEventListener("dialog-filled", (event) => prepare(event.target));
}
