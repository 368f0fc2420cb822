// Digests of the parts of files, made in a worker that all transfers of the page share.

let worker;
let calls = 0;
const waiting = new Map();

/** A file could not be read: it was changed, moved or taken away since it was chosen. */
export class Unreadable extends Error {}

function ask(message) {
  worker ??= made();
  return new Promise((resolve, reject) => {
    const call = ++calls;
    waiting.set(call, { resolve, reject });
    worker.postMessage({ call, ...message });
  });
}

function made() {
  const started = new Worker(new URL("./hash-worker.js", import.meta.url), { type: "module" });
  started.addEventListener("message", ({ data }) => {
    const { resolve, reject } = waiting.get(data.call);
    waiting.delete(data.call);
    if (data.error) reject(new Unreadable(data.error));
    else resolve(data);
  });
  return started;
}

/** The SHA-1 of the next part of a file: {sha1, whole}, where `whole` is that of the file and comes with the last part. */
export const digestOf = (file, blob, last) => ask({ file, blob, last });

/** Drop what the worker remembers of a file that was not digested to its end. */
export const forget = (file) => worker?.postMessage({ forget: file });
