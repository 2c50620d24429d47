/**
 * The pair page: which arm the sample keys step, and arms that scroll together by segment.
 *
 * Together, the arms scroll with the page, and the same segments (first scratchpad, first output, …)
 * begin at the same height in each: the shorter one waits. Apart, each arm scrolls by itself (CSS).
 */

import { gaps } from "./align.js";

const KEPT = "afdash-arms-apart";

/** Segments of an arm by what they are: "assistant scratchpad 1", in page order. */
function landmarks(arm) {
  const seen = new Map();
  return [...arm.querySelectorAll(".segment:not(.segment-blank), .arm-foot")].map((element) => {
    const role = element.closest(".message")?.className.match(/message-(\w+)/)?.[1] || "end";
    const kind = `${role} ${element.dataset.kind || "foot"}`;
    seen.set(kind, (seen.get(kind) || 0) + 1);
    // A message's first segment brings its heading along.
    const message = element.closest(".message");
    const moved = message && message.querySelector(".segment:not(.segment-blank)") === element ? message : element;
    return { key: `${kind} ${seen.get(kind)}`, element: moved };
  });
}

export function align(root = document) {
  const pair = root.querySelector(".pair");
  if (!pair) return;
  for (const room of pair.querySelectorAll(".align-room")) room.remove();
  const arms = [...pair.querySelectorAll(".arm-text")];
  const together = pair.querySelector(".scroll-together");
  if (!together?.checked || arms.length < 2) return;
  // Arms that are not side by side (a narrow window) have nothing to wait for.
  const tops = arms.map((arm) => arm.getBoundingClientRect().top);
  if (tops.some((top) => Math.abs(top - tops[0]) > 100)) return;
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

/** The keys of samples belong to one arm at a time: the one last used. */
function focusArm(arm) {
  if (!arm || arm.classList.contains("is-focused")) return;
  for (const other of arm.parentElement.querySelectorAll(":scope > .arm")) {
    const isIt = other === arm;
    other.classList.toggle("is-focused", isIt);
    for (const step of other.querySelectorAll("[data-step]")) {
      if (isIt) step.dataset.key = step.dataset.step;
      else delete step.dataset.key;
    }
  }
}

function remember(apart) {
  try {
    localStorage.setItem(KEPT, apart ? "1" : "0");
  } catch {
    // Private windows may refuse storage: the choice then lasts no longer than the page.
  }
}

function begin() {
  try {
    const box = document.querySelector(".scroll-together");
    if (box && localStorage.getItem(KEPT) === "1") box.checked = false;
  } catch {
    // As above.
  }
  align();
}

let waiting = 0;
function alignSoon() {
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(() => align());
}

document.addEventListener("focusin", (event) => focusArm(event.target.closest?.(".arm")));
document.addEventListener("pointerdown", (event) => focusArm(event.target.closest?.(".arm")));
document.addEventListener("change", (event) => {
  if (event.target.matches?.(".scroll-together")) remember(!event.target.checked);
  align();
});
document.addEventListener("toggle", alignSoon, true);
document.addEventListener("htmx:afterSettle", begin);
addEventListener("resize", alignSoon);
document.fonts?.ready.then(alignSoon);
begin();
