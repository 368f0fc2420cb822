// While something is uploaded the screen stays on where the browser lets it: a phone that falls asleep would stop sending.

import { queue } from "./queue.js";
import { RUNNING } from "./transfer.js";

let lock = null;
let isAsking = false;

async function follow() {
  const isWanted = queue.transfers.some((transfer) => transfer.state === RUNNING) && document.visibilityState === "visible";
  if (!isWanted) {
    lock?.release();
    lock = null;
  } else if (!lock && !isAsking) {
    isAsking = true;
    lock = await navigator.wakeLock.request("screen").catch(() => null); // Refused on a low battery, for one.
    lock?.addEventListener("release", () => (lock = null));
    isAsking = false;
  }
}

export function start() {
  if (!navigator.wakeLock) return;
  queue.addEventListener("change", follow);
  document.addEventListener("visibilitychange", follow); // The browser takes the lock away from a page that is not seen.
}
