// Uploads and the tray, on every page of those who are signed in.

import * as drop from "./drop.js";
import { jobs } from "./jobs.js";
import { queue } from "./queue.js";
import * as rows from "./rows.js";
import * as softly from "./softly.js";
import * as tray from "./tray.js";
import * as wake from "./wake.js";

export function start() {
  if (!document.querySelector(".bar-tools")) return;
  for (const part of [tray, drop, rows, softly, jobs, wake]) part.start();
  queue.recover();
}
