/**
 * Draws spans over the text. Only elements and text nodes are made, so nothing in a transcript can
 * become markup; only segments whose spans changed are drawn anew.
 */

import { codePointToUtf16 } from "./offsets.js";

/** What tells one span from another; also its name in the page. A suggestion has an id of its own. */
export function spanKey(span) {
  if (span.id) return `suggested:${span.id}`;
  const side = span.transcript ? `${span.transcript}/` : "";
  return `${side}${span.message}:${span.start}:${span.end}:${span.label}`;
}

/** Spans in reading order, outer before inner. */
export function inOrder(spans) {
  return [...spans].sort(
    (a, b) =>
      (a.transcript || 0) - (b.transcript || 0) || a.message - b.message || a.start - b.start || b.end - a.end || (a.label < b.label ? -1 : 1),
  );
}

/** The underline depth of each of `spans` (ordered), 1 to 3: overlapping ones differ while there is room. */
export function lanes(spans) {
  const given = [];
  spans.forEach((span, number) => {
    const taken = new Set();
    for (let other = Math.max(0, number - 50); other < number; other += 1) {
      if (spans[other].end > span.start && spans[other].start < span.end) taken.add(given[other]);
    }
    given.push([1, 2, 3].find((lane) => !taken.has(lane)) || 3);
  });
  return given;
}

/**
 * Stretches of [0, length) that are covered by the same spans: [{from, to, spans: [index, …]}], all in one
 * unit. Stretches that no span covers are left out. One pass over the sorted edges.
 */
export function pieces(spans, length) {
  const edges = [...new Set(spans.flatMap((span) => [Math.max(0, span.from), Math.min(length, span.to)]))].sort((a, b) => a - b);
  const byStart = spans.map((span, index) => ({ ...span, index })).sort((a, b) => a.from - b.from);
  const found = [];
  let active = [];
  let next = 0;
  for (let number = 0; number + 1 < edges.length; number += 1) {
    const [from, to] = [edges[number], edges[number + 1]];
    active = active.filter((span) => span.to > from);
    while (next < byStart.length && byStart[next].from <= from) {
      if (byStart[next].to > from) active.push(byStart[next]);
      next += 1;
    }
    if (active.length) found.push({ from, to, spans: active.map((span) => span.index).sort((a, b) => a - b) });
  }
  return found;
}

export class Marks {
  /** `labels`: {key: {title, colour, tag}} */
  constructor(map, labels) {
    this.map = map;
    this.labels = labels;
    this.drawn = new Map();
    // As the server sent it, without marks: what each drawing starts from.
    this.pristine = new Map(map.contents.map((content) => [content, content.element.cloneNode(true)]));
  }

  draw(spans, selectedKey = "") {
    const ordered = inOrder(spans);
    const byMessage = groupBy(ordered);
    const laneOf = new Map();
    for (const group of byMessage.values()) {
      lanes(group).forEach((lane, number) => laneOf.set(spanKey(group[number]), lane));
    }
    for (const content of this.map.contents) {
      const own = (byMessage.get(`${content.transcript}/${content.message}`) || []).filter((s) => s.start < content.end && s.end > content.start);
      const signature = own.map((span) => `${spanKey(span)}/${laneOf.get(spanKey(span))}`).join(" ");
      if (signature === (this.drawn.get(content) || "")) continue;
      this.drawn.set(content, signature);
      this.#drawIn(content, own, laneOf);
    }
    this.select(selectedKey);
  }

  select(key) {
    for (const mark of this.map.root.querySelectorAll("mark.is-selected")) mark.classList.remove("is-selected");
    if (key) for (const mark of this.marksOf(key)) mark.classList.add("is-selected");
  }

  marksOf(key) {
    return [...this.map.root.querySelectorAll(`mark[data-span="${CSS.escape(key)}"]`)];
  }

  #drawIn(content, spans, laneOf) {
    const copy = this.pristine.get(content).cloneNode(true);
    const ranges = spans.map((span) => ({
      from: codePointToUtf16(content.text, Math.max(0, span.start - content.start)),
      to: codePointToUtf16(content.text, Math.min(content.end, span.end) - content.start),
    }));
    const stretches = pieces(ranges, content.text.length);
    let at = 0;
    let next = 0;
    for (const leaf of leaves(copy)) {
      const length = leaf.textContent.length;
      const end = at + length;
      while (next < stretches.length && stretches[next].to <= at) next += 1;
      let rest = leaf;
      let restAt = at;
      for (let number = next; number < stretches.length && stretches[number].from < end; number += 1) {
        const { from, to, spans: covering } = stretches[number];
        let target = rest;
        if (rest.nodeType === Node.TEXT_NODE) {
          if (from > restAt) {
            target = rest.splitText(from - restAt);
            restAt = from;
          }
          if (to < end) {
            rest = target.splitText(to - restAt);
            restAt = to;
          }
        }
        const ending = covering.filter((index) => ranges[index].to <= Math.min(to, end));
        this.#wrap(target, covering, ending, spans, laneOf);
      }
      at = end;
    }
    content.element.replaceChildren(...copy.childNodes);
  }

  #wrap(node, covering, ending, spans, laneOf) {
    let outer = null;
    let inner = null;
    for (const index of covering) {
      const span = spans[index];
      const label = this.labels[span.label] || { title: span.label, colour: 12, tag: "" };
      const mark = document.createElement("mark");
      mark.className = `mark mark-${span.id ? "suggestion" : "mine"} label-colour-${label.colour} lane-${laneOf.get(spanKey(span))}`;
      mark.dataset.span = spanKey(span);
      mark.title = span.id ? `suggested: ${label.title}` : label.title;
      if (label.tag && !span.id && ending.includes(index)) mark.dataset.tag = label.tag;
      if (inner) inner.append(mark);
      else outer = mark;
      inner = mark;
    }
    node.replaceWith(outer);
    inner.append(node);
  }
}

/** Text nodes, and control characters with their wrapping: that one is drawn and must stay whole. */
function leaves(root) {
  const found = [];
  const walk = (node) => {
    for (const child of node.childNodes) {
      if (child.nodeType === Node.TEXT_NODE) {
        if (child.data) found.push(child);
      } else if (child.classList?.contains("ctl")) found.push(child);
      else walk(child);
    }
  };
  walk(root);
  return found;
}

function groupBy(spans) {
  const groups = new Map();
  for (const span of spans) {
    const key = `${span.transcript || 0}/${span.message}`;
    if (groups.has(key)) groups.get(key).push(span);
    else groups.set(key, [span]);
  }
  return groups;
}
