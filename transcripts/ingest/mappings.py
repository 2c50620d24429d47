"""Mappings of a study: tried on a file, chosen for an ingest, kept for the next file of its kind."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models.functions import Now

from transcripts.ingest import queue, work
from transcripts.ingest.options import clean
from transcripts.ingest.parsers import job_on, parser
from transcripts.ingest.preview import first_records
from transcripts.ingest.sources import local_path
from transcripts.models import Ingest, SavedMapping
from transcripts.readers.mapped import Mapped

if TYPE_CHECKING:
    from afdash.accounts.models import User


def tried(ingest: Ingest, mapping: dict[str, Any], most: int) -> dict[str, Any]:
    """The first records of the ingest's file as this mapping reads them: nothing is written.

    Raises BadOption if the mapping is not one, UnreadableSource if it does not fit the file.
    """
    options = {**ingest.options, **clean({"mapping": mapping})}
    if mapping.get("fields"):
        options["format"] = Mapped.name
    with local_path(ingest.source) as path:
        return first_records(path, ingest.source.name, options, most)


def choose(ingest: Ingest, mapping: dict[str, Any], user: User | None) -> bool:
    """Give a waiting ingest its mapping, keep it for files with the same fields, and go on with the ingest.

    False if the ingest was not waiting (any more). Raises BadOption and BusySource.
    """
    cleaned = clean({"mapping": mapping})
    with transaction.atomic():
        row = Ingest.objects.select_for_update().get(pk=ingest.pk)
        if row.state != Ingest.State.NEEDS_MAPPING:
            return False
        row.options = {**row.options, **cleaned}
        row.save(update_fields=["options"])
        if row.signature and mapping.get("fields"):
            SavedMapping.objects.update_or_create(
                study=row.study,
                signature=row.signature,
                defaults={
                    "name": row.source.name[-200:],
                    "mapping": cleaned["mapping"],
                    "saved_by": user,
                    "saved_at": Now(),
                },
            )
    started = work.map_and_restart(row)
    # Other parts of one archive, or of one folder, with the same fields go on with it too.
    waiting = Ingest.objects.filter(
        study=row.study, signature=row.signature, state=Ingest.State.NEEDS_MAPPING
    ).exclude(signature="")
    for other in waiting.exclude(pk=row.pk).order_by("pk"):
        with suppress(queue.BusySource):  # the same file, given twice: one of the two is enough
            started |= work.map_and_restart(other)
    return started


def values(ingest: Ingest, arm: str, scores: Sequence[str]) -> list[dict[str, Any]]:
    """The values that these fields have in the first rows of the ingest's file, as in a proposal; ``arm`` may be ""."""
    with job_on(ingest, "values", arm=arm, scores=list(scores)) as job:
        found: list[dict[str, Any]] = parser().only(job)["values"]
        return found
