// A folder's table: choosing rows, the keyboard, filtering as one types, more rows as one scrolls. All of it works without, by links
// and forms. What swaps the listing goes through `show`, so that the address always says what is shown.

import { open, openForm } from "./dialogs.js";
import { whenTyped } from "./filters.js";
import { leave } from "./leave.js";
import { size } from "./uploads/words.js";
import { _, ngettext } from "./words.js";

const ROWS_MAX = 2000; // Of more rows at once a browser grows slow; then the pages are there.

const frame = document.querySelector("[data-files]");
const form = document.querySelector("[data-selection]");
const listing = () => document.getElementById("listing");
const rows = () => [...form.querySelectorAll("tbody tr[data-kind]")];
const boxes = () => [...form.querySelectorAll("[data-choose]")];
const rowOf = (box) => box.closest("tr");
let asked = 0; // Counts what was asked for: a late answer to an older question is not shown.
let anchor = null;

// -- Choosing ---------------------------------------------------------------------------------------------------------
function summarise() {
  const chosen = boxes().filter((box) => box.checked).map(rowOf);
  const folders = chosen.filter((row) => row.dataset.kind === "folder").length;
  const bytes = chosen.reduce((sum, row) => sum + Number(row.dataset.size ?? 0), 0);
  form.querySelector("[data-selection-count]").textContent = _("%(number)s selected", { number: chosen.length });
  form.querySelector("[data-selection-size]").textContent = folders ? ngettext("%(size)s and %(number)s folder", "%(size)s and %(number)s folders", folders, { size: size(bytes), number: folders }) : size(bytes);
  for (const row of rows()) row.setAttribute("aria-selected", row.querySelector("[data-choose]").checked);
  const only = chosen.length === 1 ? chosen[0] : null;
  for (const link of form.querySelectorAll("[data-one]")) {
    link.hidden = only?.dataset.kind !== link.dataset.one;
    const { id, name } = only?.dataset ?? {};
    if (!link.hidden) link.href = `${link.dataset.onePath}?${new URLSearchParams(id ? { id } : { prefix: name })}`;
  }
  const all = form.querySelector("[data-choose-all]");
  if (all) {
    all.checked = chosen.length > 0 && chosen.length === boxes().length;
    all.indeterminate = chosen.length > 0 && !all.checked;
  }
}

function choose(row, checked, extend) {
  const all = rows();
  const from = extend && anchor?.isConnected ? all.indexOf(anchor) : all.indexOf(row);
  const [first, last] = [from, all.indexOf(row)].sort((a, b) => a - b);
  for (const one of all.slice(first, last + 1)) one.querySelector("[data-choose]").checked = checked;
  if (!extend) anchor = row;
  summarise();
}

function chooseAll(checked) {
  for (const box of boxes()) box.checked = checked && !rowOf(box).classList.contains("version");
  summarise();
}

// -- The keyboard -----------------------------------------------------------------------------------------------------
function focusRow(row) {
  for (const one of rows()) one.tabIndex = one === row ? 0 : -1;
  row?.focus();
}

function press(event) {
  const inText = event.target.closest("input:not([type=checkbox]), select, textarea, dialog, summary, [contenteditable]");
  // Without its form, another page came without a change of page.
  if (!form.isConnected || inText || event.defaultPrevented || event.altKey) return;
  const all = rows();
  const row = event.target.closest("tr[data-kind]");
  const here = row ?? all.find((one) => one.tabIndex === 0) ?? all[0];
  const at = all.indexOf(here);
  const onControl = row && event.target !== row; // A link or box in the row has its own Enter and Space.
  const keys = {
    ArrowDown: () => focusRow(all[row ? Math.min(at + 1, all.length - 1) : Math.max(at, 0)]),
    ArrowUp: () => focusRow(all[Math.max(at - 1, 0)]),
    Home: row && (() => focusRow(all[0])),
    End: row && (() => focusRow(all.at(-1))),
    " ": row && !onControl && (() => choose(row, event.shiftKey || !row.querySelector("[data-choose]").checked, event.shiftKey)),
    Enter: row && !onControl && (() => leave(new URL(row.dataset.href, location.href).href)),
    Delete: () => remove(row),
    F2: row?.dataset.kind === "file" && (() => open(`/buckets/${frame.dataset.files}/file/rename?id=${row.dataset.id}`)),
    Backspace: frame.dataset.above && (() => leave(new URL(frame.dataset.above, location.href).href)),
    Escape: boxes().some((box) => box.checked) && (() => chooseAll(false)),
  };
  if ((event.ctrlKey || event.metaKey) && event.key === "a") keys.a = () => chooseAll(true);
  else if (event.ctrlKey || event.metaKey) return;
  if (!keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
  if (event.shiftKey && row && (event.key === "ArrowDown" || event.key === "ArrowUp")) choose(document.activeElement, true, true);
}

function remove(row) {
  if (row && !boxes().some((box) => box.checked)) choose(row, true, false);
  if (boxes().some((box) => box.checked)) form.requestSubmit(form.querySelector("[data-delete]"));
}

// -- What is listed ---------------------------------------------------------------------------------------------------
async function fetched(href) {
  const answer = await fetch(href, { headers: { accept: "text/html" } });
  if (!answer.ok) return null;
  return new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("listing");
}

/** Show another state of the folder in place of this one. */
async function show(href) {
  const number = ++asked;
  const fresh = await fetched(href);
  if (!fresh) return leave(href);
  if (number !== asked) return;
  listing().replaceWith(document.adoptNode(fresh));
  history.replaceState(history.state, "", href);
  refreshed();
}

async function grow(link) {
  const number = asked;
  link.dataset.loading = "";
  const fresh = await fetched(link.href);
  if (!fresh || number !== asked || !link.isConnected) return;
  const tbody = listing().querySelector("tbody");
  for (const row of [...(fresh.querySelector("tbody")?.rows ?? [])]) tbody.append(document.adoptNode(row));
  const pager = fresh.querySelector(".pager");
  const own = listing().querySelector(".pager");
  own.querySelector("[data-more]").remove();
  const next = pager?.querySelector("[data-more]");
  if (next) own.prepend(document.adoptNode(next));
  refreshed();
}

/** What is typed and shown may have changed since the page came, so the address tells it and not the form. */
async function putInOrder(button) {
  const here = new URL(location.href);
  for (const name of ["sort", "after", "value", "before", "last", "open", "notice", "hidden", "versions", "unfinished"]) here.searchParams.delete(name);
  if (button.value) here.searchParams.set("sort", button.value);
  const column = button.closest("th").cellIndex;
  await show(here.href);
  listing().querySelector(`thead th:nth-child(${column + 1}) button`)?.focus();
}

const watcher = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) {
    if (isIntersecting && !("loading" in target.dataset) && rows().length < ROWS_MAX) grow(target);
  }
}, { rootMargin: "600px" });

function refreshed() {
  watcher.disconnect();
  const more = listing()?.querySelector("[data-more]");
  if (more) watcher.observe(more);
  summarise();
}

function startFilter(search) {
  const field = search.elements.typed;
  whenTyped(search, field, () => {
    const here = new URL(location.href);
    for (const name of ["after", "value", "before", "last", "open", "notice"]) here.searchParams.delete(name);
    if (field.value) here.searchParams.set("typed", field.value);
    else here.searchParams.delete("typed");
    return show(here.href);
  });
}

function start() {
  document.addEventListener("keydown", press);
  form.addEventListener("change", (event) => {
    if (event.target.matches("[data-choose-all]")) chooseAll(event.target.checked);
    else if (event.target.matches("[data-choose]")) summarise();
  });
  form.addEventListener("click", (event) => {
    const box = event.target.closest("[data-choose]");
    if (box) choose(rowOf(box), box.checked, event.shiftKey);
    const sort = event.target.closest("button[form=sort-form]");
    if (sort) {
      event.preventDefault();
      putInOrder(sort);
    }
    const swap = event.target.closest("a[data-swap]");
    if (swap && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      show(swap.href);
    }
  });
  form.addEventListener("submit", (event) => {
    const only = boxes().filter((box) => box.checked);
    if (event.submitter?.matches("[data-zip]") && only.length === 1) {
      const link = rowOf(only[0]).querySelector("[data-download]") ?? rowOf(only[0]).querySelector('a[href*="/file/download?"]');
      if (!link) return; // A folder is always a zip.
      event.preventDefault();
      link.click();
    } else if (event.submitter?.matches("[data-dialog]")) {
      event.preventDefault();
      openForm(form, event.submitter);
    }
  });
  // The part that is asked for again after uploads is a new element each time.
  new MutationObserver(refreshed).observe(form, { childList: true });
  document.querySelector(".page-tools .go-to")?.addEventListener("toggle", (event) => {
    if (event.target.open) event.target.querySelector("input").select();
  });
  startFilter(document.querySelector("[data-type-filter]"));
  refreshed();
}

// -- Search -----------------------------------------------------------------------------------------------------------
async function goOnSearching(part) {
  for (let next = part.dataset.searchNext; next && part.isConnected; ) {
    const answer = await fetch(next, { headers: { accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("found");
    const found = fresh.querySelector("tbody");
    const own = part.querySelector("tbody");
    if (found && own) own.append(...[...found.rows].map((row) => document.adoptNode(row)));
    else if (found) part.prepend(document.adoptNode(fresh.querySelector(".table-frame")));
    part.querySelector("[role=status]").replaceChildren(...document.adoptNode(fresh.querySelector("[role=status]")).childNodes);
    next = part.querySelectorAll("tbody tr").length < ROWS_MAX / 10 ? fresh.dataset.searchNext : undefined;
  }
}

if (form) start();
const search = document.querySelector("[data-search]");
if (search) goOnSearching(search);
