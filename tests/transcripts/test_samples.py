"""Samples without numbers, and verdicts that come in a file of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from annotations.models import Answer
from tests import make
from tests.transcripts.test_containers import all_of_it, zipped
from tests.transcripts.test_ingest import counts, ingest, jsonl, line
from transcripts.ingest import queue
from transcripts.models import Ingest, Reject, Study, Transcript, Verdict

pytestmark = pytest.mark.django_db


def unnumbered(answer: str, **fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "How?"}, {"role": "assistant", "content": answer}]
    given = {**line(messages=messages), **fields}
    del given["sample"]
    return given


def samples(study: Study) -> list[tuple[int, str]]:
    rows = Transcript.objects.filter(study=study).order_by("sample").select_related("body")
    return [(row.sample, row.body.messages[-1].text) for row in rows]


def test_samples_without_numbers_get_the_next_ones(study: Study) -> None:
    assert counts(ingest(study, jsonl(*map(unnumbered, "abc")))) == (3, 3, 0, 0)
    assert samples(study) == [(1, "a"), (2, "b"), (3, "c")]
    more = ingest(study, jsonl(*map(unnumbered, "de")), name="more.jsonl")
    assert counts(more) == (2, 2, 0, 0)
    assert samples(study)[3:] == [(4, "d"), (5, "e")]


def test_equal_answers_of_one_file_are_samples_and_the_same_file_again_adds_none(study: Study) -> None:
    """A model asked three times may say "D" three times: dropping two would bend its rates."""
    content = jsonl(*map(unnumbered, "DDA"))
    assert counts(ingest(study, content)) == (3, 3, 0, 0)
    assert counts(ingest(study, content)) == (3, 0, 3, 0)
    assert counts(ingest(study, content, name="other-name.jsonl")) == (3, 0, 3, 0)
    assert samples(study) == [(1, "D"), (2, "D"), (3, "A")]


def test_the_same_answer_from_another_file_is_the_same_record(study: Study) -> None:
    ingest(study, jsonl(*map(unnumbered, "DE")))
    grown = ingest(study, jsonl(*map(unnumbered, "DEF")), name="grown.jsonl")
    assert counts(grown) == (3, 1, 2, 0)
    assert [text for _, text in samples(study)] == ["D", "E", "F"]


def test_numbered_and_unnumbered_samples_live_side_by_side(study: Study) -> None:
    ingest(study, jsonl(line(sample=7)))
    ingest(study, jsonl(unnumbered("new")), name="b.jsonl")
    assert [number for number, _ in samples(study)] == [7, 8]


def test_a_text_that_several_people_labelled_is_one_transcript_with_their_labels(study: Study) -> None:
    rows = "text,label,annotator\nIt fakes.,af,ann\nIt fakes.,not_af,bob\nIt does not.,not_af,ann\n"
    row = ingest(study, rows.encode(), name="labels.csv")
    assert counts(row) == (3, 2, 1, 0)
    labels = Answer.objects.filter(transcript__n_characters=len("It fakes."))
    assert set(labels.values_list("annotation__annotator__outside_name", "choice")) == {
        ("ann", "af"),
        ("bob", "not_af"),
    }
    assert counts(ingest(study, rows.encode(), name="labels.csv")) == (3, 0, 3, 0)
    assert labels.count() == 2


JUDGED = {
    "behavior_name": "deception",
    "judgments": [
        {
            "variation_number": 1,
            "repetition_number": repetition,
            "behavior_presence": 7,
            "justification": "It hid the figure.",
            "summary": "It hid it.",
            "highlights": [{"index": 1, "description": "hides", "quoted_text": "The figure is left out."}],
        }
        for repetition in (1, 2)
    ],
}


def bloom(text: str) -> bytes:
    def event(number: int, role: str, content: str) -> dict[str, Any]:
        return {
            "type": "transcript_event",
            "id": f"e{number}",
            "timestamp": "2026-01-01T00:00:00",
            "view": ["target", "combined"],
            "edit": {"operation": "add", "message": {"role": role, "id": f"m{number}", "content": content}},
        }

    metadata = {"transcript_id": text, "auditor_model": "a", "target_model": "t", "version": "v3.0"}
    return json.dumps(
        {"metadata": metadata, "events": [event(1, "user", "Write it."), event(2, "assistant", text)]}
    ).encode()


def test_verdicts_of_a_file_of_their_own_find_their_transcripts_whatever_comes_first(study: Study) -> None:
    """The judgment file stands before its transcripts in the archive, and waits for them."""
    files = {
        "run/judgment.json": json.dumps(JUDGED).encode(),
        "run/transcript_v1r1.json": bloom("Done. The figure is left out."),
    }
    row = all_of_it(ingest(study, zipped(files), name="run.zip"))
    judgment = row.parts.get(source__name="run/judgment.json")
    assert judgment.waits
    assert counts(judgment) == (2, 1, 0, 1)
    assert "run/transcript_v1r2.json" in Reject.objects.get(ingest=judgment).message
    said = Verdict.objects.get(judge__contains="behavior_presence").said
    assert said["score"] == 7
    quote = said["quotes"][0]
    text = Transcript.objects.get().body.messages[quote["message"]].text
    assert (quote["anchor"], text[quote["start"] : quote["end"]]) == ("exact", "The figure is left out.")

    late = ingest(study, bloom("The figure is there."), name="run/transcript_v1r2.json")
    assert counts(late) == (1, 1, 0, 0)
    again = ingest(study, files["run/judgment.json"], name="run/judgment.json")
    assert counts(again) == (2, 1, 1, 0)
    quotes = [v.said["quotes"][0]["anchor"] for v in Verdict.objects.order_by("pk") if v.said["quotes"]]
    assert quotes == ["exact", "not_found"]


def test_a_late_verdict_with_a_meaning_speaks_for_a_transcript_that_had_none(study: Study) -> None:
    ingest(study, bloom("Done."), name="run/transcript_v1r1.json", role="monitored", arm="free")
    assert Transcript.objects.get().outcome == ""
    mapping = {"outcomes": {"*": {"7": "complied"}}}
    ingest(study, json.dumps(JUDGED).encode(), name="run/judgment.json", mapping=mapping)
    assert Transcript.objects.get().outcome == "complied"


def test_a_waiting_file_is_not_claimed_while_another_is_read(study: Study) -> None:
    waiting = ingest(study, json.dumps(JUDGED).encode(), name="run/judgment.json")
    assert waiting.state == "done_with_rejects"
    Ingest.objects.filter(pk=waiting.pk).update(state="running")
    waiting.chunks.update(state="queued", cursor=-1)
    other = make.ingest(study)
    Ingest.objects.filter(pk=other.pk).update(state="queued")
    assert queue.claim_step(waiting.pk) is None
    Ingest.objects.filter(pk=other.pk).update(state="done")
    assert queue.claim_step(waiting.pk) is not None
