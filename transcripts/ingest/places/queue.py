"""Asking for files from places, and claiming that work. The fetch row is the queue; times are the database's."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from celery import current_app
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from transcripts.ingest.places.place import parts_of, shown
from transcripts.ingest.queue import OPTIONS, Fenced
from transcripts.models import Fetch, Study

if TYPE_CHECKING:
    from afdash.accounts.models import User

logger = logging.getLogger(__name__)

# Longer than a store may be silent: see the times in bucket.py.
LEASE_SECONDS = 40
MAX_FAILURES = 5
PAUSE_SECONDS = 2  # doubled with every failure
MAX_BELLS = 8


class BusyFetch(Exception):
    """The same file is being fetched with other options."""


@dataclass(frozen=True, slots=True)
class Claim:
    fetch_id: int
    attempt: int
    failures: int


def request_fetches(
    study: Study,
    place: str,
    paths: Sequence[tuple[str, bool]],
    *,
    user: User | None,
    options: dict[str, Any],
) -> list[Fetch]:
    """Queue files and folders, as (path, is a folder); what is being fetched already is returned as it is.

    Raises PlaceFault for a path that is none, and BusyFetch; then nothing is queued.
    """
    options = {key: options[key] for key in OPTIONS if options.get(key) not in (None, "", {})}
    for path, _ in paths:
        parts_of(path)
    with transaction.atomic():
        found = [_request(study, place, path, is_folder, user, options) for path, is_folder in paths]
        transaction.on_commit(lambda: [ring(fetch.pk) for fetch in found[:MAX_BELLS]], robust=True)
    return found


def _request(
    study: Study, place: str, path: str, is_folder: bool, user: User | None, options: dict[str, Any]
) -> Fetch:
    try:
        with transaction.atomic():
            return Fetch.objects.create(
                study=study, place=place, path=path, is_folder=is_folder, requested_by=user, options=options
            )
    except IntegrityError:
        active = Fetch.objects.filter(study=study, place=place, path=path, state__in=Fetch.ACTIVE).first()
        if active is None:
            raise
        if active.options != options:
            raise BusyFetch(
                f"{shown(path)} is being fetched already, with other options. Cancel that or wait for it."
            ) from None
        return active


def ring(fetch_id: int) -> None:
    """Wake a worker. Losing this message costs seconds: the sweep rings again."""
    try:
        current_app.send_task("transcripts.fetch", (fetch_id,), queue="ingest", retry=False)
    except Exception:  # any broker trouble: the row is queued, which is what counts
        logger.warning("could not wake a worker for fetch %s; the sweep will", fetch_id)


def claim(fetch_id: int) -> Claim | None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE transcripts_fetch SET state = 'fetching', attempt = attempt + 1, failures = failures + 1,
                bytes_done = 0, lease_until = now() + make_interval(secs => %(lease)s)
            WHERE id = (SELECT id FROM transcripts_fetch WHERE id = %(fetch)s
                AND (state = 'queued' AND (not_before IS NULL OR not_before <= now())
                     OR state = 'fetching' AND lease_until < now())
                FOR UPDATE SKIP LOCKED)
            RETURNING attempt, failures
            """,
            {"fetch": fetch_id, "lease": LEASE_SECONDS},
        )
        row = cursor.fetchone()
    return Claim(fetch_id, *row) if row else None


def hold(claim: Claim, **changes: Any) -> None:
    """Write to the row under the fence; raises Fenced if it is not ours any more."""
    held = Fetch.objects.filter(pk=claim.fetch_id, attempt=claim.attempt, state=Fetch.State.FETCHING)
    if not held.update(**changes):
        raise Fenced


def renew(claim: Claim, bytes_done: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE transcripts_fetch SET bytes_done = %s, lease_until = now() + make_interval(secs => %s) "
            "WHERE id = %s AND attempt = %s AND state = 'fetching'",
            [bytes_done, LEASE_SECONDS, claim.fetch_id, claim.attempt],
        )
        if not cursor.rowcount:
            raise Fenced


def put_back(claim: Claim, error: str, code: str) -> None:
    """Queue it again after a pause that doubles; the page says why meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE transcripts_fetch SET state = 'queued', lease_until = NULL, error = %s, code = %s, "
            "not_before = now() + make_interval(secs => %s) "
            "WHERE id = %s AND attempt = %s AND state = 'fetching'",
            [error, code, PAUSE_SECONDS * 2 ** (claim.failures - 1), claim.fetch_id, claim.attempt],
        )


def stalled(most: int = MAX_BELLS) -> list[int]:
    """The first fetches that nobody holds: what the sweep wakes workers for. Each that is done wakes one more."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM transcripts_fetch WHERE state IN ('queued', 'fetching') "
            "AND (state = 'queued' AND (not_before IS NULL OR not_before <= now()) OR lease_until < now()) "
            "ORDER BY id LIMIT %s",
            [most],
        )
        return [row[0] for row in cursor.fetchall()]


def cancel(fetch: Fetch) -> bool:
    """Stop a fetch, and of a folder all files that are not fetched yet. What was ingested stays."""
    mine = Fetch.objects.filter(pk=fetch.pk, state__in=Fetch.ACTIVE) | Fetch.objects.filter(
        folder=fetch.pk, state__in=Fetch.ACTIVE
    )
    return bool(mine.update(state=Fetch.State.CANCELLED, finished_at=Now(), lease_until=None))


def retry(fetch: Fetch) -> bool:
    """Ask again for what failed or was cancelled, of a folder also for its files."""
    over = [Fetch.State.FAILED, Fetch.State.CANCELLED]
    mine = Fetch.objects.filter(pk=fetch.pk, state__in=over) | Fetch.objects.filter(
        folder=fetch.pk, state__in=over
    )
    again = 0
    for pk in list(mine.values_list("pk", flat=True)):
        try:
            with transaction.atomic():
                again += Fetch.objects.filter(pk=pk, state__in=over).update(
                    state=Fetch.State.QUEUED,
                    error="",
                    code="",
                    failures=0,
                    not_before=None,
                    finished_at=None,
                )
                transaction.on_commit(partial(ring, pk), robust=True)
        except IntegrityError:  # it was asked for anew meanwhile
            continue
    return bool(again)
