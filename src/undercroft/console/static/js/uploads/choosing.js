// Asks for the files of uploads that another visit of the page left: a browser does not open a file again by itself.

import { toast } from "../toasts.js";
import { make } from "./elements.js";
import { picked } from "./folders.js";
import { queue } from "./queue.js";
import * as words from "./words.js";

/** What asks for the file of one upload. `row.wrong` gets what is wrong with the file; `changed` is called then. */
export function chooser(transfer, row, changed) {
  const input = make("input", { type: "file", class: "unseen", tabindex: -1, "aria-label": `The file of ${transfer.name}`, onchange: () => {
    const [file] = input.files;
    if (file && !queue.resumeWith(transfer, file)) row.wrong = "This is another file: its size or its time differs. ";
    input.value = "";
    changed();
  } });
  const button = make("button", { class: "button small", type: "button", onclick: () => choose(transfer, input, row).then(changed) }, "Choose the file to go on");
  return make("div", { class: "tray-choose", hidden: true }, button, input);
}

async function choose(transfer, input, row) {
  const { handle } = transfer;
  if (!handle) return input.click();
  try {
    if ((await handle.requestPermission({ mode: "read" })) !== "granted") return;
    if (!queue.resumeWith(transfer, await handle.getFile())) row.wrong = "The file has changed since. ";
  } catch {
    transfer.handle = null; // It is not where it was: the next click asks for it.
    row.wrong = "The file is not where it was. ";
  }
}

/** What asks for the files of many at once. */
export function chooserOfAll() {
  const input = (label, isFolder) => make("input", { type: "file", class: "unseen", tabindex: -1, multiple: true, webkitdirectory: isFolder, "aria-label": label, onchange: ({ target }) => {
    const found = queue.resumeWithAny(picked(target));
    toast(`${words.count(found, "upload")} of ${queue.left + found} ${found === 1 ? "goes" : "go"} on.`, { kind: found ? "done" : "warning" });
    target.value = "";
  } });
  const files = input("The files of uploads that were left", false);
  const folder = input("The folder of uploads that were left", true);
  const button = (text, opened) => make("button", { class: "button small", type: "button", onclick: () => opened.click() }, text);
  return make("div", { class: "tray-all", hidden: true }, button("Choose the files again", files), button("Choose the folder again", folder), files, folder);
}
