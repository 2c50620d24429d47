import json

import pytest

from tests.transcripts.reading import Reading
from transcripts.arms import resolve
from transcripts.readers import json_lines
from transcripts.readers.registry import reader_named
from transcripts.records import UnreadableSource
from transcripts.text import original

READER = reader_named("own_jsonl")
TURNS = [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "<think>a</think>b"}]
LINE = {"messages": TURNS}
FULL = {
    "model": "m",
    "setting": "s",
    "checkpoint": "c",
    "training_step": 7,
    "goal_nudge": "g",
    "arm": "free",
    "prompt_id": "p1",
    "prompt": "Hello?",
    "family": "care",
    "sample": 3,
    "messages": TURNS,
    "verdicts": [{"judge": "j", "value": 1, "outcome": "partly", "score": 0.5, "explanation": "why"}],
    "metadata": {"k": [1]},
    "more": True,
}


def lines(*values):
    return b"".join((v if isinstance(v, bytes) else json.dumps(v).encode()) + b"\n" for v in values)


def read(source_of, content):
    return Reading(READER, source_of(content))


def test_every_field_arrives(source_of):
    (record,) = read(source_of, lines(FULL)).records
    run = record.run
    assert (run.model, run.setting, run.checkpoint, run.training_step, run.goal_nudge) == (
        "m",
        "s",
        "c",
        7,
        "g",
    )
    assert (record.prompt.scheme, record.prompt.value, record.prompt.text) == ("id", "p1", "Hello?")
    assert (record.prompt.family, record.sample, record.metadata) == ("care", 3, {"more": True, "k": [1]})
    assert [m.text for m in record.messages] == ["Hello?", "<think>a</think>b"]
    assert [s.kind for s in record.messages[1].segments] == ["scratchpad", "output"]
    verdict = record.verdicts[0]
    assert (verdict.judge, verdict.value, verdict.outcome, verdict.score) == ("j", "1", "partly", 0.5)
    arm = resolve(record.arm_hints)
    assert (arm.name, arm.role) == ("free", "monitored")


def test_only_messages_are_required(source_of):
    (record,) = read(source_of, lines(LINE)).records
    assert (record.run.model, record.sample, record.prompt.scheme, record.prompt.value) == (
        "",
        None,
        "text",
        "Hello?",
    )


def test_numbers_and_words_are_different_prompts(source_of):
    records = read(source_of, lines({**LINE, "prompt_id": 1}, {**LINE, "prompt_id": "1"})).records
    assert len({record.prompt.value for record in records}) == 2


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "json_invalid"),
        (b'{"messages": "\xff"}', "encoding"),
        ({"messages": []}, "no_messages"),
        ({"a": 1}, "no_messages"),
        (b"7", "not_an_object"),
        ({"messages": ["a"]}, "message_shape"),
        ({"messages": [{"content": "a"}]}, "message_shape"),
        ({**LINE, "model": 3}, "field_type"),
        ({**LINE, "sample": "1"}, "field_type"),
        ({**LINE, "verdicts": 1}, "field_type"),
        ({**LINE, "verdicts": [{"judge": "j", "value": "v", "score": 10**400}]}, "field_type"),
        (b'{"model": "a", "model": "b", "messages": [{"role": "user", "content": "a"}]}', "duplicate_key"),
        (b'{"messages": [{"role": "user", "content": "a", "content": "b"}]}', "duplicate_key"),
        (b'{"messages": [], "x": ' + b"[" * 300 + b"]" * 300 + b"}", "too_deep"),
        (b'{"messages": [], "x": ' + b"1" * 5000 + b"}", "number_too_long"),
    ],
)
def test_a_bad_line_is_one_reject_with_its_place(source_of, line, reason):
    reading = read(source_of, lines(LINE, line, LINE))
    assert [(r.reason, r.position) for r in reading.rejects] == [(reason, "line 2")]
    assert [r.position for r in reading.records] == ["line 1", "line 3"]


def test_line_ends_and_marks_of_every_kind(source_of):
    plain = json.dumps(LINE).encode()
    separators = {"messages": [{"role": "user", "content": "a\u2028b\u2029c\x85d\x0be\x0cf\rg"}]}
    raw = b"\xef\xbb\xbf" + plain + b"\r\n\r\n \n\xef\xbb\xbf" + plain + b"\n"
    raw += json.dumps(separators, ensure_ascii=False).encode() + b"\n" + plain
    reading = read(source_of, raw)
    assert (len(reading.records), reading.rejects) == (4, [])
    assert reading.records[2].messages[0].text == separators["messages"][0]["content"]


def test_characters_no_database_takes_survive(source_of):
    text = "nul \x00 half \ud83d private \U0010f801"
    (record,) = read(source_of, lines({"messages": [{"role": "user", "content": text}]})).records
    assert original(record.messages[0].text) == text
    assert "\x00" not in record.messages[0].text


def test_a_cut_off_last_line_is_truncated(source_of):
    reading = read(source_of, lines(LINE) + b'{"messages": [{"ro')
    assert len(reading.records) == 1
    assert [reject.reason for reject in reading.rejects] == ["truncated"]


def test_chunks_share_the_lines_and_reading_goes_on_after_any_cursor(source_of, monkeypatch):
    values = [{**LINE, "sample": number} for number in range(30)]
    values[7] = b"{"
    raw = lines(*values)
    whole = [(item.cursor, item.position) for item in _items(source_of(raw))]
    for size in (1, 10, 119, 120, 121, 500):
        monkeypatch.setattr(json_lines, "CHUNK_BYTES", size)
        source = source_of(raw)
        assert [(item.cursor, item.position) for item in _items(source)] == whole
        for chunk in READER.plan(source).chunks[:40]:
            items = list(READER.read(source, chunk))
            for number, item in enumerate(items):
                rest = [i.cursor for i in READER.read(source, chunk, item.cursor)]
                assert rest == [i.cursor for i in items[number + 1 :]]


def _items(source):
    return [item for chunk in READER.plan(source).chunks for item in READER.read(source, chunk)]


def test_a_line_over_the_limit_is_passed_over(source_of, monkeypatch):
    monkeypatch.setattr(json_lines, "MAX_RECORD", 1000)
    monkeypatch.setattr(json_lines, "_BLOCK", 64)
    reading = read(source_of, lines(LINE, b"x" * 5000, LINE))
    assert [(r.reason, r.position, r.excerpt) for r in reading.rejects] == [("too_long", "line 2", b"")]
    assert [r.position for r in reading.records] == ["line 1", "line 3"]


def test_an_array_is_refused_as_a_whole(source_of):
    with pytest.raises(UnreadableSource, match="one transcript a line"):
        READER.plan(source_of(b"[\n" + lines(LINE) + b"]"))


def test_header_and_end_lines_of_an_export_are_not_records(source_of):
    reading = read(source_of, lines({"_export": {"version": 1}}, LINE, {"_end": True, "rows": 1}))
    assert (len(reading.records), reading.rejects, reading.findings) == (1, [], [])
    for raw in (lines({"_export": {}}, LINE, {"_end": {"rows": 2}}), lines({"_export": {}}, LINE)):
        assert read(source_of, raw).kinds == {"export_incomplete"}


def test_segments_of_an_export_are_kept_if_they_fit(source_of):
    turn = {"role": "assistant", "content": "ab", "segments": [{"kind": "scratchpad", "start": 0, "end": 2}]}
    bad = {**turn, "segments": [{"kind": "scratchpad", "start": 1, "end": 2}]}
    good, anew = read(source_of, lines({"messages": [turn]}, {"messages": [bad]})).records
    assert [s.kind for s in good.messages[0].segments] == ["scratchpad"]
    assert [s.kind for s in anew.messages[0].segments] == ["output"]
    assert [finding.kind for finding in anew.findings] == ["segments_invalid"]


def test_content_may_be_blocks(source_of):
    blocks = [
        {"type": "thinking", "thinking": "hm"},
        {"type": "text", "text": "yes"},
        {"type": "tool_use", "name": "look", "input": {"a": 1}},
    ]
    (record,) = read(source_of, lines({"messages": [{"role": "assistant", "content": blocks}]})).records
    (turn,) = record.messages
    assert [(s.kind, turn.text[s.start : s.end], s.note) for s in turn.segments] == [
        ("scratchpad", "hm", ""),
        ("output", "yes", ""),
        ("tool", '{\n  "a": 1\n}', "look"),
    ]
    assert turn.parse_state == "ok"


PRIVATE = "x \U0010f801 y <think>a\x00</think> \ud83d é"
ANNOTATION = {
    "id": "9",
    "annotator": "Ada",
    "answers": {"faking": ["yes"]},
    "spans": [{"message": 0, "start": 4, "end": 5, "label": "l", "quote": "y"}],
    "codebook": {"slug": "book", "version": 2, "sha256": "ab"},
    "round": 3,
}


def test_annotations_of_an_export_are_labels_in_stored_offsets(source_of):
    turn = {"role": "user", "content": PRIVATE}
    (record,) = read(source_of, lines({"messages": [turn], "annotations": [ANNOTATION]})).records
    (label,) = record.labels
    (span,) = label.spans
    assert record.messages[0].text[span["start"] : span["end"]] == "y" == PRIVATE[4:5]
    assert (label.annotator, label.answers, label.codebook) == ("Ada", {"faking": ["yes"]}, "book@2:ab")
    assert (label.detail, record.metadata) == ({"id": "9", "round": 3}, {})


@pytest.mark.parametrize("given", [7, "note", [1], [{"text": "no annotation of ours"}], {"a": 1}])
def test_annotations_that_are_not_ours_stay_metadata(source_of, given):
    (record,) = read(source_of, lines({**LINE, "annotations": given})).records
    assert (record.labels, record.metadata) == ((), {"annotations": given})


def test_segments_of_an_export_are_in_original_offsets(source_of):
    marks = [("text", 0, 5), ("output", 5, len(PRIVATE))]
    segments = [{"kind": kind, "start": start, "end": end} for kind, start, end in marks]
    turn = {"role": "assistant", "content": PRIVATE, "segments": segments}
    (record,) = read(source_of, lines({"messages": [turn]})).records
    text = record.messages[0].text
    found = [(s.kind, original(text[s.start : s.end])) for s in record.messages[0].segments]
    assert (found, record.findings) == ([("text", PRIVATE[:5]), ("output", PRIVATE[5:])], ())


def test_a_verdict_keeps_threshold_quotes_and_detail(source_of):
    given = {
        "judge": "j",
        "value": "yes",
        "threshold": 0.5,
        "quotes": [{"text": "q", "criterion": "c", "anchor": "exact", "start": 1}, "bare"],
        "detail": {"votes": [1, 0]},
    }
    (record,) = read(source_of, lines({**LINE, "verdicts": [given]})).records
    (verdict,) = record.verdicts
    assert (verdict.threshold, verdict.detail) == (0.5, {"votes": [1, 0]})
    assert [(q.text, q.criterion, q.anchor) for q in verdict.quotes] == [("q", "c", ""), ("bare", "", "")]


def test_the_count_of_an_export_survives_going_on_and_bad_lines(source_of):
    raw = lines({"_export": {}}, LINE, {"messages": []}, b"{", LINE, {"_end": True, "rows": 4})
    source = source_of(raw)
    (chunk,) = READER.plan(source).chunks
    items = list(READER.read(source, chunk))
    assert [type(item).__name__ for item in items] == ["Record", "Reject", "Reject", "Record"]
    for item in items:
        assert list(READER.read(source, chunk, item.cursor)) == [i for i in items if i.cursor > item.cursor]
