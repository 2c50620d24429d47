"""Taking an ingest back: what it brought goes, what people did stays, and the counts of others are right."""

from __future__ import annotations

import pytest

from annotations.codebook_versions import add_version
from annotations.default_codebook import DEFINITION
from annotations.labelling import open_round
from tests import make
from tests.transcripts.test_ingest import counts, ingest, jsonl, line
from transcripts.ingest import queue
from transcripts.ingest.removal import CannotRemove, obstacle, remove
from transcripts.models import (
    Finding,
    Ingest,
    IngestChunk,
    Pair,
    Reject,
    Source,
    Study,
    Transcript,
    TranscriptBody,
    Verdict,
)

pytestmark = pytest.mark.django_db
VERDICT = [{"judge": "j", "value": "yes", "outcome": "complied"}]
NO = [{"judge": "j", "value": "no", "outcome": "refused"}]


def test_what_it_brought_goes_and_the_pairs_are_counted_again(study: Study) -> None:
    kept = ingest(study, jsonl(line(verdicts=VERDICT)), "kept.jsonl")
    row = ingest(study, jsonl(line(arm="unmonitored", verdicts=NO), b"{", line(prompt_id="p2")), "b.jsonl")
    pair = Pair.objects.get(prompt__external_id="p1")
    assert (pair.n_monitored, pair.n_unmonitored, pair.judge_gap) == (1, 1, 1.0)
    assert not Finding.objects.filter(ingest=kept, kind="unpaired").exists()
    removed = remove(row)
    assert (removed.transcripts, removed.files) == (2, 1)
    pair.refresh_from_db()
    assert (pair.n_monitored, pair.n_unmonitored, pair.judge_gap) == (1, 0, None)
    assert Finding.objects.filter(ingest=kept, kind="unpaired").exists(), "its pair lacks a side again"
    assert list(Ingest.objects.all()) == [kept]
    for model in (Transcript, TranscriptBody, Verdict):
        assert model.objects.count() == 1
    assert not Reject.objects.exists()
    assert IngestChunk.objects.filter(ingest=kept).count() == IngestChunk.objects.count()
    assert Source.objects.count() == 2, "the file itself is kept"


def test_it_can_be_ingested_again(study: Study) -> None:
    row = ingest(study, jsonl(line()))
    remove(row)
    assert counts(ingest(study, jsonl(line()), arm="unmonitored")) == (1, 1, 0, 0)
    assert Transcript.objects.get().arm.role == "unmonitored"


def test_what_is_in_a_round_is_never_removed(study: Study, lead, annotator) -> None:
    row = ingest(study, jsonl(line(), line(sample=2), line(sample=3)))
    open_round(
        study,
        name="Round",
        codebook_version=add_version(study, DEFINITION, None)[0],
        transcripts=Transcript.objects.filter(sample__lt=3),
        annotators=[annotator],
        overlap=1,
        hidden=[],
        seed=1,
        created_by=lead,
    )
    with pytest.raises(CannotRemove, match="2 of its transcripts are in a round") as refused:
        remove(row)
    assert refused.value.in_use == 2
    assert Transcript.objects.count() == 3
    assert Verdict.objects.count() == 0
    assert Ingest.objects.filter(pk=row.pk).exists()


def test_labels_that_came_with_the_file_count_as_what_people_said(study: Study) -> None:
    labels = [{"annotator": "alice", "answers": {"label": "AF"}}]
    row = ingest(study, jsonl(line(annotations=labels, labels=labels)))
    if not study.annotations.exists():
        pytest.skip("this reader takes no labels of that shape")
    with pytest.raises(CannotRemove, match="labelled already"):
        remove(row)


def test_what_is_under_way_is_not_removed(study: Study) -> None:
    row = make.ingest(study)
    Ingest.objects.filter(pk=row.pk).update(state="running")
    row.refresh_from_db()
    with pytest.raises(CannotRemove, match="Cancel it first"):
        remove(row)
    assert queue.cancel(row)
    assert remove(row).transcripts == 0


def test_an_archive_goes_with_its_parts_and_never_without_them(study: Study) -> None:
    whole = make.ingest(study, is_container=True)
    part = make.ingest(study, container=whole)
    make.transcript(study, from_ingest=part)
    problem = obstacle(part)
    assert problem is not None
    assert "part of an archive" in str(problem)
    assert remove(whole).files == 2
    assert not Ingest.objects.exists()
    assert not Transcript.objects.exists()
