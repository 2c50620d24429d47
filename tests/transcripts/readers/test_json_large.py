"""What is read piece by piece is what is read at once; and the lines of a file, from any part of it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transcripts.readers import json_large
from transcripts.readers.bookmarks import BOOKMARKS
from transcripts.readers.json_large import Broken, parse_large
from transcripts.readers.json_lines import lines
from transcripts.records import Chunk

TEXTS = st.text(st.one_of(st.sampled_from('\\"{}[],:\n é😀\x00\ud83d'), st.characters()), max_size=40)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(TEXTS, inner, max_size=5)),
    max_leaves=20,
)
PROFILE = settings(max_examples=200, deadline=None, derandomize=True)


@pytest.fixture(scope="module", autouse=True)
def small_pieces():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_large, "PIECE", 12)
        patch.setattr(json_large, "_TEXT_PIECE", 10)
        yield


@PROFILE
@given(value=VALUES, indent=st.sampled_from([None, 0, 2]), is_ascii=st.booleans())
def test_it_is_the_same_value(value, indent, is_ascii):
    raw = json.dumps(value, indent=indent, ensure_ascii=is_ascii).encode("utf-8", "replace")
    assert parse_large(raw, json.loads) == json.loads(raw)


@PROFILE
@given(value=VALUES, cut=st.floats(0, 1), change=st.binary(max_size=3))
def test_what_is_broken_is_said_to_be(value, cut, change):
    raw = json.dumps([value]).encode()
    at = int(cut * len(raw))
    broken = raw[:at] + change
    try:
        expected = json.loads(broken)
    except (ValueError, UnicodeDecodeError):
        with pytest.raises((Broken, IndexError, ValueError)):
            parse_large(broken, json.loads)
    else:
        assert parse_large(broken, json.loads) == expected


def test_members_that_nobody_wants_are_passed_over_unread():
    raw = b'{"events": [not JSON at all but long enough], "a": 1}'
    assert parse_large(raw, json.loads, skip=("events",)) == {"a": 1}


@pytest.mark.parametrize("size", [1, 3, 7, 20])
@pytest.mark.parametrize("backwards", [False, True])
def test_every_line_belongs_to_one_part_and_keeps_its_number(source_of, size, backwards):
    content = b"a\n\nbcdefgh\ni\n" + b"x" * 30 + b"\nend"
    source = source_of(content)
    BOOKMARKS.clear()
    parts = [Chunk(0, at, min(at + size, len(content)), size) for at in range(0, len(content), size)]
    found = [
        (line.start, line.number, line.raw)
        for part in (reversed(parts) if backwards else parts)
        for line in lines(source, part)
    ]
    assert sorted(found) == [
        (0, 1, b"a\n"),
        (3, 3, b"bcdefgh\n"),
        (11, 4, b"i\n"),
        (13, 5, b"x" * 30 + b"\n"),
        (44, 6, b"end"),
    ]
