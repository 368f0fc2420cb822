// Numbers as people read them.

const UNITS = ["bytes", "KB", "MB", "GB", "TB"];

/** Bytes in decimal units, as the rest of the console has them. */
export function size(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  if (!unit) return bytes === 1 ? "1 byte" : `${bytes} bytes`;
  return `${value.toFixed(1)} ${UNITS[unit]}`;
}

/** A number and its noun. */
export const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

/** "43 %, 1.2 GB of 2.8 GB, 3 min left": how far something is, of whose rate (bytes a second) 0 is unknown. */
export function progress(sent, total, rate) {
  const parts = [`${percent(sent, total)} %`, `${size(sent)} of ${size(total)}`];
  if (rate && sent < total) parts.push(`${left((total - sent) / rate)} left`);
  return parts.join(", ");
}

/** Whole percent, and 100 only when it is all. */
export const percent = (sent, total) => (total ? Math.floor((100 * sent) / total) : 0);

function left(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
  return count(Math.round(seconds / 86_400), "day");
}
