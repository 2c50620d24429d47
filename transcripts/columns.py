"""What one arm's column of a pair page shows, and what differs between two of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from transcripts.access import StudyAccess
from transcripts.differences import compare, shorten
from transcripts.models import Pair, Transcript
from transcripts.readers.json_values import pretty
from transcripts.records import Message
from transcripts.rendering import RenderedMessage, render_message, visible
from transcripts.side_by_side import ArmSamples, Sample
from transcripts.wording import ANCHOR_WORDS, ROLE_ORDER, parse_state

MESSAGES = 50  # of one page; an agent's log goes on with the next
CHARACTERS = 300_000
FOLD_SYSTEM = 400
FOLD_PROMPT = 160


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
        "arm_id", "arm__name", "arm__role", "id", "sample", "outcome", "parse_state"
    )
    for arm, name, role, pk, sample, outcome, state in rows:
        known = outcome if access.shows("judge") else ""
        arms.setdefault(arm, (name, role, []))[2].append(Sample(pk, sample, known, state))
    found = [ArmSamples(arm, name, role, tuple(samples)) for arm, (name, role, samples) in arms.items()]
    return sorted(found, key=lambda arm: (ROLE_ORDER.index(arm.role), arm.name, arm.arm))


def column(
    arm: ArmSamples, transcript: Transcript, first: int, access: StudyAccess, beside_others: bool = False
) -> dict[str, Any]:
    """The text of one sample with its states, ready for a template. Needs the transcript's body.

    ``beside_others`` folds the prompt, which the head of a pair page shows once for all arms.
    """
    content = transcript.body.content
    messages = content.messages
    here = window(messages, first)
    shown: list[RenderedMessage] = [render_message(at, messages[at]) for at in range(here.start, here.end)]
    answer = next((at for at, message in enumerate(messages) if message.role == "assistant"), len(messages))
    folded_beyond = {"system": FOLD_SYSTEM, **({"user": FOLD_PROMPT} if beside_others else {})}
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
                "folded": message.characters > folded_beyond.get(message.role, message.characters),
            }
            if message.index < answer
            else {"message": message, "folded": False}
            for message in shown
        ],
        "window": here,
        "jumps": [(kind, jumps[kind]) for kind in ("scratchpad", "draft", "output") if kind in jumps],
    }


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


def opening_text(messages: Sequence[Message], role: str) -> str:
    """What ``role`` says before the first answer: where arms are told apart."""
    texts = []
    for message in messages:
        if message.role == "assistant":
            break
        if message.role == role:
            texts.append(message.text)
    return "\n\n".join(texts)


@dataclass(frozen=True, slots=True)
class Difference:
    """What two arms' prompts do not share. ``pieces`` are (kind, escaped text, characters)."""

    title: str
    left: str
    left_role: str
    right: str
    right_role: str
    pieces: tuple[tuple[str, SafeString, int], ...]
    n_common: int


def differences_between(shown: Sequence[tuple[ArmSamples, Transcript]]) -> list[Difference]:
    """System prompts and first user messages of the first arm against each other one, where they differ."""
    found = []
    for arm, transcript in shown[1:]:
        first_arm, first = shown[0]
        for role, title in (("system", "System prompt"), ("user", "User message")):
            before = opening_text(first.body.content.messages, role)
            after = opening_text(transcript.body.content.messages, role)
            if before == after:
                continue
            pieces = compare(before, after)
            found.append(
                Difference(
                    title,
                    first_arm.name,
                    first_arm.role,
                    arm.name,
                    arm.role,
                    tuple((each.kind, visible(each.text), each.characters) for each in shorten(pieces)),
                    sum(each.characters for each in pieces if each.kind == "same"),
                )
            )
    return found
