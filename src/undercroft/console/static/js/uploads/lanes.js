// How many uploads are on the way at once, and the addresses that they go to. An address takes one upload at a time.

import { until } from "./sending.js";

const LANES = 4;

let free = LANES;
const queue = [];

/** Run `work` in one of the lanes, in the order of asking. */
export async function inLane(work, signal) {
  await enter(signal);
  try {
    return await work();
  } finally {
    const next = queue.shift();
    if (next) next();
    else free++;
  }
}

async function enter(signal) {
  signal.throwIfAborted();
  if (free) return void free--;
  await until(signal, (done) => {
    queue.push(done);
    return () => queue.splice(queue.indexOf(done), 1);
  });
}

/** Addresses of one bucket or large file. `ask` gets a new one from the console. */
export class Addresses {
  #idle;
  #ask;

  constructor(ask, idle = []) {
    this.#ask = ask;
    this.#idle = idle;
  }

  /** Run `work` with an address, which is used again unless the work failed. */
  async using(work) {
    const address = this.#idle.pop() ?? (await this.#ask());
    const result = await work(address);
    this.#idle.push(address);
    return result;
  }
}
