"""What a viewer may know of others' work, and what an open round hides from them. The only place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import QuerySet

from annotations.models import Annotation, Round
from transcripts.models import Membership

if TYPE_CHECKING:
    from afdash.accounts.models import User
    from transcripts.access import StudyAccess
    from transcripts.models import Study


def hidden_from(user: User, study: Study) -> frozenset[str]:
    """What the study's unfinished rounds hide from this annotator, on every page and route.

    A paused round still hides: it may go on, and an annotator who has looked cannot unlook.
    """
    rounds = Round.objects.filter(
        study=study, annotators__user=user, state__in=[Round.State.OPEN, Round.State.PAUSED]
    )
    lists = rounds.exclude(unblindings__user=user).values_list("hidden", flat=True)
    return frozenset(facet for hidden in lists for facet in hidden)


def sees_everybodys(access: StudyAccess) -> bool:
    """Whether all annotations exist for this viewer: then figures of all together tell them nothing new."""
    return access.is_lead


def may_have_labelled(access: StudyAccess) -> bool:
    """Whether single labels, their own at least, are anything to this viewer."""
    return access.role != Membership.Role.VIEWER


def visible_annotations(access: StudyAccess) -> QuerySet[Annotation]:
    """The annotations that exist for this viewer: leads see all, others their own.

    Viewers see no single annotation, only figures; annotators see their peers' only when a
    lead shows them (adjudication), never through here.
    """
    annotations = Annotation.objects.filter(study=access.study)
    if access.is_lead:
        return annotations
    return annotations.filter(annotator=access.user)
