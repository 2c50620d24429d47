"""The rounds of imported labels: one for each file and round there, closed, so that nobody is asked to label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import connection
from django.db.models import Max
from django.db.models.functions import Now

from annotations.models import Claim, Round, RoundAnnotator, Task
from annotations.models.round import UNKNOWN
from annotations.outside.hearing import Said, place_of
from transcripts.models import Ingest


def rounds_of(ingest: Ingest, said: Sequence[Said]) -> dict[str, Round]:
    """By the round that the file names. A round shows the newest codebook version that its labels go by."""
    file = ingest.source.name
    there = {each.round_there: each for each in said}
    places = {name: place_of(file, name) for name in there}
    found = _found(ingest.study_id, places)
    if missing := [name for name in there if name not in found]:
        Round.objects.bulk_create(
            [
                Round(
                    study_id=ingest.study_id,
                    name=f"Imported: {file[:120]}{f', round {name[:40]}' if name else ''}",
                    codebook_version=there[name].version,
                    state=Round.State.CLOSED,
                    hidden=[UNKNOWN],
                    created_by_id=ingest.requested_by_id,
                    imported_from=places[name],
                )
                for name in missing
            ],
            ignore_conflicts=True,
        )
        found = _found(ingest.study_id, places)
    changed = []
    for each in said:
        round = found[each.round_there]
        if each.version is not None and each.version.pk > round.codebook_version_id:
            round.codebook_version = each.version
            changed.append(round)
    Round.objects.bulk_update(changed, ["codebook_version"])
    return found


def _found(study_id: int, places: Mapping[str, str]) -> dict[str, Round]:
    rounds = Round.objects.filter(study_id=study_id, imported_from__in=places.values())
    by_place = {round.imported_from: round for round in rounds}
    return {name: by_place[place] for name, place in places.items() if place in by_place}


def tasks_of(units: set[tuple[int, int]]) -> dict[tuple[int, int], Task]:
    """The task of each (round, transcript), in the order of the file."""
    found = {
        (task.round_id, task.transcript_id): task
        for task in Task.objects.filter(
            round__in={round for round, _ in units}, transcript__in={transcript for _, transcript in units}
        )
    }
    missing = sorted(units - found.keys())
    if missing:
        last = dict(
            Task.objects.filter(round__in={round for round, _ in missing})
            .order_by()
            .values_list("round")
            .annotate(last=Max("position"))
        )
        tasks = []
        for round, transcript in missing:
            last[round] = last.get(round, -1) + 1
            tasks.append(Task(round_id=round, transcript_id=transcript, position=last[round], slots=1))
        Task.objects.bulk_create(tasks)
        found |= {(task.round_id, task.transcript_id): task for task in tasks}
    return {unit: found[unit] for unit in units}


def fill_slots(done: set[tuple[int, int, int]]) -> None:
    """Count each (round, task, annotator) as submitted, as if the task had been claimed, for the round's progress."""
    RoundAnnotator.objects.bulk_create(
        [RoundAnnotator(round_id=r, user_id=u) for r, u in sorted({(r, u) for r, _, u in done})],
        ignore_conflicts=True,
    )
    Claim.objects.bulk_create(
        [
            Claim(
                task_id=task,
                annotator_id=user,
                state=Claim.State.SUBMITTED,
                leased_until=Now(),
                finished_at=Now(),
            )
            for _, task, user in sorted(done)
        ],
        ignore_conflicts=True,
    )
    tasks = sorted({task for _, task, _ in done})
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE annotations_task t SET slots = c.n, slots_taken = c.n FROM ("
            " SELECT task_id, count(*) AS n FROM annotations_claim"
            " WHERE task_id = ANY(%s) AND state = 'submitted' GROUP BY task_id) c WHERE t.id = c.task_id",
            [tasks],
        )
        cursor.execute(
            "UPDATE annotations_round r SET overlap = greatest(r.overlap, t.n) FROM ("
            " SELECT round_id, max(slots) AS n FROM annotations_task"
            " WHERE id = ANY(%s) GROUP BY round_id) t WHERE r.id = t.round_id",
            [tasks],
        )
