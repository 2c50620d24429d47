"""Files that no reader knows: they wait for a person's word, which is kept for the next of their kind."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.transcripts.test_containers import all_of_it, zipped
from tests.transcripts.test_ingest import counts, ingest, jsonl
from transcripts.ingest import mappings
from transcripts.ingest.options import BadOption
from transcripts.models import Ingest, SavedMapping, Study, Transcript, Verdict

pytestmark = pytest.mark.django_db

ROWS = [
    {
        "frage": f"How much room has hen {number}?",
        "aussage": f"About a sheet, no. {number}.",
        "stufe": tier,
        "gut": good,
    }
    for number in range(3)
    for tier, good in (("gratis", "ja"), ("bezahlt", "nein"))
]
MAPPING: dict[str, Any] = {
    "fields": {"prompt": "frage", "response": "aussage", "arm": "stufe"},
    "scores": ["gut"],
    "arms": {
        "gratis": {"name": "free", "role": "monitored"},
        "bezahlt": {"name": "paid", "role": "unmonitored"},
    },
    "outcomes": {"gut": {"ja": "complied", "nein": "refused"}},
}


def test_a_file_of_unknown_fields_waits_with_a_proposal(study: Study) -> None:
    row = ingest(study, jsonl(*ROWS))
    assert row.state == "needs_mapping"
    assert "mapping" in row.error
    assert row.proposal is not None
    assert {field["path"] for field in row.proposal["fields"]} == set(ROWS[0])
    assert not Transcript.objects.exists()


def test_a_mapping_is_tried_without_writing_and_then_chosen(study: Study, lead) -> None:
    row = ingest(study, jsonl(*ROWS))
    shown = mappings.tried(row, MAPPING, most=4)
    assert [(r["prompt"], r["arm"], r["role"], r["outcome"]) for r in shown["records"][:2]] == [
        ("How much room has hen 0?", "monitored", "monitored", "complied"),
        ("How much room has hen 0?", "unmonitored", "unmonitored", "refused"),
    ]
    assert len(shown["records"]) == 4
    assert not Transcript.objects.exists()

    assert mappings.choose(row, MAPPING, lead)
    done = all_of_it(row)
    assert (done.state, counts(done)) == ("done", (6, 6, 0, 0))
    assert {t.pair.judge_gap for t in Transcript.objects.select_related("pair")} == {1.0}
    assert Verdict.objects.filter(judge="gut", value="ja", outcome="complied").count() == 3
    assert not mappings.choose(done, MAPPING, lead), "it was not waiting any more"


def test_the_next_file_with_the_same_fields_is_read_by_the_saved_mapping(study: Study, lead) -> None:
    mappings.choose(ingest(study, jsonl(*ROWS[:4])), MAPPING, lead)
    saved = SavedMapping.objects.get()
    assert (saved.study, saved.saved_by) == (study, lead)
    following = ingest(study, json.dumps(ROWS).encode(), name="next.json")
    assert following.state == "done"
    assert following.options["mapping"]["fields"] == MAPPING["fields"]


def test_files_of_one_kind_in_an_archive_need_one_answer(study: Study, lead) -> None:
    files = {"a.jsonl": jsonl(*ROWS[:2]), "b.jsonl": jsonl(*ROWS[2:])}
    row = all_of_it(ingest(study, zipped(files), name="runs.zip"))
    assert row.state == "needs_mapping"
    assert "2 of the 2 files" in row.error
    part = row.parts.first()
    assert part is not None
    assert mappings.choose(part, MAPPING, lead)
    done = all_of_it(row)
    assert (done.state, counts(done)) == ("done", (6, 6, 0, 0))


def test_a_mapping_given_with_the_file_needs_no_question(study: Study) -> None:
    row = ingest(study, jsonl(*ROWS), mapping=MAPPING)
    assert (row.state, row.reader, counts(row)) == ("done", "mapped", (6, 6, 0, 0))


def test_a_file_with_usual_names_is_read_at_once_and_says_how(study: Study) -> None:
    rows = [
        {"prompt": f"How {number}?", "completion": "Like this.", "tier": tier, "note": "x"}
        for number in range(4)
        for tier in ("free", "paid")
    ]
    row = ingest(study, json.dumps({"meta": 1, "rows": rows}).encode(), name="r.json")
    assert row.state == "done"
    assert Transcript.objects.filter(arm__role="monitored").count() == 4


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ({"fields": {"prompt": "frage"}}, "response"),
        ({"fields": {"nonsense": "frage"}}, "nonsense"),
        ({"outcomes": {"gut": {"ja": "great"}}}, "great"),
    ],
)
def test_what_is_no_mapping_is_refused_with_a_sentence_and_the_file_goes_on_waiting(
    study: Study, mapping: Any, says: str
) -> None:
    row = ingest(study, jsonl(*ROWS))
    with pytest.raises(BadOption, match=says):
        mappings.choose(row, mapping, None)
    assert Ingest.objects.get(pk=row.pk).state == "needs_mapping"
    assert not SavedMapping.objects.exists()
