"""Windows, outline and jumps of a long transcript, in tables."""

from __future__ import annotations

import pytest

from transcripts import windows
from transcripts.records import Message, Segment
from transcripts.windows import BLOCK, CHARACTERS, MESSAGES, answers, blocks, entries, first_words, window_at


def plain(length: int, role: str = "user") -> Message:
    return Message(role, "x" * length, "", (Segment("text", 0, length, 0, length),) if length else ())


def agent(*kinds: str) -> Message:
    """An assistant's message with a segment of 10 characters for each kind; ``tool:name`` is a call."""
    segments = []
    for at, kind in enumerate(kinds):
        kind, _, note = kind.partition(":")
        segments.append(Segment(kind, 10 * at, 10 * at + 10, 10 * at, 10 * at + 10, note))
    return Message("assistant", "y" * 10 * len(kinds), "", tuple(segments))


def result(name: str = "") -> Message:
    return Message("tool", "done", name, (Segment("tool", 0, 4, 0, 4),))


@pytest.mark.parametrize(
    ("lengths", "starts"),
    [
        ([], [0]),
        ([0], [0]),
        ([5] * MESSAGES, [0]),
        ([5] * (MESSAGES + 1), [0, MESSAGES]),
        ([0] * (2 * MESSAGES + 1), [0, MESSAGES, 2 * MESSAGES]),
        ([CHARACTERS, 1], [0, 1]),
        ([CHARACTERS - 1, 1, 1], [0, 2]),
        ([1, CHARACTERS * 3, 1], [0, 1, 2]),  # a message that is too long for any window has one of its own
        ([CHARACTERS * 3], [0]),
    ],
)
def test_where_windows_start(lengths, starts):
    messages = [plain(length) for length in lengths]
    assert windows.grid(messages) == starts
    # They cover everything once, in order, and each message finds its own.
    covered, at = [], 0
    while at is not None:
        window = window_at(messages, at)
        covered += window.messages
        assert all(window_at(messages, each) == window for each in window.messages)
        at = window.next
    assert covered == list(range(len(messages)))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (0, (0, 50, None, 50)),
        (49, (0, 50, None, 50)),
        (50, (50, 100, 0, 100)),
        (119, (100, 120, 50, None)),
        (10**9, (100, 120, 50, None)),
    ],
)
def test_the_window_that_holds_a_message(asked, expected):
    window = window_at([plain(3)] * 120, asked)
    assert (window.start, window.end, window.previous, window.next) == expected
    assert not window.is_whole
    assert window_at([plain(3)] * 50, asked).is_whole


@pytest.mark.parametrize(
    ("total", "n", "size"),
    [(1, 1, 50), (50, 1, 50), (51, 2, 50), (5_000, 100, 50), (5_001, 51, 100), (10_000, 100, 100)],
)
def test_blocks_are_few_and_cover_everything(total, n, size):
    messages = [plain(1)] * total
    found = blocks(messages)
    assert (len(found), windows.block_size(total)) == (n, size)
    assert [at for block in found for at in range(block.start, block.end)] == list(range(total))
    assert size % BLOCK == 0


def test_an_outline_names_roles_kinds_and_tools():
    messages = [
        plain(3),
        agent("scratchpad", "tool:bash", "tool:bash"),
        result("bash"),
        agent("output", "tool:submit"),
    ]
    (block,) = blocks(messages)
    assert block.roles == (("assistant", 2), ("user", 1), ("tool", 1))
    assert block.tools == (("bash", 2), ("submit", 1))
    shown = [
        (entry.index, entry.role, entry.name, entry.kinds, entry.tools) for entry in entries(messages, 0)
    ]
    assert shown == [
        (0, "user", "", (), ()),
        (1, "assistant", "", ("scratchpad",), ("bash",)),
        (2, "tool", "bash", (), ()),
        (3, "assistant", "", ("output",), ("submit",)),
    ]


@pytest.mark.parametrize(
    ("text", "segments", "kind", "expected"),
    [
        ("", (), "", ""),
        ("  one\n\ttwo  ", (), "", "one two"),
        ("<t>inside</t>", (Segment("scratchpad", 0, 13, 3, 9),), "", "inside"),
        ("  \n said", (Segment("text", 0, 3, 0, 3), Segment("output", 3, 8, 3, 8)), "", "said"),
        ("pad said", (Segment("scratchpad", 0, 4, 0, 3), Segment("output", 4, 8, 4, 8)), "output", "said"),
        ("pad", (Segment("scratchpad", 0, 3, 0, 3),), "output", ""),
        ("abcdefghijkl", (), "", "abcdefghi…"),
    ],
)
def test_first_words(text, segments, kind, expected):
    assert first_words(text, segments, 10, kind) == expected


@pytest.mark.parametrize(
    ("messages", "results"),
    [
        ([agent("tool:a"), result("a")], {0: [1]}),
        ([agent("tool:a", "tool:b"), result("a"), result("b"), plain(1)], {0: [1, 2]}),
        ([agent("tool:a"), result()], {0: [1]}),  # a result without a name stands where it belongs
        ([agent("tool:a"), result("b")], {}),
        ([agent("tool:a", "tool:b"), result("a")], {}),  # one is missing: which?
        ([agent("tool:a"), result("a"), result("a")], {}),
        ([agent("output"), result("a")], {}),
        ([plain(1), result("a")], {}),
        ([agent("tool:a"), plain(1), result("a")], {}),
    ],
)
def test_calls_and_results_are_joined_where_there_is_no_doubt(messages, results):
    found, callers = answers(messages, range(len(messages)))
    assert found == results
    assert callers == {at: caller for caller, held in results.items() for at in held}


def test_a_window_that_begins_with_results_knows_their_call():
    messages = [agent("tool:a", "tool:b"), result("a"), result("b"), plain(1)]
    assert answers(messages, range(2, 4))[1][2] == 0


@pytest.mark.parametrize(
    ("kind", "after", "is_backwards", "expected"),
    [
        ("scratchpad", -1, False, (1, 0)),
        ("scratchpad", 1, False, (3, 10)),
        ("scratchpad", 3, False, None),
        ("scratchpad", 4, True, (3, 10)),
        ("scratchpad", 3, True, (1, 0)),
        ("scratchpad", 1, True, None),
        ("tool", -1, False, (3, 0)),  # a tool's own message is no call
        ("output", 10**9, True, None),
    ],
)
def test_the_next_segment(kind, after, is_backwards, expected):
    messages = [plain(1), agent("scratchpad"), result(), agent("tool:a", "scratchpad")]
    after = min(after, len(messages))
    found = windows.next_segment(messages, kind, after, is_backwards)
    assert (found and (found[0], found[1].start)) == expected
