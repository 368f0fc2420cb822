// The account's jobs that run or have just ended, which the tray shows on every page.
//
// While one runs, pages that can be seen ask how far it is; whichever asks tells the others. What runs is remembered in the browser,
// so that its end is told once, by the page that hears of it first, also when that is opened much later.

import { leave } from "../leave.js";
import { call } from "../request.js";
import { toast } from "../toasts.js";
import { _ } from "../words.js";
import { isFirst } from "./records.js";

const EVERY_MS = 2000;
const WATCHED_EVERY_MS = 1000; // On a page that is about jobs.
const AFTER_FAILURE_MS = 15_000;

const account = document.querySelector('meta[name="account-id"]')?.content;
const FOLLOWED = `undercroft-jobs-${account}`;
const CLEARED = `undercroft-jobs-cleared-${account}`;
const channel = "BroadcastChannel" in window ? new BroadcastChannel(FOLLOWED) : null;
const idsIn = (name) => JSON.parse(localStorage[name] ?? "[]");

/** Emits `change` when the list has been asked for again. */
class Jobs extends EventTarget {
  list = [];
  #timer;
  #asking = false;
  #wanted = false; // Also while the page cannot be seen, and nothing is asked.

  start() {
    channel?.addEventListener("message", ({ data }) => this.#take(data));
    document.addEventListener("visibilitychange", () => this.#wanted && this.#ask());
    document.addEventListener("page-shown", () => this.#ask()); // It may be that of a job that was just begun.
    this.#wanted = Boolean(document.querySelector('meta[name="has-jobs"]') || idsIn(FOLLOWED).length);
    if (this.#wanted) this.#ask();
  }

  get running() {
    return this.list.filter((job) => job.state === "running");
  }

  /** Show those no more that do not run. */
  clear() {
    const over = this.list.filter((job) => job.state !== "running").map((job) => job.id);
    localStorage[CLEARED] = JSON.stringify([...idsIn(CLEARED), ...over].slice(-100));
    this.#show(this.list);
    channel?.postMessage(this.list);
  }

  async #ask() {
    if (this.#asking || document.hidden) return;
    this.#asking = true;
    clearTimeout(this.#timer);
    try {
      const { jobs } = await call(`/jobs.json?${new URLSearchParams(idsIn(FOLLOWED).map((id) => ["id", id]))}`);
      channel?.postMessage(jobs);
      this.#take(jobs);
      await this.#tellEnds(jobs);
    } catch (error) {
      if (error.status === undefined || error.status >= 500) this.#plan(AFTER_FAILURE_MS);
    } finally {
      this.#asking = false;
    }
  }

  #plan(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), ms);
  }

  #take(jobs) {
    this.#show(jobs);
    this.#wanted = this.running.length > 0;
    if (this.#wanted) this.#plan(document.querySelector("[data-job-live]") ? WATCHED_EVERY_MS : EVERY_MS);
  }

  #show(jobs) {
    const cleared = idsIn(CLEARED);
    this.list = jobs.filter((job) => job.state === "running" || !cleared.includes(job.id));
    this.dispatchEvent(new Event("change"));
    document.dispatchEvent(new CustomEvent("jobs-changed"));
  }

  /** Say of those that were seen running how they ended, and remember those that run now. */
  async #tellEnds(jobs) {
    const followed = idsIn(FOLLOWED);
    localStorage[FOLLOWED] = JSON.stringify(jobs.filter((job) => job.state === "running").map((job) => job.id));
    for (const job of jobs) {
      const isEnd = followed.includes(job.id) && job.state in KINDS && location.pathname !== job.href;
      // Another page may have asked at the same moment, or hear a late answer.
      if (isEnd && (await isFirst(`job-${job.id}`))) tell(job);
    }
  }
}

const KINDS = { done: "done", failed: "problem", canceled: "note" };

function tell(job) {
  const { label, href } = job.follow ?? { label: _("Show"), href: job.href };
  toast(_("%(job)s: %(state)s.", { job: job.title, state: job.label.toLowerCase() }), { kind: KINDS[job.state], act: { label, run: () => leave(href) } });
}

export const jobs = new Jobs();
