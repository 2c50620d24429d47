/**
 * Beside a long text: where its segments and marks are, and where one is. Also the keys from mark to mark.
 *
 * For sight only, so nothing in it takes the focus. It is drawn from the page, anew when the page changes:
 * a text is one column of heights, and a place within a message is estimated by its characters, so that
 * messages which the browser has not laid out yet stay so.
 */

import { notice } from "./notices.js";
import { currentText, isInView, reveal } from "./textview.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 1000; // units of the drawing
const WIDTH = 14;
const LEAST = 600; // pixels of a text that needs no map

/** Marks of a text that are switched on, in reading order: the first piece of each. */
export function marksOf(text) {
  const on = new Set([...document.querySelectorAll("[data-layers] [data-layer]:checked")].map((box) => `layer-${box.dataset.layer}`));
  const seen = new Set();
  return [...text.querySelectorAll("mark[data-mark]")].filter((mark) => {
    const layer = [...mark.classList].find((name) => name.startsWith("layer-"));
    if (layer && !on.has(layer)) return false;
    const key = `${mark.closest("[data-message]")?.dataset.message} ${mark.dataset.mark}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/**
 * The places of marks as fractions of their boxes' heights: [{mark, box, from}]. `box` is a segment, or the
 * message if that is far from the screen.
 */
function placesOf(marks) {
  const lengths = new Map();
  return marks.map((mark) => {
    const content = mark.closest(".segment-content");
    if (!lengths.has(content)) lengths.set(content, offsetsIn(content));
    const { length, at } = lengths.get(content);
    return { mark, content, from: length ? at.get(mark) / length : 0 };
  });
}

/** How many characters stand before each mark of a segment. One walk. */
function offsetsIn(content) {
  const at = new Map();
  let length = 0;
  const walker = document.createTreeWalker(content, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.nodeType === Node.TEXT_NODE) length += node.data.length;
    else if (node.tagName === "MARK") at.set(node, length);
  }
  return { length, at };
}

class Rail {
  constructor(box) {
    this.box = box;
    this.text = box.closest(".with-rail").querySelector(".reading");
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this.svg.setAttribute("preserveAspectRatio", "none");
    this.view = this.rect("rail-view", 0.5, 0, WIDTH - 1, 1);
    this.svg.addEventListener("click", (event) => this.go(event));
    this.resized = new ResizeObserver(() => this.drawSoon());
    this.resized.observe(this.text);
    this.changed = new MutationObserver(() => this.drawSoon());
    this.changed.observe(this.text, { childList: true });
    this.draw();
  }

  isGone() {
    return !this.box.isConnected;
  }

  stop() {
    this.resized.disconnect();
    this.changed.disconnect();
  }

  rect(css, x, y, width, height) {
    const rect = document.createElementNS(SVG, "rect");
    rect.setAttribute("class", css);
    for (const [name, value] of Object.entries({ x, y, width, height })) rect.setAttribute(name, value.toFixed(2));
    return rect;
  }

  drawSoon() {
    cancelAnimationFrame(this.waiting);
    this.waiting = requestAnimationFrame(() => this.draw());
  }

  draw() {
    const frame = this.text.getBoundingClientRect();
    if (frame.height < LEAST) {
      this.svg.remove();
      return;
    }
    const share = HEIGHT / Math.max(this.text.scrollHeight, frame.height);
    const top = frame.top - this.text.scrollTop;
    // First everything is measured, then all is drawn at once: else each box would lay the page out anew.
    const drawn = [];
    const boxes = new Map();
    for (const message of this.text.querySelectorAll(".message")) {
      const isLaidOut = message.checkVisibility?.({ contentVisibilityAuto: true }) ?? true;
      const whole = message.getBoundingClientRect();
      const segments = [...message.querySelectorAll(".segment:not(.segment-blank)")];
      segments.forEach((segment, number) => {
        // What is not laid out is taken to share its message's height evenly: asking would lay it out.
        const own = isLaidOut ? segment.getBoundingClientRect() : null;
        const y = own?.height ? own.top : whole.top + (whole.height * number) / segments.length;
        const height = own?.height || whole.height / segments.length;
        boxes.set(segment, { y, height });
        const css = `rail-segment rail-${segment.dataset.kind}`;
        const [x, width] = { scratchpad: [1, 5], output: [1, 5], draft: [3, 3], tool: [4, 2] }[segment.dataset.kind] || [5, 1];
        drawn.push(this.rect(css, x, (y - top) * share, width, Math.max(1.5, height * share - 1)));
      });
    }
    for (const { mark, content, from } of placesOf(marksOf(this.text))) {
      const box = boxes.get(content.closest(".segment"));
      if (!box) continue;
      const layer = [...mark.classList].find((name) => name.startsWith("layer-"))?.slice(6) || "";
      const colour = [...mark.classList].find((name) => name.startsWith("label-colour-")) || "";
      const width = { mine: 6, others: 4, adjudicated: 7, judge: 5, search: 6 }[layer] || 3;
      const y = (box.y + box.height * from - top) * share;
      drawn.push(this.rect(`rail-mark rail-${layer} ${colour}`, WIDTH - width - 0.5, y, width, HEIGHT / 250));
    }
    this.svg.replaceChildren(...drawn, this.view);
    if (!this.svg.isConnected) this.box.append(this.svg);
    this.look();
  }

  /** Where the window is. */
  look() {
    if (!this.svg.isConnected) return;
    const frame = this.text.getBoundingClientRect();
    const isBox = this.text.scrollHeight > this.text.clientHeight + 1 && getComputedStyle(this.text).overflowY === "auto";
    const total = isBox ? this.text.scrollHeight : frame.height;
    const from = isBox ? this.text.scrollTop : Math.max(0, -frame.top);
    const shown = isBox ? this.text.clientHeight : Math.min(innerHeight, frame.bottom) - Math.max(0, frame.top);
    this.view.setAttribute("y", Math.min(HEIGHT - 6, (from / total) * HEIGHT).toFixed(1));
    this.view.setAttribute("height", Math.max(6, (shown / total) * HEIGHT).toFixed(1));
  }

  go(event) {
    const drawn = this.svg.getBoundingClientRect();
    const share = (event.clientY - drawn.top) / drawn.height;
    const near = [...this.svg.querySelectorAll(".rail-mark")].map((rect) => Math.abs(Number(rect.getAttribute("y")) / HEIGHT - share));
    const least = Math.min(...near, 1);
    // A press on a mark, or next to one, goes to it exactly.
    if (least * drawn.height < 4) {
      reach(marksOf(this.text)[near.indexOf(least)]);
      return;
    }
    const total = this.text.scrollHeight;
    if (this.text.scrollHeight > this.text.clientHeight + 1) this.text.scrollTop = share * total - this.text.clientHeight / 2;
    else scrollBy({ top: this.text.getBoundingClientRect().top + share * total - innerHeight / 2, behavior: "instant" });
  }
}

function reach(mark) {
  for (const old of document.querySelectorAll("mark.is-reached")) old.classList.remove("is-reached");
  const message = mark.closest("[data-message]");
  for (const piece of message.querySelectorAll(`mark[data-mark="${mark.dataset.mark}"]`)) piece.classList.add("is-reached");
  reveal(mark);
}

/** To the next mark (or, for -1, the previous one): from the one last reached if it is in sight, else from here. */
function step(direction) {
  const text = currentText();
  const marks = text ? marksOf(text.element) : [];
  if (!marks.length) {
    notice("There is no mark in this text, or its layer is switched off.", "info");
    return;
  }
  const reached = marks.findIndex((mark) => mark.classList.contains("is-reached") && isInView(mark.getBoundingClientRect()));
  const next = reached >= 0 ? reached + direction : fromHere(marks, direction);
  if (next >= 0 && next < marks.length) reach(marks[next]);
  else {
    const further = text.element.closest(".arm, main")?.querySelector(direction > 0 ? "[data-marks-after]" : "[data-marks-before]");
    if (further) further.click();
    else notice(direction > 0 ? "That was the last mark of this text." : "That was the first mark of this text.", "info");
  }
}

/** The first mark below the top of the window, or the last one above it. Marks are in order, so half are left out each time. */
function fromHere(marks, direction) {
  let [low, high] = [0, marks.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const rect = marks[middle].getBoundingClientRect();
    const isAbove = rect.height ? rect.top < 130 : marks[middle].closest(".message").getBoundingClientRect().bottom < 130;
    if (isAbove) low = middle + 1;
    else high = middle;
  }
  return direction > 0 ? low : low - 1;
}

let rails = [];

function begin() {
  rails.filter((rail) => rail.isGone()).forEach((rail) => rail.stop());
  rails = rails.filter((rail) => !rail.isGone());
  const known = new Set(rails.map((rail) => rail.box));
  for (const box of document.querySelectorAll("[data-rail]")) if (!known.has(box)) rails.push(new Rail(box));
}

let looking = 0;
function lookSoon() {
  cancelAnimationFrame(looking);
  looking = requestAnimationFrame(() => rails.forEach((rail) => rail.look()));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-mark-step]");
  if (button) step(Number(button.dataset.markStep));
});
document.addEventListener("scroll", lookSoon, { capture: true, passive: true });
document.addEventListener("layers:changed", () => rails.forEach((rail) => rail.drawSoon()));
document.addEventListener("toggle", () => rails.forEach((rail) => rail.drawSoon()), true);
document.addEventListener("htmx:afterSettle", begin);
addEventListener("resize", () => rails.forEach((rail) => rail.drawSoon()));
begin();
