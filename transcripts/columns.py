"""What one arm's column of a pair page shows: the messages of one sample, with its states."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transcripts.access import StudyAccess
from transcripts.models import Pair, Transcript
from transcripts.readers.json_values import pretty
from transcripts.records import Message
from transcripts.rendering import Mark, RenderedMessage, render_message
from transcripts.side_by_side import ArmSamples, Sample
from transcripts.wording import ANCHOR_WORDS, ROLE_ORDER, parse_state

MESSAGES = 50  # of one page; an agent's log goes on with the next
CHARACTERS = 300_000
FOLD_SYSTEM = 400
# Marks that open a folded prompt: what people wrote and what was searched for must not hide.
UNFOLDING = frozenset({"search", "mine", "others", "adjudicated"})


@dataclass(frozen=True, slots=True)
class Window:
    """The messages ``[start, end)`` that a page holds; ``next`` is where the following page starts, or 0."""

    start: int
    end: int
    total: int

    @property
    def next(self) -> int:
        return self.end if self.end < self.total else 0

    @property
    def previous(self) -> int:
        return max(0, self.start - MESSAGES)

    @property
    def is_whole(self) -> bool:
        return self.start == 0 and self.end == self.total


def window(messages: Sequence[Message], first: int) -> Window:
    """From message ``first`` on: at least one, then as many as a page bears."""
    start = min(first, max(0, len(messages) - 1))
    end, characters = start, 0
    while end < len(messages) and end - start < MESSAGES:
        characters += len(messages[end].text)
        if characters > CHARACTERS and end > start:
            break
        end += 1
    return Window(start, end, len(messages))


def arms_of(pair: Pair, access: StudyAccess) -> list[ArmSamples]:
    """All samples of a pair by arm: monitored first, then unmonitored, then the others. One query."""
    arms: dict[int, tuple[str, str, list[Sample]]] = {}
    rows = pair.transcripts.order_by("sample", "id").values_list(
        "arm_id", "arm__name", "arm__role", "id", "sample", "outcome", "parse_state", "n_characters"
    )
    for arm, name, role, pk, sample, outcome, state, length in rows:
        known = outcome if access.shows("judge") else ""
        arms.setdefault(arm, (name, role, []))[2].append(Sample(pk, sample, known, state, length))
    found = [ArmSamples(arm, name, role, tuple(samples)) for arm, (name, role, samples) in arms.items()]
    return sorted(found, key=lambda arm: (ROLE_ORDER.index(arm.role), arm.name, arm.arm))


def column(
    arm: ArmSamples,
    transcript: Transcript,
    first: int,
    access: StudyAccess,
    beside_others: bool = False,
    marks: Mapping[int, Sequence[Mark]] | None = None,
) -> dict[str, Any]:
    """The text of one sample with its states, ready for a template. Needs the transcript's body.

    ``beside_others`` folds the prompt, which a pair page shows once above all arms, unless a person's span or
    a search match stands in it. ``marks`` are by message.
    """
    content = transcript.body.content
    messages = content.messages
    here = window(messages, first)
    marks = marks or {}
    shown: list[RenderedMessage] = [
        render_message(at, messages[at], marks.get(at, ())) for at in range(here.start, here.end)
    ]
    answer = next((at for at, message in enumerate(messages) if message.role == "assistant"), len(messages))
    prefix = f"arm-{arm.arm}-"
    jumps: dict[str, str] = {}
    for message in shown:
        for segment in message.segments if message.role == "assistant" else ():
            jumps.setdefault(segment.kind, f"{prefix}segment-{message.index}-{segment.start}")
    return {
        "arm": arm,
        "prefix": prefix,
        "title": arm.role.capitalize() if arm.role != "other" else arm.name,
        # An arm that is called like its role needs no second name.
        "name": arm.name if arm.role != "other" and arm.name.lower() != arm.role else "",
        "transcript": transcript,
        "parse": parse_state(transcript.parse_state),
        "outcome": transcript.outcome if access.shows("judge") else "",
        "verdicts": _verdicts(transcript) if access.shows("judge") else (),
        "messages": [
            {
                "message": message,
                "folded": message.index < answer
                and _is_folded(message, marks.get(message.index, ()), beside_others),
            }
            for message in shown
        ],
        "window": here,
        "jumps": [(kind, jumps[kind]) for kind in ("scratchpad", "draft", "output") if kind in jumps],
    }


def _is_folded(message: RenderedMessage, marks: Sequence[Mark], beside_others: bool) -> bool:
    """Whether a message before the first answer starts closed."""
    if beside_others and message.role in ("system", "user"):
        return all(mark.layer not in UNFOLDING for mark in marks)
    return message.role == "system" and message.characters > FOLD_SYSTEM


def _verdicts(transcript: Transcript) -> list[dict[str, Any]]:
    """What the judges said, with how many of their quotes are really there."""
    found = []
    for verdict in transcript.verdicts.all():
        said = verdict.said
        counts = Counter(quote["anchor"] for quote in said["quotes"])
        anchors = [(words, counts[anchor]) for anchor, words in ANCHOR_WORDS.items() if counts[anchor]]
        detail = {key: value for key, value in said["detail"].items() if key != "value"}
        found.append({**said, "anchors": anchors, "detail_json": pretty(detail) if detail else ""})
    return found
