/**
 * Links to words: #m12c100-180 is code points [100, 180) of message 12, #a7m12c100-180 those of arm 7's
 * sample on a pair page, #m12 a message. A link that is opened scrolls there and draws the words.
 */

import { notice } from "./notices.js";
import { codePointToUtf16, TextMap } from "./offsets.js";
import { currentText, mapOf, reveal, texts, unfold } from "./textview.js";

const FRAGMENT = /^#(?:a(\d{1,18}))?m(\d{1,9})(?:c(\d{1,9})-(\d{1,9}))?$/;
const LOOKS_LIKE_ONE = /^#(?:a\d+)?m\d/;

/** {arm, message, start, end} of a fragment, or null; start is null where the whole message is meant. */
export function parseFragment(fragment) {
  const found = FRAGMENT.exec(fragment);
  if (!found) return null;
  const [, arm, message, start, end] = found;
  if (start !== undefined && Number(start) > Number(end)) return null;
  return { arm: arm || "", message: Number(message), start: start === undefined ? null : Number(start), end: start === undefined ? null : Number(end) };
}

export function fragmentOf({ arm, message, start, end }) {
  return `#${arm ? `a${arm}` : ""}m${message}${start === null || start === undefined ? "" : `c${start}-${end}`}`;
}

/** DOM ranges of code points [start, end) of a message; one for each segment that they touch. */
export function rangesOf(map, message, start, end) {
  const found = [];
  for (const content of map.contents) {
    if (content.message !== message) continue;
    const isPoint = start === end && content.start <= start && start <= content.end;
    if (!isPoint && (content.start >= end || content.end <= start)) continue;
    const from = codePointToUtf16(content.text, Math.max(start, content.start) - content.start);
    const to = codePointToUtf16(content.text, Math.min(end, content.end) - content.start);
    const range = document.createRange();
    range.setStart(...placeIn(content.element, from, false));
    range.setEnd(...placeIn(content.element, to, true));
    found.push(range);
    if (isPoint) break;
  }
  return found;
}

/** The text node and offset of a UTF-16 unit: at a border the node behind it for a start, before it for an end. */
function placeIn(element, units, isEnd) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let last = null;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (units < node.data.length || (isEnd && units === node.data.length)) return [node, units];
    units -= node.data.length;
    last = node;
  }
  return last ? [last, last.data.length] : [element, 0];
}

function forget() {
  CSS.highlights?.delete("linked");
  for (const old of document.querySelectorAll(".is-linked")) old.classList.remove("is-linked");
}

/** Show what the address points to. Says so where there is nothing. */
export function restore() {
  const target = parseFragment(location.hash);
  if (!target) {
    if (LOOKS_LIKE_ONE.test(location.hash)) notice("The end of this address (behind #) is no place in a text: the page is shown from its start.", "warn");
    return;
  }
  forget();
  const text = target.arm ? texts().find(({ arm }) => arm === target.arm) : texts()[0];
  const element = text?.element.querySelector(`[data-message="${target.message}"]`);
  if (!element) {
    if (text && !goToWindow(target.message)) notice(`This link points to message ${target.message + 1}, which is not on this page.`, "warn");
    else if (!text) notice("This link points to an arm that is not on this page.", "warn");
    return;
  }
  unfold(element);
  if (target.start === null) {
    element.classList.add("is-linked");
    reveal(element);
    return;
  }
  const ranges = rangesOf(mapOf(text.element, target.message), target.message, target.start, target.end);
  if (!ranges.length) {
    notice(`This link points beyond the end of message ${target.message + 1}.`, "warn");
    reveal(element);
    return;
  }
  if (target.start < target.end) {
    if (CSS.highlights) CSS.highlights.set("linked", new Highlight(...ranges));
    else element.classList.add("is-linked");
  }
  reveal(ranges[0]);
}

/** A message of another window: the page that holds it, once. */
function goToWindow(message) {
  const url = new URL(location.href);
  if (!document.querySelector(".reading-scope [data-message]") || url.searchParams.get("from") === String(message)) return false;
  url.searchParams.set("from", message);
  location.replace(url);
  return true;
}

/** The place that a link is to be made to: the selected words, else what stands at the top of the window. */
function placeHere() {
  const selection = document.getSelection();
  if (selection.rangeCount && !selection.isCollapsed) {
    const range = selection.getRangeAt(0);
    const text = texts().find(({ element }) => range.intersectsNode(element) && element.contains(startOf(range)));
    const found = text && new TextMap(text.element).stretch(range);
    if (found) return { arm: text.arm, message: found.message, start: found.start, end: found.end };
  }
  const text = currentText();
  if (!text) return null;
  const messages = [...text.element.querySelectorAll("[data-message]")];
  const first = messages.find((message) => message.getBoundingClientRect().bottom > 150) || messages.at(-1);
  if (!first) return null;
  const here = { arm: text.arm, message: Number(first.dataset.message), start: null, end: null };
  if (first.getBoundingClientRect().top > 0) return here;
  // Deep in a long message: the words at the top of the window.
  const frame = text.element.getBoundingClientRect();
  const caret = document.caretPositionFromPoint?.(frame.left + 40, 160) || null;
  const node = caret?.offsetNode;
  const at = node && first.contains(node) ? mapOf(text.element, here.message).at(node, caret.offset) : null;
  return at ? { ...here, start: at.at, end: at.at } : here;
}

function startOf(range) {
  return range.startContainer.nodeType === Node.TEXT_NODE ? range.startContainer.parentElement : range.startContainer;
}

/** The address of a place: this page as it is, with the window that holds the message. */
function linkTo(place) {
  const url = new URL(location.href);
  url.hash = fragmentOf(place);
  return url.href;
}

async function copyLink() {
  const place = placeHere();
  if (!place) return;
  const link = linkTo(place);
  history.replaceState(history.state, "", link);
  const words = place.start === null || place.start === place.end ? "this place" : "the selected words";
  try {
    await navigator.clipboard.writeText(link);
    notice(`A link to ${words} is copied.`, "ok");
  } catch {
    // Browsers give the clipboard to secure pages only, and may refuse it there too.
    notice(`The browser’s address now leads to ${words}: copy it from there.`, "info");
  }
}

// -- the button beside a selection

let button = null;

function offer() {
  const selection = document.getSelection();
  const range = selection.rangeCount && !selection.isCollapsed ? selection.getRangeAt(0) : null;
  const isInText = range && startOf(range).closest?.(".reading-scope .segment-content");
  if (!isInText || !document.querySelector("[data-copy-link]")) {
    button?.remove();
    return;
  }
  if (!button) {
    button = document.createElement("button");
    button.type = "button";
    button.className = "button button-small selection-link";
    button.dataset.copySelection = "";
    button.textContent = "copy link";
    // A press must not take the selection away before it is read.
    button.addEventListener("pointerdown", (event) => event.preventDefault());
  }
  const rects = range.getClientRects();
  const rect = rects[rects.length - 1] || range.getBoundingClientRect();
  button.style.left = `${Math.min(rect.right + scrollX, scrollX + innerWidth - 110)}px`;
  button.style.top = `${rect.bottom + scrollY + 6}px`;
  if (!button.isConnected) document.body.append(button);
}

let waiting = 0;
document.addEventListener("selectionchange", () => {
  clearTimeout(waiting);
  waiting = setTimeout(offer, 250);
});
document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-copy-link], [data-copy-selection]")) copyLink();
});
addEventListener("hashchange", restore);
document.addEventListener("reading:more", restore); // whoever brings another window of messages in
if (document.readyState === "complete") restore();
else addEventListener("load", restore, { once: true });
