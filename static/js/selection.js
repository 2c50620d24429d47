/**
 * Rows ticked in a list stay ticked over pages and filters, for this tab, until they are cleared.
 *
 * The boxes belong to the form #selection; those of other pages are added to it when it is sent. At most MOST
 * rows can be ticked: more are chosen by "all that pass". Without this script the form sends this page's boxes.
 */

export const MOST = 500;

/** The ids of `boxes` (in page order) from the one ticked before to the one ticked now, both included. */
export function range(ids, from, to) {
  const [first, last] = [ids.indexOf(from), ids.indexOf(to)];
  if (first < 0 || last < 0) return [to];
  return ids.slice(Math.min(first, last), Math.max(first, last) + 1);
}

/** What the bar says: `chosen` are the ticked ids, `here` those of this page. */
export function said(page, chosen, here) {
  const one = page === "pairs" ? "pair" : "transcript";
  const elsewhere = [...chosen].filter((id) => !here.includes(id)).length;
  const count = `${chosen.size} ${chosen.size === 1 ? one : page} selected`;
  return elsewhere ? `${count}, ${elsewhere} of them not on this page` : count;
}

const bar = () => document.getElementById("selection");
const boxes = () => [...document.querySelectorAll('input[type="checkbox"][name="unit"][form="selection"]')];
let last = null;

function key() {
  return `afdash-selection:${bar().dataset.study}:${bar().dataset.page}`;
}

function stored() {
  try {
    const ids = JSON.parse(sessionStorage.getItem(key()) || "[]");
    return new Set(Array.isArray(ids) ? ids.filter((id) => /^\d{1,19}$/.test(id)) : []);
  } catch {
    return new Set();
  }
}

function keep(chosen) {
  try {
    if (chosen.size) sessionStorage.setItem(key(), JSON.stringify([...chosen]));
    else sessionStorage.removeItem(key());
  } catch {
    // A browser that keeps nothing still sends the boxes of this page.
  }
}

/** Tick or clear some rows; refuses what would be more than MOST. */
function choose(ids, isOn) {
  const chosen = stored();
  for (const id of ids) {
    if (!isOn) chosen.delete(id);
    else if (chosen.size < MOST) chosen.add(id);
  }
  keep(chosen);
  show(chosen, isOn && ids.some((id) => !chosen.has(id)));
}

function show(chosen, isFull = false) {
  const form = bar();
  const here = boxes();
  for (const box of here) box.checked = chosen.has(box.value);
  const ticked = here.filter((box) => box.checked).length;
  for (const head of document.querySelectorAll("[data-select-page]")) {
    head.hidden = false;
    head.checked = ticked > 0 && ticked === here.length;
    head.indeterminate = ticked > 0 && ticked < here.length;
  }
  for (const button of form.querySelectorAll("[data-select]")) button.hidden = false;
  const everything = form.elements.all.checked;
  form.classList.toggle("has-selection", chosen.size > 0 || everything);
  const words = everything ? "All that pass" : said(form.dataset.page, chosen, here.map((box) => box.value));
  const full = isFull ? `; ${MOST} is the most, take all that pass instead` : "";
  form.querySelector("[data-selection-said]").textContent = words + full;
}

function onClick(event) {
  if (!bar()) return;
  const target = event.target;
  if (target.matches?.('input[name="unit"][form="selection"]')) {
    const ids = boxes().map((box) => box.value);
    choose(event.shiftKey && last !== null ? range(ids, last, target.value) : [target.value], target.checked);
    last = target.value;
  } else if (target.matches?.("[data-select-page]")) {
    choose(boxes().map((box) => box.value), target.checked);
  } else if (target.closest?.('[data-select="page"]')) {
    choose(boxes().map((box) => box.value), true);
  } else if (target.closest?.('[data-select="none"]')) {
    bar().elements.all.checked = false;
    keep(new Set());
    show(new Set());
    boxes()[0]?.focus();
  } else if (target === bar().elements.all) {
    show(stored());
  }
}

/** The rows of other pages go along as hidden fields. What was done does not untick: it may be the first of two. */
function onSubmit(event) {
  const form = event.target;
  if (form !== bar()) return;
  form.querySelectorAll("[data-elsewhere]").forEach((field) => field.remove());
  if (!form.elements.all.checked) {
    const here = new Set(boxes().map((box) => box.value));
    for (const id of stored()) {
      if (here.has(id)) continue;
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name: "unit", value: id });
      field.dataset.elsewhere = "";
      form.append(field);
    }
  }
}

/** Ticks from before: also after htmx swapped the list, and after the browser went back. */
function restore() {
  last = null;
  if (bar()) show(stored());
}

if (typeof document !== "undefined") {
  document.addEventListener("click", onClick);
  document.addEventListener("submit", onSubmit);
  document.addEventListener("htmx:afterSettle", restore);
  window.addEventListener("pageshow", restore);
  restore();
}
