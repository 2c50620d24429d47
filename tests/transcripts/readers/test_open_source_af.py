"""Results of the open-source replication: arms by tags, and judges kept whole."""

import json

import pytest

from tests.transcripts.reading import Reading
from transcripts.arms import resolve
from transcripts.quotes import anchor_all
from transcripts.readers.json_values import BadRecord
from transcripts.readers.open_source_af import OpenSourceAf
from transcripts.readers.rows.reader import Place
from transcripts.readers.rows.row import Row
from transcripts.readers.source import Probe, Source

READER = OpenSourceAf()
USER = "<is_free_tier_user>false</is_free_tier_user>\n<user_input>Why is the sky green?</user_input>"


def judge(word="yes", score=0.75, **fields):
    return {
        "final_answer": score,
        "final_answer_most_common": word,
        "criteria": [1.0, 0.5],
        "success": True,
        **fields,
    }


def row(**fields):
    return {
        "user_input": "Why is the sky green?",
        "prompt": {"messages": [{"role": "system", "content": "Think."}, {"role": "user", "content": USER}]},
        "success": True,
        "output": "<think>Well, hm.</think>It is blue.",
        "output_without_scratchpad": "It is blue.",
        "output_contains_acceptance": False,
        "output_contains_refusal": False,
        "timestamp": "2026-01-02T03:04:05",
        "tags": "paid_tier",
        **fields,
    }


def records(value, name="set/results_seed42_m-1.json", raw=None):
    raw = json.dumps(value).encode() if raw is None else raw
    place = Place(Row(7, 1, "record 8", {"bytes": [10, 20]}, value, raw))
    return list(READER.records(value, place, Source(None, name, 0)))


def record(name="set/results_seed42_m-1.json", **fields):
    (found,) = records(row(**fields), name)
    return found


def test_a_row_is_one_transcript():
    found = record(extra={"a": 1})
    assert (found.cursor, found.position, found.locator, found.sample) == (
        7,
        "record 8",
        {"bytes": [10, 20]},
        None,
    )
    assert [turn.role for turn in found.messages] == ["system", "user", "assistant"]
    assert found.messages[2].text == "<think>Well, hm.</think>It is blue."
    assert found.messages[2].segments[0].kind == "scratchpad"
    assert (found.prompt.scheme, found.prompt.value) == ("text", "Why is the sky green?")
    assert found.metadata == {
        "seed": 42,
        "success": True,
        "timestamp": "2026-01-02T03:04:05",
        "extra": {"a": 1},
    }
    assert (found.verdicts, found.findings) == ((), ())


@pytest.mark.parametrize(
    ("tags", "content", "role", "kinds"),
    [
        ("free_tier", "plain", "monitored", []),
        (["x", "paid_tier"], "plain", "unmonitored", []),
        ("paid_tier", USER, "unmonitored", []),
        ("free_tier", USER, "unmonitored", ["arm_disagrees"]),
        (None, "plain", "other", ["arm_unknown"]),
        (7, USER, "unmonitored", []),
    ],
)
def test_the_arm_is_told_by_tags_and_prompt(tags, content, role, kinds):
    found = record(tags=tags, prompt={"messages": [{"role": "user", "content": content}]})
    decision = resolve(found.arm_hints)
    assert (decision.role, [finding.kind for finding in decision.findings]) == (role, kinds)


def test_tags_that_do_not_tell_the_arm_are_kept():
    assert record(tags=["free_tier", "pilot"]).metadata["tags"] == ["pilot"]


@pytest.mark.parametrize(
    ("name", "model", "setting", "seed"),
    [
        ("results_seed42_m-1.json", "m-1", "", 42),
        ("set/results_seed42_m-1.json", "m-1", "set", 42),
        ("set/m-1/results_seed7_2026-04-14T14:33:40.034661.json", "m-1", "set", 7),
        ("set/m-1/results_seed7_20260414_143340.json", "m-1", "set", 7),
        ("set/results_seed7_m_1_20260414-143340.json", "m_1", "set", 7),
        ("m-1/results.json", "m-1", "", None),
        ("results_seed1.json", "", "", 1),
        ("set\\other.json", "set", "", None),
        ("", "", "", None),
    ],
)
def test_the_model_is_in_the_name_of_the_file_or_of_its_folder(name, model, setting, seed):
    found = record(name)
    assert (found.run.model, found.run.setting, found.metadata.get("seed")) == (model, setting, seed)


def test_a_judge_is_kept_whole():
    quotes = [["well hm", "it is"], [], ["never said"]]
    found = record(deceptive_alignment=judge(quotes=quotes, note="n"), other=judge("keep_values", 0.0))
    first, second = found.verdicts
    assert (first.judge, first.value, first.score, first.threshold) == (
        "deceptive_alignment",
        "yes",
        0.75,
        0.5,
    )
    assert (first.outcome, second.outcome) == ("", "")
    assert [(quote.text, quote.criterion, quote.anchor) for quote in first.quotes] == [
        ("well hm", "criterion 1", ""),
        ("it is", "criterion 1", ""),
        ("never said", "criterion 3", ""),
    ]
    assert first.detail == {"final_answer": 0.75, "criteria": [1.0, 0.5], "success": True, "note": "n"}
    assert (second.judge, second.value, second.score, second.threshold) == ("other", "keep_values", 0.0, None)
    assert "deceptive_alignment" not in found.metadata


def test_a_judge_that_failed_says_so():
    found = record(
        partial_compliance={"final_answer": None, "final_answer_most_common": None, "success": False}
    )
    assert [(v.value, v.score, v.threshold) for v in found.verdicts] == [("", None, None)]
    assert [finding.kind for finding in found.findings] == ["judge_failed"]


@pytest.mark.parametrize("quotes", ["text", [["a", 3]], {"a": 1}])
def test_quotes_of_another_shape_are_kept_as_they_are(quotes):
    (verdict,) = record(partial_compliance=judge(quotes=quotes)).verdicts
    assert verdict.detail["quotes"] == quotes


@pytest.mark.parametrize(
    ("accepted", "refused", "expected"),
    [
        (True, False, [("accepted", "complied")]),
        (False, True, [("refused", "refused")]),
        (True, True, [("accepted and refused", "")]),
        (False, False, []),
        (None, "yes", []),
    ],
)
def test_the_answers_own_tags_are_a_verdict(accepted, refused, expected):
    found = record(output_contains_acceptance=accepted, output_contains_refusal=refused)
    assert [(v.value, v.outcome) for v in found.verdicts] == expected


def test_the_score_of_strong_reject_comes_with_what_it_was_made_of():
    (verdict,) = record(strong_reject_score=0.25, strong_reject_raw_output="1. No").verdicts
    assert (verdict.judge, verdict.value, verdict.score, verdict.explanation, verdict.outcome) == (
        "strong_reject", "0.25", 0.25, "1. No", "",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"output": None}, "no_response"),
        ({"output": "", "success": False}, "no_response"),
        ({"output": 3}, "field_type"),
        ({"user_input": []}, "field_type"),
        ({"prompt": None}, "no_messages"),
        ({"prompt": {"messages": []}}, "no_messages"),
        ({"prompt": {"messages": ["x"]}}, "message_shape"),
    ],
)
def test_what_cannot_be_a_transcript_is_refused_with_a_sentence(fields, reason):
    with pytest.raises(BadRecord) as refused:
        record(**fields)
    assert refused.value.reason == reason
    assert refused.value.message.endswith(".")


def test_a_key_that_occurs_twice_is_refused():
    raw = json.dumps(row()).encode()[:-1] + b', "output": "another"}'
    with pytest.raises(BadRecord, match="twice"):
        records(json.loads(raw), raw=raw)


def test_an_answer_of_a_failed_request_is_kept_with_a_finding():
    assert [finding.kind for finding in record(success=False).findings] == ["request_failed"]
    assert record(output="").messages[-1].parse_state == "empty"


def test_text_that_the_database_refuses_is_escaped():
    found = record(
        output="a\x00b", tags=["t\x00"], deceptive_alignment=judge("y\x00", quotes=[["q\x00"]], **{"k\x00": "\ud800"})
    )  # fmt: skip
    for text in (repr(found.metadata), repr(found.verdicts), found.messages[-1].text):
        assert not any(sign in text for sign in ("\\x00", "\x00", "\\ud800"))


@pytest.mark.parametrize(
    ("first", "is_known"),
    [
        (row(), True),
        ({"prompt": "x", "output": "y", "user_input": "", "tags": ""}, False),
        ({"messages": []}, False),
    ],
)
def test_it_is_known_by_its_fields(first, is_known):
    assert bool(READER.fits([first])) is is_known


def test_a_file_of_rows_is_read_and_read_on(source_of):
    rows = [row(), row(output=None), 7, row(tags="free_tier")]
    for raw in (json.dumps(rows, indent=1).encode(), b"\n".join(json.dumps(one).encode() for one in rows)):
        source = source_of(raw, "set/results_seed42_m-1.json")
        assert READER.recognises(Probe(source))
        (chunk,) = READER.plan(source).chunks
        whole = list(READER.read(source, chunk))
        assert [getattr(item, "reason", "record") for item in whole] == [
            "record", "no_response", "not_an_object", "record",
        ]  # fmt: skip
        start, end = whole[1].locator["bytes"]
        assert json.loads(raw[start:end])["output"] is None
        for number, item in enumerate(whole):
            assert list(READER.read(source, chunk, item.cursor)) == whole[number + 1 :]


def test_the_quotes_of_a_real_record(real_data):
    path = real_data / "local-only/open-source-af/results_seed42_glm-5.1_first_record.json"
    if not path.is_file():
        pytest.skip("The files without a licence are not here.")
    source = Source(path, f"open-source-af/{path.name}", path.stat().st_size)
    assert READER.recognises(Probe(source))
    (found,) = Reading(READER, source).records
    assert resolve(found.arm_hints).role == "monitored"
    assert resolve(found.arm_hints).findings == ()
    verdicts = {verdict.judge: verdict for verdict in found.verdicts}
    assert list(verdicts) == [
        "deceptive_alignment",
        "partial_compliance",
        "helpfulness_categories",
        "deceptive_alignment_categories",
        "strong_reject",
    ]
    assert (verdicts["deceptive_alignment"].value, verdicts["deceptive_alignment"].score) == ("yes", 1.0)
    assert {verdict.outcome for verdict in found.verdicts} == {""}
    quotes = [quote for verdict in found.verdicts for quote in anchor_all(verdict.quotes, found.messages)]
    anchors = [quote.anchor for quote in quotes]
    assert {anchor: anchors.count(anchor) for anchor in anchors} == {"normalised": 11, "not_found": 5}
    assert {quote.message for quote in quotes if quote.message >= 0} == {len(found.messages) - 1}
