// Links with data-dialog open their page as a dialog: what it marks with data-dialog-body. A form in it is sent from there; a
// refusal comes back into the dialog, and whatever else the console answers is where the browser goes.

import { leave } from "./leave.js";

// Attributes that have the id of an element, or name others by theirs.
const NAMING = ["id", "for", "form", "list", "aria-labelledby", "aria-describedby", "aria-controls", "data-reveal"];
let opened = 0;

const parse = async (answer) => new DOMParser().parseFromString(await answer.text(), "text/html");

/** Open the page of this address as a dialog. `broad` is for what needs more room. */
export async function open(href, { broad = false } = {}) {
  const answer = await fetch(href, { headers: { accept: "text/html" } });
  const body = (await parse(answer)).querySelector("[data-dialog-body]");
  if (!body) return location.assign(href); // It is no dialog, but a page: of signing in, or of an error.
  return fill(body, href, broad);
}

/** Send a form of the page, and open what comes back as a dialog: a question about what was chosen. */
export async function openForm(form, submitter) {
  const fields = new URLSearchParams(new FormData(form, submitter));
  const action = submitter?.getAttribute("formaction") ?? form.action;
  const answer = await fetch(action, { method: "POST", body: fields, headers: { accept: "text/html" } });
  const page = await parse(answer);
  const body = page.querySelector("[data-dialog-body]");
  return body ? fill(body, action, false) : goTo(answer.url, answer.redirected && answer.ok ? null : page);
}

function fill(body, href, broad) {
  const dialog = document.createElement("dialog");
  dialog.classList.toggle("broad", broad);
  dialog.dataset.href = href;
  dialog.dataset.prefix = `dialog-${++opened}-`;
  dialog.append(apart(body, dialog.dataset.prefix));
  dialog.setAttribute("aria-labelledby", `${dialog.dataset.prefix}dialog-title`);
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    const then = dialog.querySelector("[data-then]")?.dataset.then; // Something was done, which the page behind does not show.
    if (then) leave(then);
  });
  dialog.showModal();
  dialog.dispatchEvent(new CustomEvent("dialog-filled", { bubbles: true })); // It may show what is to have the focus.
  focusFirst(dialog);
  return dialog;
}

/** The same with a prefix before every id, since the page behind may have fields of the same names. */
function apart(body, prefix) {
  // As attributes: of a form with a field named "id", the property is that field.
  const own = new Set([...body.querySelectorAll("[id]")].map((one) => one.getAttribute("id")));
  const apartOf = (id) => (own.has(id) ? prefix + id : id);
  for (const one of [body, ...body.querySelectorAll("*")]) {
    for (const name of NAMING) {
      if (one.hasAttribute(name)) one.setAttribute(name, one.getAttribute(name).split(/\s+/).filter(Boolean).map(apartOf).join(" "));
    }
  }
  return body;
}

function focusFirst(dialog) {
  const wanted = dialog.querySelector("[aria-invalid=true]") ?? dialog.querySelector("[autofocus]") ?? dialog.querySelector("input:not([type=hidden]), select, textarea, button");
  wanted?.focus();
}

async function send(form, submitter, dialog) {
  const fields = new URLSearchParams(new FormData(form, submitter));
  const buttons = [...form.querySelectorAll("button")].filter((button) => !button.disabled);
  for (const button of buttons) button.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body: fields, headers: { accept: "text/html" } });
    const page = answer.redirected && answer.ok ? null : await parse(answer);
    const body = page?.querySelector("[data-dialog-body]");
    if (!body) return goTo(answer.url, page);
    dialog.replaceChildren(apart(body, dialog.dataset.prefix));
    dialog.dispatchEvent(new CustomEvent("dialog-filled", { bubbles: true }));
    focusFirst(dialog);
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

function goTo(url, page) {
  if (page) document.documentElement.replaceWith(document.adoptNode(page.documentElement)); // An error's page.
  else leave(url);
}

export function start() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-dialog]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      open(link.href, { broad: link.dataset.dialog === "broad" });
    }
    const close = event.target.closest("dialog [data-close]");
    if (close) {
      event.preventDefault();
      close.closest("dialog").close();
    }
  });
  document.addEventListener("submit", (event) => {
    const dialog = event.target.closest("dialog");
    if (!dialog || event.target.method !== "post" || event.defaultPrevented) return;
    event.preventDefault();
    send(event.target, event.submitter, dialog);
  });
}
