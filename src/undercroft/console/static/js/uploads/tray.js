// The tray: a pill at the bottom right that opens to a row a file and a row a job, and a button with a ring in the bar above.

import { _, ngettext } from "../words.js";
import { chooser, chooserOfAll } from "./choosing.js";
import { icon, make, makeSVG } from "./elements.js";
import * as jobRows from "./job-rows.js";
import { jobs } from "./jobs.js";
import { CANCELED, DONE, FAILED, MISSING, PAUSED, RUNNING, WAITING, queue } from "./queue.js";
import * as words from "./words.js";

const ROWS_MAX = 100;
const REFRESH_MS = 250;
const ORDER = [RUNNING, MISSING, FAILED, PAUSED, WAITING, DONE, CANCELED];
const RING = 2 * Math.PI * 6;
const OPEN = "undercroft-tray-open"; // Whether it was left open, on the page before.

const rows = new Map();
let parts;
let planned;
let announced = 0;
let told = 0; // How many were done when it was last said: a small file may come and go between two looks.

/** Show the tray when there is something in it. */
export function start() {
  parts = { ...button(), ...tray() };
  document.querySelector(".bar-tools").prepend(parts.button);
  document.body.append(parts.tray);
  queue.addEventListener("change", plan);
  queue.addEventListener("progress", plan);
  queue.addEventListener("recovered", open);
  jobs.addEventListener("change", plan);
  setOpen(sessionStorage[OPEN] === "1");
  refresh();
}

/** Open the tray. */
export const open = () => setOpen(true);

function button() {
  const ring = makeSVG("circle", { class: "ring-done", cx: 8, cy: 8, r: 6, "stroke-dasharray": RING, "stroke-dashoffset": RING, transform: "rotate(-90 8 8)" });
  const drawing = makeSVG("svg", { class: "ring", width: 16, height: 16, viewBox: "0 0 16 16", "aria-hidden": "true" }, makeSVG("circle", { cx: 8, cy: 8, r: 6 }), ring);
  const made = make("button", { class: "icon-button transfers-button", type: "button", hidden: true, "aria-controls": "tray-body", "aria-expanded": "true", onclick: toggle }, drawing);
  return { button: made, ring };
}

function tray() {
  const title = make("span", { class: "tray-title" });
  const icons = { uploadIcon: icon("upload"), jobIcon: icon("clock") };
  const pill = make("button", { class: "tray-pill", type: "button", "aria-expanded": "true", "aria-controls": "tray-body", onclick: toggle }, ...Object.values(icons), title, icon("chevron"));
  const total = make("p", { class: "tray-total" });
  const actions = {
    pauseAll: action(_("Pause all"), "pause", () => queue.pauseAll()),
    resumeAll: action(_("Resume all"), "play", () => queue.resumeAll()),
    cancelAll: action(_("Cancel all"), "close", () => queue.cancelAll()),
    clear: action(_("Clear finished"), "done", () => (queue.clear(), jobs.clear())),
  };
  const list = make("ul", { class: "tray-rows", "aria-label": _("Uploads") });
  const jobList = make("ul", { class: "tray-rows tray-jobs", "aria-label": _("Jobs") });
  const chooseAll = chooserOfAll();
  const more = make("p", { class: "tray-more quiet", hidden: true });
  const says = make("p", { class: "unseen", role: "status", "aria-live": "polite" });
  const body = make("div", { class: "tray-body", id: "tray-body" }, make("div", { class: "tray-actions" }, total, ...Object.values(actions)), chooseAll, list, more, jobList);
  const root = make("section", { class: "tray", "aria-label": _("Transfers and jobs"), hidden: true }, pill, body, says);
  return { tray: root, pill, ...icons, title, total, ...actions, chooseAll, list, jobList, more, says, body };
}

const action = (label, name, act) => make("button", { class: "icon-button", type: "button", "aria-label": label, title: label, onclick: act }, icon(name));

function toggle() {
  setOpen(parts.body.hidden);
  sessionStorage[OPEN] = parts.body.hidden ? "" : "1";
}

function setOpen(opened) {
  parts.body.hidden = !opened;
  for (const opener of [parts.pill, parts.button]) opener.setAttribute("aria-expanded", opened);
}

/** Redraw soon, and not more often than anybody can see. */
function plan() {
  planned ??= setTimeout(() => {
    planned = undefined;
    refresh();
  }, REFRESH_MS);
}

function refresh() {
  const { transfers } = queue;
  parts.tray.hidden = parts.button.hidden = !transfers.length && !jobs.list.length;
  const { sent, size, rate } = queue.total;
  const active = queue.active.length;
  const stopped = queue.of(PAUSED, FAILED, MISSING).length;
  const ofFiles = headline(active, stopped);
  const ofJobs = jobRows.headline(jobs.list);
  const uploading = active && size ? _("%(what)s · %(percent)s %%", { what: ofFiles, percent: words.percent(sent, size) }) : ofFiles;
  parts.uploadIcon.toggleAttribute("hidden", !transfers.length);
  parts.jobIcon.toggleAttribute("hidden", transfers.length > 0);
  parts.title.textContent = transfers.length ? [uploading, ofJobs].filter(Boolean).join(", ") : ofJobs;
  parts.total.textContent = !transfers.length ? "" : words.progress(sent, size, active ? rate : 0) + (active ? speed(rate) : "");
  parts.button.setAttribute("aria-label", _("Transfers: %(text)s", { text: parts.title.textContent }));
  parts.button.title = parts.title.textContent;
  parts.ring.setAttribute("stroke-dashoffset", RING * (1 - (transfers.length ? (size ? sent / size : 1) : partOfJobs())));
  parts.button.classList.toggle("troubled", queue.of(FAILED, MISSING).length > 0 || jobs.list.some((job) => job.state === "failed"));
  parts.pauseAll.hidden = !active;
  parts.resumeAll.hidden = !queue.of(PAUSED, FAILED).length;
  parts.cancelAll.hidden = !active && !stopped;
  parts.clear.hidden = active + stopped === transfers.length && jobs.running.length === jobs.list.length;
  parts.chooseAll.hidden = queue.of(MISSING).length < 2;
  refreshRows(transfers);
  jobRows.show(parts.jobList, jobs.list);
  announce(active, sent, size, ofFiles);
}

/** How full the ring is where there are only jobs: as far as the one that runs, a quarter where nobody knows. */
function partOfJobs() {
  const { running } = jobs;
  return running.length ? (running[0].percent ?? 25) / 100 : 1;
}

function headline(active, stopped) {
  const failed = queue.of(FAILED).length;
  if (active) return queue.offline ? _("Offline: uploads wait") : ngettext("Uploading %(number)s file", "Uploading %(number)s files", active, { number: words.count(active) });
  if (failed) return ngettext("%(number)s upload failed", "%(number)s uploads failed", failed, { number: words.count(failed) });
  if (stopped) return ngettext("%(number)s upload unfinished", "%(number)s uploads unfinished", stopped, { number: words.count(stopped) });
  const done = queue.of(DONE).length;
  return done ? ngettext("%(number)s file uploaded", "%(number)s files uploaded", done, { number: words.count(done) }) : _("No uploads");
}

function refreshRows(transfers) {
  const shown = [...transfers].sort((one, other) => ORDER.indexOf(one.state) - ORDER.indexOf(other.state)).slice(0, ROWS_MAX);
  for (const [transfer, row] of rows) {
    if (shown.includes(transfer)) continue;
    row.root.remove();
    rows.delete(transfer);
  }
  for (const transfer of transfers.filter((one) => shown.includes(one))) {
    let row = rows.get(transfer);
    if (!row) {
      row = rowOf(transfer);
      rows.set(transfer, row);
      parts.list.append(row.root);
    }
    refreshRow(row, transfer);
  }
  parts.more.hidden = transfers.length <= ROWS_MAX;
  const more = Math.max(transfers.length - ROWS_MAX, 0);
  parts.more.textContent = ngettext("and %(number)s more file", "and %(number)s more files", more, { number: words.count(more) });
}

function rowOf(transfer) {
  const name = transfer.name.split("/").pop();
  const row = {
    root: make("li", { class: "tray-row" }),
    bar: make("progress", { "aria-label": _("Upload of %(name)s", { name }), max: 100, value: 0 }),
    status: make("p", { class: "tray-status" }),
    digest: make("p", { class: "tray-digest", hidden: true }),
    pause: action(_("Pause %(name)s", { name }), "pause", () => queue.pause(transfer)),
    resume: action(_("Resume %(name)s", { name }), "play", () => queue.resume(transfer)),
    cancel: action(_("Cancel %(name)s", { name }), "close", () => queue.cancel(transfer)),
    wrong: "",
  };
  row.choose = chooser(transfer, row, plan);
  const note = transfer.versions ? [make("span", { class: "badge warn" }, _("creates version %(number)s", { number: transfer.versions + 1 }))] : [];
  row.root.append(
    make("p", { class: "tray-name" }, make("span", { class: "tray-file", title: `${transfer.bucket}/${transfer.name}` }, name), ...note),
    make("div", { class: "tray-buttons" }, row.pause, row.resume, row.cancel), row.bar, row.status, row.digest, row.choose);
  return row;
}

function refreshRow(row, transfer) {
  const { state, size } = transfer;
  const sent = transfer.sentBytes;
  const text = statusOf(transfer, row);
  row.root.dataset.state = state;
  row.bar.value = state === DONE ? 100 : words.percent(sent, size);
  row.bar.hidden = state === CANCELED;
  row.bar.setAttribute("aria-valuetext", text);
  row.status.textContent = text;
  row.pause.hidden = !transfer.isActive;
  row.resume.hidden = state !== PAUSED && state !== FAILED;
  row.resume.title = state === FAILED ? _("Try again") : _("Resume");
  row.cancel.hidden = transfer.isOver;
  row.choose.hidden = state !== MISSING;
  if (state === DONE && transfer.sha1 && row.digest.hidden) showDigest(row.digest, transfer);
}

/** The SHA-1 of what was uploaded, to be compared with that of the file. */
function showDigest(line, { sha1, name }) {
  const label = _("Copy SHA-1 of %(name)s", { name: name.split("/").pop() });
  line.append(make("span", {}, "SHA-1 "), make("code", {}, sha1), make("button", { class: "icon-button", type: "button", "data-copy": sha1, "aria-label": label, title: label }, icon("copy")));
  line.hidden = false;
}

function statusOf(transfer, row) {
  const { size, state } = transfer;
  const sent = transfer.sentBytes;
  const wrong = row.wrong ? `${row.wrong} ` : "";
  if (state === DONE) return _("Uploaded, %(size)s", { size: words.size(size) });
  if (state === CANCELED) return transfer.problem || _("Canceled");
  if (state === FAILED) return transfer.problem;
  if (state === MISSING && transfer.record) return `${wrong}${_("Begun earlier, %(size)s: choose the same file, and only what is missing is sent.", { size: words.size(size) })}`;
  if (state === MISSING) return `${wrong}${_("Not uploaded when the page was left, %(size)s: choose the file again.", { size: words.size(size) })}`;
  if (state === PAUSED) return _("Paused at %(progress)s", { progress: words.progress(sent, size, 0) });
  if (state === WAITING) return _("Waiting, %(size)s", { size: words.size(size) });
  if (queue.offline) return _("Offline at %(progress)s: goes on by itself", { progress: words.progress(sent, size, 0) });
  if (transfer.checking) return _("Checking what was sent: %(progress)s", { progress: words.progress(sent, size, 0) });
  return words.progress(sent, size, transfer.rate) + speed(transfer.rate);
}

const speed = (rate) => (rate ? _(", %(size)s/s", { size: words.size(Math.round(rate)) }) : "");

/** Say the beginning, each quarter, and the end, once each. */
function announce(active, sent, size, title) {
  const done = queue.of(DONE).length;
  if (active) {
    const quarter = Math.floor((4 * sent) / (size || 1)) || 0;
    if (!announced) say(title);
    else if (quarter + 1 > announced && quarter < 4) say(_("%(number)s percent uploaded", { number: 25 * quarter }));
    announced = Math.max(announced, Math.min(quarter, 3) + 1);
  } else if (announced || done > told) {
    announced = 0;
    if (queue.transfers.length) say(title);
  }
  if (!active) told = done;
}

function say(text) {
  parts.says.textContent = text;
}
