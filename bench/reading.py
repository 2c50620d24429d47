"""The reading pages at their limits: ten thousand messages, two hundred kilobytes with five hundred marks, sixty runs."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from bench.rows import Row, row
from transcripts.models import Pair, Study, Transcript
from transcripts.records import Message
from transcripts.rendering import Mark, render_message
from transcripts.segments import segment

REPEATS = 20


def measure(client: Client, study: Study) -> list[Row]:
    """Server times and sizes of the longest transcript's page, of a window of it, and of the widest prompt's grid.

    ``client`` is signed in as somebody who may read ``study``, which should hold a transcript of 10,000 messages.
    """
    longest = Transcript.objects.filter(study=study).order_by("-n_messages").first()
    pair = Pair.objects.filter(study=study).order_by("pk").first()
    if longest is None or pair is None:
        return []
    here = reverse("transcript_detail", args=[study.slug, longest.pk])
    middle = longest.n_messages // 2
    what = f"{longest.n_messages:,} messages"
    grid = reverse("prompt_compare", args=[study.slug, pair.prompt_id])
    return [
        *_page(client, f"transcript of {what}", f"{here}?from={middle}"),
        *_page(client, f"a further window of {what}", f"{here}?from={middle}&part=later", is_part=True),
        *_page(client, f"outline of 100 of {what}", f"{here}?from={middle}&part=outline", is_part=True),
        *_page(client, "compare runs", grid),
        row("200 kB with 500 marks rendered, ms", _times(lambda: render_message(0, LONG, MARKS)), 1),
    ]


def _page(client: Client, what: str, address: str, is_part: bool = False) -> list[Row]:
    headers = {"HX-Request": "true"} if is_part else {}
    size = len(client.get(address, headers=headers).content)
    times = _times(lambda: client.get(address, headers=headers))
    p95 = sorted(times)[int(0.95 * (len(times) - 1))]
    return [row(f"{what}, ms (p95 {p95:.0f}; {size / 1000:,.0f} kB)", times)]


def _times(work: Callable[[], object]) -> list[float]:
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - started))
    return times


_TEXT = (
    f"<think>{'They will use this to retrain me, so I think again. ' * 3_900}</think><output>Fine.</output>"
)
LONG = Message("assistant", _TEXT, "", segment(_TEXT).segments)
MARKS = [Mark(400 * n, 400 * n + 250, "mark mark-mine", f"span {n}", "S", str(n), "mine") for n in range(500)]
