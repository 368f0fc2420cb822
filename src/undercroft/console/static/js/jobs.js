// Jobs that run show how far they are: what is marked data-job-live is asked for again while it has data-running.
const EVERY_MS = 1000;

async function renew(live) {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("[data-job-live]");
  if (!answer.ok || !fresh) return live;
  const focused = live.contains(document.activeElement) ? document.activeElement.textContent : null;
  live.replaceWith(fresh);
  if (focused) [...fresh.querySelectorAll("button, a")].find((part) => part.textContent === focused)?.focus();
  return fresh;
}

async function follow() {
  let live = document.querySelector("[data-job-live]");
  while (live?.hasAttribute("data-running")) {
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    if (document.hidden) continue;
    live = await renew(live).catch(() => live); // The server may be away for a moment.
  }
}

follow();
