"""What PostgreSQL does for the hot queries of the lists: an index for each, and nothing read but what is shown."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from afdash.paging import rows_after
from bench.lists import filled
from tests.transcripts.test_filters import parsed
from transcripts.facet_counts import count_pairs, count_transcripts
from transcripts.listing import SORTS, in_order, neighbours, pair_rows, transcript_rows
from transcripts.models import Pair, Study, Transcript

INDEX_OF = {
    (Pair, "gap"): "pair_by_gap",
    (Pair, "-gap"): "pair_by_gap_up",
    (Pair, "score"): "pair_by_score",
    (Pair, "length"): "pair_by_length",
    (Pair, "-length"): "pair_by_length",
    (Pair, "id"): "pair_by_study",
    (Transcript, "id"): "transcript_by_study",
    (Transcript, "score"): "transcript_by_score",
    (Transcript, "length"): "transcript_by_length",
    (Transcript, "-length"): "transcript_by_length",
}


@pytest.fixture
def many(db: None) -> Study:
    """Two studies, and a planner to whom only indexes are left: in a table this small it would read all of it."""
    filled("beside", 400, 4)
    study = filled("many", 1000, 4)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE transcripts_pair")
        cursor.execute("ANALYZE transcripts_transcript")
        for way in ("seqscan", "bitmapscan", "sort", "incremental_sort"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
    return study


def plan(sql: str, given: Any = None) -> list[dict[str, Any]]:
    """The nodes of the plan, the outermost first."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", given)
        found = cursor.fetchone()[0]
    nodes = []

    def walk(node: dict[str, Any]) -> None:
        nodes.append(node)
        for inner in node.get("Plans", ()):
            walk(inner)

    walk((json.loads(found) if isinstance(found, str) else found)[0]["Plan"])
    return nodes


@pytest.mark.parametrize(("of", "sort"), INDEX_OF)
def test_a_page_in_the_middle_is_read_from_its_index(many, of, sort):
    rows = in_order((pair_rows if of is Pair else transcript_rows)(many), sort)
    order = SORTS[of][sort].order
    row = rows.order_by(*order.columns)[len(rows) // 2]
    values = [getattr(row, column.lstrip("-")) for column in order.columns]
    for columns in (order.columns, order.reversed()):
        page = rows_after(rows, columns, values).order_by(*columns)[:51]
        nodes = plan(*page.query.sql_with_params())
        assert not [node for node in nodes if node["Node Type"] == "Sort"], nodes
        # By id, every index that begins with it serves as well: which is taken is a matter of a few pages.
        by_id = (f"{of._meta.db_table}_pkey", "pair_whole") if sort == "id" else ()
        serving = {INDEX_OF[of, sort], *by_id}
        used = next(node for node in nodes if node.get("Index Name") in serving)
        # The cursor is where the index is entered, not what its rows are compared with.
        assert ("ROW(" if len(columns) > 1 else "(id ") in used["Index Cond"], used


def test_every_order_has_its_index():
    assert set(INDEX_OF) == {(of, sort) for of in (Pair, Transcript) for sort in SORTS[of]}


def test_facets_read_one_index_and_no_row(committed):
    filled("beside", 400, 4)
    study = filled("many", 1000, 4)
    with psycopg.connect(settings.DATABASE_OWNER_URL, autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE")
    for count in (count_transcripts, count_pairs):
        for query in ("", "outcome=refused", "role=monitored&score=0.2-0.4", "model=model-1"):
            with CaptureQueriesContext(connection) as queries:
                count(study, parsed(query, study))
            with connection.cursor() as cursor:
                cursor.execute("SET enable_seqscan = off")  # the table is small here
            nodes = plan(queries[-1]["sql"])
            scans = [node for node in nodes if node.get("Relation Name") == "transcripts_transcript"]
            assert {(node["Node Type"], node.get("Index Name")) for node in scans} == {
                ("Index Only Scan", "transcript_for_facets")
            }, (count, query)


@pytest.mark.parametrize("sort", SORTS[Pair])
def test_neighbours_are_looked_up_in_the_index_of_their_order(many, sort):
    pair = Pair.objects.filter(study=many)[500]
    with CaptureQueriesContext(connection) as queries:
        neighbours(Pair.objects.filter(study=many), sort, pair)
    steps = [query["sql"] for query in queries if "LIMIT 1" in query["sql"]]
    assert len(steps) == 2
    for step in steps:
        used = {node.get("Index Name") for node in plan(step)}
        assert used & {INDEX_OF[Pair, sort], *(["pair_whole"] if sort == "id" else [])}, step
