// Where uploads begin: zones that files are dropped on, and the buttons that do the same.
//
// A zone is an element with data-upload (the name of the bucket) and data-upload-prefix (the folder). Buttons have data-pick, "files" or
// "folder", and stand in their zone. A zone may have fields of options, data-option. All of it works in dialogs that come later.

import { toast } from "../toasts.js";
import { _, ngettext } from "../words.js";
import { dropped, hasFiles, isJunk, picked } from "./folders.js";
import { queue } from "./queue.js";
import * as tray from "./tray.js";
import * as words from "./words.js";

const KEEP_JUNK = "undercroft-keep-junk";

export function start() {
  document.addEventListener("dragover", over);
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) mark(null);
  });
  document.addEventListener("drop", drop);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-pick]");
    if (button) pick(button.closest("[data-upload]"), button.dataset.pick === "folder");
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-option=junk]")) localStorage[KEEP_JUNK] = event.target.checked ? "" : "1";
  });
  document.addEventListener("dialog-filled", (event) => ready(event.target));
  ready(document);
}

/** Show what somebody chose earlier, and the buttons, which do nothing without script. */
function ready(root) {
  for (const box of root.querySelectorAll("[data-option=junk]")) box.checked = !localStorage[KEEP_JUNK];
  for (const part of root.querySelectorAll("[data-upload-ready]")) part.hidden = false;
}

const zoneAt = (event) => event.target.closest?.("[data-upload]") ?? document.querySelector("main [data-upload]");

function over(event) {
  if (!hasFiles(event.dataTransfer)) return;
  event.preventDefault(); // Beside a zone too: else the browser would leave the page to show the file.
  const zone = zoneAt(event);
  event.dataTransfer.dropEffect = zone ? "copy" : "none";
  mark(zone);
}

function mark(zone) {
  for (const marked of document.querySelectorAll("[data-upload].dropping")) marked.classList.toggle("dropping", marked === zone);
  zone?.classList.add("dropping");
}

async function drop(event) {
  if (!hasFiles(event.dataTransfer)) return;
  event.preventDefault();
  mark(null);
  const zone = zoneAt(event);
  if (zone) await take(zone, dropped(event.dataTransfer));
}

function pick(zone, folder) {
  const input = Object.assign(document.createElement("input"), { type: "file", multiple: true, webkitdirectory: folder, hidden: true });
  input.addEventListener("change", () => take(zone, picked(input)));
  for (const end of ["change", "cancel"]) input.addEventListener(end, () => input.remove());
  document.body.append(input); // Outside the page it could be forgotten while somebody looks for a file.
  input.click();
}

/** Upload what was found into the zone's folder, with the options that its fields say. */
async function take(zone, finding) {
  const { upload: bucket, uploadPrefix: prefix = "" } = zone.dataset;
  try {
    const options = optionsOf(zone);
    const found = await finding;
    const wanted = localStorage[KEEP_JUNK] ? found : found.filter(({ path }) => !isJunk(path));
    if (wanted.length < found.length) toast(ngettext("%(number)s system file left out.", "%(number)s system files left out.", found.length - wanted.length, { number: words.count(found.length - wanted.length) }), { kind: "note" });
    if (!wanted.length) return void toast(_("There is no file in this."), { kind: "note" });
    zone.closest("dialog")?.close();
    tray.open();
    await queue.add(bucket, prefix, wanted, options);
  } catch (error) {
    toast(error.message, { kind: "problem" });
  }
}

function optionsOf(zone) {
  const value = (name) => zone.querySelector(`[data-option=${name}]`)?.value.trim() ?? "";
  const mode = value("retention-mode");
  const until = value("retention-until");
  if (Boolean(mode) !== Boolean(until)) throw new Error(_("A retention needs a mode and a date."));
  return {
    contentType: value("content-type"),
    cacheControl: value("cache-control"),
    info: infoOf(value("info")),
    retention: mode ? { mode, untilMs: Date.parse(`${until}Z`) } : null,
  };
}

/** Lines of "name: value". */
function infoOf(text) {
  const pairs = text.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => {
    const [, name, value] = /^([^:\s]+)\s*:\s*(.*)$/.exec(line) ?? [];
    if (!name) throw new Error(_('File info has lines such as "author: Ann", and "%(line)s" is none.', { line }));
    return [name.toLowerCase(), value];
  });
  return Object.fromEntries(pairs);
}
