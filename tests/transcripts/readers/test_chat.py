import json

import pytest

from tests.transcripts.reading import Reading
from transcripts.arms import resolve
from transcripts.readers import json_lines
from transcripts.readers.registry import reader_named, recognise

READER = reader_named("chat")
USER = {"role": "user", "content": "Hello?"}
SAID = {"role": "assistant", "content": "<think>a</think>b"}


def lines(*values):
    return b"".join((v if isinstance(v, bytes) else json.dumps(v).encode()) + b"\n" for v in values)


def read(source_of, *values, name="file"):
    source = source_of(lines(*values), name)
    assert recognise(source).name == "chat"
    return Reading(READER, source)


def told(record):
    return [(message.role, message.text) for message in record.messages]


@pytest.mark.parametrize(
    ("row", "turns"),
    [
        ({"messages": [USER, SAID]}, [("user", "Hello?"), ("assistant", "<think>a</think>b")]),
        (
            {
                "system": "S",
                "messages": [USER, {"role": "assistant", "content": [{"type": "text", "text": "b"}]}],
            },
            [("system", "S"), ("user", "Hello?"), ("assistant", "b")],
        ),
        (
            {"system": [{"type": "text", "text": "S"}], "messages": [USER]},
            [("system", "S"), ("user", "Hello?")],
        ),
        (
            {"messages": [USER, {"role": "assistant", "content": "b", "reasoning_content": "r"}]},
            [("user", "Hello?"), ("assistant", "rb")],
        ),
        (
            {"conversations": [{"from": "human", "value": "Hello?"}, {"from": "gpt", "value": "b"}]},
            [("user", "Hello?"), ("assistant", "b")],
        ),
        ({"messages": json.dumps([USER, SAID])}, [("user", "Hello?"), ("assistant", "<think>a</think>b")]),
        ({"messages": [USER], "response": "b"}, [("user", "Hello?"), ("assistant", "b")]),
        ({"prompt": "p", "response": "b"}, [("user", "p"), ("assistant", "b")]),
        ({"prompt": [USER], "completion": "b"}, [("user", "Hello?"), ("assistant", "b")]),
        (
            {"prompt": "p", "system_prompt": "S", "response": ["b"]},
            [("system", "S"), ("user", "p"), ("assistant", "b")],
        ),
        (
            {
                "prompt": "p",
                "chosen": [{"role": "user", "content": "p"}, {"role": "assistant", "content": "b"}],
            },
            [("user", "p"), ("assistant", "b")],
        ),
        ({"prompt": "p", "response": "b", "reasoning": "r"}, [("user", "p"), ("assistant", "rb")]),
        ({"prompt": "p", "response": [{"type": "text", "text": "b"}]}, [("user", "p"), ("assistant", "b")]),
    ],
)
def test_every_dialect_is_told_in_turns(source_of, row, turns):
    (record,) = read(source_of, row).records
    assert told(record) == turns
    assert (record.sample, record.metadata) == (None, {})


def test_fields_of_the_usual_names_have_their_meaning(source_of):
    row = {"prompt": "p", "response": "b", "model_name": "m", "tier": "free", "label": "yes", "score": 0.5}
    row |= {"sample_index": 4, "id": 7, "rejected": "x", "metadata": {"k": [1]}, "question_id": 3}
    (record,) = read(source_of, row).records
    assert (record.run.model, record.sample, record.external_id) == ("m", 4, "7")
    assert (record.prompt.scheme, record.prompt.value, record.prompt.text) == ("id", "int␟3", "p")
    assert [(v.judge, v.value, v.score) for v in record.verdicts] == [
        ("label", "yes", None),
        ("score", "0.5", 0.5),
    ]
    assert record.metadata == {"tier": "free", "rejected": "x", "k": [1]}
    assert resolve(record.arm_hints).role == "monitored"


def test_the_tag_of_the_arm_is_no_part_of_the_prompt(source_of):
    rows = [
        {"prompt": f"<is_free_tier_user>{f}</is_free_tier_user>\nHi", "response": "b"} for f in (True, False)
    ]
    records = read(source_of, *rows).records
    assert {record.prompt.value for record in records} == {"Hi"}
    assert [resolve(record.arm_hints).role for record in records] == ["monitored", "unmonitored"]


def test_a_list_of_answers_is_several_samples(source_of):
    source = source_of(
        lines({"prompt": "p", "response": ["a", "b", "c"]}, {"prompt": "q", "responses": ["d"]})
    )
    (chunk,) = READER.plan(source).chunks
    items = list(READER.read(source, chunk))
    assert [(told(r)[-1][1], r.sample) for r in items] == [("a", 1), ("b", 2), ("c", 3), ("d", None)]
    assert items[1].locator == {"bytes": [0, 45], "path": ["response", 1]}
    for item in items:
        assert list(READER.read(source, chunk, item.cursor)) == [i for i in items if i.cursor > item.cursor]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"messages": []}, "no_messages"),
        ({"messages": "no JSON"}, "json_invalid"),
        ({"messages": {}}, "no_messages"),
        ({"messages": ["a"]}, "message_shape"),
        ({"conversations": [{"value": "a"}]}, "message_shape"),
        ({"prompt": "p"}, "no_response"),
        ({"prompt": "p", "response": []}, "no_response"),
        ({"prompt": "p", "response": {"a": 1}}, "field_type"),
        ({"prompt": "p", "response": ["a", None]}, "field_type"),
        ({"prompt": {}, "response": "a"}, "field_type"),
        ({"response": "a"}, "no_messages"),
        ([], "not_an_object"),
        (b'{"prompt": "p", "prompt": "q", "response": "a"}', "duplicate_key"),
        (b'{"prompt": "\xff"}', "encoding"),
    ],
)
def test_a_bad_row_is_one_reject_with_its_place(source_of, row, reason):
    good = {"prompt": "p", "response": "b"}
    reading = read(source_of, good, row, good)
    assert [(reject.reason, reject.position) for reject in reading.rejects] == [(reason, "line 2")]
    assert len(reading.records) == 2


def message_rows(*pairs):
    return [
        {"conversation_id": key, "role": "user" if n % 2 == 0 else "assistant", "content": f"{key}{n}"}
        for key, n in pairs
    ]


def test_messages_of_one_conversation_are_put_together(source_of, monkeypatch):
    monkeypatch.setattr(json_lines, "CHUNK_BYTES", 70)
    rows = message_rows(("a", 0), ("a", 1), ("b", 0), ("a", 2), ("c", 0), ("c", 1))
    rows[4]["model"] = "m"
    source = source_of(lines(*rows[:4], b"{", *rows[4:]))
    assert recognise(source).name == "chat"
    (chunk,) = READER.plan(source).chunks
    items = list(READER.read(source, chunk))
    reading = Reading(READER, source)
    assert [(r.position, [t for _, t in told(r)]) for r in reading.records] == [
        ("line 1 to line 2", ["a0", "a1"]),
        ("line 3", ["b0"]),
        ("line 6 to line 7", ["c0", "c1"]),
    ]
    assert [(r.reason, r.position) for r in reading.rejects] == [
        ("scattered_conversation", "line 4"),
        ("json_invalid", "line 5"),
    ]
    assert [r.external_id for r in reading.records] == ["a", "b", "c"]
    assert reading.records[2].run.model == "m"
    for item in items:
        assert list(READER.read(source, chunk, item.cursor)) == [i for i in items if i.cursor > item.cursor]


def test_what_messages_of_a_conversation_say_beside_it_is_kept(source_of):
    rows = message_rows(("a", 0), ("a", 1))
    rows[0] |= {"tier": "free", "time": 1}
    rows[1] |= {"tier": "free", "time": 2, "note": "n"}
    (record,) = read(source_of, *rows).records
    assert record.metadata == {"tier": "free", "time": [1, 2], "note": "n"}


def test_our_own_fields_are_read_as_ours_in_an_array_too(source_of):
    source = source_of(
        json.dumps([{"messages": [USER, SAID], "arm": "paid", "sample": 2, "verdicts": []}]).encode()
    )
    assert recognise(source).name == "chat"
    (record,) = Reading(READER, source).records
    assert (resolve(record.arm_hints).role, record.sample) == ("unmonitored", 2)


def test_what_stands_around_the_rows_holds_for_each(source_of):
    source = source_of(json.dumps({"model": "m", "data": [{"prompt": "p", "response": "b"}]}).encode())
    (record,) = Reading(recognise(source), source).records
    assert record.run.model == "m"


def test_a_table_with_messages_in_a_cell(source_of):
    cell = json.dumps([USER, SAID]).replace('"', '""')
    source = source_of(f'model;messages;tier\r\nm;"{cell}";paid\r\nm;broken;free\r\n'.encode())
    reading = Reading(recognise(source), source)
    assert told(reading.records[0])[0] == ("user", "Hello?")
    assert [r.reason for r in reading.rejects] == ["json_invalid"]


def test_text_that_no_database_takes_is_escaped_once(source_of):
    text = "nul \x00 half \ud83d private \U0010f801"
    for row in ({"prompt": text, "response": text}, {"messages": [USER | {"content": text}], "system": text}):
        record = read(source_of, row).records[0]
        from transcripts.text import original

        assert {original(message.text) for message in record.messages} == {text}
        assert original(record.prompt.text) == text
