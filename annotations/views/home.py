"""A study's front page: what to do next, by role."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from annotations.models import Annotation, Claim, Round, Task
from transcripts.access import StudyAccess, access_study
from transcripts.ingest import queue
from transcripts.models import Ingest, Membership, Pair, Transcript


@require_safe
def study_home(request: HttpRequest, slug: str) -> HttpResponse:
    access = access_study(request.user, slug)
    context: dict[str, Any] = {
        "study": access.study,
        "role": access.role,
        "active_nav": "home",
        "rounds": _rounds(access),
        "hidden": sorted(access.hidden),
    }
    if not access.hidden:
        context["counts"] = _counts(access)
    if access.is_lead:
        context |= {
            "active_ingests": Ingest.objects.filter(
                study=access.study, state__in=Ingest.ACTIVE
            ).select_related("source")[:5],
            "failed_ingests": Ingest.objects.filter(
                study=access.study, state=Ingest.State.FAILED
            ).select_related("source")[:5],
            "worker_is_running": queue.worker_is_running(),
            "members": Membership.objects.filter(study=access.study)
            .select_related("user")
            .order_by("role", "user__username"),
        }
    return render(request, "annotations/study_home.html", context)


def _counts(access: StudyAccess) -> dict[str, int]:
    study = access.study
    return {
        "runs": study.runs.count(),
        "pairs": Pair.objects.filter(study=study, n_monitored__gt=0, n_unmonitored__gt=0).count(),
        "transcripts": Transcript.objects.filter(study=study).count(),
        "annotations": Annotation.objects.filter(study=study, status=Annotation.Status.SUBMITTED).count()
        if access.is_lead
        else 0,
    }


def _rounds(access: StudyAccess) -> list[dict[str, Any]]:
    """Open rounds with this person's own progress; leads see all rounds, others theirs."""
    rounds = Round.objects.filter(study=access.study, state=Round.State.OPEN).select_related(
        "codebook_version__codebook"
    )
    if not access.is_lead:
        rounds = rounds.filter(annotators__user=access.user)
    rows = []
    for each in rounds[:10]:
        mine = Claim.objects.filter(task__round=each, annotator=access.user)
        rows.append(
            {
                "round": each,
                "is_mine": each.annotators.filter(user=access.user).exists(),
                "tasks": Task.objects.filter(round=each).count(),
                "submitted": mine.filter(state=Claim.State.SUBMITTED).count(),
            }
        )
    return rows
