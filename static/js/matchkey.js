/**
 * Which keyboard shortcut an event stands for. No DOM in here, so that it can be tested alone.
 *
 * A binding is a string of one or more keys parted by spaces: "j", "j ArrowRight", "Shift+x", "?".
 */

const TYPES_TEXT = new Set([
  "text", "search", "email", "password", "url", "tel", "number", "date", "time", "datetime-local", "month", "week",
]);
const OWN_KEYS_OF_CONTROLS = new Set(["enter", "space", "arrowup", "arrowdown", "arrowleft", "arrowright"]);

/** The name of the pressed key as bindings spell it, or null if the event is not for shortcuts. */
export function keyName(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return null;
  if (event.isComposing || event.keyCode === 229 || !event.key) return null;
  let key = event.key === " " ? "Space" : event.key;
  if (key === "Dead" || key === "Process" || key === "Unidentified") return null;
  // On a Cyrillic or Greek keyboard the letter's place counts: the key printed J is "j".
  if (/^[^\u0000-\u024f]$/u.test(key) && /^Key[A-Z]$/.test(event.code || "")) key = event.code.slice(3);
  const isLetter = /^\p{L}$/u.test(key);
  const isNamed = [...key].length > 1;
  // Caps lock must not change what a letter does, and "?" needs no mention of its shift key.
  return (event.shiftKey && (isLetter || isNamed) ? "shift+" : "") + key.toLowerCase();
}

/**
 * The first of `bindings` that the event matches, or null.
 *
 * @param {KeyboardEvent|object} event  needs key, and optionally code, shiftKey, ctrlKey, metaKey,
 *   altKey, repeat, isComposing
 * @param {Iterable<string>} bindings
 */
export function matchKey(event, bindings) {
  const name = keyName(event);
  if (name === null) return null;
  for (const binding of bindings) {
    if (binding.toLowerCase().split(/\s+/).includes(name)) return binding;
  }
  return null;
}

/**
 * Whether the focused element wants this key itself: everything in a text field, and Enter,
 * Space and arrows on a button, link, radio button or the like.
 */
export function keepsKey(target, name) {
  const tag = (target?.tagName || "").toLowerCase();
  if (target?.isContentEditable || tag === "textarea" || tag === "select") return true;
  if (tag === "input" && TYPES_TEXT.has((target.type || "text").toLowerCase())) return true;
  if (!["input", "button", "a", "summary", "video", "audio"].includes(tag)) return false;
  return OWN_KEYS_OF_CONTROLS.has(String(name).replace("shift+", ""));
}
