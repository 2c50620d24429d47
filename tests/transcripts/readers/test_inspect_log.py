import json
from pathlib import Path

import pytest

from tests.transcripts.readers.inspect_logs import HEADER, READER, log_bytes, sample
from tests.transcripts.reading import Reading
from transcripts.arms import resolve
from transcripts.outcomes import outcome_of
from transcripts.readers import inspect_log
from transcripts.readers.bookmarks import BOOKMARKS
from transcripts.readers.registry import Source, recognise
from transcripts.text import original


@pytest.fixture
def read(source_of):
    return lambda content: Reading(READER, source_of(content))


@pytest.fixture
def real(real_data):
    def open_log(name: str) -> Reading:
        path = real_data / "inspect" / name
        source = Source(path, name, path.stat().st_size)
        assert recognise(source) is READER
        return Reading(READER, source)

    return open_log


def content(reading):
    """What two logs of the same run must agree on, in the order of ids."""
    found = [
        (r.external_id, r.sample, r.prompt, [(m.role, m.text, m.segments) for m in r.messages], r.verdicts)
        for r in reading.records
    ]
    return sorted(found, key=lambda entry: (entry[0], entry[1]))


# Made by hand


def test_a_sample_becomes_a_record(read):
    scores = {
        "compliance": {"value": "C", "answer": "complied", "explanation": "e"},
        "n": {"value": float("nan")},
    }
    metadata = {"category": "care", "k": 1}
    member = sample(7, 2, scores=scores, metadata=metadata, limit={"type": "time"})
    reading = read(log_bytes([("header.json", HEADER), ("samples/7_epoch_2.json", member)]))
    (record,) = reading.records
    assert (record.run.model, record.run.setting) == ("org/m", "t")
    assert (record.external_id, record.sample, record.prompt.family) == ("7", 2, "care")
    assert record.locator == {"member": "samples/7_epoch_2.json"}
    assert [(v.judge, v.value, v.score) for v in record.verdicts] == [
        ("compliance", "C", None),
        ("n", "NaN", None),
    ]
    assert record.verdicts[0].outcome == "complied"
    assert record.metadata["metadata"] == metadata
    assert resolve(record.arm_hints).role == "monitored"
    assert [finding.kind for finding in record.findings] == ["sample_limit"]
    assert record.messages[1].parse_state == "implicit_output"


def test_ids_of_different_types_are_different_prompts(read):
    members = [
        ("header.json", HEADER),
        ("samples/1_epoch_1.json", sample(1)),
        ("samples/x_epoch_1.json", sample("1")),
    ]
    assert [r.prompt.value for r in read(log_bytes(members)).records] == ["t␟1", 't␟"1"']


def test_samples_that_name_their_tier_pair_by_the_pairs_id(read):
    one = sample("p-free", metadata={"pair_id": "p", "tier": "free"})
    two = sample("p-paid", metadata={"pair_id": "p", "tier": "paid"})
    header = {**HEADER, "eval": {"task": "t", "model": "m"}}
    members = [("header.json", header), ("samples/a_epoch_1.json", one), ("samples/b_epoch_1.json", two)]
    records = read(log_bytes(members)).records
    assert [r.prompt.value for r in records] == ['t␟"p"', 't␟"p"']
    assert [resolve(r.arm_hints).role for r in records] == ["monitored", "unmonitored"]


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        ({**sample(), "messages": []}, "no_messages"),
        ({**sample(), "id": None}, "field_type"),
        ({**sample(), "epoch": "1"}, "field_type"),
        ({**sample(), "messages": [{"content": "a"}]}, "message_shape"),
        (b"{", "json_invalid"),
        (b"[]", "not_an_object"),
    ],
)
def test_a_bad_sample_is_a_reject_and_the_others_are_read(read, member, reason):
    members = [
        ("header.json", HEADER),
        ("samples/a_epoch_1.json", member),
        ("samples/b_epoch_1.json", sample()),
    ]
    reading = read(log_bytes(members))
    assert [(r.reason, r.position) for r in reading.rejects] == [(reason, "samples/a_epoch_1.json")]
    assert len(reading.records) == 1


def test_a_bad_sample_of_a_json_log_is_a_reject_and_the_others_are_read(read):
    raw = json.dumps({**HEADER, "samples": [sample("a"), {"id": 1}, sample("b")], "reductions": []}).encode()
    reading = read(raw)
    assert [r.external_id for r in reading.records] == ["a", "b"]
    assert [(r.reason, r.position) for r in reading.rejects] == [("no_messages", "sample 2")]
    start, end = reading.records[1].locator["bytes"]
    assert json.loads(raw[start:end])["id"] == "b"


def test_a_json_log_with_damaged_results_is_read_all_the_same(read):
    raw = json.dumps({**HEADER, "results": {"total_samples": 1}, "samples": [sample()]}).encode()
    reading = read(raw.replace(b'"total_samples": 1', b'"total_samples": x'))
    assert (len(reading.records), reading.kinds) == (1, {"log_damaged"})


def test_what_a_chunked_sample_lacks_is_said(read):
    member = {**sample(), "message_refs": [[0, 2], [5, 7]]}
    del member["messages"]
    pool = [{"role": "user", "content": "attachment://0"}, {"role": "assistant", "content": "attachment://9"}]
    folder = "samples/a_epoch_1/"
    members = [("header.json", HEADER), (folder + "sample.json", member), (folder + "messages/0.json", pool)]
    (record,) = read(log_bytes([*members, (folder + "attachments/0.json", ["long text"])])).records
    assert [m.text for m in record.messages] == ["long text", "[missing attachment://9]"]
    assert [finding.kind for finding in record.findings] == ["missing_messages", "missing_attachment"]


def test_reading_goes_on_after_any_cursor(source_of):
    members = [("header.json", HEADER), *((f"samples/{n}_epoch_1.json", sample(n)) for n in range(5))]
    plain = json.dumps({**HEADER, "samples": [sample(n) for n in range(5)]}).encode()
    for raw in (log_bytes(members), plain):
        source = source_of(raw)
        chunk = READER.plan(source).chunks[0]
        whole = list(READER.read(source, chunk))
        assert len(whole) == 5
        for item in whole:
            for forget in (True, False):
                if forget:
                    BOOKMARKS.clear()
                assert list(READER.read(source, chunk, item.cursor)) == whole[item.cursor + 1 :]


def test_the_same_process_goes_on_where_it_stopped(source_of, monkeypatch):
    log = {**HEADER, "results": {"total_samples": 30}, "samples": [sample(n) for n in range(20)], "z": 1}
    source = source_of(json.dumps(log).encode())
    chunk = READER.plan(source).chunks[0]
    *whole, said = READER.read(source, chunk)
    assert said.detail == {"said": 30, "held": 20}
    passed = []

    def counted(*given, **named):
        for key, element in members(*given, **named):
            passed.append(key)
            yield key, element

    members = inspect_log.object_members
    found = []
    while len(found) < 20:
        monkeypatch.setattr(inspect_log, "object_members", counted)
        reading = READER.read(source, chunk, found[-1].cursor if found else -1)
        found += [next(reading), next(reading)]
        reading.close()
    assert found == whole
    assert passed.count("samples") < 60
    assert list(READER.read(source, chunk, 19)) == [said]


@pytest.mark.parametrize("key", ["²", "9" * 5000])
def test_a_pool_with_an_odd_number_is_read_without_it(read, key):
    member = {**sample(), "message_refs": [[0, 1]]}
    del member["messages"]
    pool = {key: {"role": "user", "content": "a"}, "0": {"role": "user", "content": "b"}}
    folder = "samples/a_epoch_1/"
    members = [("header.json", HEADER), (folder + "sample.json", member), (folder + "messages/0.json", pool)]
    assert [m.text for r in read(log_bytes(members)).records for m in r.messages] == ["b"]


def test_numbers_beyond_all_measure_are_no_exception(read):
    huge = int("9" * 4300)
    member = {**sample(), "message_refs": [[0, huge], [0, huge]]}
    del member["messages"]
    about = {**HEADER["eval"], "dataset": {"samples": huge}, "config": {"epochs": huge}}
    folder = "samples/a_epoch_1/"
    for status in ("success", "started"):
        header = {**HEADER, "status": status, "eval": about}
        members = [
            ("header.json", header),
            (folder + "sample.json", member),
            ("samples/b_epoch_1.json", sample()),
        ]
        reading = read(log_bytes([*members, (folder + "messages/0.json", [])]))
        assert [reject.reason for reject in reading.rejects] == ["field_type"]
        assert len(reading.records) == 1


# Real logs

EDGE = {  # records, file findings, findings of records
    "baseline_4x2.json": (8, set(), set()),
    "baseline_deflate_4x2.eval": (8, set(), set()),
    "baseline_zstd_4x2.eval": (8, set(), set()),
    "chunked_4x2.eval": (8, set(), set()),
    "content_zoo.eval": (16, set(), {"reasoning_hidden"}),
    "content_zoo.json": (16, set(), {"reasoning_hidden"}),
    "crashed_no_header.eval": (8, {"log_incomplete"}, set()),
    "duplicate_member.eval": (8, {"repeated_members"}, set()),
    "edited_scores_tags_invalidated.eval": (8, {"log_invalidated"}, {"sample_invalidated"}),
    "error_retries.eval": (3, set(), set()),
    "int_ids_no_scorer.eval": (2, set(), set()),
    "odd_ids.eval": (5, set(), set()),
    "sigkilled_midrun.eval": (22, {"log_incomplete"}, set()),
    "status_error.eval": (3, {"log_error"}, {"sample_error"}),
    "truncated.eval": (4, {"log_incomplete", "truncated"}, set()),
}


@pytest.mark.parametrize("name", EDGE)
def test_every_edge_case_is_read(real, name):
    reading = real(f"edge/{name}")
    assert reading.rejects == []
    kinds = {finding.kind for record in reading.records for finding in record.findings}
    assert (len(reading.records), reading.kinds, kinds) == EDGE[name]


def test_every_other_real_log_is_read_without_a_reject(real, real_data):
    for path in sorted((real_data / "inspect").glob("*/*")):
        if path.suffix in (".eval", ".json") and path.parent.name != "large":
            reading = real(str(path.relative_to(real_data / "inspect")))
            assert reading.rejects == [], path.name
            assert reading.records or "no_samples" in reading.kinds, path.name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("edge/chunked_4x2.eval", "edge/baseline_zstd_4x2.eval"),
        ("edge/chunked_4x2.eval", "edge/baseline_deflate_4x2.eval"),
        ("edge/baseline_4x2.json", "edge/baseline_zstd_4x2.eval"),
        ("edge/content_zoo.json", "edge/content_zoo.eval"),
        ("chunked/log_streaming.eval", "inspect_ai/log_streaming.eval"),
        ("chunked/log_read_sample.eval", "inspect_ai/log_read_sample.eval"),
        *(
            (f"chunked/{name}.eval", f"inspect_ai/{name}.eval")
            for name in (
                "2024-11-05T13-32-37-05-00_input-task_hxs4q9azL3ySGkjJirypKZ",
                "2025-02-11T15-18-04-05-00_popularity_mj7khqpMM4GBCfVQozKgzB",
            )
        ),
    ],
)
def test_the_same_run_in_two_shapes_has_the_same_content(real, one, other):
    assert content(real(one)) == content(real(other))


def test_the_chunked_agent_log_has_all_its_messages(real):
    (record,) = real("chunked/ais-decoder.eval").records
    assert len(record.messages) == 26
    assert record.messages[0].text.startswith("You are Codex")
    assert not any("attachment://" in message.text for message in record.messages)


@pytest.mark.parametrize(("name", "role"), [("16-22-17", "monitored"), ("16-33-35", "unmonitored")])
def test_legobridge_has_its_arms_in_the_arguments(real, real_data, name, role):
    (path,) = (real_data / "inspect" / "legobridge").glob(f"*{name}*.eval")
    reading = real(str(path.relative_to(real_data / "inspect")))
    assert len({record.prompt.value for record in reading.records}) == len(reading.records) == 290
    assert {resolve(record.arm_hints).role for record in reading.records} == {role}
    share = sum(record.verdicts[0].value == "C" for record in reading.records) / 290
    assert round(share, 3) == {"monitored": 0.990, "unmonitored": 0.759}[role]
    assert {outcome_of(record.verdicts[0], "inspect_log", {}) for record in reading.records} == {""}


def test_a_header_that_promises_more_is_a_finding(real):
    (finding,) = real("docent/log.eval").findings
    assert (finding.kind, finding.message) == (
        "fewer_samples",
        "The header says 790 samples, the file holds 15.",
    )


def test_the_zoo_survives(real):
    texts = {record.external_id: record.messages[-1] for record in real("edge/content_zoo.eval").records}
    assert original(texts["zoo10"].text) == "nul \x00 byte"
    hidden = texts["zoo02"]
    assert hidden.text == "readable summary of the encrypted reasoningredacted+summary"
    assert [(s.kind, s.note) for s in hidden.segments] == [("scratchpad", "summary"), ("output", "")]
    assert texts["zoo03"].text == "redacted, no summary"
    assert not any("gAAAA" in message.text for message in texts.values())
    assert [s.kind for s in texts["zoo07"].segments] == ["scratchpad", "output", "scratchpad", "output"]
    assert texts["zoo06"].parse_state == "unclosed_scratchpad"
    assert texts["zoo13"].text == "image follows[image]"
    verdicts = {r.external_id: r.verdicts[0].value for r in real("edge/content_zoo.eval").records}
    assert [verdicts[f"zoo{n:02}"] for n in range(6)] == [
        "NaN", "true", "weird string", '["a","b"]', '{"x":1,"y":null}', "-1.5",
    ]  # fmt: skip


def test_a_later_member_of_the_same_name_wins(real):
    plain, repeated = real("edge/baseline_zstd_4x2.eval"), real("edge/duplicate_member.eval")
    assert len(content(repeated)) == len(content(plain))
    assert content(repeated) != content(plain)


def test_an_edited_score_counts_as_edited_and_keeps_its_history(real):
    record = next(
        r for r in real("edge/edited_scores_tags_invalidated.eval").records
        if (r.external_id, r.sample) == ("pair0000-free", 1)
    )  # fmt: skip
    verdict = record.verdicts[0]
    assert (verdict.value, outcome_of(verdict, "inspect_log", {})) == ("I", "refused")
    assert len(record.metadata["scores"]["compliance"]["history"]) == 3


def test_ids_come_from_the_sample_not_the_name(real):
    assert {r.external_id for r in real("edge/odd_ids.eval").records} == {"a/b", "c d", "été", "..", "001"}
    assert {r.prompt.value for r in real("edge/int_ids_no_scorer.eval").records} == {"task␟1", "task␟2"}


def test_reasoning_blocks_are_scratchpad(real):
    for name in ("metr/small.eval", "metr/2025-12-13T23-15-44+00-00_class-eval_XDtHXBaqEHGUBoFoinn2wS.eval"):
        reading = real(name)
        kinds = {
            s.kind for r in reading.records for m in r.messages for s in m.segments if m.role == "assistant"
        }
        assert {"scratchpad", "output"} <= kinds
    assert {record.sample for record in real("metr/small.eval").records} == {1, 2, 3, 4, 5, 6}


def test_the_large_log_is_cut_into_chunks(real, real_data):
    reading = real("large/af_200x5_zstd.eval")
    assert (len(reading.records), len(reading.plan.chunks)) == (1000, 5)
    assert len({record.prompt.value for record in reading.records}) == 100
    size = Path(real_data / "inspect/large/af_200x5_zstd.eval").stat().st_size
    assert 0.8 * size < sum(chunk.weight for chunk in reading.plan.chunks) <= size
