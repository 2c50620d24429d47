"""How Markdown looks, without rendering it: which stretches of a text are headings, code, emphasis, marks.

Nothing is taken out and nothing put in: a page draws these stretches over the text as it stands, with its
asterisks and backquotes faint, so offsets hold and nothing that a model wrote can hide. A safe subset:
headings, lists, quotes, tables, code, rules, emphasis, links (as text; there is no address to follow).
Time is linear in the length of the text. Where a text holds more than :data:`MOST` of them it is
somebody's joke, and stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

MOST = 5_000
_LONGEST_ADDRESS = 2_000

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})([^\n]*)")
_HEADING = re.compile(r" {0,3}(#{1,6})(?=[ \t\r\n]|\Z)[ \t]*")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})\r?\Z")
_QUOTE = re.compile(r" {0,3}>(?: {0,3}>){0,20} ?")
_ITEM = re.compile(r"([ \t]*)(?:[-*+]|\d{1,9}[.)])(?=[ \t])[ \t]+(?:\[[ xX]\](?=[ \t]))?")
_TABLE_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-[-:| \t]*\r?\Z")
_TOKEN = re.compile(
    r"\\[!-/:-@\[-`{-~]"
    r"|(?P<code>`+)"
    r"|(?P<emphasis>\*+|_+|~~+)"
    r"|(?P<turn>\]\()"
    r"|(?P<open>\[)"
    r"|(?P<address>https?://[^\s<>\"'`*|)\]]{1,2000})"
)
_SPECIAL = re.compile(r"[\\`*_~\[]|https?://")
_EMPHASIS = {"*": "md-em", "_": "md-em", "**": "md-strong", "__": "md-strong", "~~": "md-strike"}
_EMPHASIS |= {"***": "md-strong md-em", "___": "md-strong md-em"}
_LEVELS = 5


@dataclass(frozen=True, slots=True)
class Stretch:
    """``[start, end)`` in code points, and the classes that it is drawn with."""

    start: int
    end: int
    css: str


@dataclass(slots=True)
class Layout:
    """``blocks`` are whole lines, one after the other; ``styles`` lie within lines and may lie in each other."""

    blocks: list[Stretch] = field(default_factory=list)
    styles: list[Stretch] = field(default_factory=list)


NOTHING = Layout()


def layout(text: str, start: int = 0, end: int | None = None) -> Layout:
    """What of ``text[start:end]`` is Markdown, in the text's offsets."""
    found = _Parser(text, start, len(text) if end is None else end).run()
    return NOTHING if len(found.blocks) + len(found.styles) > MOST else found


class _Parser:
    def __init__(self, text: str, start: int, end: int) -> None:
        self.text, self.start, self.end = text, start, end
        self.found = Layout()

    def run(self) -> Layout:
        lines = list(self.lines())
        at = 0
        paragraph = self.start  # where the running text that is not parsed yet begins
        while at < len(lines):
            start, end = lines[at]
            line = self.text[start:end]
            # Nearly every line: no look at what blocks begin with is needed.
            opening = line.lstrip(" \t")[:1]
            taken = (
                self.block(lines, at, line)
                if opening and (opening in "`~#>-*+_|0123456789" or "|" in line)
                else 0
            )
            if taken or not opening.strip():
                self.inline(paragraph, start)
                at += taken or 1
                paragraph = lines[at][0] if at < len(lines) else self.end
            else:
                at += 1
            if len(self.found.blocks) + len(self.found.styles) > MOST:
                return self.found
        self.inline(paragraph, self.end)
        return self.found

    def lines(self) -> Iterator[tuple[int, int]]:
        """Each line with its line end."""
        at = self.start
        while at < self.end:
            end = self.text.find("\n", at, self.end) + 1 or self.end
            yield at, end
            at = end

    def block(self, lines: list[tuple[int, int]], at: int, line: str) -> int:
        """The block that begins with line ``at``, if one does: how many lines it takes."""
        start, end = lines[at]
        bare = line.removesuffix("\n")
        if (fence := _FENCE.match(line)) and not ("`" in fence[1] and "`" in fence[2]):
            return self.fence(lines, at, fence[1])
        if heading := _HEADING.match(line):
            self.found.blocks.append(Stretch(start, end, f"md-block md-heading md-h{len(heading[1])}"))
            self.mark(start, start + heading.end())
            self.inline(start + heading.end(), end)
            return 1
        if len(bare) < 200 and _RULE.match(bare):
            self.found.blocks.append(Stretch(start, end, "md-block md-rule"))
            self.mark(start, start + len(bare))
            return 1
        if _QUOTE.match(line):
            return self.quote(lines, at)
        if item := _ITEM.match(line):
            level = min(len(item[1].expandtabs(4)) // 2, _LEVELS)
            self.found.blocks.append(Stretch(start, end, f"md-block md-item md-level-{level}"))
            self.found.styles.append(Stretch(start, start + item.end(), "md-bullet"))
            self.inline(start + item.end(), end)
            return 1
        return self.table(lines, at, bare) if "|" in line else 0

    def fence(self, lines: list[tuple[int, int]], at: int, ticks: str) -> int:
        """Up to the closing fence, or to the end."""
        closing = re.compile(rf" {{0,3}}{re.escape(ticks[0])}{{{len(ticks)},}}[ \t\r]*\n?\Z")
        last = at + 1
        while last < len(lines):
            start, end = lines[last]
            # Short lines only, as a longer one cannot be a fence that anybody meant.
            if end - start < 200 and closing.match(self.text[start:end]):
                break
            last += 1
        is_closed = last < len(lines)
        stop = last if is_closed else last - 1
        self.found.blocks.append(Stretch(lines[at][0], lines[stop][1], "md-block md-fence"))
        self.mark(*self.without_end(lines[at]))
        if is_closed:
            self.mark(*self.without_end(lines[last]))
        return stop - at + 1

    def quote(self, lines: list[tuple[int, int]], at: int) -> int:
        last = at
        while last < len(lines):
            start, end = lines[last]
            match = _QUOTE.match(self.text, start, end)
            if not match:
                break
            self.mark(start, match.end())
            self.inline(match.end(), end)
            last += 1
        self.found.blocks.append(Stretch(lines[at][0], lines[last - 1][1], "md-block md-quote"))
        return last - at

    def table(self, lines: list[tuple[int, int]], at: int, bare: str) -> int:
        """A head, a rule under it, rows: monospaced, as its columns stand in the text."""
        if at + 1 >= len(lines):
            return 0
        rule = self.text[slice(*lines[at + 1])].removesuffix("\n")
        if "|" not in rule or len(rule) > 4_000 or not _TABLE_RULE.match(rule):
            return 0
        last = at + 2
        while last < len(lines) and "|" in self.text[slice(*lines[last])]:
            last += 1
        start = lines[at][0]
        self.found.blocks.append(Stretch(start, lines[last - 1][1], "md-block md-table"))
        self.found.styles.append(Stretch(start, start + len(bare), "md-strong"))
        self.mark(*self.without_end(lines[at + 1]))
        return last - at

    def without_end(self, line: tuple[int, int]) -> tuple[int, int]:
        start, end = line
        return start, end - 1 if end > start and self.text[end - 1] == "\n" else end

    def mark(self, start: int, end: int) -> None:
        """What Markdown would take away: drawn faint."""
        if start < end:
            self.found.styles.append(Stretch(start, end, "md-mark"))

    # -- within lines

    def inline(self, start: int, end: int) -> None:
        if start < end and _SPECIAL.search(self.text, start, end):
            _Inline(self, start, end).run()


class _Inline:
    """Emphasis, code and links of one paragraph. Each token is looked at once."""

    def __init__(self, parser: _Parser, start: int, end: int) -> None:
        self.parser, self.text, self.start, self.end = parser, parser.text, start, end
        self.styles = parser.found.styles
        self.stack: list[tuple[str, int]] = []  # what is open: its sign and place
        self.open: dict[str, list[int]] = {}  # by sign: where on the stack
        self.ticks: dict[int, list[int]] | None = None  # places of backquotes by their number, last first

    def run(self) -> None:
        at = self.start
        while match := _TOKEN.search(self.text, at, self.end):
            at = match.end()
            if match["code"]:
                at = self.code(match.start(), at)
            elif match["emphasis"]:
                self.emphasis(match[0], match.start(), at)
            elif match["open"]:
                self.push("[", match.start())
            elif match["turn"]:
                at = self.link(match.start(), at)
            elif match["address"]:
                self.styles.append(Stretch(match.start(), at, "md-link"))
            if len(self.styles) > MOST:
                return

    def code(self, start: int, end: int) -> int:
        if self.ticks is None:
            self.ticks = {}
            for match in reversed(list(re.finditer("`+", self.text[start : self.end]))):
                self.ticks.setdefault(len(match[0]), []).append(start + match.start())
        places = self.ticks.get(end - start, [])
        while places and places[-1] < end:
            places.pop()
        if not places:
            return end
        closing = places.pop()
        self.parser.mark(start, end)
        self.styles.append(Stretch(end, closing, "md-code"))
        self.parser.mark(closing, closing + end - start)
        return closing + end - start

    def emphasis(self, sign: str, start: int, end: int) -> None:
        css = _EMPHASIS.get(sign)
        if css is None:
            return
        before = self.text[start - 1] if start > self.start else " "
        behind = self.text[end] if end < self.end else " "
        # Within a word an underscore is a letter: SCRATCHPAD_REASONING.
        can_close = not before.isspace() and (sign[0] != "_" or not behind.isalnum())
        can_open = not behind.isspace() and (sign[0] != "_" or not before.isalnum())
        if can_close and self.open.get(sign):
            _, opened = self.pop(sign)
            inner = opened + len(sign)
            if inner < start:
                self.parser.mark(opened, inner)
                self.styles.append(Stretch(inner, start, css))
                self.parser.mark(start, end)
        elif can_open:
            self.push(sign, start)

    def link(self, start: int, end: int) -> int:
        if not self.open.get("["):
            return end
        _, opened = self.pop("[")
        closing = self.text.find(")", end, min(self.end, end + _LONGEST_ADDRESS))
        if closing < 0 or "\n" in self.text[end:closing]:
            return end
        self.parser.mark(opened, opened + 1)
        if opened + 1 < start:
            self.styles.append(Stretch(opened + 1, start, "md-link"))
        self.parser.mark(start, closing + 1)
        return closing + 1

    def push(self, sign: str, place: int) -> None:
        self.open.setdefault(sign, []).append(len(self.stack))
        self.stack.append((sign, place))

    def pop(self, sign: str) -> tuple[str, int]:
        """The last open ``sign``; what was opened behind it never closes."""
        at = self.open[sign][-1]
        found = self.stack[at]
        for each, _ in self.stack[at:]:
            self.open[each].pop()
        del self.stack[at:]
        return found
