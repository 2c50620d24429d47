/**
 * The upload form with a row for each file: bytes sent, then bytes read, and what went wrong. Without this
 * script the form works as any form.
 */

import { chosenFiles, droppedFiles } from "./droppedfiles.js";
import { phaseOf, summary, UploadQueue } from "./uploadqueue.js";

const ASKED_AT_ONCE = 6;
const SECOND = 1000;
const BROKEN = "The connection broke; nothing of this file was stored.";

const form = document.querySelector("form[data-upload]");
const rows = new Map();
let queue;

function send(item, onProgress) {
  const most = Number(form.dataset.maxBytes);
  if (item.file.size > most) {
    return { message: `It is larger than the ${Math.floor(most / 2 ** 20)} MB that this page takes.` };
  }
  const data = new FormData(form);
  data.delete("file");
  data.append("path", item.path);
  data.append("file", item.file, item.file.name); // last: what is wrong with the options is known before it is read
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.upload.addEventListener("progress", (step) => step.total && onProgress(step.loaded / step.total));
  return new Promise((resolve) => {
    request.addEventListener("load", () => resolve(answerOf(request)));
    for (const name of ["error", "abort", "timeout"]) request.addEventListener(name, () => resolve({ message: BROKEN }));
    request.send(data);
  });
}

function answerOf(request) {
  let told = null;
  try {
    told = JSON.parse(request.responseText);
  } catch {
    // A page, not an answer to a script: of the sign-in, or of an error.
  }
  if (request.status === 202 && told) return { taken: told };
  if (told?.error?.message) return { message: told.error.message };
  if (request.status === 413) return { message: "It is larger than the server accepts." };
  if (request.status < 400) return { message: "You are signed out. Sign in in another tab, then retry." };
  return { message: `The server answered ${request.status}; nothing of this file was stored.` };
}

function rowOf(item) {
  let row = rows.get(item);
  if (row) return row;
  row = form.parentElement.querySelector("[data-upload-row]").content.firstElementChild.cloneNode(true);
  row.querySelector("bdi").textContent = item.path;
  row.querySelector("button").addEventListener("click", () => queue.retry(item));
  rows.set(item, row);
  const list = document.querySelector("[data-upload-list]");
  list.hidden = false;
  list.append(row);
  return row;
}

function show(item) {
  const row = rowOf(item);
  const [sent, read] = row.querySelectorAll("progress");
  row.dataset.state = item.state;
  sent.value = item.sent;
  read.value = item.read;
  row.querySelector(".upload-words").textContent = item.words;
  const link = row.querySelector("a");
  link.hidden = !item.told;
  if (item.told) link.href = item.told.page;
  row.querySelector("button").hidden = item.state !== "failed" || Boolean(item.told);
  tell();
}

let told = "";
let aside = ""; // what was left out of the last drop
function tell() {
  const words = [queue.items.length ? summary(queue.items) : "", aside].filter(Boolean).join(" ");
  if (words === told) return; // a live region speaks at every change
  told = words;
  document.querySelector("[data-upload-summary]").textContent = words;
}

/** Ask for what is being read, a few at a time. */
async function ask() {
  const reading = queue.items.filter((item) => item.state === "reading").slice(0, ASKED_AT_ONCE);
  await Promise.all(reading.map(async (item) => {
    try {
      const answer = await fetch(item.told.state, { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const state = await answer.json();
      const { bytes_done: done, bytes_total: total } = state.progress;
      const phase = phaseOf(state);
      queue.change(item, { ...phase, read: phase.state === "done" ? 1 : total ? done / total : 0 });
    } catch {
      // The connection is away for a moment: asked again.
    }
  }));
  if (reading.length) document.body.dispatchEvent(new Event("ingests-changed"));
  setTimeout(ask, SECOND);
}

function take({ files, hidden, broken }) {
  const more = [];
  if (hidden) more.push(`${hidden} hidden file${hidden === 1 ? " was" : "s were"} left out.`);
  if (broken) more.push(`${broken} could not be read by the browser.`);
  if (!files.length && !more.length) more.push("There is no file in what you dropped.");
  aside = more.join(" ");
  queue.add(files);
  tell();
}

function begin() {
  queue = new UploadQueue({ send: async (item, onProgress) => send(item, onProgress), show });
  const zone = form.querySelector("[data-drop-zone]");
  const inputs = [...form.querySelectorAll('input[type="file"]')];
  form.querySelector("[data-folder]").hidden = false;
  inputs.forEach((input) => { input.required = false; });
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("is-over");
    });
  }
  for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("is-over"));
  zone.addEventListener("drop", async (event) => {
    event.preventDefault();
    take(await droppedFiles(event.dataTransfer));
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    take(chosenFiles(inputs.flatMap((input) => [...input.files])));
    inputs.forEach((input) => { input.value = ""; });
  });
  window.addEventListener("beforeunload", (event) => {
    if (queue.isSending) event.preventDefault();
  });
  ask();
}

if (form) begin();
