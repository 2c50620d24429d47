/**
 * Offsets: between JavaScript's UTF-16 units and Unicode code points, and between the page and the text.
 *
 * A span is half-open [start, end) in code points of one message's stored text. This is the only file
 * that converts. The text of each .segment-content is exactly text[data-start:data-end].
 */

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
        message: Number(element.closest("[data-message]").dataset.message),
        kind: element.closest("[data-kind]")?.dataset.kind || "text",
        start: Number(element.dataset.start),
        end: Number(element.dataset.end),
        text,
      };
    });
  }

  /** Messages whose page text is not as long as the stored text: nothing may be labelled in them. */
  broken() {
    return this.contents.filter((content) => codePointLength(content.text) !== content.end - content.start);
  }

  contentOf(node) {
    return this.contents.find((content) => content.element.contains(node)) || null;
  }

  /** The kinds of segment that [start, end) of a message touches. */
  kinds(message, start, end) {
    const touched = this.contents.filter((c) => c.message === message && c.start < end && c.end > start);
    return [...new Set(touched.map((content) => content.kind))];
  }

  /** message.text[start:end]. */
  quote(message, start, end) {
    return this.contents
      .filter((content) => content.message === message && content.start < end && content.end > start)
      .map((content) => {
        const from = codePointToUtf16(content.text, Math.max(start, content.start) - content.start);
        const to = codePointToUtf16(content.text, Math.min(end, content.end) - content.start);
        return content.text.slice(from, to);
      })
      .join("");
  }

  /**
   * The stretch that a DOM range covers: {message, start, end, quote}, or null. Headings that it runs over
   * do not count; where it runs over several messages, the first of them counts.
   */
  stretch(range) {
    if (!range || range.collapsed) return null;
    let message = null;
    const pieces = [];
    for (const content of this.contents) {
      if (message !== null && content.message !== message) break;
      if (!range.intersectsNode(content.element)) continue;
      const [from, to] = unitsWithin(range, content);
      if (from >= to) continue;
      message = content.message;
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
    return { message, start, end, quote: this.quote(message, start, end) };
  }

  /** Where a code point of a message is in the page: {node, offset}, or null. */
  place(message, codePoint) {
    const content = this.contents.find((c) => c.message === message && c.start <= codePoint && codePoint <= c.end);
    if (!content) return null;
    let units = codePointToUtf16(content.text, codePoint - content.start);
    const walker = document.createTreeWalker(content.element, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (units <= node.data.length) return { node, offset: units };
      units -= node.data.length;
    }
    return { node: content.element, offset: content.element.childNodes.length };
  }

  /** The code point of a message at a DOM position: {message, at}, or null outside the text. */
  at(node, offset) {
    const content = this.contentOf(node);
    if (!content) return null;
    const units = unitsBefore(content.element, node, offset);
    return { message: content.message, at: content.start + utf16ToCodePoint(content.text, units) };
  }
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
