// Pages about jobs show how far they are: what is marked data-job-live is asked for again, while it has data-running, when the tray
// has heard of its jobs.

let asking = false;

async function renew(live) {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("[data-job-live]");
  if (!answer.ok || !fresh || !live.isConnected) return;
  const focused = live.contains(document.activeElement) ? document.activeElement.textContent : null;
  live.replaceWith(fresh);
  if (focused) [...fresh.querySelectorAll("button, a")].find((part) => part.textContent === focused)?.focus();
}

export function start() {
  document.addEventListener("jobs-changed", async () => {
    const live = document.querySelector("[data-job-live][data-running]");
    if (!live || asking) return;
    asking = true;
    await renew(live).catch(() => {}); // The server may be away for a moment.
    asking = false;
  });
}
