// A field for a key of 32 bytes (data-key-field) that can be filled from a file (data-key-file), which may hold the bytes as they are or their base64.
// The file is read here, and what is sent is the field.

import { _ } from "./words.js";

const KEY_BYTES = 32;
const FILE_MAX_BYTES = 1000; // With line ends and the like around it.

async function fill(input) {
  const form = input.closest("form");
  const [file] = input.files;
  input.value = "";
  if (!file) return;
  const bytes = file.size <= FILE_MAX_BYTES ? new Uint8Array(await file.arrayBuffer()) : new Uint8Array();
  const field = form.querySelector("[data-key-field]");
  field.value = bytes.length === KEY_BYTES ? btoa(String.fromCharCode(...bytes)) : new TextDecoder().decode(bytes).trim();
  form.querySelector("[data-key-file-name]").textContent = field.value ? file.name : file.size ? _("%(name)s is no key: it is too large.", { name: file.name }) : _("%(name)s is no key: it is empty.", { name: file.name });
  field.focus();
}

for (const picker of document.querySelectorAll("[data-key-file]")) {
  picker.hidden = false;
  const input = picker.querySelector("input");
  picker.querySelector("button").addEventListener("click", () => input.click());
  input.addEventListener("change", () => fill(input));
}
