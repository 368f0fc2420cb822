// Asks for the files of uploads that another visit of the page left: a browser does not open a file again by itself.

import { toast } from "../toasts.js";
import { _, ngettext } from "../words.js";
import { make } from "./elements.js";
import { picked } from "./folders.js";
import { queue } from "./queue.js";
import * as words from "./words.js";

/** What asks for the file of one upload. `row.wrong` gets what is wrong with the file; `changed` is called then. */
export function chooser(transfer, row, changed) {
  const input = make("input", { type: "file", class: "unseen", tabindex: -1, "aria-label": _("The file of %(name)s", { name: transfer.name }), onchange: () => {
    const [file] = input.files;
    if (file && !queue.resumeWith(transfer, file)) row.wrong = _("This is another file: its size or its time differs.");
    input.value = "";
    changed();
  } });
  const button = make("button", { class: "button small", type: "button", onclick: () => choose(transfer, input, row).then(changed) }, _("Choose the file to go on"));
  return make("div", { class: "tray-choose", hidden: true }, button, input);
}

async function choose(transfer, input, row) {
  const { handle } = transfer;
  if (!handle) return input.click();
  try {
    if ((await handle.requestPermission({ mode: "read" })) !== "granted") return;
    if (!queue.resumeWith(transfer, await handle.getFile())) row.wrong = _("The file has changed since.");
  } catch {
    transfer.handle = null; // It is not where it was: the next click asks for it.
    row.wrong = _("The file is not where it was.");
  }
}

/** What asks for the files of many at once. */
export function chooserOfAll() {
  const input = (label, isFolder) => make("input", { type: "file", class: "unseen", tabindex: -1, multiple: true, webkitdirectory: isFolder, "aria-label": label, onchange: ({ target }) => {
    const found = queue.resumeWithAny(picked(target));
    toast(ngettext("%(number)s upload of %(all)s goes on.", "%(number)s uploads of %(all)s go on.", found, { number: words.count(found), all: queue.left + found }), { kind: found ? "done" : "warning" });
    target.value = "";
  } });
  const files = input(_("The files of uploads that were left"), false);
  const folder = input(_("The folder of uploads that were left"), true);
  const button = (text, opened) => make("button", { class: "button small", type: "button", onclick: () => opened.click() }, text);
  return make("div", { class: "tray-all", hidden: true }, button(_("Choose the files again"), files), button(_("Choose the folder again"), folder), files, folder);
}
