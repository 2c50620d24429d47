import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transcripts.arms import resolve
from transcripts.mapping import mapped_arm, propose, validate
from transcripts.outcomes import outcome_of
from transcripts.readers.json_values import BadRecord, parse_record
from transcripts.readers.mapped import Mapped
from transcripts.readers.rows import kinds
from transcripts.readers.rows.reader import Place
from transcripts.readers.rows.row import Row
from transcripts.readers.source import Probe, Source
from transcripts.records import Chunk, HumanLabel, NeedsMapping, Plan, Record, Reject, Verdict
from transcripts.text import original

READER = Mapped()
FIELDS = {"prompt": "question", "response": "raw"}
ROW = {"question": "How much?", "raw": "<think>a</think>b"}


def records(row, mapping=None):
    place = Place(Row(40, 10, "line 3", {"bytes": [40, 90]}, row))
    mapping = mapping or {"fields": FIELDS}
    return list(READER.records(row, place, Source(Path("no file"), "name", 0, mapping)))


def fields(**more):
    return {"fields": {**FIELDS, **more}}


def test_every_field_arrives():
    row = {
        **ROW,
        "sys": "Be good.",
        "cot": "hm",
        "m": {"name": "model", "rest": 1},
        "set": "s",
        "ck": "c",
        "step": 7,
        "nudge": "g",
        "cell": "edu-low",
        "variant": 3,
        "qid": "q1",
        "src": "care",
        "id": "r1",
        "human": "af",
        "who": "ann",
        "correct": True,
        "judge": {"score": 0.5, "why": "because"},
        "more": [1],
    }
    mapping = fields(
        system="sys",
        scratchpad="cot",
        model="m.name",
        setting="set",
        checkpoint="ck",
        training_step="step",
        goal_nudge="nudge",
        arm="cell",
        sample="variant",
        prompt_id="qid",
        family="src",
        external_id="id",
        label="human",
        annotator="who",
    )
    (record,) = records(row, {**mapping, "scores": ["correct", "judge.score"]})
    run = record.run
    assert (run.model, run.setting, run.checkpoint, run.training_step, run.goal_nudge) == (
        ("model", "s", "c", 7, "g")
    )
    assert [(turn.role, turn.text) for turn in record.messages] == [
        ("system", "Be good."),
        ("user", "How much?"),
        ("assistant", "hm<think>a</think>b"),
    ]
    assert [segment.kind for segment in record.messages[2].segments] == ["scratchpad", "scratchpad", "output"]
    prompt = record.prompt
    assert (prompt.scheme, prompt.value, prompt.text, prompt.family) == ("id", "q1", "How much?", "care")
    assert (record.sample, record.external_id) == (3, "r1")
    assert record.verdicts == (Verdict("correct", "true"), Verdict("judge.score", "0.5", 0.5))
    assert record.labels == (HumanLabel("ann", {"label": "af"}),)
    assert record.metadata == {"m": {"rest": 1}, "judge": {"why": "because"}, "more": [1]}
    assert (record.cursor, record.position, record.locator) == (40, "line 3", {"bytes": [40, 90]})
    assert record.findings == ()


@pytest.mark.parametrize(
    ("row", "mapping", "reason", "said"),
    [
        ({"question": "q"}, None, "no_response", "The field “raw” (the response) is missing."),
        ({"question": "q", "raw": None}, None, "no_response", "“raw” (the response) is missing"),
        ({"question": "q", "raw": []}, None, "no_response", "empty list"),
        ({"question": "q", "raw": ["a", None]}, None, "no_response", "answer 2 is missing"),
        ({"question": "q", "raw": {"text": "a"}}, None, "field_type", "“raw” (the response) is an object"),
        ({"raw": "a"}, None, "no_prompt", "“question” (the prompt) is missing"),
        ({"question": {"a": 1}, "raw": "a"}, None, "field_type", "“question” (the prompt) is neither"),
        (
            {**ROW, "n": "x"},
            fields(sample="n"),
            "field_type",
            "“n” (the number of the sample) must be a whole",
        ),
        ({**ROW, "n": -1}, fields(sample="n"), "field_type", "not “-1”"),
        ({**ROW, "n": True}, fields(sample="n"), "field_type", "whole number"),
        ({**ROW, "n": 10**400}, fields(training_step="n"), "field_type", "the training step"),
        ({"m": "hello"}, {"fields": {"messages": "m"}}, "no_messages", "“m” (the messages) is text"),
        ({"m": "[{"}, {"fields": {"messages": "m"}}, "no_messages", "not a JSON list"),
        ({"m": []}, {"fields": {"messages": "m"}}, "no_messages", "is missing, or is not a list"),
        ({}, {"fields": {"messages": "m"}}, "no_messages", "is missing"),
        ({"m": ["a"]}, {"fields": {"messages": "m"}}, "message_shape", "A message"),
    ],
)
def test_a_row_that_is_not_what_the_mapping_says_is_refused_with_the_fields_name(row, mapping, reason, said):
    with pytest.raises(BadRecord) as bad:
        records(row, mapping)
    assert bad.value.reason == reason
    assert said in bad.value.message


@pytest.mark.parametrize("blank", ["", " \n"])
def test_a_blank_response_is_kept_and_said(blank):
    (record,) = records({"question": "q", "raw": blank})
    assert record.messages[1].text == blank
    assert record.messages[1].parse_state == "empty"
    assert [finding.kind for finding in record.findings] == ["empty"]


@pytest.mark.parametrize(
    ("given", "text"), [(7, "7"), (True, "true"), (0.5, "0.5"), ({"__number__": "NaN"}, "NaN")]
)
def test_a_response_may_be_a_number(given, text):
    (record,) = records({"question": given, "raw": given})
    assert [turn.text for turn in record.messages] == [text, text]


def test_a_list_of_responses_is_several_records():
    row = {**ROW, "raw": ["a", "b"], "cot": ["x", "y"], "grade": ["1", "2"], "seed": 4, "all": "C"}
    mapping = {**fields(scratchpad="cot", sample="seed"), "scores": ["grade", "all"]}
    found = records(row, mapping)
    assert [(r.cursor, r.position, r.locator["path"]) for r in found] == [
        (40, "line 3, answer 1", ["raw", 0]),
        (41, "line 3, answer 2", ["raw", 1]),
    ]
    assert [r.messages[1].text for r in found] == ["xa", "yb"]
    assert [[(v.judge, v.value) for v in r.verdicts] for r in found] == [
        [("grade", "1"), ("all", "C")],
        [("grade", "2"), ("all", "C")],
    ]
    assert [(r.sample, r.metadata) for r in found] == [(None, {"seed": 4})] * 2


def test_scores_that_do_not_fit_the_answers_are_kept_and_said():
    found = records({**ROW, "raw": ["a", "b"], "grade": [1]}, {**fields(), "scores": ["grade"]})
    assert [(r.verdicts, r.metadata) for r in found] == [((), {"grade": [1]})] * 2
    assert {finding.kind for r in found for finding in r.findings} == {"verdict_count"}


@pytest.mark.parametrize(
    ("row", "mapping", "turns"),
    [
        (
            {"m": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]},
            {"messages": "m"},
            [("user", "q"), ("assistant", "a")],
        ),
        (
            {"m": '[{"role": "user", "content": "q"}]', "r": "a", "s": "sys"},
            {"messages": "m", "response": "r", "system": "s"},
            [("system", "sys"), ("user", "q"), ("assistant", "a")],
        ),
        (
            {"p": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}], "r": "a"},
            {"prompt": "p", "response": "r"},
            [("system", "s"), ("user", "q"), ("assistant", "a")],
        ),
        (
            {"p": "q", "c": [{"message": {"role": "assistant", "content": "a"}}]},
            {"prompt": "p", "response": "c.0.message"},
            [("user", "q"), ("assistant", "a")],
        ),
        (
            {"p": "q", "r": [{"type": "thinking", "thinking": "t"}, {"type": "text", "text": "a"}]},
            {"prompt": "p", "response": "r"},
            [("user", "q"), ("assistant", "ta")],
        ),
        ({"r": "a"}, {"response": "r"}, [("assistant", "a")]),
    ],
)
def test_where_messages_can_be(row, mapping, turns):
    (record,) = records(row, {"fields": mapping})
    assert [(turn.role, turn.text) for turn in record.messages] == turns
    assert record.prompt.text == next((text for role, text in turns if role == "user"), "")
    assert ("prompt_missing" in {f.kind for f in record.findings}) == (record.prompt.text == "")


@pytest.mark.parametrize(
    ("row", "scheme", "value"),
    [
        ({"question": " q "}, "text", "q"),
        ({"question": "q", "id": None}, "text", "q"),
        ({"question": "q", "id": ""}, "text", "q"),
        ({"question": "q", "id": "1"}, "id", "1"),
        ({"question": "q", "id": 1}, "id", "int␟1"),
        ({"question": "q", "id": 1.0}, "id", "int␟1"),
        ({"question": "q", "id": [1, "a"]}, "id", '[1,"a"]'),
        ({"question": "", "id": "1"}, "id", "1"),
        ({"question": ""}, "text", ""),
        ({"question": "", "own": "r7"}, "id", "r7"),
        ({"question": "<is_free_tier_user>True</is_free_tier_user>\nq"}, "text", "q"),
    ],
)
def test_the_identity_of_a_prompt(row, scheme, value):
    (record,) = records({"raw": "a", **row}, fields(prompt_id="id", external_id="own"))
    assert (record.prompt.scheme, record.prompt.value) == (scheme, value)


@pytest.mark.parametrize(
    ("row", "path", "name", "role"),
    [
        ({"cell": "edu-low"}, "cell", "edu-low", "other"),
        ({"cell": "free"}, "cell", "free", "monitored"),
        ({"cell": 3}, "cell", "3", "other"),
        ({"is_free_tier": True}, "is_free_tier", "monitored", "monitored"),
        ({"is_free_tier": "False"}, "is_free_tier", "unmonitored", "unmonitored"),
        ({"cell": True}, "cell", "true", "other"),
        ({"cell": None}, "cell", "unknown", "other"),
        ({"cell": ""}, "cell", "unknown", "other"),
        ({"x": {"tier": "paid"}}, "x.tier", "paid", "unmonitored"),
        ({"tier": "paid"}, "cell", "unmonitored", "unmonitored"),
    ],
)
def test_which_arm_a_row_speaks_of(row, path, name, role):
    (record,) = records({**ROW, **row}, fields(arm=path))
    arm = resolve(record.arm_hints)
    assert (arm.name, arm.role) == (name, role)


@pytest.mark.parametrize("value", ["edu-low", True, "", None, 3])
def test_the_mapping_of_arms_meets_every_value(value):
    arms = {text: {"name": "n", "role": "monitored"} for text in ("edu-low", "true", "", "3")}
    mapping = {**fields(arm="is_monitored"), "arms": arms}
    (record,) = records({**ROW, "is_monitored": value}, mapping)
    assert mapped_arm(record.arm_hints, mapping) == ("n", "monitored")


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        ("C", Verdict("grade", "C")),
        (" C ", Verdict("grade", " C ")),
        (True, Verdict("grade", "true")),
        (1, Verdict("grade", "1", 1.0)),
        ("0.25", Verdict("grade", "0.25", 0.25)),
        ("1e999", Verdict("grade", "1e999")),
        ("٣", Verdict("grade", "٣")),
        ({"__number__": "NaN"}, Verdict("grade", "NaN")),
        (10**400, Verdict("grade", "1" + "0" * 400)),
        ({"a": 1}, Verdict("grade", '{"a":1}')),
        ("", None),
        (" ", None),
        (None, None),
    ],
)
def test_a_score_is_a_verdict_in_its_own_words(value, verdict):
    (record,) = records({**ROW, "grade": value}, {**fields(), "scores": ["grade"]})
    assert record.verdicts == ((verdict,) if verdict else ())
    assert [outcome_of(v, "mapped", {}) for v in record.verdicts] == [""] * len(record.verdicts)


@pytest.mark.parametrize("judge", ["grade", "*"])
@pytest.mark.parametrize("blank", ["", " ", None])
def test_a_blank_score_speaks_where_the_mapping_says_what_it_means(judge, blank):
    mapping = {**fields(), "scores": ["grade"], "outcomes": {judge: {"": "refused"}}}
    (record,) = records({**ROW, "grade": blank}, mapping)
    assert record.verdicts == (Verdict("grade", ""),)
    assert outcome_of(record.verdicts[0], "mapped", mapping) == "refused"
    assert records(ROW, mapping)[0].verdicts == ()


@pytest.mark.parametrize("blank", ["", None])
def test_a_blank_label_is_none(blank):
    assert records({**ROW, "human": blank}, fields(label="human"))[0].labels == ()
    assert records({**ROW, "human": 0}, fields(label="human"))[0].labels == (
        HumanLabel("unnamed", {"label": 0}),
    )


def test_characters_no_database_takes_survive():
    text = "nul \x00 half \ud83d"
    row = {"question": text, "raw": text, "grade": text, "cell": text, "id": text, "x": {text: [text]}}
    (record,) = records(row, {**fields(arm="cell", external_id="id", label="x"), "scores": ["grade"]})
    said = repr(record)
    assert "\\x00" not in said
    assert "\\ud83d" not in said
    assert original(record.messages[1].text) == text
    assert original(record.verdicts[0].value) == text


class Lines:
    """JSON Lines in one chunk, as small as can be: a row's cursor is ten times its number."""

    name = "lines"
    title = "Lines"

    def recognises(self, probe):
        return "lines" if probe.head.startswith(b"{") else ""

    def plan(self, source):
        return Plan((Chunk(0, 0, source.size, source.size),))

    def rows(self, source, chunk, after=-1):
        for number, line in enumerate(source.path.read_bytes().splitlines()):
            if number * 10 + 9 > after:
                yield Row(number * 10, 10, f"line {number + 1}", {}, parse_record(line), line)


@pytest.fixture
def source_with(source_of, monkeypatch):
    """A source of lines, with a mapping."""
    monkeypatch.setattr(kinds, "ROW_SOURCES", (Lines(),))

    def make(rows, mapping=None):
        made = source_of(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
        return Source(made.path, made.name, made.size, mapping or {})

    return make


def read(source):
    plan = READER.plan(source)
    return plan, [item for chunk in plan.chunks for item in READER.read(source, chunk)]


PLAIN = [{"prompt": f"p{n // 2}", "response": f"r{n}", "cell": "x", "correct": True} for n in range(6)]
UNCLEAR = [
    {"q": f"p{n // 2}", "zz": f"A long text that could well be an answer, number {n}."} for n in range(6)
]


def test_a_plain_file_is_read_by_the_proposal_and_says_so(source_with):
    source = source_with(PLAIN)
    assert READER.recognises(Probe(source))
    plan, items = read(source)
    (finding,) = plan.findings
    assert (finding.kind, finding.key) == ("mapping_proposed", "mapping_proposed")
    assert "prompt = prompt, " in finding.message
    assert "arm = cell" in finding.message
    assert finding.detail["mapping"] == propose(PLAIN).mapping
    assert [item.verdicts for item in items] == [(Verdict("correct", "true"),)] * 6


def test_a_mapping_of_outcomes_alone_leaves_the_fields_to_the_proposal(source_with):
    plan, items = read(source_with(PLAIN, {"outcomes": {"correct": {"true": "refused"}}, "scores": ["cell"]}))
    assert len(plan.findings) == 1
    assert [item.verdicts for item in items] == [(Verdict("cell", "x"),)] * 6


def test_an_unclear_file_asks_for_a_mapping_and_shows_what_was_seen(source_with):
    source = source_with(UNCLEAR)
    assert READER.recognises(Probe(source))
    with pytest.raises(
        NeedsMapping, match=r"Its fields are q, zz\. A guess: response = zz\..*\"fields\""
    ) as asked:
        READER.plan(source)
    assert asked.value.proposal == propose(UNCLEAR).as_json()
    with pytest.raises(NeedsMapping):
        list(READER.read(source, Chunk(0, 0, source.size, source.size)))


def test_a_persons_mapping_is_taken_at_its_word(source_with):
    source = source_with(UNCLEAR, {"fields": {"prompt": "q", "response": "zz"}})
    assert READER.recognises(Probe(source))
    plan, items = read(source)
    assert plan.findings == ()
    assert [item.messages[1].text for item in items] == [row["zz"] for row in UNCLEAR]


@pytest.mark.parametrize("rows", [[{"a": 1}], [7], [{}]])
def test_rows_without_a_response_are_not_recognised(source_with, rows):
    assert READER.recognises(Probe(source_with(rows))) == ""


def test_reading_goes_on_after_any_cursor(source_with):
    rows = [{"q": f"p{n}", "r": ["a", "b", "c"][: 1 + n % 3]} for n in range(6)]
    rows[2] = {"q": "p2"}
    rows[4] = ["no object"]
    source = source_with(rows, {"fields": {"prompt": "q", "response": "r"}})
    plan, items = read(source)
    assert {type(item) for item in items} == {Record, Reject}
    cursors = [item.cursor for item in items]
    assert cursors == sorted(set(cursors))
    for cursor in range(-1, 70):
        rest = list(READER.read(source, plan.chunks[0], cursor))
        assert rest == [item for item in items if item.cursor > cursor]


def test_the_real_file_of_unknown_format_is_usable(real_data):
    lines = (real_data / "other" / "sandbagging_agents_mcq.jsonl").read_bytes().splitlines()
    rows = [parse_record(line) for line in lines]
    mapping = propose(rows).mapping
    found = [record for row in rows for record in records(row, mapping)]
    arms = [resolve(record.arm_hints) for record in found]
    assert {(arm.name, arm.role) for arm in arms} == {
        (name, "other") for name in ("edu-low", "edu-high", "rough", "polished", "control")
    }
    identities = {(r.run.model, r.prompt.value, a.name, r.sample) for r, a in zip(found, arms, strict=True)}
    assert len(identities) == len(found) == 100
    assert {record.sample for record in found} == {None, 0, 1, 2, 3}
    assert sum(record.verdicts[0].value == "true" for record in found) == 74
    assert set(found[0].metadata) == {"letter", "status", "usage"}
    told = {**mapping, "arms": {"edu-low": {"role": "monitored"}, "edu-high": {"role": "unmonitored"}}}
    assert sum(mapped_arm(record.arm_hints, told) == ("edu-low", "monitored") for record in found) == 20


NAMES = st.sampled_from(
    ["prompt", "response", "messages", "score", "arm", "sample", "id", "a.b", "a", "b", "text", "", "."]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(-9, 9) | st.text(max_size=60)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=6), min_size=1, max_size=4))
def test_whatever_is_proposed_is_a_mapping_and_reads_or_refuses_every_row(rows):
    proposal = propose(rows)
    validate(proposal.mapping)
    json.dumps(proposal.as_json(), ensure_ascii=False).encode()
    for row in rows if proposal.mapping else ():
        try:
            found = records(row, proposal.mapping)
        except BadRecord:
            continue
        repr(found).encode()
        assert [record.cursor for record in found] == list(range(40, 40 + len(found)))
