"""What a round would be, before it is opened: how many units of which strata, how long, and the masked text."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any

from annotations.labelling import Invalid
from annotations.labelling.drawing import Draw, Way, draw
from annotations.labelling.progress import LONGEST_SECONDS, duration
from annotations.labelling.rounds import check_overlap, transcripts_of
from annotations.labelling.shown import Shown, shown_all
from annotations.models import Claim, Round, Task
from transcripts.access import StudyAccess
from transcripts.models import Study, Transcript
from transcripts.rendering import RenderedMessage, render_messages

if TYPE_CHECKING:
    from annotations.views.round_form import RoundForm

USUAL_MINUTES = 2.0
RECENT = 200
LONGEST_PREVIEW = 40  # messages


@dataclass(frozen=True)
class Sample:
    """A text of one arm, as an annotator would see it."""

    arm: str
    role: str
    n_masked: int
    messages: list[RenderedMessage]
    is_cut: bool


@dataclass(frozen=True)
class Preview:
    unit: str
    units: int
    strata: list[dict[str, Any]]
    left_out: int
    each: int
    labels: int
    people: int
    minutes: float  # per label
    is_measured: bool
    total: str
    per_person: str
    samples: list[Sample]
    hides_arm: bool


def preview_of(access: StudyAccess, form: RoundForm) -> Preview:
    """Of a valid form; raises Invalid where no round could be drawn so."""
    given = form.fields_of_round()
    is_practice = given["kind"] == Round.Kind.PRACTICE
    people = len(given["annotators"])
    each = people if is_practice else given["overlap"]
    if not is_practice:
        check_overlap(each, given["most_annotators"], people)
    way = Way(
        given["unit"],
        given["order"],
        given["seed"],
        given["size"],
        tuple(given["strata_by"]),
        given["is_even"],
    )
    drawn = draw(access.study, given["transcripts"], way)
    minutes, is_measured = minutes_per_label(access.study)
    labels = len(drawn.units) * each
    return Preview(
        unit=given["unit"],
        units=len(drawn.units),
        strata=[{**stratum, "words": " · ".join(stratum["stratum"])} for stratum in drawn.strata],
        left_out=drawn.left_out,
        each=each,
        labels=labels,
        people=people,
        minutes=minutes,
        is_measured=is_measured,
        total=duration(round(labels * minutes)),
        per_person=duration(round(labels * minutes / max(people, 1))),
        samples=_samples(access, drawn, frozenset(given["hidden"]), given["mask_phrases"]),
        hides_arm="arm" in given["hidden"],
    )


def minutes_per_label(study: Study) -> tuple[float, bool]:
    """The median of what the study's newest labels took, and True; the usual guess, and False, if there are few."""
    times = Claim.objects.filter(
        task__round__study=study, state=Claim.State.SUBMITTED, finished_at__isnull=False
    )
    seconds = [
        (end - start).total_seconds()
        for start, end in times.order_by("-id").values_list("claimed_at", "finished_at")[:RECENT]
    ]
    counted = [each for each in seconds if each < LONGEST_SECONDS]
    if len(counted) < 10:
        return USUAL_MINUTES, False
    return max(round(median(counted) / 60, 1), 0.1), True


def _samples(access: StudyAccess, drawn: Draw, hidden: frozenset[str], phrases: list[str]) -> list[Sample]:
    """The first drawn text of each arm."""
    firsts = (
        Transcript.objects.filter(pk__in=list(transcripts_of(drawn))[:2_000])
        .order_by("arm_id", "pk")
        .distinct("arm_id")
        .select_related("arm")
    )
    try:
        seen = _as_seen(access, list(firsts), hidden, phrases)
    except ValueError as error:  # a phrase that cannot be looked for
        raise Invalid(str(error), {"mask_phrases": str(error)}) from error
    return [_sample(each) for each in seen]


def _as_seen(
    access: StudyAccess, transcripts: list[Transcript], hidden: frozenset[str], phrases: list[str]
) -> list[Shown]:
    blind = replace(access, hidden=hidden)
    round = Round(study=access.study, mask_phrases=phrases)  # stored nowhere; what is hidden, ``blind`` says
    tasks = [Task(pk=transcript.pk, round=round, transcript_id=transcript.pk) for transcript in transcripts]
    return list(shown_all(blind, tasks).values())


def _sample(seen: Shown) -> Sample:
    side = seen.sides[0]
    arm = side.transcript.arm
    return Sample(
        arm=arm.name,
        role=arm.role,
        n_masked=sum(len(each.offsets.masks) for each in side.masked),
        messages=render_messages(side.messages[:LONGEST_PREVIEW]),
        is_cut=len(side.messages) > LONGEST_PREVIEW,
    )
