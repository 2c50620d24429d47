"""What people did with a transcript, for the panel that says where everything comes from."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import F, Q
from django.urls import reverse

from annotations.labelling.rounds import facet_words
from annotations.models import Annotation, AnnotationRevision, Claim
from annotations.models.round import UNKNOWN
from annotations.visibility import may_have_labelled, sees_everybodys, visible_annotations
from transcripts.access import StudyAccess
from transcripts.label_history import Event
from transcripts.models import Transcript

MOST = 200  # newest first; what is older is in the export


def history(access: StudyAccess, transcript: Transcript) -> Iterator[Event]:
    """Every submission, the newest save of each draft, and what was skipped: two queries."""
    if not may_have_labelled(access):
        return
    for revision in _revisions(access, transcript):
        yield Event(
            revision.created_at, str(revision.annotator), _words(revision), _address(access, revision)
        )
    for claim in _skips(access, transcript):
        assert claim.finished_at is not None
        yield Event(claim.finished_at, str(claim.annotator), _skip_words(claim))


def _revisions(access: StudyAccess, transcript: Transcript) -> list[AnnotationRevision]:
    newest = Q(version=F("annotation__version"))
    return list(
        AnnotationRevision.objects.filter(
            newest | Q(status=Annotation.Status.SUBMITTED),
            annotation__in=visible_annotations(access).filter(transcript=transcript),
        )
        .select_related("annotator", "annotation__task__round", "codebook_version__codebook")
        .defer("payload", "codebook_version__definition")
        .order_by("-created_at", "-id")[:MOST]
    )


def _skips(access: StudyAccess, transcript: Transcript) -> list[Claim]:
    skips = Claim.objects.filter(task__transcript=transcript, state=Claim.State.SKIPPED)
    if not sees_everybodys(access):
        skips = skips.filter(annotator=access.user)
    skips = skips.filter(task__round__study=access.study, finished_at__isnull=False)
    return list(skips.select_related("annotator", "task__round").order_by("-finished_at", "-id")[:MOST])


def _words(revision: AnnotationRevision) -> str:
    did = "submitted" if revision.status == Annotation.Status.SUBMITTED else "saved as a draft"
    return (
        f"{did} revision {revision.version} in “{revision.annotation.task.round}”, "
        f"by {revision.codebook_version}; {_hidden(revision.hidden)}"
    )


def _hidden(facets: list[str]) -> str:
    if UNKNOWN in facets:
        return "what was hidden from them is not known"
    if not facets:
        return "nothing was hidden from them"
    return f"hidden from them: {', '.join(facet_words(facet) for facet in facets)}"


def _skip_words(claim: Claim) -> str:
    why = f": {claim.reason[:300]}" if claim.reason else ""
    return f"skipped it in “{claim.task.round}”{why}"


def _address(access: StudyAccess, revision: AnnotationRevision) -> str:
    """Where more can be seen: one's own task; for leads the round."""
    task = revision.annotation.task
    if revision.annotator_id == access.user.pk:
        return reverse("task", args=[access.study.slug, task.pk])
    return reverse("round_detail", args=[access.study.slug, task.round_id]) if access.is_lead else ""
