"""What annotators chose for a sample, as one letter in its cell.

The question is ``reasoning`` where any answer to it is visible, else the first question of the transcript's
codebook that takes one choice. What most annotators chose is the label, and two that as many chose are ``?``.
A person has one vote, their newest: the rule of the labeler ``majority``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F

from annotations.books import books
from annotations.codebook import Choice, Codebook
from annotations.labelling.summary import counted
from annotations.models import Answer
from annotations.visibility import may_have_labelled, sees_everybodys, visible_annotations
from transcripts.access import StudyAccess
from transcripts.sample_labels import SampleLabel

PREFERRED = "reasoning"
TIED = "label-tied"
COLOURS = 12


@dataclass(frozen=True, slots=True)
class _Vote:
    book: Codebook
    question: str
    choice: str


def labels_of_samples(access: StudyAccess, transcripts: Sequence[int]) -> Mapping[int, SampleLabel]:
    """By transcript; those that nobody labelled, as far as this reader may know, are left out."""
    if not may_have_labelled(access):
        return {}
    everybodys = sees_everybodys(access)
    return {
        transcript: _label(votes, everybodys)
        for transcript, votes in _votes(access, transcripts).items()
        if votes
    }


def _votes(access: StudyAccess, transcripts: Sequence[int]) -> dict[int, list[_Vote]]:
    """One of each person: the choice of their newest submitted annotation of the transcript."""
    submitted = counted(visible_annotations(access))
    rows = (
        Answer.objects.filter(transcript__in=transcripts, annotation__in=submitted, submitted=True)
        .exclude(choice="")
        .annotate(
            version=F("annotation__codebook_version"),
            annotator=F("annotation__annotator"),
            at=F("annotation__updated_at"),
        )
        # As annotations.labelers.VOTES: of two at the same moment, the first by id is the newest.
        .order_by("transcript", "annotator", "-at", "annotation", "id")
        .values("transcript", "annotator", "annotation", "version", "question", "choice")
    )
    given: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        given[row["transcript"]].append(row)
    by_version = books({row["version"] for each in given.values() for row in each})
    return {transcript: _of_people(each, by_version) for transcript, each in given.items()}


def _of_people(rows: Sequence[dict[str, Any]], by_version: Mapping[int, Codebook]) -> list[_Vote]:
    wanted = _question(rows, by_version)
    votes: dict[int, _Vote] = {}
    for row in rows:
        if row["question"] == wanted and row["annotator"] not in votes:
            votes[row["annotator"]] = _Vote(by_version[row["version"]], wanted, row["choice"])
    return list(votes.values())


def _question(rows: Iterable[dict[str, Any]], by_version: Mapping[int, Codebook]) -> str:
    asked = {row["version"]: _singles(by_version[row["version"]]) for row in rows}
    answered = {row["question"] for row in rows if row["question"] in asked[row["version"]]}
    first = next((key for version in sorted(asked) for key in asked[version] if key in answered), "")
    return PREFERRED if PREFERRED in answered else first


def _singles(book: Codebook) -> list[str]:
    return [q.key for q in book.asked_of("transcript") if q.kind == "single"]


def _label(votes: Sequence[_Vote], everybodys: bool) -> SampleLabel:
    counted = Counter(vote.choice for vote in votes)
    most = max(counted.values())
    winners = [choice for choice in counted if counted[choice] == most]
    question = votes[0].question.replace("_", " ")
    said = {vote.choice: _choice(vote) for vote in votes}
    if len(winners) > 1:
        shares = ", ".join(f"{counted[choice]} {said[choice][1].title}" for choice in sorted(winners))
        return SampleLabel("?", TIED, f"{question}: annotators differ ({shares})")
    place, choice = said[winners[0]]
    if not everybodys:
        who = "my label"
    elif len(votes) == 1:
        who = "one annotator"
    else:
        who = f"{most} of {len(votes)} annotators"
    letter = _letter(votes[0].book, votes[0].question, choice)
    return SampleLabel(letter, f"label-colour-{place}", f"{question}: {choice.title} ({who})")


def _choice(vote: _Vote) -> tuple[int, Choice]:
    """The choice and its place among the question's, 1 to 12: which is its colour."""
    question = vote.book.question(vote.question)
    for place, choice in enumerate(question.choices if question else (), start=1):
        if choice.key == vote.choice:
            return min(place, COLOURS), choice
    return COLOURS, Choice(vote.choice, vote.choice)


def _letter(book: Codebook, question: str, choice: Choice) -> str:
    """The first of its title, or where two begin alike its key on the keyboard."""
    first = choice.title[:1].upper()
    asked = book.question(question)
    alike = [each for each in (asked.choices if asked else ()) if each.title[:1].upper() == first]
    return choice.shortcut[:1].upper() if len(alike) > 1 and choice.shortcut else first
