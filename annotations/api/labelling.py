"""Labelling for programs: what the browser does, a script can do, through the same functions."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, TypeVar

from rest_framework.request import Request
from rest_framework.response import Response

from afdash.accounts.models import User
from afdash.api.errors import Conflict, Unprocessable
from afdash.api.views import PAGE_PARAMETERS, StudyView, known_parameters, paged
from afdash.paging import Order
from annotations.access import (
    access_annotation,
    access_round,
    access_task,
    visible_codebook_versions,
    visible_rounds,
    visible_tasks,
)
from annotations.api.fields import Fields, id_parameter, idempotency_key
from annotations.codebook import BadDefinition
from annotations.codebook_versions import add_version
from annotations.labelling import (
    Invalid,
    LabellingConflict,
    Progress,
    claim_next,
    open_round,
    progress,
    release,
    save,
    skip,
)
from annotations.labelling.claiming import own_claims
from annotations.labelling.saving import current_state, with_newest
from annotations.models import Annotation, Claim, CodebookVersion, Round, Task
from annotations.visibility import visible_annotations
from transcripts.access import Need
from transcripts.models import Transcript, TranscriptBody

T = TypeVar("T")
BY_ID = Order("id", ("id",))
BY_TASK = Order("task", ("task_id", "annotator_id"))
NEWEST_FIRST = Order("newest", ("-id",))
LABELS = {"GET": Need.LABEL, "POST": Need.LABEL, "DELETE": Need.LABEL}
ANNOTATE = {"POST": "annotate", "DELETE": "annotate"}
MANAGE = {"POST": "manage"}


def told(work: Callable[[], T]) -> T:
    """Run a workflow; what it refuses becomes 409 or 422 in the API's shape."""
    try:
        return work()
    except LabellingConflict as conflict:
        extra = {} if conflict.current is None else {"current": conflict.current}
        raise Conflict(str(conflict), conflict.code, **extra) from conflict
    except Invalid as invalid:
        raise Unprocessable(str(invalid), invalid.fields, invalid.code) from invalid


class Codebooks(StudyView):
    needs = {"GET": Need.MEMBER, "POST": Need.LEAD}
    scopes = MANAGE

    def get(self, request: Request, slug: str) -> Response:
        known_parameters(request, PAGE_PARAMETERS)
        return paged(request, visible_codebook_versions(self.access), NEWEST_FIRST, present_codebook)

    def post(self, request: Request, slug: str) -> Response:
        """Save a definition as the codebook's next version; 200 if the newest says it already, else 201."""
        fields = Fields(request.data, {"slug", "definition"})
        definition, name = fields.get("definition", dict), fields.get("slug", str, "")
        fields.check()
        try:
            version, is_new = add_version(self.access.study, definition, self.access.user, name)
        except BadDefinition as error:
            raise Unprocessable(str(error), {"definition": str(error)}) from error
        return Response(present_codebook(version), 201 if is_new else 200)


def present_codebook(version: CodebookVersion) -> dict[str, Any]:
    return {
        "id": version.pk,
        "codebook": version.codebook.slug,
        "version": version.number,
        "sha256": version.sha256,
        "definition": version.definition,
        "created_at": version.created_at,
    }


class Rounds(StudyView):
    needs = {"GET": Need.LABEL, "POST": Need.LEAD}
    scopes = MANAGE
    FIELDS = frozenset(
        {"name", "codebook_version", "transcripts", "annotators", "overlap", "hidden", "seed", "size"}
    )

    def get(self, request: Request, slug: str) -> Response:
        known_parameters(request, PAGE_PARAMETERS)
        return paged(request, visible_rounds(self.access), NEWEST_FIRST, self._present)

    def post(self, request: Request, slug: str) -> Response:
        """Open a round. ``transcripts`` is a list of ids, or absent for all; ``annotators`` are usernames."""
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
        fields.check()
        made = told(
            lambda: open_round(
                study,
                name=name[:200],
                codebook_version=version,  # type: ignore[arg-type]
                transcripts=Transcript.objects.filter(study=study) if ids is None else ids,
                annotators=people,
                overlap=overlap,
                hidden=hidden,
                seed=seed,
                size=size,
                created_by=self.access.user,
            )
        )
        return Response(self._present(access_round(self.access, made.pk)), 201)

    def _present(self, round: Round) -> dict[str, Any]:
        presented = {
            **present_round(round),
            "codebook_version": round.codebook_version_id,
            "overlap": round.overlap,
            "created_at": round.created_at,
        }
        if self.access.is_lead:
            presented["seed"] = round.seed
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
    hidden = access.hidden.union(task.round.hidden)
    presented: dict[str, Any] = {
        "id": task.pk,
        "round": present_round(task.round),
        "codebook": present_codebook(task.round.codebook_version),
        "claim": _claim(task, access),
        "messages": [],
        "annotation": current_state(Annotation.objects.filter(task=task, annotator=access.user).first()),
    }
    if task.transcript_id is not None:
        body = TranscriptBody.objects.select_related("transcript__run", "transcript__arm").get(
            transcript_id=task.transcript_id
        )
        presented["text_sha256"] = bytes(body.transcript.content_sha256).hex()
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
            for message in body.messages
        ]
        if not hidden & {"arm", "model"}:
            presented["transcript"] = task.transcript_id
            presented["arm"] = body.transcript.arm.name
            presented["model"] = body.transcript.run.model
    return presented


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
    FIELDS = frozenset({"task", "base_version", "status", "answers", "spans", "actor", "text_sha256"})

    def get(self, request: Request, slug: str) -> Response:
        """The newest revisions that one may see: all for a lead, else one's own."""
        chosen = known_parameters(request, PAGE_PARAMETERS | {"task", "status"})
        rows = with_newest(visible_annotations(self.access).filter(version__gt=0))
        if "task" in chosen:
            rows = rows.filter(task_id=id_parameter(chosen, "task"))
        if "status" in chosen:
            rows = rows.filter(status=chosen["status"][:20])
        return paged(request, rows, BY_TASK, present_annotation)

    def post(self, request: Request, slug: str) -> Response:
        """Save. Header ``Idempotency-Key``: a UUID per action, the same when it is sent again.

        201 with the new revision; 200 if this action had been kept before. 409 ``version_conflict`` holds
        the stored version in ``current``.
        """
        fields = Fields(request.data, self.FIELDS)
        task_pk, base = fields.get("task", int), fields.get("base_version", int)
        status = fields.get("status", str)
        answers, spans = fields.get("answers", dict), fields.get("spans", list)
        actor = fields.get("actor", int, self.access.user.pk)
        text_sha256 = fields.get("text_sha256", str, "")
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
                answers=answers,
                spans=spans,
                idempotency_key=key,
                text_sha256=text_sha256,
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
        revisions = annotation.revisions.order_by("version")
        return Response(
            {
                **present_annotation(annotation),
                "revisions": [
                    {
                        "version": revision.version,
                        "status": revision.status,
                        **revision.payload,
                        "codebook_version": revision.codebook_version_id,
                        "text_sha256": revision.text_sha256,
                        "hidden": revision.hidden,
                        "saved_at": revision.created_at,
                    }
                    for revision in revisions
                ],
            }
        )


def present_annotation(annotation: Annotation) -> dict[str, Any]:
    return {
        "task": annotation.task_id,
        "annotator": str(annotation.annotator),
        **current_state(annotation),
    }
