/**
 * Layers and the rendered view: their boxes act by CSS alone; this keeps the address right, so that a
 * reload and a shared link show the same, and takes the choice along to the next pair or sample.
 */

const PARAMETERS = ["layers", "view"];
const READING = /\/(pairs|transcripts|compare)\/(\d+\/)?([\w-]+\/)*$/;

/** What the address says of the boxes in `root`: {layers, view}, null for what is as usual. */
export function stateOf(root = document) {
  const boxes = [...root.querySelectorAll("[data-layers] [data-layer]")];
  const isUsual = boxes.every((box) => box.checked === (box.dataset.default === "on"));
  const view = root.querySelector("[data-layers] [data-view-switch]");
  return {
    layers: isUsual ? null : boxes.filter((box) => box.checked).map((box) => box.dataset.layer).join(",") || "none",
    view: !view || view.checked ? null : "raw",
  };
}

/** `address` with what `state` says of layers and view. */
export function withState(address, state, base = location.href) {
  const url = new URL(address, base);
  for (const name of PARAMETERS) {
    if (state[name] === null) url.searchParams.delete(name);
    else url.searchParams.set(name, state[name]);
  }
  // Commas need no escape in a query, and are easier to read without.
  url.search = url.search.replace(/%2C/gi, ",");
  return url;
}

function hasLayers() {
  return document.querySelector("[data-layers]") !== null;
}

function isReading(url) {
  return url.origin === location.origin && READING.test(url.pathname) && /\/\d+\//.test(url.pathname);
}

function onChange(event) {
  if (!event.target.matches?.("[data-layers] [data-layer], [data-layers] [data-view-switch]")) return;
  history.replaceState(history.state, "", withState(location.href, stateOf()));
  document.dispatchEvent(new CustomEvent("layers:changed"));
}

/** Links on the page were made before the boxes were touched. */
function onClick(event) {
  const link = event.target.closest?.(".reading-scope a[href]");
  if (!link || !hasLayers() || link.getAttribute("href").startsWith("#")) return;
  const url = new URL(link.href);
  if (isReading(url)) link.href = withState(url, stateOf()).href;
}

function onRequest(event) {
  if (!hasLayers() || event.detail.verb !== "get" || !event.detail.elt.closest(".reading-scope")) return;
  const url = new URL(event.detail.path, location.href);
  if (!isReading(url)) return;
  const { pathname, search } = withState(url, stateOf());
  event.detail.path = pathname + search;
}

if (typeof document !== "undefined") {
  document.addEventListener("change", onChange);
  document.addEventListener("click", onClick, true);
  document.addEventListener("htmx:configRequest", onRequest);
}
