/**
 * The codebook editor: entries are moved with Alt and the arrows, a choice that changes what else is asked rebuilds
 * the form, and what was unfolded stays so when the server sends it anew. Works without it, by buttons.
 */

const FORM = "#codebook-editor";

function onKeydown(event) {
  if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
  const step = event.key === "ArrowUp" ? "up" : "down";
  const entry = event.target.closest?.(`${FORM} [data-entry]`);
  // Of a choice's buttons and its question's, the nearest entry's own.
  const button = entry && [...entry.querySelectorAll(`[data-step="${step}"]`)].find((each) => each.closest("[data-entry]") === entry);
  if (!button) return;
  event.preventDefault();
  button.click();
}

function onChange(event) {
  if (event.target.matches?.(`${FORM} [data-rebuilds]`)) document.querySelector(`${FORM} [data-look]`).click();
}

const unfolded = new Map();

function onToggle(event) {
  if (event.target.id && event.target.closest?.(FORM)) unfolded.set(event.target.id, event.target.open);
}

function onSwapped() {
  for (const [id, isOpen] of unfolded) {
    const part = document.getElementById(id);
    if (part?.tagName === "DETAILS") part.open = isOpen || part.contains(document.activeElement);
  }
  document.querySelector(`${FORM} [autofocus]`)?.focus();
}

let isChanged = false;

document.addEventListener("keydown", onKeydown);
document.addEventListener("change", onChange);
document.addEventListener("toggle", onToggle, true);
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id === "codebook-editor") onSwapped();
});
document.addEventListener("input", (event) => {
  if (event.target.closest?.(FORM)) isChanged = true;
});
document.addEventListener("click", (event) => {
  if (event.target.closest?.(`${FORM} [data-step], ${FORM} [id^="add-"]`)) isChanged = true;
});
document.addEventListener("submit", () => {
  isChanged = false;
});
window.addEventListener("beforeunload", (event) => {
  if (isChanged) event.preventDefault();
});

// A round on its way to another version goes on by itself while the page is open.
const goesOn = document.querySelector("[data-goes-on]");
if (goesOn) setTimeout(() => goesOn.requestSubmit(), 300);
