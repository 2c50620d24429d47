"""Taking an ingest back: its transcripts and what hangs on them go, in one transaction; the file itself is kept.

What people did with a transcript is never removed: an ingest of which one is in a round, or labelled, stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, connection, models, transaction
from django.db.models import Exists, OuterRef, Q

from transcripts.ingest.finish import find_unpaired, recount
from transcripts.models import Finding, Ingest, Pair, Transcript


class CannotRemove(Exception):
    """The message is a sentence for the person who asked; ``in_use`` counts the transcripts that are used."""

    def __init__(self, message: str, in_use: int = 0) -> None:
        super().__init__(message)
        self.in_use = in_use


@dataclass(frozen=True, slots=True)
class Removed:
    transcripts: int
    files: int


def obstacle(ingest: Ingest) -> CannotRemove | None:
    """Why the ingest cannot be removed now, if so."""
    if ingest.container_id:
        return CannotRemove(
            "This file is part of an archive. Remove the archive’s ingest, which removes all its parts."
        )
    if Ingest.objects.filter(_these(ingest), state__in=Ingest.ACTIVE).exists():
        return CannotRemove("It is still being ingested. Cancel it first.")
    in_use = Transcript.objects.filter(_used(Transcript), ingest__in=_ids(ingest)).count()
    pairs = Pair.objects.filter(_used(Pair), transcripts__ingest__in=_ids(ingest)).distinct()
    in_use = in_use or Transcript.objects.filter(ingest__in=_ids(ingest), pair__in=pairs).count()
    return _is_used(in_use) if in_use else None


def remove(ingest: Ingest) -> Removed:
    """Raises CannotRemove."""
    try:
        with transaction.atomic():
            return _remove(ingest)
    except IntegrityError as error:  # a task was made of one of them at this moment
        raise _is_used(1) from error


def _is_used(count: int) -> CannotRemove:
    some = "1 of its transcripts is" if count == 1 else f"{count:,} of its transcripts are"
    return CannotRemove(
        f"{some} in a round or labelled already. What people said of a transcript is never removed, "
        "so this ingest stays.",
        count,
    )


def _remove(ingest: Ingest) -> Removed:
    with connection.cursor() as cursor:
        # An ingest of many transcripts takes longer than a page may.
        cursor.execute("SET LOCAL statement_timeout = 0")
    # Nobody may go on with it meanwhile.
    rows = list(Ingest.objects.select_for_update().filter(_these(ingest)).order_by("pk"))
    if problem := obstacle(ingest):
        raise problem
    ids = [row.pk for row in rows]
    with connection.cursor() as cursor:
        # Locked in the order of ids, as an ingest's last step does.
        cursor.execute(
            "SELECT id FROM transcripts_pair WHERE id IN"
            " (SELECT pair_id FROM transcripts_transcript WHERE ingest_id = ANY(%s)) ORDER BY id FOR UPDATE",
            [ids],
        )
        pairs = [row[0] for row in cursor.fetchall()]
    for model, field in _hanging(Transcript, models.CASCADE):
        model._base_manager.filter(**{f"{field}__ingest__in": ids}).delete()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM transcripts_transcript WHERE ingest_id = ANY(%s)", [ids])
        n = cursor.rowcount
        recount(pairs)
        cursor.execute(
            "SELECT DISTINCT ingest_id FROM transcripts_transcript WHERE pair_id = ANY(%s)", [pairs]
        )
        others = [row[0] for row in cursor.fetchall()]
    # The others' pairs may lack a side now. Pairs, prompts and runs without transcripts stay: no page shows
    # them, and a worker may be about to use them.
    for other in Ingest.objects.filter(pk__in=others).order_by("pk"):
        find_unpaired(other)
    Finding.objects.filter(ingest__in=ids).delete()
    Ingest.objects.filter(container__in=ids).delete()
    Ingest.objects.filter(pk__in=ids).delete()
    return Removed(n, len(ids))


def _these(ingest: Ingest) -> Q:
    return Q(pk=ingest.pk) | Q(container=ingest.pk)


def _ids(ingest: Ingest) -> models.QuerySet[Ingest, Any]:
    return Ingest.objects.filter(_these(ingest)).values("pk")


def _used(model: type[models.Model]) -> Q:
    """Rows to which something refers that must not be lost, whichever part of the program keeps it."""
    conditions = [
        Exists(other._base_manager.filter(**{field: OuterRef("pk")}))
        for other, field in _hanging(model, models.PROTECT)
    ]
    return _any(conditions)


def _any(conditions: Iterable[Exists]) -> Q:
    found = Q(pk__in=[])
    for condition in conditions:
        found |= Q(condition)
    return found


def _hanging(model: type[models.Model], on_delete: Any) -> Iterator[tuple[type[models.Model], str]]:
    """Models and the names of their fields that refer to ``model`` and behave so when it goes."""
    for field in model._meta.get_fields(include_hidden=True):
        if getattr(field, "on_delete", None) is on_delete and field.auto_created and not field.concrete:
            relation: Any = field
            yield relation.related_model, relation.field.name
