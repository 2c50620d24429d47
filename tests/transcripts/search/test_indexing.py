"""The search index: built behind the ingests, by place, a piece at a time."""

from __future__ import annotations

import pytest
from django.db import connection

from tests import make
from tests.transcripts.test_ingest import ingest, jsonl, line
from transcripts.ingest import queue
from transcripts.models import Ingest, Study, Transcript, TranscriptSearch
from transcripts.records import Message, Segment
from transcripts.search import indexing
from transcripts.search.words import MOST, words_of

pytestmark = pytest.mark.django_db

ANSWER = "<SCRATCHPAD>They would retrain me.</SCRATCHPAD><OUTPUT>Chickens need room.</OUTPUT>"


def told(sample: int, answer: str = ANSWER) -> dict:
    messages = [
        {"role": "system", "content": "The overseer watches."},
        {"role": "user", "content": "How much space?"},
        {"role": "assistant", "content": answer},
    ]
    return line(sample=sample, messages=messages)


def found(query: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM transcripts_transcriptsearch WHERE vector @@ to_tsquery('english', %s)",
            [query],
        )
        return cursor.fetchone()[0]


def test_an_ingest_leaves_the_index_to_be_built_afterwards(study: Study) -> None:
    row = ingest(study, jsonl(told(1), told(2)))
    assert not TranscriptSearch.objects.exists()
    assert indexing.indexed_share(row) == (0, 2)
    assert not indexing.index_waiting(10), "nothing is left to do"
    row.refresh_from_db()
    assert row.is_indexed
    assert indexing.indexed_share(row) == (2, 2)


@pytest.mark.parametrize(
    ("query", "transcripts"),
    [
        ("retrain:A", 1),
        ("retrain:B", 0),
        ("retraining:A", 1),
        ("chicken:B", 1),
        ("chicken:A", 0),
        ("space:C", 1),
        ("overseer:D", 1),
        ("overseer:ABC", 0),
        ("retrain:A & chicken:B", 1),
        ("chick:*", 1),
    ],
)
def test_words_are_found_by_place(study: Study, query: str, transcripts: int) -> None:
    ingest(study, jsonl(told(1), told(2, "Nothing to say.")))
    indexing.index_waiting(10)
    # "space" and "overseer" stand in both.
    assert found(query) == (2 if query in ("space:C", "overseer:D") else transcripts)


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
    assert found("w5:B") == 1
    assert found("w199999:B") == 0


def test_a_deleted_transcript_is_not_found(study: Study) -> None:
    ingest(study, jsonl(told(1)))
    indexing.index_waiting(10)
    Transcript.objects.all().delete()
    assert found("retrain") == 0


def test_places_and_the_end_of_what_is_searched() -> None:
    segments = (Segment("scratchpad", 0, 3, 0, 3), Segment("tool", 3, 5, 3, 5), Segment("output", 5, 6, 5, 6))
    words = words_of(
        [Message("user", "ask"), Message("assistant", "padTLo", segments=segments), Message("odd", "rest")]
    )
    assert (words.scratchpad, words.output, words.user, words.other) == ("pad", "o", "ask", "TL\nrest")
    assert not words.is_cut
    exact = words_of([Message("user", "x" * MOST)])
    assert (len(exact.user), exact.is_cut) == (MOST, False)
    more = words_of([Message("user", "x" * MOST + "y"), Message("user", "z")])
    assert (len(more.user), more.is_cut) == (MOST, True)
