"""The search index: built behind the ingests, by place, a piece at a time."""

from __future__ import annotations

import pytest

from tests import make
from tests.transcripts.test_ingest import ingest, jsonl, line
from transcripts.ingest import queue
from transcripts.models import Ingest, Study, Transcript, TranscriptSearch
from transcripts.search import indexing
from transcripts.search.conditions import matching
from transcripts.search.query import parse

pytestmark = pytest.mark.django_db

ANSWER = "<SCRATCHPAD>They would retrain me.</SCRATCHPAD><OUTPUT>Chickens need room.</OUTPUT>"


def told(sample: int, answer: str = ANSWER) -> dict:
    messages = [
        {"role": "system", "content": "The overseer watches."},
        {"role": "user", "content": "How much space?"},
        {"role": "assistant", "content": answer},
    ]
    return line(sample=sample, messages=messages)


def found(study: Study, typed: str) -> int:
    return Transcript.objects.filter(matching(parse(typed), study)).count()


def test_an_ingest_leaves_the_index_to_be_built_afterwards(study: Study) -> None:
    row = ingest(study, jsonl(told(1), told(2)))
    assert not TranscriptSearch.objects.exists()
    assert indexing.indexed_share(row) == (0, 2)
    assert not indexing.index_waiting(10), "nothing is left to do"
    row.refresh_from_db()
    assert row.is_indexed
    assert indexing.indexed_share(row) == (2, 2)


def test_the_state_of_a_studys_index(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "BATCH", 3)
    states = [indexing.study_index_state(study)]
    ingest(study, jsonl(*(told(number) for number in range(1, 8))))
    states.append(indexing.study_index_state(study))
    while indexing._index_batch():
        states.append(indexing.study_index_state(study))
    assert [(state.indexed, state.total) for state in states] == [
        (0, 0),
        (0, 7),
        (3, 7),
        (6, 7),
        (7, 7),
        (7, 7),
    ]
    assert [state.percent for state in states] == [100, 0, 42, 85, 100, 100]
    assert [state.is_whole for state in states] == [True, False, False, False, True, True]


def test_it_goes_on_where_it_stopped_and_writes_nothing_twice(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "BATCH", 3)
    row = ingest(study, jsonl(*(told(number) for number in range(1, 8))))
    seen = []
    while indexing._index_batch():
        seen.append(TranscriptSearch.objects.count())
    assert seen == [3, 6, 7, 7]
    Ingest.objects.filter(pk=row.pk).update(is_indexed=False, search_cursor=0)
    indexing.index_waiting(10)
    assert TranscriptSearch.objects.count() == 7


def test_large_transcripts_are_taken_one_by_one(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "CHARACTERS", 10)
    ingest(study, jsonl(told(1), told(2)))
    assert indexing._index_batch()
    assert TranscriptSearch.objects.count() == 1


def test_it_gives_way_to_an_ingest(study: Study) -> None:
    ingest(study, jsonl(told(1)))
    running = make.ingest(study)
    Ingest.objects.filter(pk=running.pk).update(state="running")
    assert not indexing.index_waiting(10)
    assert not TranscriptSearch.objects.exists()
    queue.cancel(running)
    indexing.index_waiting(10)
    assert TranscriptSearch.objects.count() == 1


def test_text_that_no_vector_can_hold_is_cut_and_says_so(study: Study) -> None:
    many_words = " ".join(f"w{number}" for number in range(200_000))
    ingest(study, jsonl(told(1, many_words), told(2, "x" * 1_000_000), told(3)))
    indexing.index_waiting(60)
    cut = dict(TranscriptSearch.objects.values_list("transcript__sample", "is_cut"))
    assert cut == {1: True, 2: True, 3: False}
    assert found(study, "output:w5") == 1
    assert found(study, "w199999") == 0
    assert indexing.study_index_state(study).n_cut == 2


def test_a_deleted_transcript_is_not_found(study: Study) -> None:
    ingest(study, jsonl(told(1)))
    indexing.index_waiting(10)
    Transcript.objects.all().delete()
    assert found(study, "retrain") == 0
