// A folder's table: choosing rows, the keyboard, filtering as one types, more rows as one scrolls. All of it works without, by links
// and forms. What swaps the listing goes through `show`, so that the address always says what is shown.

import { open, openForm } from "./dialogs.js";
import { whenTyped } from "./filters.js";
import { leave } from "./leave.js";
import { size } from "./uploads/words.js";
import { _, ngettext } from "./words.js";

const ROWS_MAX = 20000; // Rows that are kept, in the table or out of it. Then the pages are there.
const AHEAD_PX = 2400; // The next page is asked for so long before its place is seen, …
const NEAR_PX = 1600; // … and rows are in the table as long as they are so near.
const CHOSEN_MAX = 4900; // That one form takes (CONSOLE_FORM_FIELDS_MAX).

const frame = document.querySelector("[data-files]");
const form = document.querySelector("[data-selection]");
const listing = () => document.getElementById("listing");
const boxOf = (row) => row.querySelector("[data-choose]");
let asked = 0; // Counts what was asked for: a late answer to an older question is not shown.
let pages = []; // Each is a <tbody> and its rows, which are in it while they are near to what is seen.
let rows = []; // Those of all pages that can be chosen.
let current = null; // The row that Tab leads to.
let anchor = null;
const chosen = new Set();

// -- Rows near and far ------------------------------------------------------------------------------------------------
// A browser lays out a table whole, so that ten thousand rows take seconds each time some are added. So few are in it at a time: in place of the
// others a space is left that is as high.
function bringIn(page) {
  if (!page.rows[0].isConnected) page.body.replaceChildren(...page.rows);
}

function takeOut(page, height) {
  if (pages.length === 1 || !page.rows[0].isConnected || page.body.contains(document.activeElement)) return;
  const cell = document.createElement("td");
  cell.colSpan = page.rows[0].cells.length;
  cell.style.height = `${height}px`;
  const space = document.createElement("tr");
  space.className = "space";
  space.ariaHidden = "true";
  space.append(cell);
  page.body.replaceChildren(space);
}

const near = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target, boundingClientRect } of seen) {
    const page = pages.find((one) => one.body === target);
    if (page && isIntersecting) bringIn(page);
    else if (page) takeOut(page, boundingClientRect.height);
  }
}, { rootMargin: `${NEAR_PX}px` });

/** Know the rows that have come, and forget those of a listing that is gone. */
function takeStock() {
  const table = listing()?.querySelector("table.files");
  const bodies = [...(table?.tBodies ?? [])];
  if (pages[0]?.body !== bodies[0]) {
    near.disconnect();
    chosen.clear();
    pages = [];
    rows = [];
    current = anchor = null;
  }
  for (const body of bodies.slice(pages.length)) {
    pages.push({ body, rows: [...body.rows] });
    near.observe(body);
    for (const row of body.querySelectorAll("tr[data-kind]")) {
      row.ariaRowIndex = rows.push(row) + 1; // The first is that of the heads.
      row.tabIndex = current ? -1 : 0;
      current ??= row;
      if (boxOf(row).checked) chosen.add(row); // As the browser remembered it.
    }
  }
  if (table) table.ariaRowCount = listing().querySelector("[data-more]") ? -1 : rows.length + 1;
}

// -- Choosing ---------------------------------------------------------------------------------------------------------
function summarise() {
  const folders = [...chosen].filter((row) => row.dataset.kind === "folder").length;
  const bytes = [...chosen].reduce((sum, row) => sum + Number(row.dataset.size ?? 0), 0);
  const isTooMuch = chosen.size > CHOSEN_MAX;
  form.querySelector("[data-selection-count]").textContent = isTooMuch ? _("%(number)s selected: %(most)s at most", { number: chosen.size, most: CHOSEN_MAX }) : _("%(number)s selected", { number: chosen.size });
  for (const button of form.querySelectorAll("[data-selection-bar] button")) button.disabled = isTooMuch;
  form.querySelector("[data-selection-size]").textContent = folders ? ngettext("%(size)s and %(number)s folder", "%(size)s and %(number)s folders", folders, { size: size(bytes), number: folders }) : size(bytes);
  form.toggleAttribute("data-chosen", chosen.size > 0);
  const only = chosen.size === 1 ? [...chosen][0] : null;
  for (const link of form.querySelectorAll("[data-one]")) {
    link.hidden = only?.dataset.kind !== link.dataset.one;
    const { id, name } = only?.dataset ?? {};
    if (!link.hidden) link.href = `${link.dataset.onePath}?${new URLSearchParams(id ? { id } : { prefix: name })}`;
  }
  const all = form.querySelector("[data-choose-all]");
  if (all) {
    all.checked = chosen.size > 0 && chosen.size === rows.length;
    all.indeterminate = chosen.size > 0 && !all.checked;
  }
}

function set(row, checked) {
  boxOf(row).checked = checked;
  row.ariaSelected = checked;
  if (checked) chosen.add(row);
  else chosen.delete(row);
}

function choose(row, checked, extend) {
  const from = extend && rows.includes(anchor) ? rows.indexOf(anchor) : rows.indexOf(row);
  const [first, last] = [from, rows.indexOf(row)].sort((a, b) => a - b);
  for (const one of rows.slice(first, last + 1)) set(one, checked);
  if (!extend) anchor = row;
  summarise();
}

function chooseAll(checked) {
  for (const row of rows) set(row, checked && !row.classList.contains("version"));
  summarise();
}

// -- The keyboard -----------------------------------------------------------------------------------------------------
function focusRow(row) {
  if (!row) return;
  if (current) current.tabIndex = -1;
  current = row;
  row.tabIndex = 0;
  bringIn(pages.find((page) => page.rows.includes(row)));
  row.focus();
}

function press(event) {
  const inText = event.target.closest("input:not([type=checkbox]), select, textarea, dialog, summary, [contenteditable]");
  // Without its form, another page came without a change of page.
  if (!form.isConnected || inText || event.defaultPrevented || event.altKey) return;
  const row = event.target.closest("tr[data-kind]");
  const at = rows.indexOf(row ?? current);
  const onControl = row && event.target !== row; // A link or box in the row has its own Enter and Space.
  const keys = {
    ArrowDown: () => focusRow(rows[row ? Math.min(at + 1, rows.length - 1) : Math.max(at, 0)]),
    ArrowUp: () => focusRow(rows[Math.max(at - 1, 0)]),
    Home: row && (() => focusRow(rows[0])),
    End: row && (() => focusRow(rows.at(-1))),
    " ": row && !onControl && (() => choose(row, event.shiftKey || !chosen.has(row), event.shiftKey)),
    Enter: row && !onControl && (() => leave(new URL(row.dataset.href, location.href).href)),
    Delete: () => remove(row),
    F2: row?.dataset.kind === "file" && (() => open(`/buckets/${frame.dataset.files}/file/rename?id=${row.dataset.id}`)),
    Backspace: frame.dataset.above && (() => leave(new URL(frame.dataset.above, location.href).href)),
    Escape: chosen.size > 0 && (() => chooseAll(false)),
  };
  if ((event.ctrlKey || event.metaKey) && event.key === "a") keys.a = () => chooseAll(true);
  else if (event.ctrlKey || event.metaKey) return;
  if (!keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
  if (event.shiftKey && row && (event.key === "ArrowDown" || event.key === "ArrowUp")) choose(document.activeElement, true, true);
}

function remove(row) {
  if (row && !chosen.size) choose(row, true, false);
  const button = form.querySelector("[data-delete]");
  if (chosen.size && !button.disabled) form.requestSubmit(button);
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
  const body = fresh.querySelector("tbody");
  if (body) listing().querySelector("table.files").append(document.adoptNode(body));
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
    if (isIntersecting && !("loading" in target.dataset) && rows.length < ROWS_MAX) grow(target);
  }
}, { rootMargin: `${AHEAD_PX}px` });

function refreshed() {
  watcher.disconnect();
  const more = listing()?.querySelector("[data-more]");
  if (more) watcher.observe(more);
  takeStock();
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
  });
  form.addEventListener("formdata", ({ formData }) => {
    for (const row of chosen) if (!row.isConnected) formData.append("choose", boxOf(row).value);
  });
  form.addEventListener("click", (event) => {
    const box = event.target.closest("[data-choose]");
    if (box) choose(box.closest("tr"), box.checked, event.shiftKey);
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
    if (event.submitter?.matches("[data-zip]") && chosen.size === 1) {
      const [only] = chosen;
      const link = only.querySelector("[data-download]") ?? only.querySelector('a[href*="/file/download?"]');
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
