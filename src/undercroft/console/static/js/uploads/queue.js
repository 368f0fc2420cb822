// All transfers of this page: which of them run, what all of them amount to, and what happens when the network or the page goes.

import * as records from "./records.js";
import { call } from "../request.js";
import { CANCELED, DONE, FAILED, MISSING, PAUSED, RUNNING, Transfer, WAITING } from "./transfer.js";

const FILES_AT_ONCE = 4;
const NAMES_AT_ONCE = 200;

/** Emits `change` when the list or a state has changed, `progress`, `done` with a transfer that has just succeeded, and `recovered` where there are unfinished ones of an earlier page. */
class Queue extends EventTarget {
  transfers = [];
  offline = !navigator.onLine;

  constructor() {
    super();
    window.addEventListener("offline", () => this.#setOffline(true));
    window.addEventListener("online", () => this.#setOffline(false));
  }

  /** Put files, {file, path, handle}, under a prefix of a bucket. */
  async add(bucket, prefix, found, options = {}) {
    const target = { bucket, options };
    const named = found.map((one) => ({ ...one, name: prefix + one.path }));
    for (let at = 0; at < named.length; at += NAMES_AT_ONCE) {
      const some = named.slice(at, at + NAMES_AT_ONCE);
      const { versions, largeAbove } = await call(`/buckets/${encodeURIComponent(bucket)}/uploads/look`, { names: some.map(({ name }) => name) });
      const added = [];
      for (const { file, name, handle } of some) {
        const transfer = new Transfer(file, { ...target, name, largeAbove }, { handle });
        transfer.versions = versions[name] ?? 0;
        added.push(transfer);
        this.#watch(transfer);
      }
      await records.putWaiting(added.map((transfer) => transfer.waiting));
      this.#changed();
    }
    this.#pump();
  }

  /** Find what was left unfinished: it goes on by itself where the browser opens the file again, and else waits for it. */
  async recover() {
    const found = await records.abandoned();
    for (const record of found) {
      if (this.transfers.some((transfer) => transfer.remembered?.id === record.id)) continue;
      const file = await reopened(record);
      const { bucket, name, options, largeAbove = 0 } = record;
      this.#watch(new Transfer(file, { bucket, name, options, largeAbove }, record.isWaiting ? { waiting: record } : { record }));
    }
    if (found.length) this.dispatchEvent(new Event("recovered"));
    this.#changed();
    this.#pump();
  }

  pause(transfer) {
    transfer.pause();
    this.#pump();
  }

  /** Go on after a pause or a failure. */
  resume(transfer) {
    transfer.wait();
    this.#pump();
  }

  async cancel(transfer) {
    await transfer.cancel();
    this.#pump();
  }

  pauseAll() {
    for (const transfer of this.transfers) transfer.pause();
  }

  resumeAll() {
    for (const transfer of this.transfers) transfer.wait();
    this.#pump();
  }

  async cancelAll() {
    await Promise.all(this.transfers.map((transfer) => transfer.cancel()));
  }

  /** Go on with the file that somebody chose for an upload of another visit; false where it is another one. */
  resumeWith(transfer, file) {
    const fits = transfer.resumeWith(file);
    if (fits) this.#pump();
    return fits;
  }

  /** The same with many files, {file, path}, of any of the uploads: how many of them go on. A file that may be of several is of none. */
  resumeWithAny(found) {
    let number = 0;
    for (const { file, path } of found) {
      const fitting = this.of(MISSING).filter((one) => one.isOf(file) && `/${one.name}`.endsWith(`/${path}`));
      if (fitting.length === 1 && fitting[0].resumeWith(file)) number++;
    }
    this.#pump();
    return number;
  }

  /** How many wait for their files. */
  get left() {
    return this.of(MISSING).length;
  }

  /** Leave those out that are over. */
  clear() {
    this.transfers = this.transfers.filter((transfer) => !transfer.isOver);
    this.#changed();
  }

  of(...states) {
    return this.transfers.filter((transfer) => states.includes(transfer.state));
  }

  get active() {
    return this.of(WAITING, RUNNING);
  }

  /** What counts for the whole: {sent, size, rate}, without what was canceled. */
  get total() {
    const counted = this.transfers.filter((transfer) => transfer.state !== CANCELED);
    const sum = (of) => counted.reduce((total, transfer) => total + of(transfer), 0);
    return { sent: sum((one) => one.sentBytes), size: sum((one) => one.size), rate: sum((one) => (one.state === RUNNING ? one.rate : 0)) };
  }

  #watch(transfer) {
    this.transfers.push(transfer);
    transfer.addEventListener("change", () => {
      if (transfer.state === DONE) this.dispatchEvent(new CustomEvent("done", { detail: transfer }));
      this.#changed();
    });
    transfer.addEventListener("progress", () => this.dispatchEvent(new Event("progress")));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
    // A guard that is always there would keep the browser from keeping pages ready for the way back.
    if (this.active.length) window.addEventListener("beforeunload", guard);
    else window.removeEventListener("beforeunload", guard);
  }

  #setOffline(offline) {
    this.offline = offline;
    this.#changed();
  }

  #pump() {
    let running = this.of(RUNNING).length;
    for (const transfer of this.of(WAITING)) {
      if (running++ >= FILES_AT_ONCE) break;
      transfer.run().then(() => this.#pump());
    }
  }
}

function guard(event) {
  event.preventDefault();
}

async function reopened({ handle, size, modified }) {
  try {
    if (!handle || (await handle.queryPermission({ mode: "read" })) !== "granted") return null;
    const file = await handle.getFile();
    return file.size === size && file.lastModified === modified ? file : null;
  } catch {
    return null; // It is not there any more: it is asked for.
  }
}

export const queue = new Queue();
export { CANCELED, DONE, FAILED, MISSING, PAUSED, RUNNING, WAITING };
