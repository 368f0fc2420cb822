// Numbers as people read them.

import { _, ngettext } from "../words.js";

const UNITS = ["bytes", "KB", "MB", "GB", "TB"];

/** Bytes in decimal units, as the rest of the console has them. */
export function size(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  if (!unit) return ngettext("%(number)s byte", "%(number)s bytes", bytes, { number: bytes });
  return `${value.toFixed(1)} ${UNITS[unit]}`;
}

/** A number with its thousands apart. */
export const count = (number) => number.toLocaleString("en");

/** "43 %, 1.2 GB of 2.8 GB, 3 min left": how far something is, of whose rate (bytes a second) 0 is unknown. */
export function progress(sent, total, rate) {
  const values = { percent: percent(sent, total), sent: size(sent), total: size(total) };
  if (!rate || sent >= total) return _("%(percent)s %%, %(sent)s of %(total)s", values);
  return _("%(percent)s %%, %(sent)s of %(total)s, %(time)s left", { ...values, time: left((total - sent) / rate) });
}

/** Whole percent, and 100 only when it is all. */
export const percent = (sent, total) => (total ? Math.floor((100 * sent) / total) : 0);

function left(seconds) {
  if (seconds < 60) return _("%(seconds)s s", { seconds: Math.max(1, Math.round(seconds)) });
  if (seconds < 3600) return _("%(minutes)s min", { minutes: Math.round(seconds / 60) });
  if (seconds < 86_400) return _("%(hours)s h %(minutes)s min", { hours: Math.floor(seconds / 3600), minutes: Math.round((seconds % 3600) / 60) });
  const days = Math.round(seconds / 86_400);
  return ngettext("%(number)s day", "%(number)s days", days, { number: count(days) });
}
