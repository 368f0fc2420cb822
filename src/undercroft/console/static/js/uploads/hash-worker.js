// The worker that digests what is to be sent, a piece at a time, so that the page stays quick and no file is ever in memory whole.
//
// It is told {call, file, blob, last}: the next part of a file, whose parts come in their order. It says {call, sha1, whole}: the digest
// of the part, and with the last one that of the file. {forget: file} drops a file of which no more parts will come.

import { Sha1 } from "./sha1.js";

const PIECE_BYTES = 4 * 1024 * 1024;
const files = new Map();

async function digest({ file, blob, last }) {
  const part = new Sha1();
  const whole = files.get(file)?.copy() ?? new Sha1();
  for (let at = 0; at < blob.size; at += PIECE_BYTES) {
    const bytes = new Uint8Array(await blob.slice(at, at + PIECE_BYTES).arrayBuffer());
    part.update(bytes);
    whole.update(bytes);
  }
  // Only a part that could be read to its end counts, so that it can be asked for again.
  if (last) files.delete(file);
  else files.set(file, whole);
  return { sha1: part.hex(), whole: last ? whole.hex() : null };
}

self.addEventListener("message", async ({ data }) => {
  if (data.forget !== undefined) return void files.delete(data.forget);
  try {
    self.postMessage({ call: data.call, ...(await digest(data)) });
  } catch (error) {
    self.postMessage({ call: data.call, error: error.name });
  }
});
