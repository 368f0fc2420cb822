// The tray: a pill at the bottom right that opens to a row a file and a row a job, and a button with a ring in the bar above.

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
    pauseAll: action("Pause all", "pause", () => queue.pauseAll()),
    resumeAll: action("Resume all", "play", () => queue.resumeAll()),
    cancelAll: action("Cancel all", "close", () => queue.cancelAll()),
    clear: action("Clear finished", "done", () => (queue.clear(), jobs.clear())),
  };
  const list = make("ul", { class: "tray-rows", "aria-label": "Uploads" });
  const jobList = make("ul", { class: "tray-rows tray-jobs", "aria-label": "Jobs" });
  const chooseAll = chooserOfAll();
  const more = make("p", { class: "tray-more quiet", hidden: true });
  const says = make("p", { class: "unseen", role: "status", "aria-live": "polite" });
  const body = make("div", { class: "tray-body", id: "tray-body" }, make("div", { class: "tray-actions" }, total, ...Object.values(actions)), chooseAll, list, more, jobList);
  const root = make("section", { class: "tray", "aria-label": "Transfers and jobs", hidden: true }, pill, body, says);
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
  const uploading = active && size ? `${ofFiles} · ${words.percent(sent, size)} %` : ofFiles;
  parts.uploadIcon.toggleAttribute("hidden", !transfers.length);
  parts.jobIcon.toggleAttribute("hidden", transfers.length > 0);
  parts.title.textContent = transfers.length ? [uploading, ofJobs].filter(Boolean).join(", ") : ofJobs;
  parts.total.textContent = !transfers.length ? "" : words.progress(sent, size, active ? rate : 0) + (active && rate ? `, ${words.size(Math.round(rate))}/s` : "");
  parts.button.setAttribute("aria-label", `Transfers: ${parts.title.textContent}`);
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
  if (active) return queue.offline ? "Offline: uploads wait" : `Uploading ${words.count(active, "file")}`;
  if (failed) return `${words.count(failed, "upload")} failed`;
  if (stopped) return `${words.count(stopped, "upload")} unfinished`;
  const done = queue.of(DONE).length;
  return done ? `${words.count(done, "file")} uploaded` : "No uploads";
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
  parts.more.textContent = `and ${words.count(Math.max(transfers.length - ROWS_MAX, 0), "more file")}`;
}

function rowOf(transfer) {
  const name = transfer.name.split("/").pop();
  const row = {
    root: make("li", { class: "tray-row" }),
    bar: make("progress", { "aria-label": `Upload of ${name}`, max: 100, value: 0 }),
    status: make("p", { class: "tray-status" }),
    digest: make("p", { class: "tray-digest", hidden: true }),
    pause: action(`Pause ${name}`, "pause", () => queue.pause(transfer)),
    resume: action(`Resume ${name}`, "play", () => queue.resume(transfer)),
    cancel: action(`Cancel ${name}`, "close", () => queue.cancel(transfer)),
    wrong: "",
  };
  row.choose = chooser(transfer, row, plan);
  const note = transfer.versions ? [make("span", { class: "badge warn" }, `creates version ${transfer.versions + 1}`)] : [];
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
  row.resume.title = state === FAILED ? "Try again" : "Resume";
  row.cancel.hidden = transfer.isOver;
  row.choose.hidden = state !== MISSING;
  if (state === DONE && transfer.sha1 && row.digest.hidden) showDigest(row.digest, transfer);
}

/** The SHA-1 of what was uploaded, to be compared with that of the file. */
function showDigest(line, { sha1, name }) {
  const label = `Copy SHA-1 of ${name.split("/").pop()}`;
  line.append(make("span", {}, "SHA-1 "), make("code", {}, sha1), make("button", { class: "icon-button", type: "button", "data-copy": sha1, "aria-label": label, title: label }, icon("copy")));
  line.hidden = false;
}

function statusOf(transfer, row) {
  const { size, state } = transfer;
  const sent = transfer.sentBytes;
  if (state === DONE) return `Uploaded, ${words.size(size)}`;
  if (state === CANCELED) return transfer.problem || "Canceled";
  if (state === FAILED) return transfer.problem;
  if (state === MISSING && transfer.record) return `${row.wrong}Begun earlier, ${words.size(size)}: choose the same file, and only what is missing is sent.`;
  if (state === MISSING) return `${row.wrong}Not uploaded when the page was left, ${words.size(size)}: choose the file again.`;
  if (state === PAUSED) return `Paused at ${words.progress(sent, size, 0)}`;
  if (state === WAITING) return `Waiting, ${words.size(size)}`;
  if (queue.offline) return `Offline at ${words.progress(sent, size, 0)}: goes on by itself`;
  if (transfer.checking) return `Checking what was sent: ${words.progress(sent, size, 0)}`;
  const rate = transfer.rate;
  return words.progress(sent, size, rate) + (rate ? `, ${words.size(Math.round(rate))}/s` : "");
}

/** Say the beginning, each quarter, and the end, once each. */
function announce(active, sent, size, title) {
  const done = queue.of(DONE).length;
  if (active) {
    const quarter = Math.floor((4 * sent) / (size || 1)) || 0;
    if (!announced) say(title);
    else if (quarter + 1 > announced && quarter < 4) say(`${25 * quarter} percent uploaded`);
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
