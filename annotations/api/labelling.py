"""Labelling for programs: what the browser does, a script can do, through the same functions."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, QueryDict
from rest_framework.request import Request
from rest_framework.response import Response

from afdash.accounts.models import User
from afdash.api.errors import Conflict, Unprocessable
from afdash.api.views import PAGE_PARAMETERS, StudyView, known_parameters, paged, paged_together
from afdash.paging import Order
from annotations import payload
from annotations.access import (
    access_annotation,
    access_round,
    access_task,
    visible_codebook_versions,
    visible_rounds,
    visible_tasks,
)
from annotations.api import round_fields
from annotations.api.codebooks import present_codebook
from annotations.api.fields import Fields, id_parameter, idempotency_key
from annotations.api.told import told
from annotations.codebook_moves import brought_forward
from annotations.expected import compare
from annotations.labelling import (
    Progress,
    claim_next,
    open_round,
    progress,
    release,
    save,
    skip,
)
from annotations.labelling.claiming import own_claims
from annotations.labelling.practice import feedback
from annotations.labelling.saving import current_state, with_newest
from annotations.labelling.shown import Shown, Side, shown, shown_all
from annotations.models import Annotation, Claim, Round, Task
from annotations.units import Units, units_of
from annotations.visibility import visible_annotations
from transcripts.access import Need, StudyAccess
from transcripts.filters import BadFilter
from transcripts.models import Study, Transcript

BY_ID = Order("id", ("id",))
BY_TASK = Order("task", ("task_id", "annotator_id"))
NEWEST_FIRST = Order("newest", ("-id",))
LABELS = {"GET": Need.LABEL, "POST": Need.LABEL, "DELETE": Need.LABEL}
ANNOTATE = {"POST": "annotate", "DELETE": "annotate"}
MANAGE = {"POST": "manage"}


def _units_or(study: Study, units: Units | None, ids: list[int] | None) -> QuerySet[Transcript] | list[int]:
    if units is not None:
        return units.transcripts
    return Transcript.objects.filter(study=study) if ids is None else ids


class Rounds(StudyView):
    needs = {"GET": Need.LABEL, "POST": Need.LEAD}
    scopes = MANAGE
    FIELDS = frozenset(
        {
            "name",
            "codebook_version",
            "transcripts",
            "query",
            "annotators",
            "overlap",
            "hidden",
            "seed",
            "size",
            *round_fields.FIELDS,
        }
    )

    def get(self, request: Request, slug: str) -> Response:
        known_parameters(request, PAGE_PARAMETERS)
        return paged(request, visible_rounds(self.access), NEWEST_FIRST, self._present)

    def post(self, request: Request, slug: str) -> Response:
        """Open a round. ``transcripts`` is a list of ids, or absent for all; ``annotators`` are usernames.

        Instead of ids, ``query`` chooses as an address does: filters, ``units``, ``view``, ``page``.
        """
        fields = Fields(request.data, self.FIELDS)
        study = self.access.study
        version = (
            visible_codebook_versions(self.access).filter(pk=fields.get("codebook_version", int, 0)).first()
        )
        if version is None:
            fields.problems.setdefault("codebook_version", "This study has no such codebook version.")
        names = fields.get("annotators", list, [])
        people = list(
            User.objects.filter(
                memberships__study=study, username__in=[n for n in names if isinstance(n, str)]
            )
        )
        if len(people) != len(names):
            fields.problems.setdefault("annotators", "Give usernames of the study's members, each once.")
        ids = fields.get("transcripts", list) if "transcripts" in fields.data else None
        if ids is not None and not all(
            isinstance(pk, int) and not isinstance(pk, bool) and 0 < pk < 2**63 for pk in ids
        ):
            fields.problems["transcripts"] = "Give a list of transcript ids."
        units = self._units(fields)
        if units is not None and ids is not None:
            fields.problems["query"] = "Give transcripts or query, not both."
        hidden = fields.get("hidden", list, [])
        if not all(isinstance(facet, str) for facet in hidden):
            fields.problems["hidden"] = "Give a list of texts."
        name, overlap, seed = (
            fields.get("name", str),
            fields.get("overlap", int, 1),
            fields.get("seed", int, 0),
        )
        size = fields.get("size", int) if fields.data.get("size") is not None else None
        if size is not None and size < 1:
            fields.problems["size"] = "Give 1 or more."
        more = round_fields.read(fields, study, hides_arm="arm" in hidden)
        fields.check()
        made = told(
            lambda: open_round(
                study,
                name=name[:200],
                codebook_version=version,  # type: ignore[arg-type]
                transcripts=_units_or(study, units, ids),
                annotators=people,
                overlap=overlap,
                hidden=hidden,
                seed=seed,
                size=size,
                created_by=self.access.user,
                selection=units.record() if units else None,
                **more,
            )
        )
        return Response(self._present(access_round(self.access, made.pk)), 201)

    def _units(self, fields: Fields) -> Units | None:
        try:
            return units_of(self.access, QueryDict(fields.get("query", str, "")))
        except BadFilter as error:
            fields.problems["query"] = str(error)
        except Http404:
            fields.problems["query"] = "There is no such view in this study."
        return None

    def _present(self, round: Round) -> dict[str, Any]:
        presented = {
            **present_round(round),
            "codebook_version": round.codebook_version_id,
            "overlap": round.overlap,
            "created_at": round.created_at,
            "unit": round.unit,
            "kind": round.kind,
            "deadline": round.deadline,
        }
        if self.access.is_lead:
            presented |= round_fields.present(round)
            presented["seed"] = round.seed
            presented["selection"] = round.selection
            presented["annotators"] = [
                {
                    "username": str(place.user),
                    **present_progress(progress(round, place.user, hides_peers=False)),
                }
                for place in round.annotators.select_related("user").order_by("user__username")
            ]
        else:
            hides_peers = not self.access.shows("peers")
            presented["progress"] = present_progress(
                progress(round, self.access.user, hides_peers=hides_peers)
            )
        return presented


def present_round(round: Round) -> dict[str, Any]:
    return {"id": round.pk, "name": round.name, "state": round.state, "hidden": round.hidden}


def present_progress(found: Progress) -> dict[str, Any]:
    return {
        "submitted": found.done,
        "submitted_today": found.done_today,
        "total": found.total,
        "left": found.left,
    }


class Tasks(StudyView):
    """The tasks that one has claimed at some time; all of them for a lead."""

    needs = LABELS

    def get(self, request: Request, slug: str) -> Response:
        chosen = known_parameters(request, PAGE_PARAMETERS | {"round", "state"})
        tasks = visible_tasks(self.access)
        if "round" in chosen:
            tasks = tasks.filter(round=access_round(self.access, id_parameter(chosen, "round")))
        if "state" in chosen:
            if chosen["state"] not in Claim.State.values:
                raise Unprocessable("Unknown state.", {"state": f"one of {', '.join(Claim.State.values)}"})
            mine = Claim.objects.filter(annotator=self.access.user, state=chosen["state"])
            tasks = tasks.filter(pk__in=mine.values("task"))
        return paged(request, tasks, BY_ID, self._present)

    def _present(self, task: Task) -> dict[str, Any]:
        presented = {"id": task.pk, "round": task.round_id, "claim": _claim(task, self.access)}
        if self.access.is_lead:
            presented |= {
                "transcript": task.transcript_id,
                "slots": task.slots,
                "slots_taken": task.slots_taken,
            }
        return presented


def _claim(task: Task, access: Any) -> dict[str, Any] | None:
    claim = own_claims(task, access).order_by("-id").first()
    return claim and {"state": claim.state, "leased_until": claim.leased_until}


class NextTask(StudyView):
    needs = LABELS
    scopes = ANNOTATE

    def post(self, request: Request, slug: str) -> Response:
        """Claim the next task, of ``round`` if given; 204 when nothing is left."""
        fields = Fields(request.data or {}, {"round"})
        pk = fields.get("round", int) if fields.data.get("round") is not None else None
        fields.check()
        round = access_round(self.access, pk) if pk is not None else None
        task = claim_next(self.access, round)
        if task is None:
            return Response(status=204)
        return Response(present_task(access_task(self.access, task.pk), self.access))


class TaskDetail(StudyView):
    needs = LABELS
    scopes = ANNOTATE

    def get(self, request: Request, slug: str, pk: int) -> Response:
        return Response(present_task(access_task(self.access, pk), self.access))

    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Give the task back; it may be offered again."""
        told(lambda: release(self.access, access_task(self.access, pk)))
        return Response(status=204)


def present_task(task: Task, access: Any) -> dict[str, Any]:
    """The task with its text and what is stored of it. Nothing that the round hides: no arm, no model."""
    seen = shown(access, task)
    presented: dict[str, Any] = {
        "id": task.pk,
        "round": present_round(task.round),
        "codebook": present_codebook(task.round.codebook_version),
        "claim": _claim(task, access),
        "text_sha256": seen.sha256,
        "is_masked": seen.is_masked,
        # As the round's codebook asks now, if it was another one when this was said.
        "annotation": brought_forward(
            current_state(Annotation.objects.filter(task=task, annotator=access.user).first(), seen),
            task.round,
        ),
    }
    sides = [_present_side(side, seen.hidden) for side in seen.sides]
    # A pair's transcripts are numbered in an order of one's own.
    return presented | ({"sides": sides} if seen.is_pair else sides[0])


def _present_side(side: Side, hidden: frozenset[str]) -> dict[str, Any]:
    presented: dict[str, Any] = {"side": side.number} if side.number else {}
    presented["messages"] = [
        {
            "role": message.role,
            "name": message.name,
            "text": message.text,
            "segments": [
                {"kind": segment.kind, "start": segment.start, "end": segment.end}
                for segment in message.segments
            ],
        }
        for message in side.messages
    ]
    if not hidden & {"arm", "model"}:
        presented["transcript"] = side.transcript.pk
        presented["arm"] = side.transcript.arm.name
        presented["model"] = side.transcript.run.model
    return presented


class ReleaseTask(StudyView):
    needs = LABELS
    scopes = ANNOTATE

    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Give the task back; with ``later`` it is offered again after all others."""
        fields = Fields(request.data or {}, {"later"})
        later = fields.data.get("later", False)
        if not isinstance(later, bool):
            fields.problems["later"] = "Give true or false."
        fields.check()
        task = access_task(self.access, pk)
        told(lambda: release(self.access, task, later=later))
        return Response({"id": task.pk, "claim": _claim(task, self.access)})


class TaskFeedback(StudyView):
    """What is right in a task of practice that one has submitted. Of any other task there is none."""

    needs = LABELS

    def get(self, request: Request, slug: str, pk: int) -> Response:
        task = access_task(self.access, pk)
        told_ = feedback(self.access, task)
        if told_ is None:
            raise Http404("There is no feedback on this task.")
        seen = shown(self.access, task)
        compared = compare(told_["book"], seen.shown(told_["expected"]), seen.shown(told_["said"]))
        return Response(
            {
                "id": task.pk,
                "note": told_["note"],
                "expected": seen.shown(told_["expected"]),
                "said": seen.shown(told_["said"]),
                "questions": [
                    {"question": each.question.key, "is_right": each.is_right} for each in compared
                ],
            }
        )


class SkipTask(StudyView):
    needs = LABELS
    scopes = ANNOTATE

    def post(self, request: Request, slug: str, pk: int) -> Response:
        fields = Fields(request.data or {}, {"reason"})
        reason = fields.get("reason", str, "")
        fields.check()
        task = access_task(self.access, pk)
        told(lambda: skip(self.access, task, reason))
        return Response({"id": task.pk, "claim": _claim(task, self.access)})


class Annotations(StudyView):
    needs = LABELS
    scopes = ANNOTATE
    FIELDS = frozenset(
        {"task", "base_version", "status", "actor", "text_sha256", "codebook_version", *payload.FIELDS}
    )

    def get(self, request: Request, slug: str) -> Response:
        """The newest revisions that one may see: all for a lead, else one's own."""
        chosen = known_parameters(request, PAGE_PARAMETERS | {"task", "status"})
        rows = with_newest(visible_annotations(self.access).filter(version__gt=0))
        if "task" in chosen:
            rows = rows.filter(task_id=id_parameter(chosen, "task"))
        if "status" in chosen:
            rows = rows.filter(status=chosen["status"][:20])
        return paged_together(request, rows.select_related("task__round"), BY_TASK, self._present)

    def _present(self, annotations: Sequence[Annotation]) -> list[dict[str, Any]]:
        return present_annotations(annotations, self.access)

    def post(self, request: Request, slug: str) -> Response:
        """Save. Header ``Idempotency-Key``: a UUID per action, the same when it is sent again.

        201 with the new revision; 200 if this action had been kept before. 409 ``version_conflict`` holds
        the stored version in ``current``. ``codebook_version`` says by which one was asked; if the round asks by
        another one now, the answer is 409 ``codebook_changed``, and what was sent is kept as a draft.
        """
        fields = Fields(request.data, self.FIELDS)
        task_pk, base = fields.get("task", int), fields.get("base_version", int)
        status = fields.get("status", str)
        said = {"answers": fields.get("answers", dict), "spans": fields.get("spans", list)}
        said |= {
            name: request.data[name] for name in payload.FIELDS if name not in said and name in fields.data
        }
        actor = fields.get("actor", int, self.access.user.pk)
        text_sha256 = fields.get("text_sha256", str, "")
        asked_by = fields.get("codebook_version", int) if "codebook_version" in fields.data else None
        key = idempotency_key(request)
        fields.check()
        if actor != self.access.user.pk:
            raise Conflict(
                "This page was opened by somebody else, who is signed out now. Nothing was saved in your name.",
                "other_user",
            )
        task = access_task(self.access, task_pk)
        saved = told(
            lambda: save(
                self.access,
                task,
                base_version=base,
                status=status,
                idempotency_key=key,
                text_sha256=text_sha256,
                codebook_version=asked_by,
                **said,
            )
        )
        return Response(
            {
                "annotation": str(saved.annotation),
                "task": task.pk,
                "version": saved.version,
                "status": saved.status,
                "saved_at": saved.saved_at,
                "is_replay": saved.is_replay,
            },
            200 if saved.is_replay else 201,
        )


class AnnotationDetail(StudyView):
    needs = LABELS

    def get(self, request: Request, slug: str, pk: uuid.UUID) -> Response:
        """One annotation with all its revisions, oldest first."""
        annotation = access_annotation(self.access, pk)
        revisions = annotation.revisions.select_related("mapped_from", "mapped_by").order_by("version")
        return Response(
            {
                **present_annotations([annotation], self.access)[0],
                "revisions": [
                    {
                        "version": revision.version,
                        "status": revision.status,
                        **revision.payload,
                        "codebook_version": revision.codebook_version_id,
                        "mapped_from": revision.mapped_from and revision.mapped_from.version,
                        "mapped_by": revision.mapped_by and str(revision.mapped_by),
                        "text_sha256": revision.text_sha256,
                        "hidden": revision.hidden,
                        "saved_at": revision.created_at,
                    }
                    for revision in revisions
                ],
            }
        )


def present_annotations(annotations: Sequence[Annotation], access: StudyAccess) -> list[dict[str, Any]]:
    """The newest state of each, in the offsets and words of the text as whoever asks may see it."""
    seen: dict[int, Shown] = {}
    if not access.is_lead:  # who sees every raw text, whatever a round hides
        seen = shown_all(access, {each.task_id: each.task for each in annotations}.values())
    return [
        {
            "task": each.task_id,
            "annotator": str(each.annotator),
            **current_state(each, seen.get(each.task_id)),
        }
        for each in annotations
    ]
