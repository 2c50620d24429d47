"""Several workers give numbers to samples that come without one."""

from __future__ import annotations

import threading

import pytest
from django.db import connections

from tests import make
from tests.transcripts.test_ingest import counts, ingest, jsonl
from tests.transcripts.test_samples import samples, unnumbered
from transcripts.ingest import writing

pytestmark = pytest.mark.usefixtures("committed")
FILES, RECORDS = "abcd", 40


def give_all_at_once(study) -> list[tuple[int, ...] | str]:
    done: list[tuple[int, ...] | str] = []

    def give(name: str) -> None:
        try:
            texts = [f"{name} {number}" for number in range(RECORDS)]
            done.append(counts(ingest(study, jsonl(*map(unnumbered, texts)), name=f"{name}.jsonl")))
        except Exception as error:
            done.append(type(error).__name__)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=give, args=(name,)) for name in FILES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done


def test_two_workers_never_give_one_number_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one try only: the lock on the pair, not luck at the second try, keeps them apart."""
    monkeypatch.setattr(writing, "TRIES", 1)
    study = make.study("race")
    assert give_all_at_once(study) == [(RECORDS, RECORDS, 0, 0)] * len(FILES)
    assert [number for number, _ in samples(study)] == list(range(1, len(FILES) * RECORDS + 1))


def test_without_the_lock_they_collide(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the same race, with the lock left out and every worker held where it would wait."""
    monkeypatch.setattr(writing, "TRIES", 1)
    monkeypatch.setattr(writing, "LOCK_PAIRS", "SELECT 1 WHERE %s::bigint[] IS NULL")
    barrier = threading.Barrier(len(FILES), timeout=20)
    look = writing._stored

    def look_together(*args):
        found = look(*args)
        barrier.wait()
        return found

    monkeypatch.setattr(writing, "_stored", look_together)
    outcomes = give_all_at_once(make.study("race"))
    assert outcomes.count("IntegrityError") == len(FILES) - 1
