/**
 * A transcript's page: keeps the reader's place in the address, and leads to messages and segments.
 *
 * Everything works without it: edges, outline and jumps are links. With it, what is loaded already is scrolled
 * to, and what is not is a page load away. Links to words (#m12c3-40) are permalink.js's, marks rail.js's.
 */

import { notice } from "./notices.js";
import { parseFragment, restore } from "./permalink.js";
import { unfold } from "./textview.js";
import { Windows } from "./windows.js";

const SETTLE = 400; // ms without scrolling until the address follows
const root = document.querySelector(".transcript-windows");
const windows = root && new Windows(root, update);
let current = null; // the segment that was jumped to last
let waiting = 0;
let isLeaving = false;

/** The message that a fragment names: #message-12, #segment-12-340, #m12c340-360; null if it names none. */
export function messageOf(hash) {
  const found = /^#(?:message-(\d{1,9})|segment-(\d{1,9})-\d{1,9})$/.exec(hash);
  return found ? Number(found[1] ?? found[2]) : (parseFragment(hash)?.message ?? null);
}

/** Where reading begins: below what sticks to the top. */
function readingLine() {
  const tools = document.querySelector(".transcript-tools");
  return Math.round(getComputedStyle(tools).position === "sticky" ? tools.getBoundingClientRect().height : 0) + 12;
}

// -- the address

/** Put the place into the address and the history, so that reload and back come to it again. */
function rememberPlace() {
  clearTimeout(waiting);
  waiting = 0;
  const here = windows.at(readingLine() + 4);
  if (!here || isLeaving) return;
  const url = new URL(location.href);
  const named = messageOf(url.hash);
  if (named === null || !isOnScreen(document.getElementById(`message-${named}`))) {
    url.hash = "";
    if (here.index) url.searchParams.set("from", here.index);
    else url.searchParams.delete("from");
  }
  url.search = url.search.replace(/%2C/gi, ",");
  const place = { message: here.index, top: Math.round(here.top) };
  history.replaceState({ ...history.state, place }, "", url.href.replace(/#$/, ""));
}

function rememberSoon() {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    rememberPlace();
    update();
  }, SETTLE);
}

// -- places

function isOnScreen(element) {
  const box = element?.getBoundingClientRect();
  return Boolean(box) && box.bottom > 0 && box.top < innerHeight;
}

function scrollTo(element) {
  unfold(element);
  scrollBy({ top: element.getBoundingClientRect().top - readingLine(), behavior: "instant" });
}

/** Scroll to what the address names; false if it is not in the page. */
function goToHash() {
  if (parseFragment(location.hash)) {
    restore();
    return true;
  }
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (messageOf(location.hash) === null || !target) return false;
  if (target.matches("[data-message]")) scrollTo(target.closest(".turn"));
  else land(target);
  return true;
}

/** Where the reader was when they left, else where the address says. */
function begin() {
  const place = history.state?.place;
  const element = place && document.getElementById(`message-${place.message}`);
  const first = document.getElementById(`message-${root.dataset.first}`);
  const isInside = Number(root.dataset.first) > Number(root.querySelector(".window").dataset.window);
  if (element) scrollBy({ top: element.getBoundingClientRect().top - place.top, behavior: "instant" });
  else if (messageOf(location.hash) !== null) goToHash() || goToWindow(messageOf(location.hash));
  else if (isInside && first) scrollTo(first.closest(".turn"));
  update();
}

/** The address names a message of another window: the page that holds it, once. */
function goToWindow(message) {
  const url = new URL(location.href);
  if (message >= Number(root.dataset.total) || url.searchParams.get("from") === String(message)) return;
  url.searchParams.set("from", message);
  isLeaving = true;
  location.replace(url);
}

/** Back or forward within the page; what was dropped meanwhile is loaded with the page anew. */
function arrive() {
  const message = history.state?.place?.message ?? messageOf(location.hash);
  if (message === null || document.getElementById(`message-${message}`)) begin();
  else if (message < Number(root.dataset.total)) {
    isLeaving = true;
    location.reload();
  }
}

// -- jumps

function jump(link) {
  const isBack = link.hasAttribute("data-back");
  const kind = link.dataset.jump;
  const line = readingLine();
  const here = windows.at(line);
  if (!here) return;
  const held = windows.unbroken(here.element);
  const found = held.flatMap((each) => [...each.querySelectorAll(`.message-assistant .segment[data-kind="${kind}"]`)]);
  const at = isOnScreen(current) ? found.indexOf(current) : -1;
  let next = null;
  if (at >= 0) next = found[at + (isBack ? -1 : 1)];
  else if (isBack) next = found.findLast((each) => each.getBoundingClientRect().top < line - 4);
  else next = found.find((each) => each.getBoundingClientRect().top > line + 4);
  if (next) {
    land(next);
    return;
  }
  const edge = isBack ? Number(held[0].dataset.window) : Number(held.at(-1).dataset.end);
  if (isBack ? edge === 0 : edge >= Number(root.dataset.total)) {
    notice(isBack ? `There is no ${kind} before this.` : `There is no ${kind} behind this.`, "info");
    return;
  }
  leaveTo(link, kind, isBack, edge);
}

function land(segment) {
  current?.classList.remove("is-current");
  current = segment;
  segment.classList.add("is-current");
  scrollTo(segment);
}

/** The server knows where the next one is. Links were written when the page held less. */
function leaveTo(link, kind, isBack, edge) {
  const url = new URL(link.closest("[data-url]").dataset.url, location.href);
  const here = new URLSearchParams(location.search);
  for (const name of ["q", "layers", "view"]) if (here.has(name)) url.searchParams.set(name, here.get(name));
  url.searchParams.set("to", kind);
  url.searchParams.set(isBack ? "before" : "after", isBack ? edge : edge - 1);
  rememberPlace();
  location.assign(url);
}

// -- the outline

function update() {
  const outline = document.querySelector(".outline");
  const here = windows.at(readingLine() + 4);
  if (!outline || !here) return;
  for (const each of outline.querySelectorAll("[aria-current]")) each.removeAttribute("aria-current");
  const entry = outline.querySelector(`[data-entry="${here.index}"]`);
  const block = [...outline.querySelectorAll(".block")].find(
    (each) => Number(each.dataset.block) <= here.index && here.index < Number(each.dataset.end),
  );
  entry?.setAttribute("aria-current", "true");
  block?.querySelector("summary").setAttribute("aria-current", "true");
  const shown = (block?.open && entry) || block;
  // Within the outline only: the page itself must not move.
  if (!shown || outline.scrollHeight <= outline.clientHeight || outline.matches(":hover, :focus-within")) return;
  const [box, frame] = [shown.getBoundingClientRect(), outline.getBoundingClientRect()];
  if (box.top < frame.top + 40 || box.top > frame.bottom - 40) outline.scrollTop += box.top - frame.top - frame.height / 3;
}

/** A block that is opened for the first time gets its lines. */
function onToggle(event) {
  const block = event.target;
  const empty = block.matches?.(".block[open]") && block.querySelector("p.entries");
  if (!empty || block.dataset.isAsked) return;
  block.dataset.isAsked = "1";
  const url = `${block.closest("[data-part]").dataset.part}&from=${block.dataset.block}`;
  window.htmx?.ajax("GET", url, { source: block, target: empty, swap: "outerHTML" }).then(() => {
    delete block.dataset.isAsked; // after a failure it can be asked for again
    update();
  });
}

// -- events

function onClick(event) {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest?.("a");
  if (!link) return;
  if (link.dataset.jump) {
    event.preventDefault();
    jump(link);
  } else if (link.matches("[data-marks-after], [data-marks-before]")) {
    event.preventDefault();
    const here = windows.at(readingLine());
    const held = here ? windows.unbroken(here.element) : [...root.querySelectorAll(".window")];
    const isBack = link.matches("[data-marks-before]");
    leaveTo(link, "mark", isBack, Number(isBack ? held[0].dataset.window : held.at(-1).dataset.end));
  } else if (!link.closest(".window-edge")) follow(event, link);
}

/** A link into this transcript: scrolled to if it is here, else followed. */
function follow(event, link) {
  const url = new URL(link.href, location.href);
  const message = messageOf(url.hash);
  if (url.pathname !== location.pathname || message === null) return;
  rememberPlace();
  if (!document.getElementById(`message-${message}`)) return;
  event.preventDefault();
  history.pushState({}, "", url);
  goToHash();
  update();
}

/** What sticks to the top is as high as its lines: the outline begins below it. */
function fit() {
  document.documentElement.style.setProperty("--tools", `${Math.round(document.querySelector(".transcript-tools").offsetHeight)}px`);
}

if (root) {
  fit();
  addEventListener("resize", fit);
  history.scrollRestoration = "manual";
  document.addEventListener("click", onClick);
  document.addEventListener("toggle", onToggle, true);
  addEventListener("scroll", rememberSoon, { passive: true });
  addEventListener("pagehide", rememberPlace);
  addEventListener("popstate", arrive);
  addEventListener("hashchange", () => history.state?.place || goToHash());
  begin();
  // Letters of another width move everything: again, unless the reader has gone on.
  document.fonts?.ready.then(() => waiting || begin());
}
