// The way to another page, for scripts. Uploads live in the page, so they may take the way into their own hands (`uploads/softly.js`).

/** Go to an address of the console. */
export function leave(href) {
  if (document.dispatchEvent(new CustomEvent("leave", { cancelable: true, detail: { href } }))) location.assign(href);
}
