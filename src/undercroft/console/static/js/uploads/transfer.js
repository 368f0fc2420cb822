// One file on its way into a bucket.
//
// A small file is one upload. A large one is a large file of the API: its parts are digested one after the other, which gives the
// digest of the whole as well, and sent several at a time. A part is a slice of the file, which the browser reads from the disk as it
// sends it. What the server has already is found out by digesting again, so nothing is taken for sent that has changed since.

import { call } from "../request.js";
import { _ } from "../words.js";
import { Unreadable, digestOf, forget } from "./hashing.js";
import { Addresses, inLane } from "./lanes.js";
import * as records from "./records.js";
import { SendFailed, persist, send } from "./sending.js";

export const WAITING = "waiting", RUNNING = "running", PAUSED = "paused", FAILED = "failed", DONE = "done", CANCELED = "canceled";
/** A record of an upload whose file the browser cannot open by itself. */
export const MISSING = "missing";

const RATE_OVER_MS = 8000;
const byBucket = new Map();
let numbers = 0;

export class Transfer extends EventTarget {
  number = ++numbers;
  state = WAITING;
  problem = "";
  /** How many versions the name had before. */
  versions = 0;
  /** Whether what is being read was sent already. */
  checking = false;
  #file;
  #settled = 0;
  #inFlight = new Map();
  #control;
  #running;
  #samples = [];
  #digests = new Map();
  #onServer = new Map();
  #sent = new Set();
  #whole;

  /**
   * `target` is {bucket, name, options, largeAbove}; `file` is null if it has to be asked for. `record` is that of a large file to be
   * continued, `waiting` that of what the server has nothing of yet.
   */
  constructor(file, target, { record = null, waiting = null, handle = null } = {}) {
    super();
    Object.assign(this, target);
    this.#file = file;
    this.record = record;
    this.handle = handle ?? (record ?? waiting)?.handle ?? null;
    this.size = file?.size ?? (record ?? waiting).size;
    this.waiting = waiting ?? (record ? null : this.#asWaiting());
    if (!file) this.state = MISSING;
  }

  /** What the browser remembers of it. */
  get remembered() {
    return this.record ?? this.waiting;
  }

  get sentBytes() {
    if (this.state === DONE) return this.size;
    let bytes = this.#settled;
    for (const loaded of this.#inFlight.values()) bytes += loaded;
    return Math.min(bytes, this.size);
  }

  /** Bytes a second over the last seconds. */
  get rate() {
    const now = performance.now();
    this.#samples = this.#samples.filter(([at]) => now - at < RATE_OVER_MS);
    if (this.#samples.length < 2) return 0;
    const [at, bytes] = this.#samples[0];
    const spent = now - at;
    return spent > 500 ? Math.max(0, ((this.sentBytes - bytes) * 1000) / spent) : 0;
  }

  get isActive() {
    return this.state === WAITING || this.state === RUNNING;
  }

  get isOver() {
    return this.state === DONE || this.state === CANCELED;
  }

  /** Begin or go on, and return when there is no more to do for now. Never throws: how it went is the state. */
  run() {
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
    return this.#running;
  }

  /** Stop for now: what is on the way is given up, what has arrived stays. */
  pause() {
    if (!this.isActive) return;
    this.#set(PAUSED);
    this.#control?.abort(new DOMException("paused", "AbortError"));
  }

  /** Be ready to run again. */
  wait() {
    if (this.state === PAUSED || this.state === FAILED) this.#set(WAITING);
  }

  /** Give it up, and have the server drop what it has of it. */
  async cancel() {
    if (this.isOver) return;
    this.#set(CANCELED);
    this.#control?.abort(new DOMException("canceled", "AbortError"));
    await this.#running;
    if (this.state !== CANCELED) return; // It was done before it could be stopped.
    try {
      await this.#drop();
    } catch (error) {
      this.#set(CANCELED, _("Canceled, but the server keeps what it has: %(reason)s", { reason: error.message }));
    }
  }

  /** Whether this may be the file that was being uploaded. */
  isOf(file) {
    const { size, modified } = this.remembered;
    return file.size === size && file.lastModified === modified;
  }

  /** Use this file to go on with. Returns false where it is not the one that was being uploaded. */
  resumeWith(file) {
    if (!this.isOf(file)) return false;
    this.#file = file;
    this.#set(WAITING);
    return true;
  }

  #set(state, problem = "") {
    this.state = state;
    this.problem = problem;
    this.dispatchEvent(new Event("change"));
  }

  async #run() {
    this.#control = new AbortController();
    this.#samples = [];
    this.#set(RUNNING);
    const { signal } = this.#control;
    try {
      if (this.waiting?.tab) await records.putWaiting([this.waiting]); // Another visit's: it is this one's now.
      const made = this.record || this.size > this.largeAbove ? await this.#large(signal) : await this.#small(signal);
      this.sha1 = made.sha1;
      await this.#begun();
      this.#set(DONE); // Also where it was paused or canceled too late.
    } catch (error) {
      this.#control.abort(error);
      this.#inFlight.clear();
      if (this.state === RUNNING) this.#set(FAILED, error instanceof Unreadable ? CHANGED : error.message);
    }
  }

  #asWaiting() {
    const { bucket, name, options, largeAbove, size, handle } = this;
    return { id: `waiting-${crypto.getRandomValues(new Uint32Array(4)).join("-")}`, isWaiting: true, bucket, name, options, largeAbove, size, handle, modified: this.#file.lastModified };
  }

  /** Forget that nothing of it is on the server. */
  async #begun() {
    if (this.waiting) await records.remove(this.waiting.id);
    this.waiting = null;
  }

  async #drop() {
    forget(this.number);
    await this.#begun();
    if (!this.record) return;
    const { id } = this.record;
    try {
      await persist(() => ask(this.#path("cancel"), { fileId: id }), new AbortController().signal);
    } catch (error) {
      if (error.status !== 404) throw error;
    }
    await records.remove(id);
  }

  #path(last) {
    return `/buckets/${encodeURIComponent(this.bucket)}/uploads/${last}`;
  }

  #progress(key, loaded) {
    if (loaded === null) this.#inFlight.delete(key);
    else this.#inFlight.set(key, loaded);
    this.#samples.push([performance.now(), this.sentBytes]);
    this.dispatchEvent(new Event("progress"));
  }

  #settle(key, bytes) {
    this.#settled += bytes;
    this.#progress(key, null);
  }

  // -- In one piece -------------------------------------------------------------------------------------------------
  async #small(signal) {
    const file = this.#file;
    const { whole } = await digestOf(this.number, file, true);
    if (!byBucket.has(this.bucket)) byBucket.set(this.bucket, new Addresses(() => ask(this.#path("address"), {})));
    const headers = {
      "Content-Type": this.options.contentType || file.type || "b2/x-auto",
      "X-Bz-File-Name": encodeURIComponent(this.name),
      "X-Bz-Content-Sha1": whole,
      "X-Bz-Info-src_last_modified_millis": String(file.lastModified),
      ...headersOf(this.options),
    };
    await this.#sendOne(byBucket.get(this.bucket), headers, file, "whole", signal);
    this.#settled = this.size;
    return { sha1: whole };
  }

  #sendOne(addresses, headers, body, key, signal) {
    const attempt = () => addresses.using((address) => send(address, headers, body, { progress: (n) => this.#progress(key, n), signal }));
    return inLane(() => persist(async () => {
      try {
        return await attempt();
      } catch (error) {
        this.#progress(key, null);
        throw error;
      }
    }, signal), signal);
  }

  // -- In parts -----------------------------------------------------------------------------------------------------
  async #large(signal) {
    const file = this.#file;
    if (!(await this.#begin(signal))) return { sha1: null };
    const { id, partSize } = this.record;
    const addresses = new Addresses(() => ask(this.#path("part-address"), { fileId: id }), this.addresses ?? []);
    const sending = new Set();
    try {
      const count = Math.ceil(this.size / partSize);
      for (let number = 1; number <= count; number++) {
        if (this.#sent.has(number)) continue;
        const blob = file.slice((number - 1) * partSize, number * partSize);
        if (await this.#isThere(number, blob, number === count, signal)) continue;
        const headers = { "X-Bz-Part-Number": String(number), "X-Bz-Content-Sha1": this.#digests.get(number) };
        await room(sending, signal);
        const part = this.#sendOne(addresses, headers, blob, number, signal).then(() => {
          this.#sent.add(number);
          this.#settle(number, blob.size);
        });
        // One part that fails for good stops the others, and is what the whole fails of.
        const settled = part.catch((error) => this.#control.abort(error)).finally(() => sending.delete(settled));
        sending.add(settled);
      }
      await Promise.all(sending);
      signal.throwIfAborted();
      const sha1 = await this.#finish(count, signal);
      await records.remove(id);
      return { sha1 };
    } finally {
      await Promise.all(sending);
    }
  }

  /** Digest a part unless that was done, and tell whether the server has just this already. */
  async #isThere(number, blob, last, signal) {
    if (this.#digests.has(number)) return false;
    this.checking = this.#onServer.has(number);
    const { sha1, whole } = await digestOf(this.number, blob, last);
    this.checking = false;
    this.#digests.set(number, sha1);
    this.#whole = whole ?? this.#whole;
    signal.throwIfAborted();
    if (this.#onServer.get(number) !== sha1) return false;
    this.#sent.add(number);
    this.#settle(number, blob.size);
    return true;
  }

  /** Have a large file on the server, and know what it has. False where it turns out to be finished. */
  async #begin(signal) {
    if (this.begun) return true;
    if (this.record) {
      const known = await this.#known(signal);
      if (known.finished) return false;
      if (known.parts) for (const [number, sha1] of known.parts) this.#onServer.set(number, sha1);
      else this.record = null; // It is gone from the server: from the beginning, then.
    }
    if (!this.record) {
      const { name, size, options } = this;
      const file = this.#file;
      const started = await persist(() => ask(this.#path("start"), {
        name, size, modified: file.lastModified, contentType: options.contentType || file.type || "b2/x-auto",
        info: infoOf(options), retention: options.retention ?? null,
      }), signal);
      this.addresses = started.addresses;
      this.record = {
        id: started.fileId, bucket: this.bucket, name, size, modified: file.lastModified, partSize: started.partSize,
        handle: this.handle, options,
      };
    }
    await records.put(this.record);
    await this.#begun();
    this.begun = true;
    return true;
  }

  /** What the server has of it: {parts: [[number, SHA-1], …]}, or {finished: true}, or nothing. */
  async #known(signal) {
    const { id } = this.record;
    const answer = await persist(() => ask(this.#path("parts"), { fileId: id }), signal);
    if (!answer.parts) await records.remove(id);
    return answer;
  }

  async #finish(count, signal) {
    const parts = Array.from({ length: count }, (_, index) => this.#digests.get(index + 1));
    await persist(() => ask(this.#path("finish"), { fileId: this.record.id, parts, sha1: this.#whole }), signal);
    return this.#whole;
  }
}

const CHANGED = _("The file cannot be read any more: it was changed, moved or taken away since it was chosen.");
const PARTS_AHEAD = 8;

/** Ask the console. What may pass, such as a lost connection, is marked as worth another attempt. */
async function ask(path, body) {
  try {
    return await call(path, body);
  } catch (error) {
    if (error.status === 401) error.message = _("Your session is over. Sign in again in another tab, then try again.");
    if (error.status === undefined) throw new SendFailed(_("The console cannot be reached."), { again: true });
    error.again = error.status >= 500 && error.status !== 507;
    throw error;
  }
}

/** Wait until not too many parts wait for a lane. */
async function room(sending, signal) {
  while (sending.size >= PARTS_AHEAD) await Promise.race(sending);
  signal.throwIfAborted();
}

function infoOf({ cacheControl, info }) {
  return { ...info, ...(cacheControl ? { "b2-cache-control": cacheControl } : {}) };
}

function headersOf(options) {
  const headers = {};
  for (const [key, value] of Object.entries(infoOf(options))) headers[`X-Bz-Info-${key}`] = encodeURIComponent(value);
  if (options.retention) {
    headers["X-Bz-File-Retention-Mode"] = options.retention.mode;
    headers["X-Bz-File-Retention-Retain-Until-Timestamp"] = String(options.retention.untilMs);
  }
  return headers;
}
