// What somebody dropped or picked, as a list of {file, path, handle}: folders are walked, and keep their relative paths.

const JUNK = /(^|\/)(\.DS_Store|\._[^/]*|Thumbs\.db|ehthumbs\.db|desktop\.ini|\.Spotlight-V100|\.Trashes|\.fseventsd|__MACOSX|\$RECYCLE\.BIN)(\/|$)/i;

/** Whether a path is what operating systems leave behind in folders. */
export const isJunk = (path) => JUNK.test(path);

/** The files of an input, which may be one for folders. */
export const picked = (input) => [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));

/** Whether something that is being dragged has files in it. */
export const hasFiles = (transfer) => [...transfer.types].includes("Files");

/** The files that were dropped. The entries are taken before anything is waited for, since after that the drop is over. */
export async function dropped(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const taken = items.map((item) => ({
    entry: item.webkitGetAsEntry?.(),
    file: item.getAsFile(),
    handle: item.getAsFileSystemHandle?.().catch(() => null),
  }));
  const found = [];
  for (const { entry, file, handle } of taken) {
    if (entry?.isDirectory) await walk(entry, found);
    else if (file) found.push({ file, path: file.name, handle: await handle });
  }
  return found;
}

async function walk(folder, found) {
  const reader = folder.createReader();
  for (;;) {
    // A reader hands out a folder in batches of about a hundred, and an empty one at the end.
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!entries.length) return;
    for (const entry of entries) {
      if (entry.isDirectory) await walk(entry, found);
      else found.push({ file: await new Promise((resolve, reject) => entry.file(resolve, reject)), path: entry.fullPath.replace(/^\//, "") });
    }
  }
}
