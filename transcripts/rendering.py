"""From stored messages to what a page shows: every character, hostile markup inert, controls visible.

The text content of a rendered segment is exactly ``message.text[start:end]``: nothing is added and
nothing left out, so offsets in the page are offsets in the stored text. Names of control characters,
superscripts and headings are drawn by CSS or stand outside.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

from transcripts.records import Message, Segment
from transcripts.text import original

TITLES = {"scratchpad": "Scratchpad", "draft": "Draft", "output": "Output", "tool": "Tool", "text": "Text"}
ROLES = ("system", "user", "assistant", "tool")
FOLD_CHARACTERS = 1_500  # a tool segment longer than this starts folded

# C0 (but tab and newline), DEL and C1, soft hyphen, bidirectional and zero-width controls, line and
# paragraph separators, interlinear annotation, tag characters, and our own escapes.
_CONTROL = re.compile(
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
    pieces: list[tuple[SafeString]] = []
    done = 0
    for match in _CONTROL.finditer(text):
        at = match.start()
        if _is_joiner_in_emoji(text, at):
            continue
        if at > done:
            pieces.append((_plain(text[done:at]),))
        pieces.append(
            (
                format_html(
                    '<span class="ctl" data-ctl="{}">{}</span>', control_name(text[at]), _plain(text[at])
                ),
            )
        )
        done = match.end()
    if not pieces:
        return _plain(text)
    if done < len(text):
        pieces.append((_plain(text[done:]),))
    return format_html_join("", "{}", pieces)


def _plain(text: str) -> SafeString:
    # A parser turns a bare carriage return into a line feed, which would shift every offset behind it.
    escaped = escape(text)
    return SafeString(escaped.replace("\r", "&#13;")) if "\r" in text else escaped


def render_text(text: str, start: int, end: int, marks: Sequence[Mark] = ()) -> SafeString:
    """``text[start:end]`` with ``marks`` drawn over it, nested where they overlap."""
    marks = [mark for mark in marks if mark.start < end and mark.end > start]
    if not marks:
        return visible(text[start:end])
    edges = sorted({start, end, *(max(m.start, start) for m in marks), *(min(m.end, end) for m in marks)})
    lanes = _lanes(marks)
    starting: dict[int, list[int]] = {}
    for number, mark in enumerate(marks):
        starting.setdefault(max(mark.start, start), []).append(number)
    active: list[int] = []
    pieces: list[tuple[SafeString]] = []
    for left, right in itertools.pairwise(edges):
        active = sorted([n for n in active if marks[n].end > left] + starting.get(left, []))
        html = visible(text[left:right])
        for number in reversed(active):
            mark = marks[number]
            ends_here = mark.end <= right
            html = format_html(
                '<mark class="{} lane-{}" data-span="{}"{} title="{}">{}</mark>',
                mark.css,
                lanes[number],
                mark.key,
                format_html(' data-tag="{}"', mark.tag) if ends_here and mark.tag else "",
                mark.title,
                html,
            )
        pieces.append((html,))
    return format_html_join("", "{}", pieces)


def _lanes(marks: Sequence[Mark]) -> list[int]:
    """The underline depth of each mark, 1 to 3: overlapping ones differ as long as there is room."""
    lanes: list[int] = []
    for number, mark in enumerate(marks):
        taken = {
            lanes[other]
            for other in range(max(0, number - 50), number)
            if marks[other].start < mark.end and marks[other].end > mark.start
        }
        lanes.append(next((lane for lane in (1, 2, 3) if lane not in taken), 3))
    return lanes


def render_message(index: int, message: Message, marks: Sequence[Mark] = ()) -> RenderedMessage:
    ordered = sorted(marks, key=lambda mark: (mark.start, -mark.end))
    segments = message.segments or (Segment("text", 0, len(message.text), 0, len(message.text)),)
    return RenderedMessage(
        index=index,
        role=message.role,
        role_class=message.role if message.role in ROLES else "other",
        name=message.name,
        segments=tuple(_render_segment(message, segment, ordered) for segment in segments),
    )


def _render_segment(message: Message, segment: Segment, marks: Sequence[Mark]) -> RenderedSegment:
    inner = (segment.inner_start, segment.inner_end)
    pieces: list[tuple[SafeString]] = []
    for start, end, is_tag in (
        (segment.start, inner[0], True),
        (*inner, False),
        (inner[1], segment.end, True),
    ):
        if start < end:
            html = render_text(message.text, start, end, marks)
            pieces.append((format_html('<span class="tag-text">{}</span>', html) if is_tag else html,))
    tool = segment.kind == "tool"
    return RenderedSegment(
        kind=segment.kind,
        title=TITLES.get(segment.kind, segment.kind),
        note=segment.note,
        start=segment.start,
        end=segment.end,
        words=len(message.text[inner[0] : inner[1]].split()),
        is_blank=segment.kind == "text" and not message.text[segment.start : segment.end].strip(" \t\n"),
        folded=tool and segment.end - segment.start > FOLD_CHARACTERS,
        html=format_html_join("", "{}", pieces),
    )


def render_messages(
    messages: Iterable[Message], marks: Mapping[int, Sequence[Mark]] | None = None
) -> list[RenderedMessage]:
    """All messages, with ``marks`` by message index."""
    marks = marks or {}
    return [render_message(index, message, marks.get(index, ())) for index, message in enumerate(messages)]
