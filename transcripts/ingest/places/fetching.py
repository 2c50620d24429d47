"""Bringing one file here and queueing its ingest; or finding the files of a folder. What a worker is woken to do."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from django.db.models.functions import Now

from afdash.retry import in_transaction
from transcripts.ingest import sources
from transcripts.ingest.places import queue
from transcripts.ingest.places.faults import Changed, PlaceFault
from transcripts.ingest.places.place import Entry, Place, Reading, shown
from transcripts.ingest.places.queue import Claim
from transcripts.ingest.places.reach import open_place
from transcripts.ingest.queue import BusySource, Fenced, beat, request_ingest
from transcripts.models import Fetch

logger = logging.getLogger(__name__)
T = TypeVar("T")

TOLD_SECONDS = 1.0
BATCH = 500
CHANGED_TRIES = 2


def advance(fetch_id: int) -> bool:
    """Do a fetch if it is free, and say whether it was. Broken machinery is raised; then the lease runs out."""
    claim = queue.claim(fetch_id)
    if claim is None:
        return False
    beat()
    fetch = Fetch.objects.select_related("study", "requested_by").get(pk=fetch_id)
    try:
        if claim.failures > queue.MAX_FAILURES:
            raise PlaceFault(
                fetch.error or "Several workers in a row stopped while fetching this. The log says why.",
                fetch.code or "failed",
            )
        place = open_place(fetch.study, fetch.place)
        if fetch.is_folder:
            _expand(claim, fetch, place)
        else:
            _bring(claim, fetch, place)
    except Fenced:
        logger.info("fetch %s was taken over or cancelled", fetch_id)
    except PlaceFault as fault:
        _stop(claim, fault)
    except BusySource as busy:
        _stop(claim, PlaceFault(str(busy), "busy", passing=True))
    return True


def _stop(claim: Claim, fault: PlaceFault) -> None:
    tries = CHANGED_TRIES if isinstance(fault, Changed) else queue.MAX_FAILURES
    if (fault.passing or isinstance(fault, Changed)) and claim.failures < tries:
        queue.put_back(claim, str(fault), fault.code)
        return
    try:
        queue.hold(
            claim,
            state=Fetch.State.FAILED,
            error=str(fault),
            code=fault.code,
            finished_at=Now(),
            lease_until=None,
        )
    except Fenced:
        logger.info("fetch %s was taken over or cancelled", claim.fetch_id)


def _bring(claim: Claim, fetch: Fetch, place: Place) -> None:
    entry = place.entry(fetch.path)
    if fetch.is_watched and (entry.size, entry.mark) != (fetch.size, fetch.mark):
        raise Changed(entry.shown)  # its newer version is taken when that has settled
    queue.hold(claim, size=entry.size)
    reading = Reading(place, entry, _every(TOLD_SECONDS, lambda done: queue.renew(claim, done)))
    # The path as given tells readers of folders; the place's name would be taken for a hint.
    source = sources.keep(fetch.study, reading, fetch.path, fetch.requested_by)
    queue.renew(claim, entry.size)

    def queued() -> None:
        ingest = request_ingest(source, user=fetch.requested_by, options=fetch.options)
        queue.hold(
            claim,
            state=Fetch.State.DONE,
            ingest=ingest,
            error="",
            code="",
            finished_at=Now(),
            lease_until=None,
        )

    in_transaction(queued)


def _expand(claim: Claim, fetch: Fetch, place: Place) -> None:
    """Queue every file below the folder. Doing it again queues nothing twice."""
    skipped: Counter[str] = Counter()
    first: dict[str, str] = {}
    found = 0
    for entries in batches(place.files(fetch.path), BATCH):
        files = []
        for entry in entries:
            if entry.skipped:
                skipped[entry.skipped] += 1
                first.setdefault(entry.skipped, entry.path)
            else:
                files.append(_file_of(fetch, entry))
        found += len(files)
        Fetch.objects.bulk_create(files, ignore_conflicts=True)
        queue.renew(claim, 0)
    if not found:
        raise PlaceFault("There is no file in this folder that can be ingested.", "missing")
    note = "; ".join(
        f"{number} left out: {reason}, as {shown(first[reason])}"
        for reason, number in sorted(skipped.items())
    )
    queue.hold(
        claim,
        state=Fetch.State.DONE,
        note=note,
        error="",
        code="",
        finished_at=Now(),
        lease_until=None,
    )
    for pk in fetch.files.filter(state=Fetch.State.QUEUED).values_list("pk", flat=True)[: queue.MAX_BELLS]:
        queue.ring(pk)


def _file_of(folder: Fetch, entry: Entry) -> Fetch:
    return Fetch(
        study=folder.study,
        place=folder.place,
        path=entry.path,
        folder=folder,
        size=entry.size,
        mark=entry.mark,
        options=folder.options,
        requested_by=folder.requested_by,
    )


def _every(seconds: float, tell: Callable[[int], None]) -> Callable[[int], None]:
    last = time.monotonic()

    def told(done: int) -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            tell(done)
            last = time.monotonic()

    return told


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
