"""Looking through watched folders for files that are finished. The operator's files are only ever read.

A file that is new, or new in size or mark, becomes a row that is settling. A later look that finds it the
same makes the row a fetch. The row stays: it is how a version is known to have been taken.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from afdash.addresses import Watched
from transcripts.ingest.places import queue
from transcripts.ingest.places.faults import PlaceFault
from transcripts.ingest.places.fetching import batches
from transcripts.ingest.places.place import Entry
from transcripts.ingest.places.reach import open_place
from transcripts.models import Fetch, Study

logger = logging.getLogger(__name__)

BETWEEN_SECONDS = 10  # two looks at least; two beats at once are one look
BATCH = 500
_UNFINISHED = re.compile(
    r"^\.|~$|\.(part|partial|tmp|temp|crdownload|filepart|swp|lock|inprogress|_copying_)$", re.IGNORECASE
)
_LOCK = 0x6166_7761  # with the hash of the folder: one look at a folder at a time


def look() -> None:
    """Look through every watched folder once. A folder that cannot be read is logged, and tried next time."""
    for watched in settings.AFDASH_WATCHED:
        study = Study.objects.filter(slug=watched.study).first()
        if study is None:
            logger.warning("AFDASH_WATCHED names the study %s, which does not exist", watched.study)
            continue
        try:
            with _alone(watched) as alone:
                if alone:
                    _look_through(study, watched)
        except PlaceFault as fault:
            logger.warning("watched folder %s/%s: %s", watched.place, watched.path, fault)


def is_unfinished(path: str) -> bool:
    """Whether a name, or a folder's name above it, says that somebody is still writing."""
    return any(_UNFINISHED.search(part) for part in path.split("/"))


@contextmanager
def _alone(watched: Watched) -> Iterator[bool]:
    words = [_LOCK, f"{watched.study}={watched.place}/{watched.path}"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", words)
        alone = bool(cursor.fetchone()[0])
    try:
        yield alone
    finally:
        if alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", words)


def _look_through(study: Study, watched: Watched) -> None:
    place = open_place(study, watched.place)
    usable = (e for e in place.files(watched.path) if not e.skipped and not is_unfinished(e.path))
    for entries in batches(usable, BATCH):
        _consider(study, watched, entries)


def _consider(study: Study, watched: Watched, entries: list[Entry]) -> None:
    now = _database_now()
    mine = Fetch.objects.filter(study=study, place=watched.place, is_watched=True)
    known: dict[tuple[str, int, str], Fetch] = {}
    settling: dict[str, list[Fetch]] = {}
    for row in mine.filter(path__in=[entry.path for entry in entries]).only(
        "path", "size", "mark", "state", "created_at"
    ):
        known[row.path, row.size, row.mark] = row
        if row.state == Fetch.State.SETTLING:
            settling.setdefault(row.path, []).append(row)
    fresh, grown = [], []
    for entry in entries:
        row = known.get((entry.path, entry.size, entry.mark))
        grown += [each.pk for each in settling.get(entry.path, ()) if each is not row]
        if row is None:
            fresh.append(_row(study, watched, entry))
        elif row.state == Fetch.State.SETTLING and _has_settled(entry, row, now):
            _take(row)
    Fetch.objects.bulk_create(fresh, ignore_conflicts=True)
    # What has grown since is not the version that was seen.
    Fetch.objects.filter(pk__in=grown, state=Fetch.State.SETTLING).delete()


def _row(study: Study, watched: Watched, entry: Entry) -> Fetch:
    return Fetch(
        study=study,
        place=watched.place,
        path=entry.path,
        size=entry.size,
        mark=entry.mark,
        is_watched=True,
        state=Fetch.State.SETTLING,
    )


def _has_settled(entry: Entry, row: Fetch, now: datetime) -> bool:
    """Seen a while ago, and unchanged for longer still by the file's own time, or by ours if that is of no use."""
    seen = now - row.created_at
    wanted = timedelta(seconds=settings.AFDASH_WATCHED_SECONDS)
    age = now - entry.modified if entry.modified else seen
    return seen >= timedelta(seconds=BETWEEN_SECONDS) and (age >= wanted or seen >= wanted)


def _take(row: Fetch) -> None:
    try:
        with transaction.atomic():
            taken = Fetch.objects.filter(pk=row.pk, state=Fetch.State.SETTLING).update(
                state=Fetch.State.QUEUED
            )
    except IntegrityError:  # an earlier version of the file is being fetched: at the next look
        return
    if taken:
        queue.ring(row.pk)


def _database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found.astimezone(UTC)
