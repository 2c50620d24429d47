"""From stored messages to what a page shows: every character, hostile markup inert, controls visible.

The text content of a rendered segment is exactly ``message.text[start:end]``: nothing is added and
nothing left out, so offsets in the page are offsets in the stored text. Names of control characters,
superscripts and headings are drawn by CSS or stand outside.

Markup is put together from strings for speed. It is safe because there are two ways into it only: text and
values go through :func:`_escaped`, and class names are checked to be class names (:func:`_classes`).
"""

from __future__ import annotations

import html
import itertools
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.utils.safestring import SafeString

from transcripts import ansi
from transcripts.blobs import Blob, blobs
from transcripts.json_view import pretty_json
from transcripts.markdown_view import NOTHING, Layout, Stretch, layout
from transcripts.records import Message, Segment
from transcripts.text import original

TITLES = {"scratchpad": "Scratchpad", "draft": "Draft", "output": "Output", "tool": "Tool", "text": "Text"}
# What tells segments apart without colour, beside their titles.
LETTERS = {"scratchpad": "S", "draft": "D", "output": "O", "tool": "T", "summary": "Σ", "nottext": "□"}
ROLES = ("system", "user", "assistant", "tool")
FOLD_CHARACTERS = 1_500  # a tool segment longer than this starts folded
# A tool segment that may be higher than its box, in the narrowest column, scrolls by itself and takes the focus.
LINES_OF_BOX = 20
NARROW = 40  # characters of a line
DEEPEST = 6  # marks drawn over one stretch, besides those that begin or end there
MOST_EDGES = 24  # marks that begin or end at one place; more are told by number
LONGEST_TITLE = 300

# C0 (but tab and newline), DEL and C1, soft hyphen, bidirectional and zero-width controls, line and
# paragraph separators, interlinear annotation, tag characters, and our own escapes.
_CONTROL = re.compile(
    f"{ansi.SEQUENCE}|"
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\U0010f000-\U0010f801]"
)
_SHORT = {
    "\x0d": "CR",
    "\x1b": "ESC",
    "\x7f": "DEL",
    "\xad": "SHY",
    "\u200b": "ZWSP",
    "\u200c": "ZWNJ",
    "\u200d": "ZWJ",
    "\u200e": "LRM",
    "\u200f": "RLM",
    "\u202a": "LRE",
    "\u202b": "RLE",
    "\u202c": "PDF",
    "\u202d": "LRO",
    "\u202e": "RLO",
    "\u2066": "LRI",
    "\u2067": "RLI",
    "\u2068": "FSI",
    "\u2069": "PDI",
    "\ufeff": "BOM",
}
_ASCII = "NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US"
_SHORT.update({chr(code): name for code, name in enumerate(_ASCII.split()) if chr(code) not in "\t\n"})


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch to be drawn over the text: a span, a search hit, a cue word, a judge's quote."""

    start: int
    end: int
    css: str  # classes, ours
    title: str = ""
    tag: str = ""  # a short name, drawn as a superscript behind the last piece
    key: str = ""
    layer: str = ""  # the layer that it belongs to, see transcripts.layers


@dataclass(frozen=True, slots=True)
class RenderedSegment:
    kind: str
    title: str
    note: str
    start: int
    end: int
    words: int
    folded: bool
    is_blank: bool  # nothing but white space between other segments: there, but no box to look at
    html: SafeString
    look: str = ""  # the kind, or what looks different though it is of that kind: summary, nottext
    letter: str = ""
    n_marks: int = 0
    pretty: SafeString | None = None  # JSON, indented: an additional view
    has_scroll: bool = False

    @property
    def characters(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    index: int
    role: str
    role_class: str
    name: str
    segments: tuple[RenderedSegment, ...]

    @property
    def characters(self) -> int:
        return sum(segment.characters for segment in self.segments)


def control_name(character: str) -> str:
    """What a control character is called beside its code: ``U+202E RLO``."""
    shown = original(character) if len(character) == 1 else character
    code = ord(shown[-1])
    name = _SHORT.get(shown) or (
        "half an emoji" if 0xD800 <= code < 0xE000 else unicodedata.name(shown[-1], "")
    )
    return f"U+{code:04X} {name}".strip()


def _is_joiner_in_emoji(text: str, at: int) -> bool:
    # A zero-width joiner between two emoji holds one picture together; a chip there would break it.
    if text[at] not in "\u200d\u200c" or at == 0 or at + 1 >= len(text):
        return False
    before = text[at - 1] if text[at - 1] != "\ufe0f" or at < 2 else text[at - 2]
    return all(unicodedata.category(c) in ("So", "Sk", "Lo", "Mn", "Mc") for c in (before, text[at + 1]))


def visible(text: str) -> SafeString:
    """Escaped text in which control characters are wrapped, so that CSS can show their names."""
    return SafeString(_visible(text))


def _visible(text: str) -> str:
    match = _CONTROL.search(text)
    if match is None:
        return _escaped(text)
    pieces: list[str] = []
    done = 0
    while match is not None:
        at, end = match.span()
        if not _is_joiner_in_emoji(text, at):
            if at > done:
                pieces.append(_escaped(text[done:at]))
            pieces.append(_chip(match[0]))
            done = end
        match = _CONTROL.search(text, end)
    pieces.append(_escaped(text[done:]))
    return "".join(pieces)


@lru_cache(maxsize=1024)
def _chip(characters: str) -> str:
    """A control character, or a terminal sequence, wrapped with its name."""
    is_sequence = len(characters) > 1
    name = f"ESC{characters[1:]} {ansi.meaning(characters)}" if is_sequence else control_name(characters)
    css = "ctl ctl-ansi" if is_sequence else "ctl"
    return f'<span class="{css}" data-ctl="{_escaped(name.strip())}">{_escaped(characters)}</span>'


def _escaped(text: str) -> str:
    """Text as it can stand in an element or in a quoted attribute.

    A parser turns a bare carriage return into a line feed, which would shift every offset behind it.
    """
    escaped = html.escape(text)
    return escaped.replace("\r", "&#13;") if "\r" in escaped else escaped


_CLASSES = re.compile(r"[a-zA-Z0-9_ -]*")


def _classes(*names: str) -> str:
    joined = " ".join(name for name in names if name)
    if not _CLASSES.fullmatch(joined):
        raise ValueError(f"{joined!r} are no class names.")
    return joined


def render_text(
    text: str, start: int, end: int, marks: Sequence[Mark] = (), look: Layout = NOTHING
) -> SafeString:
    """``text[start:end]`` with ``marks`` drawn over it, nested where they overlap, and ``look`` below them."""
    ordered = sorted(marks, key=lambda mark: (mark.start, -mark.end))
    return SafeString(_Drawing(text, start, end, _drawn(ordered), look).run())


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A mark with its markup made once: the element up to its title, and its title escaped."""

    start: int
    end: int
    opening: str
    tag: str
    title: str


def _drawn(marks: Sequence[Mark]) -> list[_Drawn]:
    """Of one message's marks, in order: their lanes and numbers are the message's."""
    found = []
    for number, (mark, lane) in enumerate(zip(marks, _lanes(marks), strict=True)):
        css = _classes(mark.css, f"layer-{mark.layer}" if mark.layer else "", f"lane-{lane}")
        title = mark.title if len(mark.title) <= LONGEST_TITLE else mark.title[: LONGEST_TITLE - 1] + "…"
        found.append(
            _Drawn(
                mark.start,
                mark.end,
                f'<mark class="{css}" data-mark="{number}" data-span="{_escaped(mark.key)}"',
                f' data-tag="{_escaped(mark.tag)}"' if mark.tag else "",
                _escaped(title),
            )
        )
    return found


class _Drawing:
    """One pass over the edges of everything that is drawn over ``text[start:end]``.

    Blocks of Markdown and blobs are boxes, and must not be cut: they are outermost. Within them marks are
    cut where anything begins or ends, and styles are innermost.
    """

    def __init__(self, text: str, start: int, end: int, marks: Sequence[_Drawn], look: Layout) -> None:
        self.text, self.start, self.end = text, start, end
        self.marks = [
            mark for mark in marks if mark.start < end and mark.end > start and mark.start < mark.end
        ]
        self.styles = sorted(look.styles, key=lambda each: (each.start, -each.end))
        self.blobs = list(blobs(text, start, end)) if end - start >= 256 else []
        self.blocks = look.blocks

    def run(self) -> str:
        if not (self.marks or self.styles or self.blobs or self.blocks):
            return _visible(self.text[self.start : self.end])
        opening, closing = self.boxes()
        starting: dict[int, list[int]] = {}
        ends: set[int] = set()
        for number, mark in enumerate(self.marks):
            starting.setdefault(max(mark.start, self.start), []).append(number)
            ends.add(mark.end)
        edges = {self.start, self.end, *starting, *(end for end in ends if end < self.end)}
        edges.update(opening, closing)
        for style in self.styles:
            edges.add(style.start)
            edges.add(style.end)
        active: list[int] = []
        styles: list[Stretch] = []
        next_style = 0
        pieces: list[str] = []
        for left, right in itertools.pairwise(sorted(edges)):
            pieces += opening.get(left, ())
            if left in ends:
                active = [number for number in active if self.marks[number].end > left]
            active += starting.get(left, ())
            if styles:
                styles = [style for style in styles if style.end > left]
            while next_style < len(self.styles) and self.styles[next_style].start <= left:
                styles.append(self.styles[next_style])
                next_style += 1
            piece = _visible(self.text[left:right])
            if styles:
                css = " ".join(dict.fromkeys(style.css for style in styles))
                piece = f'<span class="{css}">{piece}</span>'
            pieces.append(self.marked(piece, active, left, right) if active else piece)
            pieces += closing.get(right, ())
        return "".join(pieces)

    def boxes(self) -> tuple[dict[int, list[str]], dict[int, list[str]]]:
        """The tags of boxes by the place where they stand."""
        opening: dict[int, list[str]] = {}
        closing: dict[int, list[str]] = {}
        for block in self.blocks:
            opening.setdefault(block.start, []).append(f'<span class="{_classes(block.css)}">')
            closing.setdefault(block.end, []).append("</span>")
        for blob in self.blobs:
            opening.setdefault(blob.start, []).append(
                f'<span class="blob" data-blob="{_escaped(_name(blob))}">'
            )
            closing.setdefault(blob.end, []).insert(0, "</span>")
        return opening, closing

    def marked(self, piece: str, active: Sequence[int], left: int, right: int) -> str:
        if len(active) == 1:
            mark = self.marks[active[0]]
            tag = mark.tag if mark.end <= right else ""
            return f'{mark.opening}{tag} title="{mark.title}">{piece}</mark>'
        shown, n_more = self.chosen(active, left, right)
        # The innermost is what the pointer is over: it says what all of them are.
        titles = [self.marks[number].title for number in shown if self.marks[number].title]
        title = "&#10;".join(titles) + (f"&#10;and {n_more} more" if n_more else "")
        for number in reversed(shown):
            mark = self.marks[number]
            tag = mark.tag if mark.end <= right else ""
            piece = f'{mark.opening}{tag} title="{title}">{piece}</mark>'
            title = mark.title
        return piece

    def chosen(self, active: Sequence[int], left: int, right: int) -> tuple[Sequence[int], int]:
        """Which of many marks are drawn here: those that begin or end here, and the innermost.

        Hundreds of marks over each other would make a page of millions of elements that shows no more.
        """
        if len(active) <= DEEPEST:
            return active, 0
        at_edge = [n for n in active if self.marks[n].start >= left or self.marks[n].end <= right]
        shown = set(at_edge[:MOST_EDGES]) | set(active[-DEEPEST:])
        return sorted(shown), len(active) - len(shown)


def _name(blob: Blob) -> str:
    size = f"{blob.n_bytes:,} bytes" if blob.n_bytes < 10_000 else f"{blob.n_bytes // 1000:,} kB"
    return f"{blob.media_type or 'base64'}, about {size}"


def _lanes(marks: Sequence[Mark]) -> list[int]:
    """The underline depth of each mark, 1 to 3: overlapping ones differ as long as there is room."""
    lanes: list[int] = []
    for number, mark in enumerate(marks):
        taken = {
            lanes[other]
            for other in range(max(0, number - 50), number)
            if marks[other].end > mark.start and marks[other].start < mark.end
        }
        lanes.append(next((lane for lane in (1, 2, 3) if lane not in taken), 3))
    return lanes


def render_message(
    index: int, message: Message, marks: Sequence[Mark] = (), markdown: bool = True
) -> RenderedMessage:
    """``markdown`` adds what the rendered view of a reading page draws; the text is the same."""
    ordered = sorted(marks, key=lambda mark: (mark.start, -mark.end))
    segments = message.segments or (Segment("text", 0, len(message.text), 0, len(message.text)),)
    by_segment = _by_segment(segments, ordered)
    return RenderedMessage(
        index=index,
        role=message.role,
        role_class=message.role if message.role in ROLES else "other",
        name=message.name,
        segments=tuple(
            _render_segment(message, segment, own, markdown)
            for segment, own in zip(segments, by_segment, strict=True)
        ),
    )


def _by_segment(segments: Sequence[Segment], marks: Sequence[Mark]) -> list[list[_Drawn]]:
    """The marks of each segment; one that runs over several is in each of them."""
    found: list[list[_Drawn]] = [[] for _ in segments]
    starts = [segment.start for segment in segments]
    for mark in _drawn(marks):
        at = max(0, bisect_right(starts, mark.start) - 1)
        while at < len(segments) and segments[at].start < mark.end:
            found[at].append(mark)
            at += 1
    return found


def _render_segment(
    message: Message, segment: Segment, marks: Sequence[_Drawn], markdown: bool
) -> RenderedSegment:
    text, is_tool = message.text, segment.kind == "tool"
    start, end = segment.inner_start, segment.inner_end
    look = layout(text, start, end) if markdown and not is_tool else NOTHING
    inner = _Drawing(text, start, end, marks, look).run() if start < end else ""
    before, behind = (
        f'<span class="tag-text">{_Drawing(text, left, right, marks, NOTHING).run()}</span>'
        if left < right
        else ""
        for left, right in ((segment.start, start), (end, segment.end))
    )
    pretty = pretty_json(text[start:end]) if markdown and is_tool else None
    kind, title = _kind(message, segment)
    return RenderedSegment(
        kind=segment.kind,
        title=title,
        note="" if kind == "summary" else segment.note,
        start=segment.start,
        end=segment.end,
        words=len(text[start:end].split()),
        is_blank=segment.kind == "text" and not text[segment.start : segment.end].strip(" \t\n"),
        folded=is_tool and segment.end - segment.start > FOLD_CHARACTERS,
        html=SafeString(before + inner + behind),
        look=kind,
        letter=LETTERS.get(kind, ""),
        n_marks=len(marks),
        pretty=visible(pretty) if pretty is not None else None,
        has_scroll=is_tool and max(map(_lines, (text[start:end], pretty or ""))) > LINES_OF_BOX,
    )


def _lines(text: str) -> int:
    """How many lines a text may take at most in a narrow column."""
    return text.count("\n") + len(text) // NARROW


def _kind(message: Message, segment: Segment) -> tuple[str, str]:
    """What a segment looks like, and what it is called."""
    if segment.kind == "scratchpad" and segment.note == "summary":
        return "summary", "Reasoning summary"  # a provider's words about reasoning that it kept to itself
    if segment.kind == "text" and segment.note == "not text":
        return "nottext", "Not text"
    if segment.kind == "tool":
        is_call = message.role == "assistant"
        title = "Tool error" if segment.note == "error" else "Tool call" if is_call else "Tool result"
        return "tool", title
    return segment.kind, TITLES.get(segment.kind, segment.kind)


def render_messages(
    messages: Iterable[Message], marks: Mapping[int, Sequence[Mark]] | None = None
) -> list[RenderedMessage]:
    """All messages for a page without a rendered view, with ``marks`` by message index."""
    marks = marks or {}
    return [
        render_message(index, message, marks.get(index, ()), markdown=False)
        for index, message in enumerate(messages)
    ]
