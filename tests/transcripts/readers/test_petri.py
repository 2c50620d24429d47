"""Transcripts of Petri and Bloom: the target's view out of a log of edits."""

import json
import resource

import pytest

from tests.transcripts.reading import Reading
from transcripts.arms import resolve
from transcripts.quotes import anchor_all
from transcripts.readers import petri
from transcripts.readers.petri import Petri
from transcripts.readers.petri.conversation import Conversation
from transcripts.readers.petri.patch import BadPatch, patched
from transcripts.readers.rows.reader import Place
from transcripts.readers.rows.row import Row
from transcripts.readers.source import Probe, Source

READER = Petri()


def turn(role, content, name=None):
    return {"role": role, "content": content, **({"id": name} if name else {})}


def event(view, name=None, **edit):
    return {"type": "transcript_event", "id": name or "e", "view": view, "edit": edit}


def add(role, content, name=None, view=("target", "combined"), event_id=None):
    return event(list(view), event_id, operation="add", message=turn(role, content, name))


def transcript(*events, **metadata):
    known = {"transcript_id": "t-1", "auditor_model": "a/1", "target_model": "m/1", "version": "v3.0"}
    return {
        "metadata": {**known, **metadata},
        "events": list(events or [add("user", "Hi"), add("assistant", "Ho")]),
    }


def read(source_of, value, name="pond/transcript_v3r2.json", indent=1):
    raw = value if isinstance(value, bytes) else json.dumps(value, indent=indent).encode()
    return Reading(READER, source_of(raw, name))


def texts(*events):
    talk = Conversation()
    for one in events:
        talk.apply(one)
    return [message.text for message in talk.messages()], [finding.kind for finding in talk.findings]


THREE = [
    add("user", "1", "m1", event_id="e1"),
    add("assistant", "2", "m2", event_id="e2"),
    add("user", "3", "m3"),
]


@pytest.mark.parametrize(
    ("edits", "left", "kinds"),
    [
        ([], "123", []),
        ([add("user", "x", view=["auditor", "combined"])], "123", []),
        ([{**add("user", "4"), "view": "target"}], "1234", []),
        ([event(["target"], operation="rollback", count=2)], "1", []),
        ([event(["target"], operation="rollback", count=0)], "123", []),
        ([event(["target"], operation="rollback", to_id="m1")], "1", []),
        ([event(["target"], operation="rollback", to_id="e2", count=9)], "12", []),
        ([event(["target"], operation="rollback", message_id="m2")], "12", []),
        ([event(["target"], operation="rollback", to_id="nobody", count=1)], "123", ["edit_not_applied"]),
        ([event(["target"], operation="rollback", count=4)], "123", ["edit_not_applied"]),
        ([event(["target"], operation="rollback", count=True)], "123", ["edit_not_applied"]),
        ([event(["target"], operation="rollback")], "123", ["edit_not_applied"]),
        ([event(["auditor"], operation="rollback", count=2)], "123", []),
        ([event(["target"], operation="reset", new_messages=[turn("user", "9")]), add("user", "8")], "98", []),
        ([event(["target"], operation="reset"), add("user", "8")], "8", []),
        ([event(["target"], operation="reset", new_messages="x")], "123", ["edit_not_applied"]),
        ([event(["target"], operation="conjure"), add("user", "4")], "1234", ["edit_not_applied"]),
        ([event(["target"], operation="add", message="x")], "123", ["edit_not_applied"]),
        ([event(["target"], operation=["x"])], "123", ["edit_not_applied"]),
        ([{"type": "info_event", "info": {}}, {"view": ["target"]}], "123", []),
        ([7, {"edit": {"operation": "add"}}], "123", ["event_not_read", "event_not_read"]),
        (
            [event(["target"], operation="json_patch", patch=[{"op": "replace", "path": "/0/content", "value": "0"}])],
            "023",
            [],
        ),
        (
            [
                event(["target"], operation="json_patch", patch=[{"op": "remove", "path": "/messages/1"}]),
                event(["target"], operation="rollback", to_id="e1"),
            ],
            "1",
            [],
        ),
        ([event(["target"], operation="json_patch", patch=[{"op": "remove", "path": "/9"}])], "123", ["edit_not_applied"]),
    ],
)  # fmt: skip
def test_edits_are_applied_in_order(edits, left, kinds):
    shown, odd = texts(*THREE, *edits)
    assert ("".join(shown), odd) == (left, kinds)


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([], [{"a": 1}, {"b": [1, 2]}]),
        ([{"op": "add", "path": "/-", "value": 3}], [{"a": 1}, {"b": [1, 2]}, 3]),
        ([{"op": "add", "path": "/0", "value": 3}], [3, {"a": 1}, {"b": [1, 2]}]),
        ([{"op": "add", "path": "/1/b/1", "value": 3}], [{"a": 1}, {"b": [1, 3, 2]}]),
        ([{"op": "add", "path": "/0/c~1d~0", "value": 3}], [{"a": 1, "c/d~": 3}, {"b": [1, 2]}]),
        ([{"op": "remove", "path": "/1/b/0"}], [{"a": 1}, {"b": [2]}]),
        ([{"op": "replace", "path": "", "value": [5]}], [5]),
        ([{"op": "move", "from": "/1/b", "path": "/0/b"}], [{"a": 1, "b": [1, 2]}, {}]),
        ([{"op": "move", "from": "/1", "path": "/0"}], [{"b": [1, 2]}, {"a": 1}]),
        ([{"op": "copy", "from": "/0", "path": "/1/c"}], [{"a": 1}, {"b": [1, 2], "c": {"a": 1}}]),
        ([{"op": "test", "path": "/0/a", "value": 1}, {"op": "remove", "path": "/0"}], [{"b": [1, 2]}]),
        ([{"op": "test", "path": "/0/a", "value": 2}], None),
        ([{"op": "replace", "path": "/0/z", "value": 2}], None),
        ([{"op": "add", "path": "/0/a"}], None),
        ([{"op": "add", "path": "/3", "value": 1}], None),
        ([{"op": "add", "path": "/-/a", "value": 1}], None),
        ([{"op": "add", "path": "/0/a/b", "value": 1}], None),
        ([{"op": "add", "path": "/\u0661", "value": 1}], None),
        ([{"op": "add", "path": "0", "value": 1}], None),
        ([{"op": "add", "path": None, "value": 1}], None),
        ([{"op": "add", "path": "/0" * 60, "value": 1}], None),
        ([{"op": "move", "from": "/0", "path": "/0/a"}], None),
        ([{"op": "remove", "path": ""}], None),
        ([{"op": "replace", "path": "", "value": {}}], None),
        ([{"op": "sing", "path": ""}], None),
        (["x"], None),
        ("x", None),
        (None, None),
    ],
)
def test_a_patch_is_applied_whole_or_not_at_all(operations, expected):
    document = [{"a": 1}, {"b": [1, 2]}]
    if expected is None:
        with pytest.raises(BadPatch):
            patched(document, operations)
    else:
        assert patched(document, operations) == expected
    assert document == [{"a": 1}, {"b": [1, 2]}]


def test_a_patch_cannot_swell_or_deepen_without_end():
    doubling = [{"op": "copy", "from": "/0", "path": "/0/x"}, {"op": "copy", "from": "/0", "path": "/0/y"}]
    with pytest.raises(BadPatch, match="too much"):
        patched([{"a": "text"}], doubling * 40)
    deeper = [{"op": "add", "path": "/0", "value": {}}, {"op": "move", "from": "/1", "path": "/0/a"}]
    with pytest.raises(BadPatch, match="deep"):
        patched([{}], deeper * 300)


def test_a_file_is_one_transcript(source_of):
    blocks = [{"type": "reasoning", "reasoning": "Hm."}, {"type": "text", "text": "Ho."}]
    value = transcript(
        add("system", "Be good.", view=["auditor"]),
        add("system", "You are a duck."),
        add("user", "Hi"),
        add("assistant", blocks),
        target_system_prompt="You are a duck.",
        target_tools=[{"name": "quack", "description": "long"}, "swim"],
        tags=["pilot"],
        description="a pond",
    )
    reading = read(source_of, {**value, "extra": 1})
    (found,) = reading.records
    assert (reading.rejects, reading.findings, found.findings) == ([], [], ())
    assert [(one.role, one.text) for one in found.messages] == [
        ("system", "You are a duck."),
        ("user", "Hi"),
        ("assistant", "Hm.Ho."),
    ]
    assert found.messages[2].segments[0].kind == "scratchpad"
    assert (found.run.model, found.run.setting, found.external_id, found.sample) == ("m/1", "pond", "t-1", 2)
    assert (found.prompt.scheme, found.prompt.value, found.prompt.text) == ("id", "pond/variation 3", "Hi")
    assert found.metadata == {
        "extra": 1,
        "auditor_model": "a/1",
        "version": "v3.0",
        "target_tools": ["quack", "swim"],
        "tags": ["pilot"],
        "description": "a pond",
        "event_log": {"events": 4, "of other views": 1, "add in the target's view": 3},
    }
    start, end = found.locator["bytes"]
    assert json.loads(json.dumps({**value, "extra": 1}, indent=1).encode()[start:end])["extra"] == 1


def test_the_arm_comes_from_metadata_and_tags(source_of):
    assert resolve(read(source_of, transcript(tags=["free_tier"])).records[0].arm_hints).role == "monitored"
    assert resolve(read(source_of, transcript(tier="paid")).records[0].arm_hints).role == "unmonitored"


@pytest.mark.parametrize(
    ("name", "scheme", "value", "sample"),
    [
        ("a/b/transcript_v12r1.json", "id", "b/variation 12", 1),
        ("transcript_v1r3.JSON", "id", "variation 1", 3),
        ("a\\transcript_v1r3.json", "id", "a/variation 1", 3),
        ("a/transcript_20260102.json", "text", "Hi", None),
        ("a/transcript_v99999999999r1.json", "text", "Hi", None),
    ],
)
def test_blooms_numbers_are_prompt_and_sample(source_of, name, scheme, value, sample):
    (found,) = read(source_of, transcript(), name).records
    assert (found.prompt.scheme, found.prompt.value, found.sample) == (scheme, value, sample)


JUDGED = {
    "response": "<summary>…",
    "summary": "It quacked.",
    "justification": "Loudly.",
    "num_samples": 2,
    "scores": {"unrealism": 3, "behavior_presence": 7},
    "individual_samples": [{"behavior_presence": 6}, {"behavior_presence": 8}],
    "highlights": [
        {
            "description": "a quack",
            "parts": [{"message_id": "m2", "quoted_text": "Quack"}, {"quoted_text": "quack!"}],
        },
        {"description": "nothing", "parts": []},
    ],
}


def test_a_judge_gives_a_verdict_for_each_dimension(source_of):
    events = [add("user", "Quack?", "m1"), add("assistant", "Quack", "m2")]
    (found,) = read(source_of, transcript(*events, judge_output=JUDGED)).records
    main, other = found.verdicts
    assert (main.judge, main.value, main.score, main.outcome, main.threshold) == (
        "bloom/behavior_presence", "7", 7.0, "", None,
    )  # fmt: skip
    assert main.explanation == "It quacked.\n\nLoudly."
    assert main.detail == {
        "response": "<summary>…",
        "num_samples": 2,
        "individual_samples": [{"behavior_presence": 6}, {"behavior_presence": 8}],
        "highlights": [{"description": "nothing", "parts": []}],
        "votes": [6, 8],
    }
    assert [(q.text, q.criterion, q.message) for q in main.quotes] == [
        ("Quack", "a quack", 1),
        ("quack!", "a quack", -1),
    ]
    assert [q.message for q in anchor_all(main.quotes, found.messages)] == [1, 1]
    assert (other.judge, other.value, other.explanation, other.quotes, other.detail) == (
        "bloom/unrealism", "3", "", (), {},
    )  # fmt: skip
    assert "judge_output" not in found.metadata


@pytest.mark.parametrize(
    ("judged", "expected"),
    [
        (None, []),
        ({}, []),
        ({"scores": {"x": None, "y": "high"}}, [("bloom/x", "", None), ("bloom/y", "high", None)]),
        ({"summary": "Words."}, [("bloom", "", None)]),
        ({"scores": [1], "highlights": "x", "summary": "W"}, [("bloom", "", None)]),
        ({"scores": {"x": {"__number__": "NaN"}}}, [("bloom/x", "NaN", None)]),
    ],
)
def test_odd_judgments_are_kept_as_they_are(source_of, judged, expected):
    (found,) = read(source_of, transcript(judge_output=judged)).records
    assert [(v.judge, v.value, v.score) for v in found.verdicts] == expected


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (transcript(add("user", "x", view=["auditor"])), "no_messages"),
        ({"metadata": [], "events": [add("user", "x")]}, "field_type"),
        (transcript(add("", "x")), "message_shape"),
        (json.dumps(transcript()).encode()[:-9], "truncated"),
        (json.dumps(transcript()).encode().replace(b"}}, {", b"}, {"), "json_invalid"),
        (json.dumps(transcript()).encode()[:-1] + b', "events": [1]}', "duplicate_key"),
        (b'{"metadata": {"target_model": "m"}, "events": [' + b"[" * 300 + b"]" * 300 + b"]}", "too_deep"),
    ],
)
def test_what_is_no_transcript_is_one_reject(source_of, value, reason):
    reading = read(source_of, value)
    assert reading.records == []
    (reject,) = reading.rejects
    assert (reject.reason, reject.position) == (reason, "the transcript")
    assert reject.message.endswith(".")
    assert reject.excerpt


def test_another_version_is_read_with_a_finding(source_of):
    (found,) = read(source_of, transcript(version="v4.1")).records
    assert [finding.kind for finding in found.findings] == ["version_unknown"]


def test_what_follows_the_transcript_is_a_finding(source_of):
    one = json.dumps(transcript(), indent=1).encode()
    reading = read(source_of, one + b"\n" + one)
    assert (len(reading.records), reading.kinds) == (1, {"trailing_data"})


def test_reading_goes_on_after_the_cursor(source_of):
    source = source_of(json.dumps(transcript(), indent=1).encode(), "t.json")
    (chunk,) = READER.plan(source).chunks
    assert [item.cursor for item in READER.read(source, chunk)] == [0]
    assert list(READER.read(source, chunk, 0)) == []


def test_a_row_is_read_like_a_file():
    value = transcript(judge_output=JUDGED)
    row = Row(4, 1, "line 2", {"bytes": [5, 9]}, value)
    (found,) = READER.records(value, Place(row), Source(None, "pond/transcript_v1r1.json", 0))
    assert (found.cursor, found.position, found.sample, found.prompt.scheme) == (4, "line 2", None, "text")
    assert len(found.verdicts) == 2
    assert READER.fits([value])
    assert not READER.fits([{"metadata": {}, "messages": []}])


def test_lines_of_transcripts_are_read_one_by_one(source_of):
    lines = [transcript(transcript_id=f"t-{number}") for number in range(4)]
    lines[2] = transcript(add("user", "x", view=["auditor"]))
    source = source_of(b"\n".join(json.dumps(line).encode() for line in lines), "pond/transcript_v1r1.json")
    assert READER.recognises(Probe(source))
    (chunk,) = READER.plan(source).chunks
    whole = list(READER.read(source, chunk))
    assert [getattr(item, "external_id", "rejected") for item in whole] == ["t-0", "t-1", "rejected", "t-3"]
    assert whole[0].prompt.scheme == "text"
    for number, item in enumerate(whole):
        assert list(READER.read(source, chunk, item.cursor)) == whole[number + 1 :]


def test_an_array_of_transcripts_is_read_too(source_of):
    source = source_of(json.dumps([transcript(), transcript()], indent=1).encode())
    assert READER.recognises(Probe(source))
    assert len(Reading(READER, source).records) == 2


@pytest.mark.parametrize(
    ("content", "is_known"),
    [
        (json.dumps(transcript()).encode(), True),
        (b"\xef\xbb\xbf\n" + json.dumps(transcript(), indent=2).encode(), True),
        (json.dumps({"events": transcript()["events"], "metadata": {}}).encode(), True),
        (b'{"metadata": {"target_model": "m", "transcript_id": "t"}, "messages": []}', False),
        (b'{"metadata": {"x": 1}, "events": []}', False),
        (b'{"judgments": []}', False),
        (b"text", False),
        (b"{", False),
    ],
)
def test_it_is_known_by_its_structure(source_of, content, is_known):
    assert bool(READER.recognises(Probe(source_of(content, "x.txt")))) is is_known


def test_a_long_log_of_the_auditor_takes_no_memory(source_of):
    auditor = json.dumps(add("user", "x" * 100_000, view=["auditor"])).encode()
    value = json.dumps(transcript(), indent=1).encode()
    head, tail = value.split(b'"events": [')
    raw = head + b'"events": [' + (auditor + b",\n") * 1000 + tail
    source = source_of(raw, "t.json")
    del raw
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (found,) = Reading(READER, source).records
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024
    assert found.metadata["event_log"]["of other views"] == 1000


@pytest.mark.parametrize("limit", ["MOST_EVENT", "MOST_SHOWN"])
def test_a_transcript_that_is_too_long_is_one_reject(source_of, monkeypatch, limit):
    monkeypatch.setattr(petri, limit, 5000)
    long = "x" * (6000 if limit == "MOST_EVENT" else 600)
    view = ["target"] if limit == "MOST_SHOWN" else ["auditor"]
    reading = read(source_of, transcript(*[add("user", long, view=view)] * 10, add("user", "Hi")))
    assert (reading.records, [reject.reason for reject in reading.rejects]) == ([], ["too_long"])


def real_transcripts(real_data):
    folder = real_data / "local-only/bloom"
    if not folder.is_dir():
        pytest.skip("The files without a licence are not here.")
    for path in sorted(folder.glob("transcript_*.json")):
        source = Source(path, f"bloom/{path.name}", path.stat().st_size)
        assert READER.recognises(Probe(source))
        yield path.name, Reading(READER, source)


def test_real_transcripts_and_the_places_of_their_quotes(real_data):
    seen = {}
    for name, reading in real_transcripts(real_data):
        (found,) = reading.records
        assert (reading.rejects, reading.findings, found.findings) == ([], [], ())
        assert [verdict.judge.removeprefix("bloom/") for verdict in found.verdicts] == [
            "behavior_presence", "unrealism", "evaluation_awareness", "evaluation_invalidity", "elicitation_difficulty",
        ]  # fmt: skip
        main = found.verdicts[0]
        placed = anchor_all(main.quotes, found.messages)
        # Where a highlight names a message that there is, its words stand in it; one file names none that there is.
        named = [(claim.message, found.message) for claim, found in zip(main.quotes, placed, strict=True)]
        assert [claim for claim, found in named if claim not in (-1, found)] == []
        seen[name] = (
            len(found.messages),
            main.score,
            [q.anchor for q in placed].count("exact"),
            sum(claim >= 0 for claim, _ in named),
        )
    assert seen == {
        "transcript_v12r1.json": (13, 3.0, 5, 5),
        "transcript_v1r1.json": (19, 7.0, 5, 5),
        "transcript_v8r1.json": (6, 7.0, 5, 0),
    }
