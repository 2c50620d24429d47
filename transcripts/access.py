"""Who may reach what. Every page, fragment and API route gets its objects through here.

A study that a person is no member of does not exist for them: the answer is 404, the same as for
a study that was never made. A member who lacks the role is told so (403).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404

from transcripts.models import Ingest, Membership, Pair, Study, Transcript

if TYPE_CHECKING:
    from afdash.accounts.models import User


class Need(Enum):
    """What a route asks of a member."""

    MEMBER = "member"
    LABEL = "label"
    LEAD = "lead"


ALLOWED = {
    Need.MEMBER: {Membership.Role.VIEWER, Membership.Role.ANNOTATOR, Membership.Role.LEAD},
    Need.LABEL: {Membership.Role.ANNOTATOR, Membership.Role.LEAD},
    Need.LEAD: {Membership.Role.LEAD},
}

Blinding = Callable[["User", Study], frozenset[str]]
_blindings: list[Blinding] = []


def register_blinding(rule: Blinding) -> None:
    """Have ``rule(user, study)`` say which of arm, model, judge, peers are hidden from a member."""
    if rule not in _blindings:
        _blindings.append(rule)


def hidden_from_member(user: User, study: Study) -> frozenset[str]:
    return frozenset(facet for rule in _blindings for facet in rule(user, study))


@dataclass(frozen=True)
class StudyAccess:
    """A member in a study: proof that the question "may they?" was asked."""

    user: User
    study: Study
    role: str
    hidden: frozenset[str]

    @property
    def is_lead(self) -> bool:
        return self.role == Membership.Role.LEAD

    def shows(self, facet: str) -> bool:
        return facet not in self.hidden


def access_study(user: Any, slug: str, need: Need = Need.MEMBER) -> StudyAccess:
    if not user.is_authenticated:
        raise Http404("No such study.")
    study = Study.objects.filter(slug=slug).first()
    if study is None:
        raise Http404("No such study.")
    if user.is_admin:
        role = str(Membership.Role.LEAD)
    else:
        membership = Membership.objects.filter(study=study, user=user).first()
        if membership is None:
            raise Http404("No such study.")
        role = membership.role
    if role not in ALLOWED[need]:
        raise PermissionDenied(f"This needs the role {need.value}; you are {role} in this study.")
    # A lead sees everything; that they did is recorded with each annotation they make.
    hidden = frozenset() if role == Membership.Role.LEAD else hidden_from_member(user, study)
    return StudyAccess(user, study, role, hidden)


def access_reading(user: Any, slug: str) -> StudyAccess:
    """For pages that show transcripts with their arms: closed to who labels them blind."""
    access = access_study(user, slug)
    if access.hidden & {"arm", "model"}:
        raise PermissionDenied(
            "You are labelling in a round that hides the arm or the model. "
            "Reading pages open to you again when that round is closed."
        )
    return access


def studies_of(user: User) -> QuerySet[Study]:
    if user.is_admin:
        return Study.objects.all()
    return Study.objects.filter(memberships__user=user)


def access_transcript(access: StudyAccess, pk: int) -> Transcript:
    transcript = (
        Transcript.objects.filter(study=access.study, pk=pk)
        .select_related("run", "prompt", "arm", "ingest__source")
        .first()
    )
    if transcript is None:
        raise Http404("No such transcript in this study.")
    return transcript


def access_pair(access: StudyAccess, pk: int) -> Pair:
    pair = Pair.objects.filter(study=access.study, pk=pk).select_related("run", "prompt").first()
    if pair is None:
        raise Http404("No such pair in this study.")
    return pair


def access_ingest(access: StudyAccess, pk: int) -> Ingest:
    ingest = Ingest.objects.filter(study=access.study, pk=pk).select_related("source").first()
    if ingest is None:
        raise Http404("No such ingest in this study.")
    return ingest
