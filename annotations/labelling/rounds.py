"""Opening, pausing and closing rounds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import QuerySet

from annotations.labelling.conflicts import Invalid, LabellingConflict
from annotations.models import CodebookVersion, Round, RoundAnnotator, Task
from annotations.models.round import HIDEABLE
from annotations.ordering import sampled
from transcripts.models import Membership, Study, Transcript

if TYPE_CHECKING:
    from afdash.accounts.models import User

BATCH = 5_000
MAX_OVERLAP = 20
SEEDS = range(2**63)
# A closed round stays closed: its annotators may have looked at what it hid from them.
MOVES = {
    Round.State.OPEN: (Round.State.PAUSED, Round.State.CLOSED),
    Round.State.PAUSED: (Round.State.OPEN, Round.State.CLOSED),
    Round.State.CLOSED: (),
}
# Why nothing can be saved in a round: the code for programs, the sentence for people.
NOT_OPEN = {
    Round.State.PAUSED: (
        "round_paused",
        "This round is paused; nothing can be saved until the lead opens it again.",
    ),
    Round.State.CLOSED: ("round_closed", "This round is closed; nothing more can be saved in it."),
}
FACETS = {"judge": "judges’ verdicts", "peers": "others’ labels"}


def facet_words(facet: str) -> str:
    """What people call something that a round can hide."""
    return FACETS.get(facet, facet)


def open_round(
    study: Study,
    *,
    name: str,
    codebook_version: CodebookVersion,
    transcripts: QuerySet[Transcript] | Iterable[int],
    annotators: Sequence[User],
    overlap: int = 1,
    hidden: Iterable[str] = (),
    seed: int = 0,
    size: int | None = None,
    lease_minutes: int = 60,
    created_by: User | None = None,
) -> Round:
    """A new open round with a task for each transcript (or for a sample of ``size``), in seeded order.

    Raises Invalid, with the field's name, when it makes no sense; makes nothing then.
    """
    hidden = sorted(set(hidden))
    if not name.strip():
        raise Invalid("Give the round a name.", {"name": "Give the round a name."})
    if codebook_version.codebook.study_id != study.pk:
        raise Invalid("No such codebook.", {"codebook_version": "This study has no such codebook version."})
    if codebook_version.codebook.imported_from:
        raise Invalid(
            "Codebook.",
            {
                "codebook_version": "This codebook was made from imported labels; make one of your own for a round."
            },
        )
    if unknown := [facet for facet in hidden if facet not in HIDEABLE]:
        raise Invalid("Unknown.", {"hidden": f"{unknown[0]!r} is none of {', '.join(HIDEABLE)}."})
    if not 1 <= overlap <= MAX_OVERLAP:
        raise Invalid("Overlap.", {"overlap": f"Give 1 to {MAX_OVERLAP} annotators per task."})
    if overlap > len({user.pk for user in annotators}):
        raise Invalid("Overlap.", {"overlap": "The overlap is larger than the number of annotators."})
    if seed not in SEEDS:
        raise Invalid("Seed.", {"seed": "The seed must be a whole number, 0 or more."})
    may_label = set(
        Membership.objects.filter(study=study, role__in=["annotator", "lead"]).values_list(
            "user_id", flat=True
        )
    )
    if strangers := [user for user in annotators if user.pk not in may_label]:
        raise Invalid("Annotators.", {"annotators": f"{strangers[0]} does not label in this study."})
    if isinstance(transcripts, QuerySet):
        transcripts = transcripts.filter(study=study).order_by().values_list("pk", flat=True)
    else:
        transcripts = Transcript.objects.filter(study=study, pk__in=list(transcripts)).values_list(
            "pk", flat=True
        )
    units = sampled(seed, transcripts.iterator(chunk_size=BATCH), size)
    if not units:
        raise Invalid("Nothing to label.", {"transcripts": "No transcript fits this choice."})
    with transaction.atomic():
        made = Round.objects.create(
            study=study,
            name=name.strip(),
            codebook_version=codebook_version,
            overlap=overlap,
            hidden=hidden,
            seed=seed,
            lease_minutes=lease_minutes,
            created_by=created_by,
        )
        RoundAnnotator.objects.bulk_create(
            RoundAnnotator(round=made, user_id=pk) for pk in sorted({user.pk for user in annotators})
        )
        for start in range(0, len(units), BATCH):
            Task.objects.bulk_create(
                Task(round=made, transcript_id=unit, position=start + number, slots=overlap)
                for number, unit in enumerate(units[start : start + BATCH])
            )
    return made


def change_state(round: Round, state: str) -> None:
    """Open, pause or close; raises LabellingConflict if the round is in a state that forbids it."""
    if state not in Round.State.values:
        known = ", ".join(Round.State.values)
        raise Invalid(f"{state[:20]!r} is none of {known}.", {"state": f"one of {known}"})
    before = [old for old, new in MOVES.items() if state in new]
    if not Round.objects.filter(pk=round.pk, state__in=before).update(state=state):
        now = Round.objects.values_list("state", flat=True).get(pk=round.pk)
        if now != state:
            raise LabellingConflict("round_closed", "A closed round cannot be opened again; make a new one.")
    round.state = state
