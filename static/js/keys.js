/**
 * Keyboard shortcuts: any element with data-key is pressed, followed or focused by its key.
 *
 * Nothing is registered, so parts that htmx swaps in work at once. `?` lists what is on the page.
 * Also opens dialogs (data-opens="id") and lets Escape leave a field.
 */

import { keepsKey, keyName, matchKey } from "./matchkey.js";

export { matchKey };

const OFF = "afdash-keys-off";
const SYMBOLS = { enter: "⏎", escape: "Esc", space: "Space", arrowleft: "←", arrowright: "→", arrowup: "↑", arrowdown: "↓" };

function areOff() {
  try {
    return localStorage.getItem(OFF) === "1";
  } catch {
    return false;
  }
}

function isUsable(element) {
  if (element.disabled || element.getAttribute("aria-disabled") === "true") return false;
  if (element.control?.disabled) return false;
  return element.checkVisibility ? element.checkVisibility() : element.getClientRects().length > 0;
}

function openModal() {
  return document.querySelector("dialog:modal");
}

/** Usable elements with a key, in page order; only those of the open modal dialog if there is one. */
export function boundElements(root = openModal() || document) {
  return [...root.querySelectorAll("[data-key]")].filter(isUsable);
}

export function labelOf(element) {
  const given = element.dataset.keyLabel || element.getAttribute("aria-label");
  if (given) return given;
  const copy = (element.labels?.[0] || element).cloneNode(true);
  copy.querySelectorAll("kbd, .visually-hidden").forEach((part) => part.remove());
  return copy.textContent.replace(/\s+/g, " ").trim() || element.title || element.name || "";
}

function isTextLike(element) {
  return element.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit], [type=file])");
}

function press(element) {
  if (isTextLike(element)) {
    element.focus();
    element.select?.();
  } else {
    element.click();
  }
}

function shown(binding) {
  return binding.split(/\s+/).map((key) => {
    const box = document.createElement("kbd");
    const parts = key.split("+");
    const last = key === "+" ? "+" : parts.pop();
    const name = SYMBOLS[last.toLowerCase()] || (last.length === 1 ? last.toUpperCase() : last);
    box.textContent = parts.some((part) => part.toLowerCase() === "shift") && key !== "+" ? `⇧${name}` : name;
    return box;
  });
}

/** Fill and open the list of shortcuts. Done anew each time: the page may have changed. */
export function showKeys() {
  const dialog = document.getElementById("keys-dialog");
  if (!dialog || dialog.open) return;
  const list = dialog.querySelector("[data-key-list]");
  const seen = new Set();
  list.replaceChildren();
  for (const element of boundElements(document)) {
    if (element.closest("dialog") || seen.has(element.dataset.key)) continue;
    seen.add(element.dataset.key);
    const item = document.createElement("li");
    item.append(...shown(element.dataset.key), ` ${labelOf(element)}`);
    list.append(item);
  }
  dialog.querySelector("[data-no-keys]").hidden = seen.size > 0;
  dialog.querySelector("[data-keys-off]").checked = areOff();
  dialog.showModal();
}

function onKeydown(event) {
  if (event.defaultPrevented) return;
  const name = keyName(event);
  if (name === null) return;
  if (name === "escape") {
    const field = document.activeElement;
    // In a dialog Escape closes (the browser does it); in a field it gives the keys back.
    if (!openModal() && field && isTextLike(field)) field.blur();
    else if (!openModal()) document.querySelector("dialog[open]")?.close();
    return;
  }
  if (keepsKey(event.target, name)) return;
  if (name === "?") {
    event.preventDefault();
    showKeys();
    return;
  }
  if (areOff()) return;
  const elements = boundElements();
  const binding = matchKey(event, elements.map((element) => element.dataset.key));
  if (binding === null) return;
  event.preventDefault();
  press(elements.find((element) => element.dataset.key === binding));
}

function onClick(event) {
  const opener = event.target.closest?.("[data-opens]");
  if (opener?.dataset.opens === "keys-dialog") showKeys();
  else if (opener) document.getElementById(opener.dataset.opens)?.showModal();
}

function onChange(event) {
  if (!event.target.matches?.("[data-keys-off]")) return;
  try {
    localStorage.setItem(OFF, event.target.checked ? "1" : "0");
  } catch {
    // Private windows may refuse storage: the choice then lasts no longer than the page.
  }
}

if (typeof document !== "undefined") {
  document.addEventListener("keydown", onKeydown);
  document.addEventListener("click", onClick);
  document.addEventListener("change", onChange);
}
