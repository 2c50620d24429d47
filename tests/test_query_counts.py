"""How many queries each page makes, against a reviewed file; and that twice the rows make no more of them.

A change of ``tests/query_counts.toml`` is to be looked at like code. ``AFDASH_UPDATE_QUERY_COUNTS=1`` writes it.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotations.models import Round
from tests import make
from tests.blinding import blind
from transcripts.ingest.finish import recount
from transcripts.models import Pair, Study, Transcript
from transcripts.search.indexing import index_waiting

BASELINE = Path(__file__).parent / "query_counts.toml"
# Name in the file, and address; of a study with one round that hides nothing of what is asked.
PAGES = {
    "study home": "/studies/paired/",
    "pairs": "/studies/paired/pairs/",
    "pairs, filtered": "/studies/paired/pairs/?model=model-a&outcome=complied&sort=score",
    "pairs, found": "/studies/paired/pairs/?q=retrain+OR+paper&model=model-a",
    "pairs, labels and tags": "/studies/paired/pairs/filters/?model=model-a",
    "transcripts": "/studies/paired/transcripts/",
    "transcripts, filtered": "/studies/paired/transcripts/?model=model-a&outcome=complied&sort=length",
    "transcripts, found": "/studies/paired/transcripts/?q=retrain+OR+paper",
    "transcripts, labels and tags": "/studies/paired/transcripts/filters/",
    "pair": "/studies/paired/pairs/{pair}/",
    "pair, from a filtered list": "/studies/paired/pairs/{pair}/?model=model-a&outcome=complied&sort=score",
    "transcript": "/studies/paired/transcripts/{transcript}/",
    "ingests": "/studies/paired/ingests/",
    "rounds": "/studies/paired/rounds/",
    "insights": "/studies/paired/insights/",
    "API: pairs": "/api/v1/studies/paired/pairs/",
    "API: transcripts": "/api/v1/studies/paired/transcripts/?outcome=complied&sort=score",
}
# The lists must stay within this: each query costs a round trip.
MOST_OF_A_LIST = 12


@pytest.fixture
def full(study: Study, lead) -> Study:
    more_rows(study, 0)
    campaign: Round = blind(study, make.member(study, "anna", "annotator"), "peers")
    campaign.name = "first"
    campaign.save()
    return study


def more_rows(study: Study, turn: int) -> None:
    for number in range(3):
        for arm in ("monitored", "unmonitored"):
            row = make.transcript(
                study,
                model=f"model-{'ab'[number % 2]}",
                prompt=f"prompt {turn} {number}",
                family=f"family {turn} {number}",
                arm=arm,
                outcome="complied",
            )
        recount([row.pair_id])
    assert not index_waiting(10)


def counted(client, study: Study) -> dict[str, int]:
    pair = Pair.objects.filter(study=study, run__model="model-a").order_by("pk").first()
    transcript = Transcript.objects.filter(pair=pair).order_by("pk").first()
    counts = {}
    for name, address in PAGES.items():
        path = address.format(pair=pair.pk, transcript=transcript.pk)
        assert client.get(path).status_code == 200, path
        with CaptureQueriesContext(connection) as queries:
            client.get(path)
        counts[name] = len(queries)
    return counts


def test_each_page_makes_as_many_queries_as_the_file_says_and_no_more_when_rows_grow(full, lead, client_of):
    client = client_of(lead)
    counts = counted(client, full)
    if os.environ.get("AFDASH_UPDATE_QUERY_COUNTS"):
        lines = [f'"{name}" = {count}' for name, count in counts.items()]
        BASELINE.write_text("# Page = queries. See tests/test_query_counts.py.\n" + "\n".join(lines) + "\n")
    assert counts == tomllib.loads(BASELINE.read_text())
    more_rows(full, 1)
    assert counted(client, full) == counts


def test_a_list_stays_within_its_queries():
    counts = tomllib.loads(BASELINE.read_text())
    for name in ("pairs", "pairs, filtered", "transcripts", "transcripts, filtered"):
        assert counts[name] <= MOST_OF_A_LIST
