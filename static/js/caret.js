/**
 * A text caret in the transcript, for selecting without a mouse.
 *
 * It is the document's own selection, moved by the keys that move it in any editor: arrows, with Ctrl or
 * Alt by words, Home and End, and Shift to extend. Browsers draw no caret in text that cannot be
 * edited, so one is drawn here.
 */

const STEPS = {
  ArrowLeft: ["left", "character", "word"],
  ArrowRight: ["right", "character", "word"],
  ArrowUp: ["backward", "line", "paragraph"],
  ArrowDown: ["forward", "line", "paragraph"],
  Home: ["backward", "lineboundary", "documentboundary"],
  End: ["forward", "lineboundary", "documentboundary"],
};
const MOST_STEPS = 80; // through headings and folded parts

/** How a key moves the selection: {alter, direction, granularity}, or null. Pure. */
export function movement(event) {
  const step = STEPS[event.key];
  if (!step || event.metaKey) return null;
  const [direction, plain, wide] = step;
  return {
    alter: event.shiftKey ? "extend" : "move",
    direction,
    granularity: event.ctrlKey || event.altKey ? wide : plain,
  };
}

export class Caret {
  #drawn = null;

  /** `area`: the scrolling element around the text; `onToggle(isOn)`. */
  constructor(map, area, onToggle) {
    this.map = map;
    this.area = area;
    this.onToggle = onToggle;
    this.isOn = false;
    document.addEventListener("keydown", (event) => this.#onKeydown(event), true);
    document.addEventListener("selectionchange", () => this.isOn && this.draw());
    window.addEventListener("resize", () => this.isOn && this.draw());
  }

  toggle() {
    if (this.isOn) this.off();
    else this.on();
  }

  on() {
    this.isOn = true;
    if (document.activeElement !== this.area) this.area.focus({ preventScroll: true });
    const selection = document.getSelection();
    if (!this.map.contentOf(selection.focusNode)) this.#start(selection);
    this.draw();
    this.onToggle(true);
  }

  off() {
    this.isOn = false;
    this.#drawn?.remove();
    this.#drawn = null;
    this.onToggle(false);
  }

  /** Put the caret behind what was selected: the next selection starts there. */
  collapse() {
    const selection = document.getSelection();
    if (!selection.rangeCount) return;
    if (this.isOn) selection.collapse(selection.focusNode, selection.focusOffset);
    else selection.removeAllRanges();
  }

  #start(selection) {
    const top = this.area.getBoundingClientRect().top;
    const seen = this.map.contents.filter((content) => content.element.checkVisibility?.() ?? true);
    const isReasoning = (content) => content.kind === "scratchpad";
    const below = seen.filter((content) => content.element.getBoundingClientRect().bottom > top + 20);
    const first = below.find(isReasoning) || below[0] || seen[0];
    if (!first) return;
    const place = this.map.place(first.message, first.start, first.transcript);
    selection.collapse(place.node, place.offset);
  }

  #onKeydown(event) {
    if (!this.isOn || event.defaultPrevented || document.querySelector("dialog:modal")) return;
    const target = event.target;
    if (target !== document.body && target !== this.area && !this.area.contains(target)) return;
    if (event.key === "Escape") {
      event.preventDefault();
      this.off();
      return;
    }
    const move = movement(event);
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    this.#move(move);
    this.draw(true);
  }

  #move({ alter, direction, granularity }) {
    const selection = document.getSelection();
    const before = [selection.anchorNode, selection.anchorOffset, selection.focusNode, selection.focusOffset];
    for (let steps = 0; steps < MOST_STEPS; steps += 1) {
      const { focusNode, focusOffset } = selection;
      selection.modify(alter, direction, granularity);
      if (this.map.contentOf(selection.focusNode)) return;
      if (selection.focusNode === focusNode && selection.focusOffset === focusOffset) break;
    }
    // Nothing to read in that direction: stay.
    if (alter === "move") selection.collapse(before[2], before[3]);
    else selection.setBaseAndExtent(...before);
  }

  draw(isMoved = false) {
    const box = caretBox(document.getSelection());
    if (!box) {
      this.#drawn?.remove();
      this.#drawn = null;
      return;
    }
    if (!this.#drawn) {
      this.#drawn = document.createElement("span");
      this.#drawn.className = "text-caret";
      this.#drawn.setAttribute("aria-hidden", "true");
      this.area.append(this.#drawn);
    }
    const area = this.area.getBoundingClientRect();
    const top = box.top - area.top + this.area.scrollTop;
    this.#drawn.style.left = `${box.left - area.left + this.area.scrollLeft}px`;
    this.#drawn.style.top = `${top}px`;
    this.#drawn.style.height = `${box.height}px`;
    if (!isMoved) return;
    const margin = 3 * box.height;
    if (box.top < area.top + margin) this.area.scrollTop -= area.top + margin - box.top;
    else if (box.bottom > area.bottom - margin) this.area.scrollTop += box.bottom - area.bottom + margin;
  }
}

/** Where the selection's moving end is on the screen: {left, top, bottom, height}, or null. */
function caretBox(selection) {
  const { focusNode: node, focusOffset: offset } = selection;
  if (!node) return null;
  const range = document.createRange();
  range.setStart(node, offset);
  let box = [...range.getClientRects()].at(-1);
  if (!box && node.nodeType === Node.TEXT_NODE && offset < node.data.length) {
    range.setEnd(node, offset + 1);
    box = range.getClientRects()[0];
  }
  if (!box && node.nodeType === Node.TEXT_NODE && offset > 0) {
    range.setStart(node, offset - 1);
    range.setEnd(node, offset);
    const before = [...range.getClientRects()].at(-1);
    box = before && { left: before.right, top: before.top, bottom: before.bottom, height: before.height };
  }
  if (!box && node.nodeType === Node.ELEMENT_NODE) box = (node.childNodes[offset] || node).getBoundingClientRect?.();
  return box?.height ? box : null;
}
