// The rows of jobs in the tray.

import { _, ngettext } from "../words.js";
import { make } from "./elements.js";

/** Show these jobs in a list. */
export function show(list, jobs) {
  const before = new Map([...list.children].map((row) => [row.dataset.job, row]));
  const rows = jobs.map((job) => before.get(job.id) ?? rowOf(job));
  // Only where it differs: what is put in again loses the focus.
  if (rows.length !== list.children.length || rows.some((row, at) => row !== list.children[at])) list.replaceChildren(...rows);
  for (const [at, job] of jobs.entries()) refresh(rows[at], job);
}

/** What the tray is called where there are jobs: "1 job under way · 40 %", "1 job failed". */
export function headline(jobs) {
  const running = jobs.filter((job) => job.state === "running");
  if (running.length === 1 && running[0].percent !== null) return _("1 job under way · %(percent)s %%", { percent: running[0].percent });
  if (running.length) return ngettext("%(number)s job under way", "%(number)s jobs under way", running.length, { number: running.length });
  const failed = jobs.filter((job) => job.state === "failed").length;
  if (failed) return ngettext("%(number)s job failed", "%(number)s jobs failed", failed, { number: failed });
  return jobs.length ? ngettext("%(number)s job ended", "%(number)s jobs ended", jobs.length, { number: jobs.length }) : "";
}

function rowOf(job) {
  const link = make("a", { class: "tray-file", href: job.href, title: job.title }, job.title);
  return make("li", { class: "tray-row", "data-job": job.id }, make("p", { class: "tray-name" }, link), make("progress", { "aria-label": job.title, max: 100 }), make("p", { class: "tray-status" }));
}

function refresh(row, job) {
  const [bar, status] = [row.querySelector("progress"), row.querySelector(".tray-status")];
  row.dataset.state = job.state;
  status.textContent = [job.label, job.state === "running" && job.percent !== null ? `${job.percent} %` : "", job.did].filter(Boolean).join(", ");
  bar.hidden = job.percent === null && job.state !== "running";
  if (job.percent === null) bar.removeAttribute("value"); // Nobody knows how much there is: it only moves.
  else bar.value = job.percent;
  bar.setAttribute("aria-valuetext", status.textContent);
}
