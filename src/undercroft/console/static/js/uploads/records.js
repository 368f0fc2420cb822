// What this browser remembers of unfinished large uploads, so that they can be continued after the page was left (IndexedDB).
//
// A record: id (of the large file), bucket, name, size, modified (ms), partSize, options, tab and beat (who is at work on it, and when it last
// said so), account (whose it is: several may share a browser), and handle where the browser gave one, which opens the file again without asking for it.

const STORE = "uploads";
const BEAT_MS = 3000;
const DEAD_AFTER_MS = 15_000;

const tab = (sessionStorage["undercroft-tab"] ??= Math.random().toString(36).slice(2));
const account = document.querySelector('meta[name="account-id"]')?.content;
let opened;

function database() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open("undercroft", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  }).catch(() => null); // A private window may have none: then nothing is remembered, and all else works.
  return opened;
}

async function run(mode, act) {
  const store = (await database())?.transaction(STORE, mode).objectStore(STORE);
  if (!store) return [];
  return new Promise((resolve, reject) => {
    const request = act(store);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Remember an upload, and that this tab is at work on it. */
export const put = (record) => run("readwrite", (store) => store.put({ ...record, account, tab, beat: Date.now() }));

/** Forget one. */
export const remove = (id) => run("readwrite", (store) => store.delete(id));

/** Those of this account that no other tab is at work on. */
export async function abandoned() {
  const records = await run("readonly", (store) => store.getAll());
  return records.filter((record) => record.account === account && (record.tab === tab || record.beat < Date.now() - DEAD_AFTER_MS));
}

/** Say every few seconds that the work goes on, until the function returned is called. */
export function keepBeating(record) {
  const timer = setInterval(() => put(record), BEAT_MS);
  return () => clearInterval(timer);
}
