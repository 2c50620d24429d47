"""Pages of a study of a hundred thousand transcripts, through Django without a web server: time and queries.

The study is a real ingest of the synthetic corpus, indexed; a second one of the same size has two samples in each
pair, made by the database (``bench.lists.filled``), because few large pairs and many small ones cost differently.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse

from afdash.accounts.models import User
from afdash.paging import page_of
from annotations.figures import compliance_gaps
from bench import ingests, lists, reading, search
from bench.rows import Row, milliseconds_of, row
from transcripts.access import access_study
from transcripts.listing import BY_ID
from transcripts.models import Pair, Study, Transcript
from transcripts.synthetic import write_jsonl

TIMES = 40
SEARCHES = {
    "a rare word": "tungsten",
    "words by place": "in scratchpad: retrain OR RLHF -paid",
    "a common word": "train",
    "a phrase": '"modify my values"',
}


def measure(study: Study, folder: Path) -> list[Row]:
    """Rows of the table for ``study`` and for one of small pairs beside it."""
    path = folder / "agent-run.jsonl"
    write_jsonl(path, [_agent_run()])
    ingests.here(path, study, path.name)
    admin = User.objects.create_superuser("bench", password=None)
    small = lists.filled("small-pairs", 50_000, 2)
    rows = search.build_index()
    with psycopg.connect(settings.DATABASE_OWNER_URL, autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE")
    rows += search.measure(study)
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(admin)
    for what, address in _addresses(study):
        rows.append(_page(client, what, address))
    for what, address in _lists(small):
        rows.append(_page(client, f"{what}, 50,000 pairs of 2", address))
    rows += reading.measure(client, study)
    access = access_study(admin, study.slug)
    rows.append(
        row("compliance gaps of the study, ms", milliseconds_of(lambda: compliance_gaps(access, {}), 10))
    )
    return rows


def _agent_run() -> dict[str, object]:
    """One transcript of 10,000 messages."""
    turns = [
        {"role": "user", "content": "Go on."},
        {"role": "assistant", "content": "<think>Next.</think>Done, step by step."},
    ]
    return {"model": "agent", "arm": "monitored", "prompt": "A long task", "messages": turns * 5_000}


def _addresses(study: Study) -> Iterator[tuple[str, str]]:
    yield from _lists(study)
    for name in ("pair_list", "transcript_list"):
        here = reverse(name, args=[study.slug])
        for what, typed in SEARCHES.items():
            yield (
                f"{name.replace('_', ' ')}, search for {what}",
                f"{here}?{urlencode({'q': typed})}",
            )
    pair = Pair.objects.filter(study=study).order_by("pk")[10]
    yield "pair page", reverse("pair_detail", args=[study.slug, pair.pk])
    transcript = Transcript.objects.filter(study=study).order_by("pk")[10]
    yield "transcript page", reverse("transcript_detail", args=[study.slug, transcript.pk])
    yield "compare runs", reverse("prompt_compare", args=[study.slug, pair.prompt_id])
    yield "study home", reverse("study_home", args=[study.slug])


def _lists(study: Study) -> Iterator[tuple[str, str]]:
    for name, model in (("pair_list", Pair), ("transcript_list", Transcript)):
        here, what = reverse(name, args=[study.slug]), name.replace("_", " ")
        yield what, here
        yield f"{what}, one outcome", f"{here}?outcome=refused"
        yield f"{what}, by score", f"{here}?sort=score"
        yield f"{what}, far in", f"{here}?sort=id&cursor={_far_in(model, study)}"


def _far_in(model: type[Pair] | type[Transcript], study: Study) -> str:
    """The cursor behind nine tenths of the rows."""
    rows = model.objects.filter(study=study)
    ids = list(rows.order_by("pk").values_list("pk", flat=True))
    return page_of(rows.filter(pk__gte=ids[len(ids) * 9 // 10]), BY_ID, None, 1).next or ""


def _page(client: Client, what: str, address: str) -> Row:
    asked: list[str] = []

    def noted(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(noted):
        answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    times = milliseconds_of(partial(client.get, address), TIMES)
    return row(f"{what}, ms (p95 {sorted(times)[37]:.0f}; {len(asked)} queries)", times)
