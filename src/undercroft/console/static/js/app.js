// What every page loads. Each part looks for its own marks (data-…) in the page, and in what dialogs bring later.
import * as checks from "./checks.js";
import * as copying from "./copy.js";
import * as dialogs from "./dialogs.js";
import * as fields from "./fields.js";
import * as filters from "./filters.js";
import * as jobs from "./jobs.js";
import * as menus from "./menus.js";
import * as once from "./once.js";
import * as session from "./session.js";
import * as shortcuts from "./shortcuts.js";
import * as tabs from "./tabs.js";
import * as toasts from "./toasts.js";
import * as uploads from "./uploads/start.js";

for (const part of [checks, toasts, tabs, menus, once, dialogs, copying, filters, fields, shortcuts, session, jobs, uploads]) part.start();
// A page that came without a change of page, since there are uploads in this one, has notices and filters of its own.
document.addEventListener("page-shown", () => [toasts, tabs, filters].forEach((part) => part.start()));
