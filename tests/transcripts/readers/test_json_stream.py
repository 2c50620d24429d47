import io
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts.readers import json_stream
from transcripts.readers.json_sketch import sketch
from transcripts.readers.json_stream import array_elements, object_members
from transcripts.records import UnreadableSource

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('ab\\"{}[],é\n'),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text('ab"\\', max_size=3), inner, max_size=4)
    ),
)


def elements(raw, **given):
    return list(array_elements(io.BytesIO(raw), **given))


def problems(raw):
    return [(element.raw if not element.problem else b"", element.problem) for element in elements(raw)]


@given(st.lists(JSON), st.sampled_from([None, 2]), st.sampled_from([1, 3, 64, 1 << 20]))
def test_elements_are_those_of_the_array_whatever_the_block(value, indent, block):
    raw = json.dumps(value, indent=indent).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "_BLOCK", block)
        found = elements(raw)
        members = list(object_members(io.BytesIO(b'{"x":[1], "s":%s, "y":"z"}' % raw), ("s",)))
    assert [json.loads(e.raw) for e in found] == value
    assert all(raw[e.start : e.end] == e.raw for e in found)
    assert [json.loads(e.raw) for key, e in members if key == "s"] == value
    assert [key for key, _ in members if key != "s"] == ["x", "y"]


@given(st.lists(JSON, min_size=1), st.data())
def test_a_cut_off_array_gives_what_is_complete_and_says_so(value, data):
    raw = json.dumps(value).encode()
    cut = data.draw(st.integers(1, len(raw) - 1))
    *complete, last = elements(raw[:cut])
    assert last.problem == "truncated"
    read = [json.loads(e.raw) for e in complete[: len(value) - 1]]
    assert read == value[: len(read)]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'[{"a":[1,2},{"b":1}]', [(b"", "broken"), (b'{"b":1}', "")]),
        (b'[{"a":1} {"b":2}, {"c":3}]', [(b"", "broken"), (b'{"c":3}', "")]),
        (b'[{"a":1},, {"b":2}]', [(b'{"a":1}', ""), (b"", "broken"), (b'{"b":2}', "")]),
        (b'[{"a":1},]', [(b'{"a":1}', ""), (b"", "broken")]),
        (b'\xef\xbb\xbf [{"a":1}]', [(b'{"a":1}', "")]),
    ],
)
def test_the_scan_goes_on_after_a_broken_element(raw, expected):
    assert problems(raw) == expected


def test_an_element_over_the_limit_is_passed_over(monkeypatch):
    monkeypatch.setattr(json_stream, "_BLOCK", 10)
    raw = b'[{"a":"' + b"x" * 200 + b'"},{"b":[' + b"1," * 100 + b'1]},{"c":1}]'
    assert [(e.raw, e.problem) for e in elements(raw, limit=50)] == [
        (b"", "too_long"),
        (b"", "too_long"),
        (b'{"c":1}', ""),
    ]


def test_other_encodings_are_named():
    with pytest.raises(UnreadableSource, match="UTF-16"):
        elements("[1]".encode("utf-16"))
    with pytest.raises(UnreadableSource, match="UTF-16"):
        elements("[1]".encode("utf-16-le"))


def test_a_sketch_shows_the_outline_of_the_beginning():
    assert sketch(b'{"version":2,"eval":{"a":["]"]},"samples":[{"x').keys == ("version", "eval", "samples")
    assert sketch(b' [{"input":"\\"}","response":["').element_keys == ("input", "response")
    assert sketch(b"hello").shape == ""
    assert sketch(b"12").shape == "scalar"


@given(
    st.lists(st.sampled_from(["7", '{"a":[1]}', '{"a":[1}', "", '"x" "y"', "[[]]"]), min_size=1),
    st.booleans(),
)
def test_reading_can_begin_at_any_element(parts, is_whole):
    raw = ("[ " + " , ".join(parts) + ("]" if is_whole else "")).encode()
    for before in found if (found := elements(raw)) else []:
        assert (
            list(array_elements(io.BytesIO(raw), before.start, first=before.index)) == found[before.index :]
        )
    log = b'{"x": 1, "s": %s, "y": 2}' % raw
    members = list(object_members(io.BytesIO(log), ("s",)))
    for number, (key, element) in enumerate(members):
        if key == "s":
            again = object_members(io.BytesIO(log), ("s",), at=("s", element.start, element.index))
            assert list(again) == members[number:]


@pytest.mark.parametrize(
    "element",
    [
        b'{"a":{}},7',
        b'{"a":[{},{}]}',
        b'{"a":1',
        b'{"a":"},{"}',
        b'{"a":{}} 7',
        b'{"a":"' + b"},{" * 99 + b'"}',
    ],
)
def test_where_objects_seem_to_end_costs_time_in_proportion(element):
    raw = b"[" + b",".join([element] * 100_000) + b"]"
    start = time.process_time()
    found = sum(1 for _ in array_elements(io.BytesIO(raw)))
    assert found >= 1
    assert time.process_time() - start < 10
