/**
 * Offsets: between JavaScript's UTF-16 units and Unicode code points, and between the page and the text.
 *
 * A span is half-open [start, end) in code points of one message's stored text. This is the only file
 * that converts. The text of each .segment-content is exactly text[data-start:data-end].
 */

const WINDOW = 400; // code points to both sides, within which an edge looks for its next step

/** How many UTF-16 units the first `codePoints` code points of `text` take. */
export function codePointToUtf16(text, codePoints) {
  let units = 0;
  for (let seen = 0; seen < codePoints && units < text.length; seen += 1) {
    units += text.codePointAt(units) > 0xffff ? 2 : 1;
  }
  return units;
}

/** How many code points the first `units` UTF-16 units hold. One that is cut in half does not count. */
export function utf16ToCodePoint(text, units) {
  let points = 0;
  let at = 0;
  while (at < units && at < text.length) {
    at += text.codePointAt(at) > 0xffff ? 2 : 1;
    if (at <= units) points += 1;
  }
  return points;
}

export function codePointLength(text) {
  return utf16ToCodePoint(text, text.length);
}

/** [start, end) in UTF-16 units without white space at its ends, never cutting a character in half. */
export function tightened(text, start, end) {
  if (start > 0 && isLow(text, start) && isHigh(text, start - 1)) start -= 1;
  if (end < text.length && isLow(text, end) && isHigh(text, end - 1)) end += 1;
  while (start < end && /\s/.test(text[start])) start += 1;
  while (end > start && /\s/.test(text[end - 1])) end -= 1;
  return [start, end];
}

function isHigh(text, at) {
  const unit = text.charCodeAt(at);
  return unit >= 0xd800 && unit < 0xdc00;
}

function isLow(text, at) {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit < 0xe000;
}

/**
 * The text of the page: its messages' contents in order, read once. The text never changes, only the
 * marks that are drawn over it.
 */
export class TextMap {
  constructor(root) {
    this.root = root;
    this.contents = [...root.querySelectorAll("[data-message] .segment-content[data-start]")].map((element) => {
      const text = element.textContent;
      return {
        element,
        // The side of a pair that is labelled as one unit; 0 where there is but one text.
        transcript: Number(element.closest("[data-side]")?.dataset.side || 0),
        message: Number(element.closest("[data-message]").dataset.message),
        kind: element.closest("[data-kind]")?.dataset.kind || "text",
        start: Number(element.dataset.start),
        end: Number(element.dataset.end),
        text,
      };
    });
  }

  /** Messages whose page text is not as long as the stored text: nothing may be labelled in them. */
  broken(lengths = {}) {
    const bad = this.contents.filter((content) => codePointLength(content.text) !== content.end - content.start);
    const whole = new Map();
    for (const { transcript, message, end } of this.contents) {
      const key = `${transcript}/${message}`;
      whole.set(key, Math.max(whole.get(key) || 0, end));
    }
    const short = Object.entries(lengths).flatMap(([side, each]) =>
      each.flatMap((length, message) => ((whole.get(`${side}/${message}`) || 0) === length ? [] : [{ side, message }])),
    );
    return [...bad, ...short];
  }

  contentOf(node) {
    return this.contents.find((content) => content.element.contains(node)) || null;
  }

  /** The contents of a message that [start, end) touches. */
  #touched({ transcript = 0, message, start, end }) {
    return this.contents.filter(
      (c) => c.message === message && c.transcript === transcript && c.start < end && c.end > start,
    );
  }

  /** The kinds of segment that a stretch {message, start, end, transcript?} touches. */
  kinds(stretch) {
    return [...new Set(this.#touched(stretch).map((content) => content.kind))];
  }

  /** message.text[start:end] of a stretch. */
  quote(stretch) {
    return this.#touched(stretch)
      .map((content) => {
        const from = codePointToUtf16(content.text, Math.max(stretch.start, content.start) - content.start);
        const to = codePointToUtf16(content.text, Math.min(content.end, stretch.end) - content.start);
        return content.text.slice(from, to);
      })
      .join("");
  }

  /** How many code points a message has on the page. */
  length(message, transcript = 0) {
    return Math.max(0, ...this.contents.filter((c) => c.message === message && c.transcript === transcript).map((c) => c.end));
  }

  /**
   * The stretch with its start or end (`edge`) moved one step (`by` 1 or -1) over characters as people see them, or
   * over words; null where there is no way on.
   */
  moved(stretch, edge, by, isWord) {
    const { transcript = 0, message } = stretch;
    const length = this.length(message, transcript);
    const at = stretch[edge];
    const from = Math.max(0, at - WINDOW);
    const to = Math.min(length, at + WINDOW);
    const text = this.quote({ transcript, message, start: from, end: to });
    const units = codePointToUtf16(text, at - from);
    const found = nextEdge(text, units, edge, by, isWord);
    if (found === null) return null;
    const next = { ...stretch, [edge]: from + utf16ToCodePoint(text, found) };
    if (next.start >= next.end || next[edge] === at) return null;
    return { ...next, quote: this.quote(next) };
  }

  /** The sentence around a DOM position, within its line, as a DOM range; null outside the text. */
  sentence(node, offset) {
    const content = this.contentOf(node);
    if (!content) return null;
    const at = unitsBefore(content.element, node, offset);
    const [start, end] = sentenceAround(content.text, at);
    const range = document.createRange();
    const [first, last] = [start, end].map((units) => placeIn(content.element, units));
    range.setStart(first.node, first.offset);
    range.setEnd(last.node, last.offset);
    return range;
  }

  /**
   * The stretch that a DOM range covers: {message, start, end, quote}, or null. Headings that it runs over
   * do not count; where it runs over several messages, the first of them counts.
   */
  stretch(range) {
    if (!range || range.collapsed) return null;
    let message = null;
    let transcript = 0;
    const pieces = [];
    for (const content of this.contents) {
      if (message !== null && (content.message !== message || content.transcript !== transcript)) break;
      if (!range.intersectsNode(content.element)) continue;
      const [from, to] = unitsWithin(range, content);
      if (from >= to) continue;
      ({ message, transcript } = content);
      pieces.push({ content, from, to });
    }
    if (message === null) return null;
    // White space at the ends goes; it may be all that a segment at the edge gave.
    while (pieces.length) {
      const first = pieces[0];
      [first.from] = tightened(first.content.text, first.from, first.to);
      if (first.from < first.to) break;
      pieces.shift();
    }
    while (pieces.length) {
      const last = pieces[pieces.length - 1];
      [, last.to] = tightened(last.content.text, last.from, last.to);
      if (last.from < last.to) break;
      pieces.pop();
    }
    if (!pieces.length) return null;
    const first = pieces[0];
    const last = pieces[pieces.length - 1];
    const start = first.content.start + utf16ToCodePoint(first.content.text, first.from);
    const end = last.content.start + utf16ToCodePoint(last.content.text, last.to);
    const stretch = { ...(transcript ? { transcript } : {}), message, start, end };
    return { ...stretch, quote: this.quote(stretch) };
  }

  /** Where a code point of a message is in the page: {node, offset}, or null. */
  place(message, codePoint, transcript = 0) {
    const content = this.contents.find(
      (c) => c.message === message && c.transcript === transcript && c.start <= codePoint && codePoint <= c.end,
    );
    return content ? placeIn(content.element, codePointToUtf16(content.text, codePoint - content.start)) : null;
  }

  /** The code point of a message at a DOM position: {message, at}, or null outside the text. */
  at(node, offset) {
    const content = this.contentOf(node);
    if (!content) return null;
    const units = unitsBefore(content.element, node, offset);
    return { message: content.message, at: content.start + utf16ToCodePoint(content.text, units) };
  }
}

function placeIn(element, units) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (units <= node.data.length) return { node, offset: units };
    units -= node.data.length;
  }
  return { node: element, offset: element.childNodes.length };
}

/**
 * Where in `text` the edge at `at` (UTF-16 units) goes with one step; null where there is no further. Words: the start
 * goes from one word's beginning to another's, the end from ending to ending. Pure.
 */
export function nextEdge(text, at, edge, by, isWord) {
  const pieces = segmentsOf(text, isWord ? "word" : "grapheme").filter((piece) => !isWord || piece.isWordLike !== false);
  const edges = pieces.map(({ index, segment }) => (edge === "start" ? index : index + segment.length));
  if (!isWord) edges.push(edge === "start" ? text.length : 0);
  const onward = edges.filter((each) => (by > 0 ? each > at : each < at));
  if (!onward.length) return null;
  return by > 0 ? Math.min(...onward) : Math.max(...onward);
}

/** [start, end) of the sentence around `at`, within its line and without white space at its ends. Pure. */
export function sentenceAround(text, at) {
  const from = text.lastIndexOf("\n", at - 1) + 1;
  const behind = text.indexOf("\n", at);
  const line = text.slice(from, behind < 0 ? text.length : behind);
  let found = { index: 0, segment: line };
  for (const piece of segmentsOf(line, "sentence")) if (piece.index <= at - from) found = piece;
  const [start, end] = tightened(line, found.index, found.index + found.segment.length);
  return start < end ? [from + start, from + end] : [from, from + line.length];
}

function segmentsOf(text, granularity) {
  if (globalThis.Intl?.Segmenter) return [...new Intl.Segmenter(undefined, { granularity }).segment(text)];
  const pattern = { word: /\S+/gu, grapheme: /./gsu, sentence: /.+?(?:[.!?…]+\s+|$)/gsu }[granularity];
  return [...text.matchAll(pattern)].map((match) => ({ index: match.index, segment: match[0] }));
}

function unitsBefore(element, node, offset) {
  const range = document.createRange();
  range.setStart(element, 0);
  range.setEnd(node, offset);
  return range.toString().length;
}

function unitsWithin(range, content) {
  const { element, text } = content;
  const from = element.contains(range.startContainer)
    ? unitsBefore(element, range.startContainer, range.startOffset)
    : 0;
  const to = element.contains(range.endContainer) ? unitsBefore(element, range.endContainer, range.endOffset) : text.length;
  return [from, to];
}
