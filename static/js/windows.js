/**
 * The windows of a long transcript: more are loaded as one comes near, and those far away give up their place.
 *
 * The page never holds more than a few windows, however far one scrolls. A window that goes leaves a box of its
 * height, which fetches it again. What the reader looks at never moves: whatever is put in above it is scrolled away.
 */

const MOST = 6; // windows in the page
const NEAR = "1500px 0px";

export class Windows {
  /** `onChange` is called when windows have come or gone. */
  constructor(root, onChange) {
    this.root = root;
    this.onChange = onChange;
    this.held = null;
    this.watch = new IntersectionObserver((entries) => entries.forEach((entry) => this.#near(entry)), { rootMargin: NEAR });
    // Bubbles from whatever is swapped: an edge, or the box of a window that was away.
    root.addEventListener("htmx:beforeSwap", () => this.hold());
    root.addEventListener("htmx:afterSwap", () => this.#changed());
    this.#observe();
  }

  /** The message that stands at the reading line, {element, index, top}, or null. */
  at(line) {
    let found = null;
    for (const each of this.root.querySelectorAll(":scope > .window")) {
      if (each.getBoundingClientRect().top > line && found) break;
      found = each;
    }
    const turns = found ? [...found.querySelectorAll("[data-message]")] : [];
    let low = 0;
    let high = turns.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (turns[middle].getBoundingClientRect().top <= line) low = middle;
      else high = middle - 1;
    }
    const element = turns[low];
    return element ? { element, index: Number(element.dataset.message), top: element.getBoundingClientRect().top } : null;
  }

  /** The windows that follow each other without a gap from the one that holds `element`, in page order. */
  unbroken(element) {
    const own = element.closest(".window");
    const found = [own];
    for (let each = own.previousElementSibling; each?.matches(".window"); each = each.previousElementSibling) found.unshift(each);
    for (let each = own.nextElementSibling; each?.matches(".window"); each = each.nextElementSibling) found.push(each);
    return found;
  }

  /** Note what the reader looks at, so that it stays there. */
  hold() {
    this.held = this.at(innerHeight / 3);
  }

  release() {
    const held = this.held;
    this.held = null;
    if (!held?.element.isConnected) return;
    const moved = held.element.getBoundingClientRect().top - held.top;
    if (Math.abs(moved) >= 1) scrollBy({ top: moved, behavior: "instant" });
  }

  #near({ isIntersecting, target }) {
    if (!isIntersecting || target.dataset.isAsked) return;
    target.dataset.isAsked = "1";
    window.htmx?.ajax("GET", target.dataset.part, { source: target, target, swap: "outerHTML" }).finally(() => {
      delete target.dataset.isAsked; // after a failure it is asked for again when one comes near again
    });
  }

  #changed() {
    this.release();
    this.#drop();
    this.#observe();
    this.onChange();
  }

  #observe() {
    this.watch.disconnect();
    for (const each of this.root.querySelectorAll(":scope > .window-edge, :scope > .window-gone")) this.watch.observe(each);
  }

  /** The farthest windows go, but none that is near, selected or has the focus. */
  #drop() {
    const windows = [...this.root.querySelectorAll(":scope > .window")];
    const far = windows
      .map((element) => ({ element, box: element.getBoundingClientRect() }))
      .map(({ element, box }) => ({ element, box, away: Math.max(-box.bottom, box.top - innerHeight) }))
      .filter(({ element, away }) => away > 2 * innerHeight && !isInUse(element))
      .sort((a, b) => b.away - a.away)
      .slice(0, Math.max(0, windows.length - MOST));
    for (const { element, box } of far) {
      const gone = document.createElement("div");
      gone.className = "window-gone";
      Object.assign(gone.dataset, { window: element.dataset.window, end: element.dataset.end, part: element.dataset.part });
      gone.style.height = `${box.height}px`;
      element.replaceWith(gone);
    }
  }
}

function isInUse(element) {
  const selection = getSelection();
  const isSelected = selection && !selection.isCollapsed && selection.containsNode(element, true);
  return isSelected || element.contains(document.activeElement);
}
