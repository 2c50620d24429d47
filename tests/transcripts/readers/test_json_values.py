import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts.readers.json_values import BadRecord, compact, parse_record, pretty, refuse_repeated_keys

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_every_json_value_is_read_exactly(value):
    assert parse_record(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a":NaN}', {"a": {"__number__": "NaN"}}),
        (b"[-Infinity,1e400]", [{"__number__": "-Infinity"}, {"__number__": "1e400"}]),
        (b"18446744073709551616", 2**64),
        (b'"\\ud800"', "\ud800"),
        (b'\xef\xbb\xbf"a"', "a"),
        (b'"\\u0000"', "\x00"),
    ],
)
def test_what_other_parsers_change_or_refuse(raw, value):
    assert parse_record(raw) == value


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'"\xff"', "encoding"),
        (b"{'a':1}", "json_invalid"),
        (b'"\x01"', "json_invalid"),
        (b"[" * 300 + b"]" * 300, "too_deep"),
        (b"[" * 100_000 + b"]" * 100_000, "too_deep"),
        (b"1" * 5000, "number_too_long"),
    ],
)
def test_what_cannot_be_read_has_a_reason(raw, reason):
    with pytest.raises(BadRecord) as caught:
        parse_record(raw)
    assert caught.value.reason == reason


def test_depth_counts_only_in_what_is_kept():
    deep = b'{"events":' + b"[" * 300 + b"]" * 300 + b"}"
    assert parse_record(deep, skip=("events",)) == {}


def test_repeated_keys_can_be_refused():
    refuse_repeated_keys(b'{"a":1,"b":{"a":1}}', ("a",))
    with pytest.raises(BadRecord, match="twice"):
        refuse_repeated_keys(b'{"b":{"a":1,"a":2}}', ("a",))


def test_values_print_as_the_source_had_them():
    assert compact({"a": [1, None, {"__number__": "NaN"}], "b": "é"}) == '{"a":[1,null,NaN],"b":"é"}'
    assert pretty({"a": "\ud800"}) == '{\n  "a": "\ud800"\n}'
