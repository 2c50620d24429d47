"""Full-text search of a study: the page and the count of rare and common words, and the index being built."""

from __future__ import annotations

from bench.rows import Row, milliseconds_of, row, seconds_of
from transcripts.models import Study, Transcript, TranscriptBody, TranscriptSearch
from transcripts.search.conditions import from_indexes, matching
from transcripts.search.indexing import index_waiting
from transcripts.search.matches import snippet
from transcripts.search.query import parse
from transcripts.search.words import vectors_of

QUERIES = (
    ("a rare word", "tungsten"),
    ("a common word", "train"),
    ("every transcript's word", "the"),
    ("two common words and not a third", "train model -paid"),
    ("two places", "in scratchpad: train OR values in output: model"),
    ("a beginning", "deceiv*"),
    ("a common phrase", '"free tier"'),
)
TIMES = 20


def build_index() -> list[Row]:
    """Put every transcript that is not in the index yet into it."""
    before = TranscriptSearch.objects.count()
    seconds = seconds_of(lambda: index_waiting(3600))
    return [row("search index, transcripts/s", [(TranscriptSearch.objects.count() - before) / seconds])]


def measure(study: Study) -> list[Row]:
    """Rows for an indexed study."""
    rows: list[Row] = []
    bodies = [body.content.messages for body in TranscriptBody.objects.filter(transcript__study=study)[:200]]
    words = milliseconds_of(lambda: [vectors_of(messages, study.pk) for messages in bodies], 5)
    rows.append(row("… of it finding words, ms for each transcript", [t / len(bodies) for t in words], 2))
    for what, typed in QUERIES:
        wanted = Transcript.objects.filter(matching(parse(typed), study), study=study)

        def search(wanted=wanted) -> int:
            with from_indexes():
                return len(wanted.order_by("pk").values_list("pk")[:51]) + wanted.count()

        times = milliseconds_of(search, TIMES)
        with from_indexes():
            number = wanted.count()
        rows.append(
            row(
                f"search {what}, page and count of {number:,}, ms (p95 {sorted(times)[TIMES - 2]:.0f})", times
            )
        )
    query = parse("train OR values")
    times = milliseconds_of(lambda: [snippet(query, messages) for messages in bodies[:50]], 10)
    rows.append(row("snippets of a page of 50 transcripts, ms", times))
    return rows
