"""What models said, for scripts: runs, arms, prompts, transcripts and pairs. Filters are those of the pages.

Offsets of segments are Unicode code points into ``text`` as stored; ``has_escapes`` says that NUL or
halves of emoji in it are kept as private characters (``transcripts.text``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Count, IntegerField, Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from afdash.api.authentication import scopes_of
from afdash.api.views import PAGE_PARAMETERS, StudyView, known_parameters, paged
from afdash.paging import Order
from transcripts import filters as filter_table
from transcripts.access import StudyAccess, access_pair, access_transcript, studies_of
from transcripts.columns import arms_of
from transcripts.filters import BadFilter, Filters
from transcripts.found import searching
from transcripts.listing import BY_ID, SORTS, in_order, orders
from transcripts.models import Arm, Membership, Pair, Prompt, Run, Study, Transcript
from transcripts.records import Message

NAMED = Order("slug", ("slug",))


def _filters(request: Request, access: StudyAccess, *besides: str) -> Filters:
    try:
        return filter_table.parse(request.query_params, access, frozenset({*PAGE_PARAMETERS, *besides}))
    except BadFilter as error:
        raise ParseError(str(error)) from error


def _order(request: Request, access: StudyAccess, of: type[Model]) -> str:
    # A cursor must hold while rows come in, so the plain order is the usual one for scripts.
    sort = request.query_params.get("sort", "id")
    known = orders(access.hidden, of)
    if sort not in known:
        raise ParseError(f"sort must be one of {', '.join(known)}.")
    return str(sort)


def _listed(
    request: Request, filters: Filters, rows: QuerySet[Any], sort: str, present: Callable[[Any], Any]
) -> Response:
    """A page of ``rows``, which are narrowed by a search where there is one."""
    with searching(filters):
        return paged(request, in_order(rows, sort), SORTS[rows.model][sort].order, present)


def _count(rows: QuerySet[Any], column: str) -> Coalesce:
    """How many of ``rows`` point at the outer row: a subquery each, so that counts do not multiply."""
    counted = (
        rows.filter(**{column: OuterRef("pk")}).order_by().values(column).annotate(n=Count("pk")).values("n")
    )
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def present_run(run: Run) -> dict[str, Any]:
    return {
        "id": run.pk,
        "model": run.model,
        "setting": run.setting,
        "checkpoint": run.checkpoint,
        "training_step": run.training_step,
        "goal_nudge": run.goal_nudge,
    }


def present_arm(arm: Arm) -> dict[str, Any]:
    return {"id": arm.pk, "name": arm.name, "role": arm.role}


def present_transcript(transcript: Transcript, access: StudyAccess) -> dict[str, Any]:
    return {
        "id": transcript.pk,
        "pair": transcript.pair_id,
        "run": present_run(transcript.run),
        "prompt": {"id": transcript.prompt_id, "family": transcript.prompt.family},
        "arm": present_arm(transcript.arm),
        "sample": transcript.sample,
        "parse_state": transcript.parse_state,
        **(
            {"outcome": transcript.outcome, "judge_score": transcript.judge_score}
            if access.shows("judge")
            else {}
        ),
        "n_messages": transcript.n_messages,
        "n_characters": transcript.n_characters,
        "has_escapes": transcript.has_escapes,
        "ingest": transcript.ingest_id,
    }


def present_message(index: int, message: Message) -> dict[str, Any]:
    return {
        "index": index,
        "role": message.role,
        "name": message.name,
        "text": message.text,
        "segments": [
            {
                "kind": segment.kind,
                "start": segment.start,
                "end": segment.end,
                "inner_start": segment.inner_start,
                "inner_end": segment.inner_end,
                "note": segment.note,
            }
            for segment in message.segments
        ],
    }


def present_pair(pair: Pair, access: StudyAccess) -> dict[str, Any]:
    return {
        "id": pair.pk,
        "run": present_run(pair.run),
        "prompt": {"id": pair.prompt_id, "family": pair.prompt.family, "text": pair.prompt.text},
        "n_monitored": pair.n_monitored,
        "n_unmonitored": pair.n_unmonitored,
        "n_other": pair.n_other,
        "longest": pair.longest,
        **({"judge_gap": pair.judge_gap, "top_score": pair.top_score} if access.shows("judge") else {}),
    }


class Studies(APIView):
    """The studies that whoever asks is a member of; an admin's are all."""

    def get(self, request: Request) -> Response:
        known_parameters(request, PAGE_PARAMETERS)
        scopes = scopes_of(request)
        if scopes is not None and "read" not in scopes:
            raise PermissionDenied("This token lacks the scope 'read'.")
        user: Any = request.user
        role = Membership.objects.filter(study=OuterRef("pk"), user=user).values("role")[:1]
        rows = studies_of(user).annotate(own_role=Subquery(role))

        def present(study: Study) -> dict[str, Any]:
            role = Membership.Role.LEAD if user.is_admin else study.own_role  # type: ignore[attr-defined]
            return {
                "slug": study.slug,
                "name": study.name,
                "description": study.description,
                "role": str(role),
                "created_at": study.created_at,
            }

        return paged(request, rows, NAMED, present)


class _Conditions(StudyView):
    """A list of what was run, each with how many transcripts it has."""

    reading = True
    model: type[Model]

    def rows(self) -> QuerySet[Any]:
        name = self.model._meta.model_name or ""
        found: QuerySet[Any] = self.model._default_manager.filter(study=self.access.study)
        counted: QuerySet[Any] = found.annotate(n_transcripts=_count(Transcript.objects.all(), name))
        return counted

    def present(self, row: Any) -> dict[str, Any]:
        raise NotImplementedError

    def get(self, request: Request, slug: str) -> Response:
        known_parameters(request, PAGE_PARAMETERS)
        return paged(request, self.rows(), BY_ID, self.present)


class Runs(_Conditions):
    model = Run

    def rows(self) -> QuerySet[Any]:
        counted: QuerySet[Any] = super().rows().annotate(n_pairs=_count(Pair.objects.all(), "run"))
        return counted

    def present(self, row: Any) -> dict[str, Any]:
        return {**present_run(row), "n_pairs": row.n_pairs, "n_transcripts": row.n_transcripts}


class Arms(_Conditions):
    model = Arm

    def present(self, row: Any) -> dict[str, Any]:
        return {**present_arm(row), "n_transcripts": row.n_transcripts}


class Prompts(_Conditions):
    model = Prompt

    def rows(self) -> QuerySet[Any]:
        counted: QuerySet[Any] = super().rows().annotate(n_pairs=_count(Pair.objects.all(), "prompt"))
        return counted

    def present(self, row: Any) -> dict[str, Any]:
        return {
            "id": row.pk,
            "text": row.text,
            "family": row.family,
            "external_id": row.external_id,
            "n_pairs": row.n_pairs,
            "n_transcripts": row.n_transcripts,
        }


class Transcripts(StudyView):
    reading = True

    def get(self, request: Request, slug: str) -> Response:
        filters, sort = _filters(request, self.access, "sort"), _order(request, self.access, Transcript)
        rows = Transcript.objects.filter(study=self.access.study).select_related("run", "arm", "prompt")
        rows = filters.transcripts(rows.defer("prompt__text", "locator", "content_sha256"))
        return _listed(request, filters, rows, sort, lambda row: present_transcript(row, self.access))


class TranscriptDetail(StudyView):
    reading = True

    def get(self, request: Request, slug: str, pk: int) -> Response:
        known_parameters(request, set())
        transcript = access_transcript(self.access, pk)
        content, ingest = transcript.body.content, transcript.ingest
        shown = present_transcript(transcript, self.access)
        shown["prompt"] |= {"text": transcript.prompt.text, "external_id": transcript.prompt.external_id}
        shown["messages"] = [present_message(at, message) for at, message in enumerate(content.messages)]
        if self.access.shows("judge"):
            shown["verdicts"] = [verdict.said for verdict in transcript.verdicts.all()]
        if self.access.is_lead:  # it may hold what rounds hide
            shown["metadata"] = content.metadata
        shown["provenance"] = {
            "content_sha256": bytes(transcript.content_sha256).hex(),
            "source": ingest.source.name,
            "source_sha256": ingest.source.sha256,
            "locator": transcript.locator,
            "ingest": ingest.pk,
            "reader": ingest.reader,
            "reader_version": ingest.reader_version,
            "segmenter_version": transcript.segmenter_version,
        }
        return Response(shown)


class Pairs(StudyView):
    reading = True

    def get(self, request: Request, slug: str) -> Response:
        filters, sort = _filters(request, self.access, "sort"), _order(request, self.access, Pair)
        rows = filters.pairs(Pair.objects.filter(study=self.access.study).select_related("run", "prompt"))
        return _listed(request, filters, rows, sort, lambda row: present_pair(row, self.access))


class PairDetail(StudyView):
    reading = True

    def get(self, request: Request, slug: str, pk: int) -> Response:
        known_parameters(request, set())
        pair = access_pair(self.access, pk)
        shows_judge = self.access.shows("judge")
        arms = [
            {
                "id": arm.arm,
                "name": arm.name,
                "role": arm.role,
                "samples": [
                    {
                        "sample": sample.number,
                        "transcript": sample.transcript,
                        "parse_state": sample.parse_state,
                        **({"outcome": sample.outcome} if shows_judge else {}),
                    }
                    for sample in arm.samples
                ],
            }
            for arm in arms_of(pair, self.access)
        ]
        return Response({**present_pair(pair, self.access), "arms": arms})
