/**
 * Draws the charts of a page: every element with a `data-chart` attribute, which holds the id of
 * a JSON script element or the address of a Vega-Lite specification.
 *
 * Runs under a Content-Security-Policy without 'unsafe-inline' and 'unsafe-eval': `ast` makes
 * Vega interpret its expressions instead of compiling them, and `defaultStyle: false` keeps
 * vega-embed from adding a style element. Colours are the page's own: `usermeta.tokens` names the
 * custom property behind each colour parameter, and they follow every change of theme.
 *
 * Vega is 900 kB and is loaded only when there is a chart. A chart is one picture to a screen
 * reader, labelled with the specification's description; the table beside it has the figures
 * and the links.
 */

const OPTIONS = {
  mode: "vega-lite",
  renderer: "svg",
  ast: true,
  actions: false,
  tooltip: false, // Vega then sets the native title
  defaultStyle: false,
  loader: { target: "_self" },
};

const drawn = new Map(); // element → {view, tokens}

async function specificationOf(source) {
  const element = document.getElementById(source);
  if (element) return JSON.parse(element.textContent);
  const response = await fetch(source, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`${source} answered ${response.status}`);
  return response.json();
}

/** The colours of the page now, by parameter name; a property the page does not have is left out. */
function coloursOf(element, tokens) {
  const colours = {};
  const probe = document.createElement("span");
  probe.hidden = true;
  element.append(probe);
  for (const [name, property] of Object.entries(tokens)) {
    if (!getComputedStyle(element).getPropertyValue(property)) continue;
    probe.style.color = `var(${property})`; // resolved to rgb(), whatever the property is made of
    colours[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return colours;
}

async function draw(element) {
  if (drawn.has(element)) return;
  drawn.set(element, null); // claimed, so that two events do not draw it twice
  try {
    const [{ default: embed }, specification] = await Promise.all([
      import("../vendor/vega.js"),
      specificationOf(element.dataset.chart),
    ]);
    const tokens = specification.usermeta?.tokens ?? {};
    const colours = coloursOf(element, tokens);
    for (const parameter of specification.params ?? []) {
      if (parameter.name in colours) parameter.value = colours[parameter.name];
    }
    const { view } = await embed(element, specification, OPTIONS);
    if (!element.isConnected) {
      view.finalize();
      drawn.delete(element);
      return;
    }
    element.setAttribute("role", "img");
    if (!element.hasAttribute("aria-label") && !element.hasAttribute("aria-labelledby")) {
      element.setAttribute("aria-label", specification.description ?? "Chart");
    }
    element.dataset.chartState = "drawn";
    drawn.set(element, { view, tokens });
  } catch (error) {
    drawn.delete(element);
    element.dataset.chartState = "failed";
    element.textContent = "The chart could not be drawn. The table has the same figures.";
    console.error(error);
  }
}

function drawAll(root) {
  if (root.matches?.("[data-chart]")) draw(root);
  for (const element of root.querySelectorAll("[data-chart]")) draw(element);
}

function forgetRemoved() {
  for (const [element, chart] of drawn) {
    if (element.isConnected || !chart) continue;
    chart.view.finalize();
    drawn.delete(element);
  }
}

function recolour() {
  for (const [element, chart] of drawn) {
    if (!chart) continue;
    for (const [name, colour] of Object.entries(coloursOf(element, chart.tokens))) {
      chart.view.signal(name, colour);
    }
    chart.view.runAsync();
  }
}

drawAll(document);
document.addEventListener("htmx:load", (event) => {
  forgetRemoved();
  drawAll(event.target);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
new MutationObserver(recolour).observe(document.documentElement, {
  attributes: true,
  attributeFilter: ["class", "data-theme"],
});
