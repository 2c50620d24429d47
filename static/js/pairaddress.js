/**
 * Query strings of the pair page. No DOM in here, so that it can be tested alone.
 *
 * Steps are links that the server wrote; what is switched without it since then (scrolling, the focused arm)
 * stands in the address of the page and is carried over when a link is followed. layers.js does so for layers.
 */

/** What each word of data-carry stands for. */
const PARTS = { view: ["scroll"], focus: ["focus"] };

/**
 * `query` with `name` set to `value`, or without it if that is "".
 *
 * @param {string} query  with its question mark, or ""
 */
export function withValue(query, name, value) {
  const values = new URLSearchParams(query);
  if (value === "") values.delete(name);
  else values.set(name, value);
  return asQuery(values);
}

/** `href` (a path with a query) with the named `parts` as the page's own query `here` has them. */
export function carried(href, here, parts) {
  const [path, query = ""] = href.split("?");
  const values = new URLSearchParams(query);
  const own = new URLSearchParams(here);
  for (const name of parts.flatMap((part) => PARTS[part] ?? [])) {
    if (own.has(name)) values.set(name, own.get(name));
    else if (name !== "focus") values.delete(name);
  }
  return path + asQuery(values);
}

/** The one behind `item`, going round; undefined if there is no other. */
export function nextOf(items, item) {
  return items.length > 1 ? items[(items.indexOf(item) + 1) % items.length] : undefined;
}

// Commas stay readable, as the server writes them.
function asQuery(values) {
  const text = values.toString().replaceAll("%2C", ",");
  return text && `?${text}`;
}
