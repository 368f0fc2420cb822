// New files appear in the folder that is shown, without a reload.
//
// A page shows a folder where its main part has a zone for uploads. What it lists is told by the event `files-changed`, whose detail is
// {bucket, prefix}; unless the page takes it in hand itself (preventDefault), the parts marked data-live are asked for again, by their ids.

import { queue } from "./queue.js";

const GATHER_MS = 300;
let planned;

export function start() {
  queue.addEventListener("done", ({ detail: transfer }) => {
    const zone = document.querySelector("main [data-upload]");
    const { upload: bucket, uploadPrefix: prefix = "" } = zone?.dataset ?? {};
    if (transfer.bucket !== bucket || !transfer.name.startsWith(prefix)) return;
    planned ??= setTimeout(() => {
      planned = undefined;
      const event = new CustomEvent("files-changed", { cancelable: true, detail: { bucket, prefix } });
      if (document.dispatchEvent(event)) refresh();
    }, GATHER_MS);
  });
}

async function refresh() {
  const here = location.href;
  const answer = await fetch(here, { headers: { accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!answer.ok || location.href !== here) return;
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(part.id);
    if (fresh) part.replaceWith(document.adoptNode(fresh));
  }
}
