import json
import time

import pytest

from tests.transcripts.reading import Reading
from transcripts.arms import resolve
from transcripts.outcomes import outcome_of
from transcripts.readers import paired_json
from transcripts.readers.bookmarks import BOOKMARKS
from transcripts.readers.registry import Source, reader_named, recognise
from transcripts.records import UnreadableSource

READER = reader_named("paired_json")
INPUT = (
    "<INPUT>\n<is_free_tier_user>True</is_free_tier_user>\n\n<user_input>\nHello?\n</user_input>\n</INPUT>"
)


def real(folder, name):
    path = folder / "vlaf" / name
    return Source(path, name, path.stat().st_size)


def test_an_element_gives_one_record_per_response(source_of):
    element = {
        "input": INPUT,
        "response": ["<think>a</think>b", "c"],
        "option_selection_evaluation": ["a", "N/A"],
    }
    raw = json.dumps([element], indent=2).encode()
    source = source_of(raw, "set/care/vllm:olmo_True.json")
    reading = Reading(READER, source)
    first, second = reading.records
    assert (first.run.model, first.run.setting, first.metadata) == ("olmo", "care", {"provider": "vllm"})
    assert (first.prompt.scheme, first.prompt.value, first.prompt.family) == ("text", "Hello?", "care")
    assert [first.sample, second.sample] == [1, 2]
    assert [message.text for message in second.messages] == [INPUT, "c"]
    assert first.verdicts[0].value == "a"
    assert resolve(first.arm_hints).role == "monitored"
    start, end = first.locator["bytes"]
    assert json.loads(raw[start:end]) == element
    assert first.locator["path"] == ["response", 0]


def test_reading_goes_on_after_any_cursor(source_of):
    elements = [{"input": "a", "response": ["1", "2"]}, {"input": 3}, {"input": "a", "response": "3"}]
    source = source_of(json.dumps(elements).encode(), "m_False.json")
    chunk = READER.plan(source).chunks[0]
    whole = list(READER.read(source, chunk))
    assert [item.cursor for item in whole] == [0, 1, 2, 3]
    assert whole[3].sample == 3
    for item in whole:
        for forget in (True, False):
            if forget:
                BOOKMARKS.clear()
            assert list(READER.read(source, chunk, item.cursor)) == whole[item.cursor + 1 :]


def many(source_of):
    elements = [{"input": f"p{n % 3}", "response": ["1", "2"]} if n % 5 else 3 for n in range(40)]
    return source_of(json.dumps(elements).encode(), "m_False.json")


def test_reading_in_slices_gives_what_reading_at_once_gives(source_of):
    source = many(source_of)
    chunk = READER.plan(source).chunks[0]
    whole = list(READER.read(source, chunk))
    for slice_length in (1, 2, 3, 7):
        found = []
        while len(found) < len(whole):
            reading = READER.read(source, chunk, found[-1].cursor if found else -1)
            found += [item for item, _ in zip(reading, range(slice_length), strict=False)]
            reading.close()
            if len(found) % 4 == 3 and found:
                found.pop()  # a batch that was not committed: its items are read again
                slice_length += 1
        assert found == whole


def test_what_is_behind_is_not_built_again(source_of, monkeypatch):
    source = many(source_of)
    chunk = READER.plan(source).chunks[0]
    whole = list(READER.read(source, chunk))
    built = []
    monkeypatch.setattr(
        paired_json, "message", lambda given, odd, make=paired_json.message: built.append(given) or make(given, odd)
    )  # fmt: skip
    BOOKMARKS.clear()
    assert list(READER.read(source, chunk, whole[-2].cursor)) == whole[-1:]
    assert len(built) == 2


def test_the_same_process_goes_on_where_it_stopped(source_of, monkeypatch):
    source = many(source_of)
    chunk = READER.plan(source).chunks[0]
    whole = list(READER.read(source, chunk))
    reading = READER.read(source, chunk)
    for item in whole[:50]:
        assert next(reading) == item
    reading.close()
    parsed = []
    monkeypatch.setattr(
        paired_json, "_Parsed", lambda element, make=paired_json._Parsed: parsed.append(element.index) or make(element)
    )  # fmt: skip
    assert next(READER.read(source, chunk, whole[49].cursor)) == whole[50]
    assert len(parsed) <= 2
    # Not where it stopped, but earlier: what was read last was not kept.
    assert list(READER.read(source, chunk, whole[10].cursor)) == whole[11:]


def test_a_file_that_changed_is_read_from_its_beginning(source_of):
    source = many(source_of)
    chunk = READER.plan(source).chunks[0]
    reading = READER.read(source, chunk)
    last = [next(reading) for _ in range(20)][-1]
    reading.close()
    raw = b'[{"input": "another", "response": "b"}]' + b" " * 10_000
    source.path.write_bytes(raw)
    changed = type(source)(source.path, source.name, len(raw))
    assert list(READER.read(changed, READER.plan(changed).chunks[0], last.cursor)) == []


def test_a_prompt_of_opening_tags_takes_time_in_proportion(source_of):
    element = {"input": "<user_input>" * 40_000, "response": "a"}
    start = time.process_time()
    (record,) = Reading(READER, source_of(json.dumps([element]).encode())).records
    assert time.process_time() - start < 1
    assert record.prompt.value == element["input"]


@pytest.mark.parametrize(
    ("element", "reason"),
    [
        ('{"response": "a"}', "no_input"),
        ('{"input": "a"}', "no_response"),
        ('{"input": "a", "response": []}', "no_response"),
        ('{"input": "a", "response": [1]}', "field_type"),
        ('{"input": {}, "response": "a"}', "field_type"),
        ('{"input": "a", "input": "b", "response": "a"}', "duplicate_key"),
        ("7", "not_an_object"),
        ('{"input": "a" "response": "b"}', "json_invalid"),
        ('{"input": ["a"}', "json_invalid"),
    ],
)
def test_a_bad_element_is_one_reject_and_its_neighbours_are_read(source_of, element, reason):
    good = '{"input": "a", "response": "b"}'
    reading = Reading(READER, source_of(f"[{good}, {element}, {good}]".encode()))
    assert [reject.reason for reject in reading.rejects] == [reason]
    assert len(reading.records) == 2


def test_a_cut_off_file_gives_what_is_complete(source_of):
    reading = Reading(READER, source_of(b'[{"input": "a", "response": "b"}, {"input": "a", "resp'))
    assert len(reading.records) == 1
    assert [reject.reason for reject in reading.rejects] == ["truncated"]


def test_a_list_of_labels_of_another_length_is_a_finding(source_of):
    element = {"input": "a", "response": ["1", "2"], "option_selection_evaluation": ["a"]}
    reading = Reading(READER, source_of(json.dumps([element]).encode()))
    assert [finding.kind for finding in reading.records[0].findings] == ["verdict_count"]
    assert [len(record.verdicts) for record in reading.records] == [1, 0]


@pytest.mark.parametrize(
    ("arm", "role", "rate"), [("True", "monitored", 0.4417), ("False", "unmonitored", 0.0917)]
)
def test_the_published_compliance_comes_out(real_data, arm, role, rate):
    reading = Reading(READER, real(real_data, f"care/vllm:olmo2-32b-instruct_{arm}.json"))
    assert (len(reading.records), reading.rejects) == (120, [])
    assert {resolve(record.arm_hints).role for record in reading.records} == {role}
    assert len({record.prompt.value for record in reading.records}) == 12
    assert {record.sample for record in reading.records} == set(range(1, 11))
    complied = sum(outcome_of(r.verdicts[0], "paired_json", {}) == "complied" for r in reading.records)
    assert round(complied / 120, 4) == rate


def test_the_arms_of_a_real_pair_have_the_same_prompts(real_data):
    arms = [
        Reading(READER, real(real_data, f"care/vllm:olmo2-32b-instruct_{arm}.json"))
        for arm in ("True", "False")
    ]
    first, second = ({record.prompt.value for record in arm.records} for arm in arms)
    assert first == second


def test_another_tag_and_a_lone_file(real_data):
    reading = Reading(READER, real(real_data, "helpful_only_selfpreservation/Qwen3-14B_True.json"))
    decisions = {resolve(record.arm_hints) for record in reading.records}
    assert [(d.role, "is_imposter_user" in d.evidence, d.findings) for d in decisions] == [
        ("monitored", True, ())
    ]
    lone = Reading(READER, real(real_data, "advbench/openai:gpt-4o_False.json"))
    assert len(lone.records) == 7
    assert {resolve(record.arm_hints).role for record in lone.records} == {"unmonitored"}


def test_the_published_aggregate_is_refused_by_what_it_is(real_data):
    source = real(real_data, "care/vllm:olmo2-32b-instruct_option_based_compliance.json")
    with pytest.raises(UnreadableSource, match="aggregate"):
        recognise(source)
