// One upload to the API address: by XMLHttpRequest, which alone says how much has gone. And when to try again, and how.

import { _ } from "../words.js";

const WAIT_MIN_MS = 1000;
const WAIT_MAX_MS = 60_000;
const ATTEMPTS_MAX = 8;
const STALL_MS = 90_000; // The server cuts off what stalls for a minute.

/** An upload that failed. `again` tells whether it may succeed at another address, later. */
export class SendFailed extends Error {
  constructor(message, { again, status = 0, afterMs = 0 }) {
    super(message);
    Object.assign(this, { again, status, afterMs });
  }
}

/**
 * Send a body. `progress` is called with the bytes that have gone; `signal` stops it.
 * Returns what the API answers; throws `SendFailed`, and the signal's reason.
 */
export function send(address, headers, body, { progress, signal }) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    let watchdog;
    const watch = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => request.abort(), STALL_MS);
    };
    const stop = () => request.abort();
    request.upload.addEventListener("progress", (event) => {
      watch();
      progress(event.loaded);
    });
    request.addEventListener("loadend", () => {
      clearTimeout(watchdog);
      signal.removeEventListener("abort", stop);
      window.removeEventListener("offline", stop);
      // What has arrived has arrived, also where somebody wanted to stop it.
      if (request.status === 200) resolve(JSON.parse(request.responseText));
      else reject(signal.aborted ? signal.reason : failure(request));
    });
    signal.addEventListener("abort", stop);
    window.addEventListener("offline", stop);
    request.open("POST", address.url);
    request.setRequestHeader("Authorization", address.token);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    watch();
    request.send(body);
  });
}

function failure(request) {
  const { status } = request;
  if (!status) return new SendFailed(_("The connection was lost."), { again: true });
  let said;
  try {
    said = JSON.parse(request.responseText).message;
  } catch {
    said = ""; // A proxy's page.
  }
  const afterMs = 1000 * Number(request.getResponseHeader("retry-after") ?? 0) || 0;
  const again = status >= 500 || status === 429 || status === 408 || status === 401;
  return new SendFailed(said || _("The server answered %(status)s.", { status }), { again, status, afterMs });
}

/**
 * Run `attempt` until it succeeds: after failures that may pass with a longer and longer wait, of a length that differs among
 * those who wait. Without a network, waits for that first, and counts nothing.
 */
export async function persist(attempt, signal) {
  for (let failures = 0; ; ) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted || !error.again) throw error;
      if (!navigator.onLine) {
        await online(signal);
        continue;
      }
      if (++failures === ATTEMPTS_MAX) throw error;
      const wait = Math.min(WAIT_MAX_MS, WAIT_MIN_MS * 2 ** (failures - 1));
      await pause(Math.max(error.afterMs ?? 0, wait * (0.5 + Math.random())), signal);
    }
  }
}

/** Wait for the network to be there. */
export const online = (signal) => (navigator.onLine ? Promise.resolve() : until(signal, (done) => {
  window.addEventListener("online", done, { once: true });
  return () => window.removeEventListener("online", done);
}));

const pause = (ms, signal) => until(signal, (done) => {
  const timer = setTimeout(done, ms);
  return () => clearTimeout(timer);
});

/** A promise that `begin` keeps by calling what it gets; where the signal comes first, what `begin` returned is called. */
export function until(signal, begin) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    let undo;
    const stop = () => {
      undo();
      reject(signal.reason);
    };
    undo = begin((value) => {
      signal.removeEventListener("abort", stop);
      resolve(value);
    });
    signal.addEventListener("abort", stop, { once: true });
  });
}
