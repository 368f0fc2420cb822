// What this browser remembers of unfinished uploads, so that they can be continued after the page was left (IndexedDB).
//
// A record: id (of the large file), bucket, name, size, modified (ms), partSize, options, tab (who is at work on it), account (whose it is:
// several may share a browser), and handle where the browser gave one, which opens the file again without asking for it. What the server
// has nothing of yet has isWaiting, an id of its own, and largeAbove in place of partSize. A tab that is at work says so again and
// again, in a record of its own: id, isTab and beat (ms). What only one tab is to do is a record too: id and isClaim.

const STORE = "uploads";
const BEAT_MS = 3000;
const DEAD_AFTER_MS = 15_000;

const tab = (sessionStorage["undercroft-tab"] ??= Math.random().toString(36).slice(2));
const account = document.querySelector('meta[name="account-id"]')?.content;
let opened;
let beating;
const atWork = new Set();

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
export const put = (record) => putAll([record]);

/** Remember uploads that wait. Where the browser cannot, as on a full disk, they go on all the same. */
export async function putWaiting(records) {
  try {
    await putAll(records);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
}

async function putAll(records) {
  for (const { id } of records) atWork.add(id);
  if (!beating) {
    beating = setInterval(beat, BEAT_MS);
    await beat();
  }
  await run("readwrite", (store) => records.map((record) => store.put({ ...record, account, tab })).at(-1));
}

/** Forget one. */
export async function remove(id) {
  await run("readwrite", (store) => store.delete(id));
  if (!atWork.delete(id) || atWork.size) return;
  clearInterval(beating);
  beating = undefined;
}

/** Those of this account that no other tab is at work on. */
export async function abandoned() {
  const all = await run("readonly", (store) => store.getAll());
  const dead = Date.now() - DEAD_AFTER_MS;
  const alive = new Set(all.filter((one) => one.isTab && one.beat >= dead).map((one) => one.tab));
  for (const one of all) if (one.isTab && one.beat < dead) await remove(one.id);
  return all.filter((one) => !one.isTab && !one.isClaim && one.account === account && (one.tab === tab || !alive.has(one.tab)));
}

/** Whether this is the first of all tabs to ask for it; without a database everybody is. */
export async function isFirst(name) {
  try {
    await run("readwrite", (store) => store.add({ id: `first-${name}`, isClaim: true }));
    return true;
  } catch (error) {
    if (error?.name !== "ConstraintError") throw error;
    return false;
  }
}

/** Say that this tab is at work, which it does every few seconds as long as it is. */
const beat = () => run("readwrite", (store) => store.put({ id: `tab-${tab}`, isTab: true, tab, beat: Date.now() }));
