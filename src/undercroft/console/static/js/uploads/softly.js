// Uploads live in the page, and a change of page would end them. So while there are any, links are followed without one: the next page
// is fetched, and takes the place of this one's content. Only then, so that whoever uploads nothing has the plainest of pages.
//
// What starts with a page hears `page-shown`. Modules that only the next page loads are loaded; those that were loaded before are run again.

import { queue } from "./queue.js";

const PARTS = ["main", ".crumbs", ".page-tools", ".rail"];
const MARK = { softly: true };
const loaded = new Set();
let turns = 0;

export function start() {
  for (const script of moduleScripts(document)) loaded.add(script);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link || !isPlain(event, link) || !inNeed()) return;
    event.preventDefault();
    follow(link.href, true);
  });
  document.addEventListener("leave", (event) => {
    if (!inNeed()) return;
    event.preventDefault();
    follow(event.detail.href, event.detail.href !== location.href);
  });
  window.addEventListener("popstate", (event) => {
    if (event.state?.softly) follow(location.href, false);
  });
}

/** Whether leaving the page would lose something: what is on its way, or waits for somebody to let it go on. */
const inNeed = () => queue.transfers.some((transfer) => !transfer.isOver);

function isPlain(event, link) {
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return false;
  if (link.target || link.hasAttribute("download") || link.origin !== location.origin) return false;
  return link.pathname !== location.pathname || link.search !== location.search || !link.hash;
}

async function follow(href, isNew) {
  const turn = ++turns;
  const answer = await fetch(href, { headers: { accept: "text/html" } }).catch(() => null);
  const isPage = answer?.headers.get("content-type")?.startsWith("text/html");
  const page = isPage ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  if (turn !== turns) return; // Somebody went on meanwhile.
  if (!page || !PARTS.every((part) => page.querySelector(part))) return location.assign(href); // It has another frame: signing in.
  if (isNew) {
    history.replaceState(MARK, "");
    history.pushState(MARK, "", answer.url);
  }
  show(page);
}

function show(page) {
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  document.title = page.title;
  document.querySelector('meta[name="csrf-token"]').content = page.querySelector('meta[name="csrf-token"]').content;
  for (const part of PARTS) document.querySelector(part).replaceWith(document.adoptNode(page.querySelector(part)));
  for (const source of moduleScripts(page)) {
    import(loaded.has(source) ? `${source}?turn=${turns}` : source);
    loaded.add(source);
  }
  window.scrollTo(0, 0);
  document.querySelector("main").focus();
  document.dispatchEvent(new CustomEvent("page-shown"));
}

/** The modules of a page beside the one that every page has. */
const moduleScripts = (page) => [...page.querySelectorAll('head script[type="module"][src]')].map((script) => new URL(script.getAttribute("src"), location.href).href).filter((source) => !source.endsWith("/js/app.js"));
