/**
 * The files of a drop, those of folders with their path below the folder's parent.
 *
 * Entries must be taken while the drop is handled; folders are then read one step at a time, as a browser
 * gives at most a hundred names at once.
 */

const HIDDEN = /(^|\/)(\.[^/]*|Thumbs\.db|desktop\.ini)$|(^|\/)__MACOSX\//;

/** {files: [{file, path}], hidden: how many were left out, broken: how many could not be read} */
export async function droppedFiles(transfer) {
  const entries = [...transfer.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.());
  const found = { files: [], hidden: 0, broken: 0 };
  if (entries.some((entry) => !entry)) {
    for (const file of transfer.files) found.files.push({ file, path: file.name });
    return found;
  }
  for (const entry of entries) await walk(entry, found);
  return found;
}

/** The same of an input, whose files know their folder. */
export function chosenFiles(list) {
  const found = { files: [], hidden: 0, broken: 0 };
  for (const file of list) keep(file, file.webkitRelativePath || file.name, found);
  return found;
}

function keep(file, path, found) {
  if (path.includes("/") && HIDDEN.test(path)) found.hidden += 1;
  else found.files.push({ file, path });
}

async function walk(entry, found) {
  try {
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      keep(file, entry.fullPath.replace(/^\//, ""), found);
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) return;
      for (const inner of some) await walk(inner, found);
    }
  } catch {
    found.broken += 1;
  }
}
