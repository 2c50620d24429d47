"""Where an assistant's plain text holds reasoning and where it holds the answer.

Models break their tags in many ways (one response in seven never closes its scratchpad), so
:func:`segment` never drops or moves text: it gives segments that cover the text, and a parse state
that says how well the tags were formed. One pass over the tags, linear in the length of the text.

Choices that a reader of the result should know:

* A scratchpad ends at the closing tag of the name that opened it; other scratchpad tags inside it
  are text, unless a closing tag has no opening partner: then it closes whatever is open.
* An output tag inside an open scratchpad ends the scratchpad (``output_inside_scratchpad``). If the
  scratchpad's closing tag comes later after all, the text up to it is scratchpad again: after a closed
  output, or if another output follows (then the first tag was only spoken of). Else it closes the output.
* A draft inside a scratchpad, or a scratchpad inside an output, interrupts it; afterwards it goes on.
* Text outside all tags is ``text``, except that after a scratchpad without any output tag it is the
  output. ``<rejected/>`` and ``<request_fully_accepted/>`` mark the stretch they stand in as output.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from transcripts.immutable import immutable
from transcripts.records import Message, Segment

SEGMENTER_VERSION = 1

# Most severe first: a message, and a transcript, has the first of these that applies. First come the
# states in which the border between reasoning and answer is in doubt, then those in which the extent
# of the answer is, then mere peculiarities.
PARSE_STATES: dict[str, str] = {
    "unclosed_scratchpad": "A scratchpad is opened and never closed: everything after it is scratchpad.",
    "output_inside_scratchpad": "An output begins before the scratchpad is closed: it ends there.",
    "unopened_scratchpad": "A scratchpad is closed that was never opened: everything before is scratchpad.",
    "missing_output": "The scratchpad is closed, and nothing readable follows it.",
    "unclosed_output": "An output is opened and never closed: everything after it is output.",
    "multiple_output": "There is more than one output.",
    "implicit_output": "The scratchpad is closed and no output tag follows: the rest is the output.",
    "ok": "Scratchpad and output are marked and well formed.",
    "no_scratchpad": "There is no scratchpad: everything is output.",
    "empty": "There is no readable text.",
}
_SEVERITY = {state: rank for rank, state in enumerate(PARSE_STATES)}

_KINDS = {
    "think": "scratchpad",
    "thinking": "scratchpad",
    "scratchpad": "scratchpad",
    "scratchpad_reasoning": "scratchpad",
    "hidden_scratchpad": "scratchpad",
    "draft_output": "draft",
    "output": "output",
    "result": "output",
}
_TAG = re.compile(
    # The one literal at the front lets the search jump from "<" to "<".
    r"<(?:\s*+(?P<close>/?)\s*+"
    r"(?P<name>think(?:ing)?|scratchpad(?:_reasoning)?|hidden_scratchpad|draft_output|output|result"
    r"|(?P<marker>request_fully_accepted|rejected))"
    r"(?:\s[^<>]{0,200}+)?/?\s{0,20}+>"
    r"|\|(?:start\|>assistant<\|)?channel\|>(?P<channel>\w++)[^<]{0,200}+"
    r"(?:<\|constrain\|>\w{0,40}+)?<\|message\|>"
    r"|(?P<stop>\|(?:end|return|call)\|>))",
    re.IGNORECASE,
)
_CHANNELS = {"analysis": "scratchpad", "final": "output", "commentary": "tool"}
_READABLE = re.compile(r"\S")
_FEW = 40  # brackets


@immutable
class Segmentation:
    """The segments of one message, without gap or overlap, and how well its tags were formed."""

    segments: tuple[Segment, ...]
    parse_state: str


def segment(text: str) -> Segmentation:
    """Segments and parse state of an assistant message's plain text."""
    if _READABLE.search(text) is None:
        return Segmentation((Segment("text", 0, len(text), 0, len(text)),) if text else (), "empty")
    tags = _tags(text)
    if not tags:
        return Segmentation((Segment("output", 0, len(text), 0, len(text)),), "no_scratchpad")
    return _well_formed(text, tags) or _Segmenter(text).run(tags)


def _tags(text: str) -> list[re.Match[str]]:
    """All tags of a text. Few brackets are looked for one by one: where they are rare, that is faster."""
    found = []
    at = -1
    for _ in range(_FEW):
        at = text.find("<", at + 1)
        if at < 0:
            return found
        if tag := _TAG.match(text, at):
            found.append(tag)
            at = tag.end() - 1
    return found + list(_TAG.finditer(text, at + 1))


def _well_formed(text: str, tags: list[re.Match[str]]) -> Segmentation | None:
    """What :class:`_Segmenter` makes of one closed scratchpad and, behind it, one closed output; else None."""
    if len(tags) != 4:
        return None
    opened, closed, begun, ended = tags
    pad, output = opened[2], begun[2]
    if not pad or not output or opened[1] or begun[1] or not closed[1] or not ended[1]:
        return None
    kinds = _KINDS.get(pad.lower()), _KINDS.get(output.lower())
    names = (closed[2] or "").lower(), (ended[2] or "").lower()
    if kinds != ("scratchpad", "output") or names[0] != pad.lower() or _KINDS.get(names[1]) != "output":
        return None
    if _READABLE.search(text, begun.end(), ended.start()) is None:
        return None
    first, last, length = opened.start(), ended.end(), len(text)
    segments = [Segment("text", 0, first, 0, first)] if first else []
    segments.append(Segment("scratchpad", first, closed.end(), opened.end(), closed.start()))
    if closed.end() < begun.start():
        segments.append(Segment("text", closed.end(), begun.start(), closed.end(), begun.start()))
    segments.append(Segment("output", begun.start(), last, begun.end(), ended.start()))
    if last < length:
        segments.append(Segment("text", last, length, last, length))
    return Segmentation(tuple(segments), "ok")


def worst(states: Iterable[str]) -> str:
    """The state of a transcript, from those of its assistant messages.

    Messages without any scratchpad, and empty ones (a bare tool call), say nothing about the others:
    the transcript is ``no_scratchpad`` or ``empty`` only if no message says more.
    """
    return min(states, key=_SEVERITY.__getitem__, default="empty")


def parse_state_of(messages: Iterable[Message]) -> str:
    """The parse state of a transcript: that of its assistant messages, see :func:`worst`."""
    return worst(m.parse_state or segment(m.text).parse_state for m in messages if m.role == "assistant")


@dataclass(slots=True)
class _Open:
    """A region whose closing tag has not come yet."""

    kind: str
    name: str  # the tag that opened it; "|" for a channel
    start: int
    inner_start: int


class _Segmenter:
    def __init__(self, text: str) -> None:
        self.text = text
        self.done: list[Segment] = []  # regions only; the gaps are filled at the end
        self.stack: list[_Open] = []
        self.inner: dict[str, int] = {}  # openings of other scratchpad tags inside the open scratchpad
        self.same_inside = 0  # openings of the scratchpad's own tag inside it
        self.is_interrupted = False  # an output ended the scratchpad before its closing tag
        self.doubtful: int | None = None  # an output inside a scratchpad, closed by the scratchpad's tag
        self.markers: list[int] = []
        self.has_marked_output = False
        self.states: set[str] = set()
        self.outputs = 0
        self.scratchpads = 0
        self.open_scratchpads = 0

    def run(self, tags: Iterable[re.Match[str]]) -> Segmentation:
        for tag in tags:
            closing, name, marker, channel, _ = tag.groups()
            start, end = tag.span()
            if channel is not None:
                self.change_channel(tag)
            elif name is None:  # the stop of a channel
                if self.stack and self.stack[-1].name == "|":
                    self.close_top(start, end)
            elif marker is not None:
                self.markers.append(start)
            else:
                name = name.lower()
                (self.close if closing else self.open)(_KINDS[name], name, start, end)
        self.close_the_rest()
        segments = self.with_gaps()
        return Segmentation(segments, self.state(segments))

    # -- tags

    def open(self, kind: str, name: str, start: int, end: int) -> None:
        top = self.stack[-1] if self.stack else None
        if top is not None and top.kind == kind:
            if kind == "output":
                self.states.add("unclosed_output")
                self.close_top(start, start)
                self.push(kind, name, start, end)
            elif kind == "scratchpad":
                if name == top.name:
                    self.same_inside += 1
                else:
                    self.inner[name] = self.inner.get(name, 0) + 1
            return
        if kind == "output" and self.doubtful is not None:
            self.take_back_doubtful()
        if kind == "output" and self.open_scratchpads:
            self.states.add("output_inside_scratchpad")
            self.is_interrupted = True
            while self.stack:
                self.close_top(start, start)
        self.push(kind, name, start, end)

    def push(self, kind: str, name: str, start: int, end: int) -> None:
        if self.stack:  # the region underneath is interrupted: what it holds so far is a segment
            self.cut(self.stack[-1], start, start)
        if kind == "scratchpad":
            self.inner = {}
            self.same_inside = 0
            self.is_interrupted = False
            self.scratchpads += 1
            self.open_scratchpads += 1
        if kind == "output":
            self.outputs += 1
        self.stack.append(_Open(kind, name, start, end))

    def close(self, kind: str, name: str, start: int, end: int) -> None:
        top = self.stack[-1] if self.stack else None
        if top is None:
            if kind == "scratchpad":
                self.close_unopened(start, end)
        elif top.kind == kind:
            if kind == "scratchpad" and name != top.name and self.inner.get(name, 0) > 0:
                self.inner[name] -= 1
            else:
                self.close_top(start, end)
        elif kind == "scratchpad" and self.is_interrupted and top.kind == "output":
            self.close_top(start, end)
            self.doubtful = len(self.done) - 1
            self.is_interrupted = False
        elif len(self.stack) > 1 and self.stack[-2].kind == kind:
            self.close_top(start, start)  # a draft or scratchpad left open inside what is closed now
            self.close_top(start, end)

    def close_unopened(self, start: int, end: int) -> None:
        """A scratchpad's closing tag with nothing open."""
        last = self.done[-1] if self.done else None
        gap = last.end if last else 0
        if not self.scratchpads and not self.outputs:
            self.states.add("unopened_scratchpad")
            self.scratchpads += 1
            self.done = [Segment("scratchpad", 0, end, 0, start)]
        elif self.is_interrupted:
            self.is_interrupted = False
            self.done.append(Segment("scratchpad", gap, end, gap, start))
        elif last is not None and last.kind == "scratchpad" and self.same_inside > 0:
            self.same_inside -= (
                1  # <think>a<think>b</think>c</think>: the first closing tag was the inner one
            )
            self.done[-1] = Segment("scratchpad", last.start, end, last.inner_start, start)

    def take_back_doubtful(self) -> None:
        """A real output follows: the earlier output tag was only spoken of inside the scratchpad."""
        at, self.doubtful = self.doubtful, None
        if at and self.done[at - 1].kind == "scratchpad":
            pad, spoken = self.done[at - 1], self.done[at]
            self.done[at - 1] = Segment(
                "scratchpad", pad.start, spoken.end, pad.inner_start, spoken.inner_end
            )
            del self.done[at]
            self.outputs -= 1

    def change_channel(self, tag: re.Match[str]) -> None:
        while self.stack:
            self.close_top(tag.start(), tag.start())
        self.push(_CHANNELS.get(tag["channel"].lower(), "text"), "|", tag.start(), tag.end())

    # -- regions

    def close_top(self, inner_end: int, end: int) -> None:
        region = self.stack.pop()
        self.open_scratchpads -= region.kind == "scratchpad"
        self.cut(region, inner_end, end)
        if self.stack:  # the interrupted region goes on here
            self.stack[-1].start = self.stack[-1].inner_start = end

    def cut(self, region: _Open, inner_end: int, end: int) -> None:
        if end > region.start:
            self.done.append(Segment(region.kind, region.start, end, region.inner_start, inner_end))

    def close_the_rest(self) -> None:
        length = len(self.text)
        for region in self.stack:
            if region.kind == "scratchpad":
                self.states.add("unclosed_scratchpad")
            elif region.kind == "output" and region.name != "|":
                self.states.add("unclosed_output")
        if self.stack:  # the innermost holds the rest; what it interrupted is cut already
            self.cut(self.stack[-1], length, length)

    # -- the text between regions

    def with_gaps(self) -> tuple[Segment, ...]:
        segments: list[Segment] = []
        position = 0
        is_after_scratchpad = not self.scratchpads  # without any scratchpad, all outside tags is the answer
        has_explicit_output = self.outputs > 0
        markers = iter(self.markers)
        marker = next(markers, None)
        for region in [*self.done, None]:
            end = region.start if region else len(self.text)
            if end > position:
                while marker is not None and marker < position:
                    marker = next(markers, None)
                is_marked = marker is not None and marker < end
                is_output = is_marked or (is_after_scratchpad and not has_explicit_output)
                if is_output and not _READABLE.search(self.text, position, end):
                    is_output = False
                self.has_marked_output = self.has_marked_output or is_marked
                segments.append(Segment("output" if is_output else "text", position, end, position, end))
            if region:
                segments.append(region)
                position = region.end
                is_after_scratchpad = is_after_scratchpad or region.kind == "scratchpad"
        return tuple(segments)

    def state(self, segments: tuple[Segment, ...]) -> str:
        states = self.states
        readable = [
            s
            for s in segments
            if s.kind == "output" and _READABLE.search(self.text, s.inner_start, s.inner_end)
        ]
        if self.outputs > 1:
            states.add("multiple_output")
        if not self.scratchpads:
            states.add("no_scratchpad")
        elif not readable:
            states.add("missing_output")
        elif not self.outputs and not self.has_marked_output:
            states.add("implicit_output")
        return worst(states or {"ok"})
