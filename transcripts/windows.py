"""A long transcript in windows, and the outline that leads through it. Plain values, no database.

Windows lie on a fixed grid that the texts alone decide: message 1,234 is in the same window for everybody,
whichever way they came. So a window that was dropped from a page comes back as it was.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from transcripts.records import Message, Segment

MESSAGES = 50  # of one window at most
CHARACTERS = 60_000  # of one window, unless a single message has more
BLOCKS = 100  # of an outline at most
BLOCK = 50  # messages of a block at least
FIRST_WORDS = 80  # characters of a message in its outline
NAMES = 3  # tools that a block names
JUMPS = ("scratchpad", "output", "tool")  # kinds of segment that one can go to


@dataclass(frozen=True, slots=True)
class Window:
    """The messages ``[start, end)`` of ``total``; ``previous`` and ``next`` are where its neighbours start."""

    start: int
    end: int
    total: int
    previous: int | None
    next: int | None

    @property
    def is_whole(self) -> bool:
        return self.start == 0 and self.end == self.total

    @property
    def messages(self) -> range:
        return range(self.start, self.end)


def grid(messages: Sequence[Message]) -> list[int]:
    """Where the windows start; the first is 0."""
    starts, characters = [0], 0
    for at, message in enumerate(messages):
        length = len(message.text)
        if at - starts[-1] == MESSAGES or (characters and characters + length > CHARACTERS):
            starts.append(at)
            characters = 0
        characters += length
    return starts


def window_at(messages: Sequence[Message], message: int) -> Window:
    """The window that holds ``message``, or the last one."""
    starts = grid(messages)
    at = bisect_right(starts, message) - 1
    following = starts[at + 1] if at + 1 < len(starts) else None
    return Window(
        starts[at],
        len(messages) if following is None else following,
        len(messages),
        starts[at - 1] if at else None,
        following,
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """One message in an outline. ``kinds`` are what it has of scratchpad, draft and output, in order."""

    index: int
    role: str
    name: str
    words: str
    kinds: tuple[str, ...]
    tools: tuple[str, ...]
    characters: int


@dataclass(frozen=True, slots=True)
class Block:
    """The messages ``[start, end)`` of an outline: how many of each role, and the tools most called."""

    start: int
    end: int
    roles: tuple[tuple[str, int], ...]
    tools: tuple[tuple[str, int], ...]
    n_more_tools: int


def block_size(total: int) -> int:
    """Messages of a block: as few blocks as a page bears, in round numbers."""
    return max(BLOCK, -(-total // (BLOCKS * BLOCK)) * BLOCK)


def blocks(messages: Sequence[Message]) -> list[Block]:
    size = block_size(len(messages))
    found = []
    for start in range(0, len(messages), size):
        held = messages[start : start + size]
        roles = Counter(message.role for message in held)
        tools = Counter(name for message in held for name in _calls(message))
        found.append(
            Block(
                start,
                start + len(held),
                tuple(roles.most_common()),
                tuple(tools.most_common(NAMES)),
                max(0, len(tools) - NAMES),
            )
        )
    return found


def entries(messages: Sequence[Message], start: int) -> list[Entry]:
    """The messages of the block that starts at ``start``, one line each."""
    held = messages[start : start + block_size(len(messages))]
    return [
        Entry(
            at,
            message.role,
            message.name,
            first_words(message.text, message.segments),
            tuple(
                dict.fromkeys(s.kind for s in message.segments if s.kind in ("scratchpad", "draft", "output"))
            )
            if message.role == "assistant"
            else (),
            tuple(dict.fromkeys(_calls(message))),
            len(message.text),
        )
        for at, message in enumerate(held, start)
    ]


def first_words(text: str, segments: Sequence[Segment], most: int = FIRST_WORDS, kind: str = "") -> str:
    """How a message begins, tags left out, in one line; of its segments of ``kind`` if that is given."""
    for segment in segments or (Segment("text", 0, len(text), 0, len(text)),):
        if kind and segment.kind != kind:
            continue
        # What white space takes is not worth looking further for: a line holds no more than this.
        words = " ".join(
            text[segment.inner_start : min(segment.inner_end, segment.inner_start + 8 * most)].split()
        )
        if words:
            return words if len(words) <= most else f"{words[: most - 1]}…"
    return ""


def _calls(message: Message) -> Iterator[str]:
    """The names of the tools that a message calls; of a tool's own message there are none."""
    if message.role == "assistant":
        for segment in message.segments:
            if segment.kind == "tool" and segment.note:
                yield segment.note


def answers(messages: Sequence[Message], shown: range) -> tuple[dict[int, list[int]], dict[int, int]]:
    """Tool calls and their results among the messages ``shown``: results by caller, and callers by result.

    Stored messages have no ids of calls, so only what leaves no doubt is joined: the results stand right
    behind the message that calls, as many as its calls, and bear their names if they bear any.
    """
    results: dict[int, list[int]] = {}
    callers: dict[int, int] = {}
    caller = shown.start
    while 0 < caller < len(messages) and messages[caller].role == "tool":
        caller -= 1
    for at in range(caller, shown.stop):
        calls = [s.note for s in messages[at].segments if s.kind == "tool"]
        if messages[at].role != "assistant" or not calls:
            continue
        end = at + 1
        while end < len(messages) and end - at <= len(calls) and messages[end].role == "tool":
            end += 1
        held = messages[at + 1 : end]
        if len(held) != len(calls) or (end < len(messages) and messages[end].role == "tool"):
            continue
        if any(message.name not in ("", call) for message, call in zip(held, calls, strict=True)):
            continue
        results[at] = list(range(at + 1, end))
        callers |= dict.fromkeys(results[at], at)
    return results, callers


def next_segment(
    messages: Sequence[Message], kind: str, after: int, is_backwards: bool = False
) -> tuple[int, Segment] | None:
    """The first segment of ``kind`` in an assistant's message behind (or before) message ``after``."""
    order = range(after - 1, -1, -1) if is_backwards else range(after + 1, len(messages))
    for at in order:
        if messages[at].role == "assistant":
            for segment in messages[at].segments:
                if segment.kind == kind:
                    return at, segment
    return None
