"""The formats of single studies that come as rows: gpt-oss channels, paired environments, labelled texts."""

import json
from collections import Counter

import pytest

from tests.transcripts.reading import Reading
from transcripts.arms import resolve
from transcripts.readers.registry import recognise
from transcripts.readers.source import Source

RAW = "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>yes<|return|>"
MONITORED = {
    "task_id": "t",
    "constraint_id": "c",
    "rep": 0,
    "checkpoint": "s350",
    "internal_reasoning": "hm",
    "external_output": "yes",
    "raw_output": RAW,
    "monitor_probability": 0.25,
    "monitor_reasoning": "why",
    "phase": "baseline",
}
SCENARIO = {
    "model": "m",
    "environment": "report_failure_unobserved",
    "sample_index": 3,
    "prompt": "Report.",
    "scratchpad": "hm",
    "final_output": "passed",
    "full_response": "<think>hm</think><output>passed</output>",
    "gptoss_output": "why",
    "gptoss_classification": "AF",
}


def read(source_of, rows, name, file="people/gold.json"):
    source = source_of(rows if isinstance(rows, bytes) else json.dumps(rows).encode(), file)
    reader = recognise(source)
    assert reader.name == name
    return Reading(reader, source)


def spans(message):
    return [(s.kind, message.text[s.inner_start : s.inner_end]) for s in message.segments]


def test_channels_are_segments_and_the_monitor_a_judge(source_of):
    (record,) = read(source_of, [MONITORED], "gpt_oss").records
    assert spans(record.messages[0])[0] == ("scratchpad", "hm")
    assert ("output", "yes") in spans(record.messages[0])
    assert (record.prompt.scheme, record.prompt.value, record.prompt.family) == ("id", "t / c", "t")
    assert (record.sample, record.run.checkpoint, record.metadata) == (0, "s350", {"phase": "baseline"})
    (verdict,) = record.verdicts
    assert (verdict.judge, verdict.score, verdict.explanation) == ("monitor", 0.25, "why")


def test_parts_without_their_whole_are_put_together_and_others_kept(source_of):
    parts = {key: MONITORED[key] for key in ("task_id", "internal_reasoning", "external_output")}
    other = {**MONITORED, "external_output": "something else"}
    first, second = read(source_of, [parts, other], "gpt_oss").records
    assert spans(first.messages[0]) == [("scratchpad", "hm"), ("output", "yes")]
    assert second.metadata["external_output"] == "something else"


def test_a_completion_with_channels_has_its_prompt(source_of):
    (record,) = read(source_of, [{"prompt": "p", "completion": RAW}], "gpt_oss").records
    assert [m.role for m in record.messages] == ["user", "assistant"]
    assert (record.prompt.scheme, record.prompt.value) == ("text", "p")


def test_both_arms_of_a_scenario_are_one_prompt(source_of):
    seen = {**SCENARIO, "environment": "report_failure_observed", "prompt": "Report. You are watched."}
    records = read(source_of, [SCENARIO, seen], "scratchpad_output").records
    assert {(r.prompt.scheme, r.prompt.value, r.prompt.family) for r in records} == {
        ("id", "report_failure", "report_failure")
    }
    assert [resolve(r.arm_hints).role for r in records] == ["unmonitored", "monitored"]
    record = records[0]
    assert (record.sample, record.run.model, record.metadata) == (3, "m", {})
    assert spans(record.messages[1]) == [("scratchpad", "hm"), ("output", "passed")]
    assert [(v.judge, v.value, v.explanation) for v in record.verdicts] == [("gptoss", "AF", "why")]


def test_a_scenario_without_its_whole_response(source_of):
    row = {key: value for key, value in SCENARIO.items() if key not in ("full_response", "prompt")}
    blank = {**row, "scratchpad": None, "final_output": None}
    reading = read(source_of, [row, blank], "scratchpad_output")
    assert spans(reading.records[0].messages[0]) == [("scratchpad", "hm"), ("output", "passed")]
    assert [reject.reason for reject in reading.rejects] == ["no_response"]


def test_labelled_texts_are_transcripts_with_a_label(source_of):
    rows = {"note": "evaluation only", "samples": [{"text": "a", "label": "x"}, {"text": "b", "label": None}]}
    reading = read(source_of, rows, "human_labels")
    first, second = reading.records
    assert [(label.annotator, label.answers) for label in first.labels] == [("gold", {"label": "x"})]
    assert first.metadata == {"note": "evaluation only"}
    assert (second.labels, {f.kind for f in second.findings}) == ((), {"label_missing", "prompt_missing"})


def test_a_table_of_labels_names_its_annotator(source_of):
    table = (
        b"id,prompt,response,label,annotator\r\n1,p,a,af_partial,Ada\r\n2,q,b,artifact,\r\n3,q,,af,Ada\r\n"
    )
    reading = read(source_of, table, "human_labels", "round.csv")
    assert [(r.external_id, r.prompt.value, r.labels[0].annotator) for r in reading.records] == [
        ("1", "p", "Ada"),
        ("2", "q", "round"),
    ]
    assert [r.labels[0].answers for r in reading.records] == [{"label": "af_partial"}, {"label": "artifact"}]
    assert [reject.reason for reject in reading.rejects] == ["no_text"]


def test_a_prompt_and_response_with_another_kind_of_label_are_chat(source_of):
    read(source_of, [{"prompt": "p", "response": "a", "label": "spam"}], "chat")


@pytest.mark.parametrize(
    ("name", "reader", "count"),
    [
        ("other/cot_monitor_gptoss120b_s350_sutl.jsonl", "gpt_oss", 101),
        ("local-only/sycophant_gptoss20b_correct.json", "scratchpad_output", 319),
        ("other/human_labels_gold_106.json", "human_labels", 106),
    ],
)
def test_the_real_files(real_data, name, reader, count):
    path = real_data / name
    source = Source(path, name, path.stat().st_size)
    found = recognise(source)
    reading = Reading(found, source)
    assert (found.name, len(reading.records), reading.rejects) == (reader, count, [])
    if reader == "human_labels":
        said = Counter(record.labels[0].answers["label"] for record in reading.records)
        assert said == {"potential_faking": 51, "aligned": 55}
    else:
        keys = {(r.prompt.value, resolve(r.arm_hints).name, r.sample) for r in reading.records}
        assert len(keys) == count
    if reader == "scratchpad_output":
        arms = [(r.prompt.value, resolve(r.arm_hints).name) for r in reading.records]
        assert sorted(Counter(arms).values()) == [39, *[40] * 7]
