// Lists that are narrowed as one types. The server does it, so that the whole list is looked through and not only the rows of this page:
// a form with data-filter-list is sent by itself, and the element whose id that is takes the place of the one that is here.

import { leave } from "./leave.js";

const PAUSE_MS = 150;

/** Run `work` when somebody has stopped typing in the field for a moment, or sends the form. */
export function whenTyped(form, field, work) {
  let timer;
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(work, PAUSE_MS);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    work();
  });
}

function startList(form) {
  const field = form.elements.filter;
  const toolbar = form.closest(".toolbar");
  let asked = 0; // A late answer to an older question is not shown.

  whenTyped(form, field, async () => {
    const number = ++asked;
    const wanted = new URL(form.action);
    for (const [name, value] of new FormData(form)) if (value) wanted.searchParams.set(name, value);
    const answer = await fetch(wanted, { headers: { accept: "text/html" } });
    const page = answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
    const fresh = page?.getElementById(form.dataset.filterList);
    if (number !== asked || !form.isConnected) return;
    if (!fresh) return leave(wanted.href);
    document.getElementById(form.dataset.filterList).replaceWith(document.adoptNode(fresh));
    const count = toolbar.querySelector("[data-filter-count]");
    count.textContent = page.querySelector("[data-filter-count]").textContent;
    for (const link of toolbar.querySelectorAll("a[href]")) link.href = narrowed(link.href, field.value.trim());
    history.replaceState(history.state, "", wanted);
  });
}

/** The same address for what is narrowed to this text: other orders of the list, and its file. */
function narrowed(href, text) {
  const url = new URL(href);
  if (text) url.searchParams.set("filter", text);
  else url.searchParams.delete("filter");
  return url.href;
}

export function start() {
  for (const form of document.querySelectorAll("form[data-filter-list]")) startList(form);
}
