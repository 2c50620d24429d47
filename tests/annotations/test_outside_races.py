"""Several workers of one ingest record labels at once, over real connections."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction

from afdash.accounts.models import User
from annotations.models import (
    Annotation,
    AnnotationRevision,
    Claim,
    Codebook,
    CodebookVersion,
    Round,
    RoundAnnotator,
    Task,
)
from annotations.outside import books, recording
from annotations.outside.people import username_of
from annotations.outside.wording import grown
from tests import make
from tests.annotations.campaign import together
from transcripts.models import Finding
from transcripts.records import HumanLabel

WORKERS = 4


def test_workers_that_meet_the_same_names_and_words_make_one_of_each(committed: None) -> None:
    study = make.study()
    transcripts = [make.transcript(study, sample=n) for n in range(1, 2 * WORKERS + 1)]
    ingest = make.ingest(study)

    def worker(number: int) -> int:
        # Two transcripts of its own, one that all share, and a word that only it has.
        own = transcripts[2 * number : 2 * number + 2]
        given = [(t.pk, [HumanLabel("alice", {"label": f"word {number}", "same": "yes"})]) for t in own]
        shared = (transcripts[0].pk, [HumanLabel("bob", {"same": "no"})])
        with transaction.atomic():
            return recording.record_outside_labels(ingest, [*given, shared])

    results = together([lambda n=n: worker(n) for n in range(WORKERS)])
    assert all(isinstance(result, int) for result in results), results
    assert sum(results) == 2 * WORKERS + 1
    assert User.objects.exclude(outside_name="").count() == 2
    assert (Round.objects.count(), Codebook.objects.count(), RoundAnnotator.objects.count()) == (1, 1, 2)
    assert Task.objects.count() == 2 * WORKERS
    assert sorted(Task.objects.values_list("position", flat=True)) == list(range(2 * WORKERS))
    assert AnnotationRevision.objects.count() == Annotation.objects.count() == Claim.objects.count()
    numbers = list(CodebookVersion.objects.order_by("number").values_list("number", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    newest = CodebookVersion.objects.order_by("number").last()
    assert newest is not None
    words = {c["key"] for q in newest.definition["questions"] if q["key"] == "label" for c in q["choices"]}
    assert words == {f"word {number}" for number in range(WORKERS)}
    assert Round.objects.get().codebook_version == newest


def test_the_same_batch_by_all_workers_is_kept_once(committed: None) -> None:
    study = make.study()
    transcript = make.transcript(study)
    ingest = make.ingest(study)
    given = [(transcript.pk, [HumanLabel("alice", {"label": "AF"}), HumanLabel("bob", {"label": "no"})])]
    results = together([lambda: recording.record_outside_labels(ingest, given)] * WORKERS)
    assert sorted(results) == [*[0] * (WORKERS - 1), 2], results
    assert AnnotationRevision.objects.count() == 2
    assert not Finding.objects.exists()


def test_without_taking_turns_workers_get_in_each_others_way(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: with no lock, all see the same newest codebook version, and only one can write the next."""
    study = make.study()
    transcript = make.transcript(study)
    ingest = make.ingest(study)
    recording.record_outside_labels(ingest, [(transcript.pk, [HumanLabel("alice", {"label": "AF"})])])
    have_looked = threading.Barrier(WORKERS)

    def grown_together(*given: Any) -> Any:
        have_looked.wait(10)
        return grown(*given)

    monkeypatch.setattr(recording, "take_turns", lambda study_id: None)
    monkeypatch.setattr(books, "grown", grown_together)

    def worker(number: int) -> int:
        label = HumanLabel("alice", {"label": f"word {number}"})
        return recording.record_outside_labels(ingest, [(transcript.pk, [label])])

    results = together([lambda n=n: worker(n) for n in range(WORKERS)])
    assert sum(isinstance(result, IntegrityError) for result in results) == WORKERS - 1, results
    assert CodebookVersion.objects.count() == AnnotationRevision.objects.count() == 2


def test_studies_do_not_wait_for_each_other(committed: None) -> None:
    first, second = make.study("first"), make.study("second")
    rows = [make.transcript(first), make.transcript(second)]
    ingests = [make.ingest(first), make.ingest(second)]
    held, done = threading.Event(), threading.Event()

    def slow() -> bool:
        with transaction.atomic():
            recording.record_outside_labels(ingests[0], [(rows[0].pk, [HumanLabel("alice", {"a": "b"})])])
            held.set()
            return done.wait(10)

    def quick() -> int:
        held.wait(10)
        with connections["default"].cursor() as cursor:
            cursor.execute("SET lock_timeout = '5s'")
        n = recording.record_outside_labels(ingests[1], [(rows[1].pk, [HumanLabel("alice", {"a": "b"})])])
        done.set()
        return n

    assert together([slow, quick]) == [True, 1]
    assert username_of(first.pk, "alice") != username_of(second.pk, "alice")
