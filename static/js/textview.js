/**
 * What the other modules of the reading pages share: the texts of a page, and how to bring a place in one
 * into view. Also opens and closes folded bytes (.blob).
 *
 * A text is a `.reading` in a `.reading-scope`; a pair page has one for each arm.
 */

import { TextMap } from "./offsets.js";

const HEAD = 130; // pixels at the top of the window that sticky heads may cover

/** The texts of the page, in order: [{element, arm}], `arm` "" where there is only one. */
export function texts(root = document) {
  return [...root.querySelectorAll(".reading-scope .reading")].map((element) => ({
    element,
    arm: element.closest("[data-arm]")?.dataset.arm || "",
  }));
}

/** The text that the keys are for: of the arm last used, else the first. */
export function currentText(root = document) {
  const all = texts(root);
  return all.find(({ element }) => element.closest(".arm.is-focused")) || all[0] || null;
}

/** Offsets of one message, made anew as windows of messages come and go. */
export function mapOf(element, message) {
  const inside = element.querySelector(`[data-message="${Number(message)}"]`);
  return inside ? new TextMap(inside) : null;
}

/** Open whatever is folded around an element. */
export function unfold(element) {
  for (let at = element; at; at = at.parentElement) {
    if (at.tagName === "DETAILS" && !at.open) at.open = true;
  }
}

/** Whether a rectangle lies in the window, below the sticky heads. */
export function isInView(rect) {
  return rect.bottom > HEAD && rect.top < innerHeight - 20;
}

/**
 * Scroll so that an element or range stands in the upper third of the window, also within boxes that
 * scroll by themselves. Messages far from the screen are laid out only when they come near, so it is
 * done again once they are.
 */
export function reveal(place) {
  const element = place instanceof Range ? place.startContainer.parentElement : place;
  unfold(element);
  element.closest(".message")?.scrollIntoView({ block: "nearest", behavior: "instant" });
  scrollTo(place, element);
  requestAnimationFrame(() => {
    scrollTo(place, element);
    requestAnimationFrame(() => scrollTo(place, element));
  });
}

function rectOf(place) {
  return place.getClientRects()[0] || place.getBoundingClientRect();
}

function scrollTo(place, element) {
  for (let box = element.parentElement; box && box !== document.body; box = box.parentElement) {
    if (box.scrollHeight <= box.clientHeight + 1 || !/auto|scroll/.test(getComputedStyle(box).overflowY)) continue;
    const rect = rectOf(place);
    const frame = box.getBoundingClientRect();
    if (rect.top < frame.top || rect.bottom > frame.bottom) box.scrollTop += rect.top - frame.top - box.clientHeight / 3;
  }
  const rect = rectOf(place);
  if (rect.top < HEAD || rect.bottom > innerHeight * 0.8) scrollBy({ top: rect.top - Math.max(HEAD, innerHeight / 3), behavior: "instant" });
}

document.addEventListener("click", (event) => {
  const blob = event.target.closest?.(".blob");
  // Whoever selects in it does not want it shut.
  if (blob && document.getSelection().isCollapsed) blob.classList.toggle("is-open");
});
