"""Who may reach which round, task and annotation. Views and API get theirs through here.

Like :mod:`transcripts.access`: what a person may not see does not exist for them.
"""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404

from annotations.models import Annotation, Claim, CodebookVersion, Round, Task
from annotations.visibility import visible_annotations
from transcripts.access import StudyAccess
from transcripts.models import Study


def visible_rounds(access: StudyAccess) -> QuerySet[Round]:
    """All rounds for a lead; for others those that they label in."""
    rounds = Round.objects.filter(study=access.study).select_related("codebook_version__codebook")
    if access.is_lead:
        return rounds
    return rounds.filter(annotators__user=access.user)


def visible_tasks(access: StudyAccess) -> QuerySet[Task]:
    """All tasks for a lead; for others those that they have claimed at some time."""
    tasks = Task.objects.filter(round__study=access.study).select_related("round__codebook_version__codebook")
    if access.is_lead:
        return tasks
    # EXISTS, not a join: one may have claimed a task several times.
    return tasks.filter(Exists(Claim.objects.filter(task=OuterRef("pk"), annotator=access.user)))


def access_round(access: StudyAccess, pk: int) -> Round:
    found = visible_rounds(access).filter(pk=pk).first()
    if found is None:
        raise Http404("No such round in this study.")
    return found


def access_task(access: StudyAccess, pk: int) -> Task:
    """A task that this person has claimed at some time; being a lead is no claim."""
    found = visible_tasks(access).filter(claims__annotator=access.user, pk=pk).first()
    if found is None:
        raise Http404("No such task for you in this study.")
    return found


def access_annotation(access: StudyAccess, pk: object) -> Annotation:
    found = visible_annotations(access).filter(pk=pk).select_related("task__round", "annotator").first()
    if found is None:
        raise Http404("No such annotation for you in this study.")
    return found


def visible_codebook_versions(access: StudyAccess) -> QuerySet[CodebookVersion]:
    """All for a lead; for others those that rounds are opened with: what imported labels say is a peer's word."""
    versions = CodebookVersion.objects.filter(codebook__study=access.study).select_related(
        "codebook", "created_by"
    )
    return versions if access.is_lead else versions.filter(codebook__imported_from="")


def access_codebook_version(access: StudyAccess, pk: int) -> CodebookVersion:
    found = visible_codebook_versions(access).filter(pk=pk).first()
    if found is None:
        raise Http404("No such codebook version in this study.")
    return found


def round_codebook_versions(study: Study) -> QuerySet[CodebookVersion]:
    """Those that a round can be opened with, newest first."""
    versions = CodebookVersion.objects.filter(codebook__study=study, codebook__imported_from="")
    return versions.select_related("codebook").order_by("-id")
