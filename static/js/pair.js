/**
 * The pair page: which arm the sample keys step, arms that scroll together by segment, and an address
 * that always says what is shown.
 *
 * Together, the arms scroll with the page (more than fit: within their region), and the same segments
 * (first scratchpad, first output, …) begin at the same height in each: the shorter one waits. Apart, each
 * arm scrolls by itself (CSS). A step to another sample keeps the segment that was being read where it was.
 */

import { gaps } from "./align.js";
import { carried, nextOf, withValue } from "./pairaddress.js";
import { keptPlace, landmarks, restorePlace, savePlaces, scrollersOf } from "./place.js";

// How far everything is scrolled, by address. Not in the history's own state, which htmx writes anew.
const PLACES = "afdash-pair-places";
const ADDRESSES = 40;

const pairOf = (root = document) => root.querySelector(".pair");

/** Whether arms stand beside each other; in a narrow window they stand below each other. */
function areBeside(arms) {
  const tops = arms.map((arm) => arm.getBoundingClientRect().top);
  return arms.length > 1 && tops.every((top) => Math.abs(top - tops[0]) < 100);
}

export function align() {
  const pair = pairOf();
  if (!pair) return;
  for (const room of pair.querySelectorAll(".align-room")) room.remove();
  const arms = [...pair.querySelectorAll(".arm-text")];
  pair.classList.toggle("arms-stacked", arms.length > 1 && !areBeside(arms));
  if (!pair.querySelector(".scroll-together")?.checked || !areBeside(arms)) return;
  const columns = arms.map(landmarks);
  const measured = columns.map((column) =>
    column.map(({ key, element }) => ({ key, top: element.getBoundingClientRect().top })),
  );
  gaps(measured).forEach((column, at) =>
    column.forEach((gap, index) => {
      if (gap >= 1) columns[at][index].element.before(room(gap));
    }),
  );
}

/** An element of its own: a margin would collapse with its neighbour's. */
function room(height) {
  const element = document.createElement("div");
  element.className = "align-room";
  element.setAttribute("aria-hidden", "true");
  element.style.height = `${height}px`;
  return element;
}

/** The same entry of the history, at another address. */
function setAddress(query) {
  if (query !== location.search) history.replaceState(history.state, "", `${location.pathname}${query}${location.hash}`);
}

/** The keys of samples belong to one arm at a time: the one last used. */
function focusArm(arm, isChosen = true) {
  const pair = pairOf();
  const arms = [...(pair?.querySelectorAll(".arm") ?? [])];
  if (!arms.includes(arm)) return;
  const isNew = !arm.classList.contains("is-focused");
  const following = nextOf(arms, arm);
  for (const other of arms) {
    const isIt = other === arm;
    other.classList.toggle("is-focused", isIt);
    if (isIt && arms.length > 1) other.setAttribute("aria-current", "true");
    else other.removeAttribute("aria-current");
    for (const step of other.querySelectorAll("[data-step]")) giveKey(step, isIt, step.dataset.step);
    for (const pick of other.querySelectorAll("[data-pick]")) giveKey(pick, other === following && !isIt, pick.dataset.pick);
  }
  if (isNew && isChosen) setAddress(withValue(location.search, "focus", arm.dataset.arm));
}

function giveKey(element, has, key) {
  if (has) element.dataset.key = key;
  else delete element.dataset.key;
}

/** Put what the reader switched since the page came into a link, before it is followed. */
function carry(link) {
  const parts = link.dataset.carry?.split(" ") ?? [];
  if (parts.length && link.hasAttribute("href")) link.href = carried(link.getAttribute("href"), location.search, parts);
}

function begin() {
  const pair = pairOf();
  if (!pair) return;
  // What opened by itself is named from now on: a link that is passed on opens the same for everybody.
  if ("opened" in pair.dataset) setAddress(pair.dataset.address);
  focusArm(pair.querySelector(".arm.is-focused"), false);
  align();
  for (const strip of pair.querySelectorAll(".ticks")) showCurrent(strip);
}

function showCurrent(strip) {
  const current = strip.querySelector("[aria-current]");
  if (!current) return;
  const left = current.offsetLeft - strip.offsetLeft;
  if (left < strip.scrollLeft || left + current.offsetWidth > strip.scrollLeft + strip.clientWidth)
    strip.scrollLeft = left - strip.clientWidth / 2;
}

// Steps: what is read stays in place, and what the reader folded stays folded

let before = null;

function beforeSwap(event) {
  if (event.detail.target?.id !== "pair" || !event.detail.shouldSwap) return;
  const pair = pairOf();
  before = {
    place: keptPlace(pair),
    folds: [...pair.querySelectorAll("details[id]")].filter((each) => "folded" in each.dataset).map((each) => [each.id, each.open]),
    strips: [...pair.querySelectorAll(".arm")].map((arm) => [arm.dataset.arm, arm.querySelector(".ticks").scrollLeft]),
  };
}

function afterSettle(event) {
  if (event.detail.elt?.id !== "pair" && event.target?.id !== "pair") return;
  const pair = pairOf();
  for (const [id, isOpen] of before?.folds ?? []) {
    const fold = document.getElementById(id);
    if (fold) Object.assign(fold, { open: isOpen }).dataset.folded = "";
  }
  for (const [arm, left] of before?.strips ?? []) {
    const strip = pair.querySelector(`.arm[data-arm="${CSS.escape(arm)}"] .ticks`);
    if (strip) strip.scrollLeft = left;
  }
  begin();
  if (before) restorePlace(pair, before.place);
  before = null;
}

// Back and reload: as far down as the reader was

let saving = 0;
let isLeaving = false;
function saveSoon() {
  clearTimeout(saving);
  saving = setTimeout(saveNow, 120);
}
function saveNow() {
  clearTimeout(saving);
  if (isLeaving || !pairOf()) return;
  const here = location.pathname + location.search;
  const others = savedPlaces().filter(([address]) => address !== here);
  try {
    sessionStorage.setItem(PLACES, JSON.stringify([...others.slice(1 - ADDRESSES), [here, savePlaces(pairOf())]]));
  } catch {
    // Without storage, back and reload begin at the top.
  }
}

function savedPlaces() {
  try {
    return JSON.parse(sessionStorage.getItem(PLACES)) ?? [];
  } catch {
    return [];
  }
}

/** Links begin at the top (or where their fragment says); only back, forward and reload go on. */
function goBackToPlace() {
  const came = performance.getEntriesByType("navigation")[0]?.type;
  if (came !== "back_forward" && came !== "reload") return;
  const places = new Map(savedPlaces()).get(location.pathname + location.search);
  if (!places || !pairOf()) return;
  history.scrollRestoration = "manual";
  scrollersOf(pairOf()).forEach((scroller, at) => {
    if (places[at]) scroller.scrollTo(...places[at]);
  });
}

let waiting = 0;
function alignSoon() {
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(align);
}

document.addEventListener("focusin", (event) => focusArm(event.target.closest?.(".arm")));
document.addEventListener("pointerdown", (event) => focusArm(event.target.closest?.(".arm")));
document.addEventListener(
  "click",
  (event) => {
    const link = event.target.closest?.("a[data-carry], a[data-pick]");
    if (!link || !link.closest(".pair")) return;
    if (link.dataset.pick) {
      event.preventDefault();
      focusArm(link.closest(".arm"));
    } else carry(link);
  },
  true,
);
document.addEventListener("change", (event) => {
  if (event.target.matches?.(".scroll-together"))
    setAddress(withValue(location.search, "scroll", event.target.checked ? "" : "apart"));
  align();
});
document.addEventListener("toggle", alignSoon, true);
// A fold that the reader moved is remembered over steps; one that came as it is follows the server.
document.addEventListener("click", (event) => {
  const fold = event.target.closest?.("summary")?.parentElement;
  if (fold?.id) fold.dataset.folded = "";
});
document.addEventListener("htmx:configRequest", (event) => {
  const link = event.detail.elt;
  if (!link.dataset?.carry || !link.closest(".pair")) return;
  event.detail.path = carried(event.detail.path, location.search, link.dataset.carry.split(" "));
});
document.addEventListener("htmx:beforeRequest", saveNow);
document.addEventListener("htmx:beforeSwap", beforeSwap);
document.addEventListener("htmx:afterSettle", afterSettle);
document.addEventListener("scroll", saveSoon, { capture: true, passive: true });
addEventListener("pagehide", () => {
  saveNow();
  isLeaving = true;
});
addEventListener("pageshow", () => {
  isLeaving = false;
});
// htmx loads the page anew: until then its old contents stand at the new address.
addEventListener("popstate", (event) => {
  if (event.state?.htmx) isLeaving = true;
});
addEventListener("resize", alignSoon);

// On paper everything is open, and as it was afterwards
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll(".pair details:not([open])")];
  for (const fold of opened) fold.open = true;
});
addEventListener("afterprint", () => {
  for (const fold of opened) fold.open = false;
  opened = [];
});

begin();
goBackToPlace();
document.fonts?.ready.then(() => {
  align();
  goBackToPlace();
});
