"""What the arms of a pair do not share: their prompts, shown once, and the outputs of the samples shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from transcripts.differences import Piece, compare, count_words, join_changes, shorten
from transcripts.models import Transcript
from transcripts.records import Message
from transcripts.rendering import Mark, visible
from transcripts.side_by_side import ArmSamples

TITLES = {"system": "System prompt", "user": "User message"}
SHORT_ENOUGH = 1_500  # characters of a user message that is shown whole: it is the question that was asked
EXCERPT = 3_000  # characters of a prompt that is the same in all arms, unless it is asked for in full
COMPARED = 20_000  # characters of either sample's output that are compared
WORDS = 3_000  # tokens of either output that are compared word by word: measured at 40 ms at worst

Shown = Sequence[tuple[ArmSamples, Transcript]]


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
    """One arm's prompt against the first arm's. ``pieces`` are (kind, escaped text, characters)."""

    left: ArmSamples
    right: ArmSamples
    pieces: tuple[tuple[str, SafeString, int], ...]


@dataclass(frozen=True, slots=True)
class PromptPart:
    """The system prompt or the user's first words, of all arms at once.

    ``text`` is what they say if all say the same, cut by ``n_left_out`` characters. Otherwise ``differences``
    has every arm that differs from the first, and ``alike`` those that do not.
    """

    role: str
    title: str
    n_characters: int  # of the first arm
    n_common: int  # that all arms share with the first
    text: SafeString
    n_left_out: int
    differences: tuple[Difference, ...]
    alike: tuple[ArmSamples, ...]


def prompt_parts(shown: Shown, in_full: bool) -> list[PromptPart]:
    """The prompt's parts that any arm has; what is the same in them is shortened unless ``in_full``.

    A short user message is always whole.
    """
    found = []
    for role, title in TITLES.items():
        texts = [(arm, opening_text(transcript.body.content.messages, role)) for arm, transcript in shown]
        if any(text for _, text in texts):
            is_question = role == "user" and max(len(text) for _, text in texts) <= SHORT_ENOUGH
            found.append(_part(role, title, texts, in_full or is_question))
    return found


def _part(role: str, title: str, texts: Sequence[tuple[ArmSamples, str]], in_full: bool) -> PromptPart:
    first_arm, first = texts[0]
    compared = [(arm, compare(first, text)) for arm, text in texts[1:] if text != first]
    cut = max(0, len(first) - EXCERPT) if not (in_full or compared) else 0
    return PromptPart(
        role,
        title,
        len(first),
        min((_n_same(pieces) for _, pieces in compared), default=len(first)),
        SafeString() if compared else visible(first[: len(first) - cut]),
        cut,
        tuple(
            Difference(
                first_arm,
                arm,
                tuple(
                    (each.kind, visible(each.text), each.characters)
                    for each in (pieces if in_full else shorten(pieces))
                ),
            )
            for arm, pieces in compared
        ),
        tuple(arm for arm, text in texts[1:] if text == first) if compared else (),
    )


def _n_same(pieces: Sequence[Piece]) -> int:
    return sum(each.characters for each in pieces if each.kind == "same")


@dataclass(frozen=True, slots=True)
class Stretch:
    """``text[start:end)`` of message number ``message``, without its tags."""

    message: int
    start: int
    end: int
    text: str


def output_stretches(messages: Sequence[Message], within: range | None = None) -> list[Stretch]:
    """The outputs of a transcript's answers, in order, up to ``COMPARED`` characters in all."""
    found: list[Stretch] = []
    room = COMPARED
    for index in within if within is not None else range(len(messages)):
        message = messages[index]
        for segment in message.segments if message.role == "assistant" else ():
            if segment.kind != "output" or room <= 0:
                continue
            end = min(segment.inner_end, segment.inner_start + room)
            found.append(Stretch(index, segment.inner_start, end, message.text[segment.inner_start : end]))
            room -= end - segment.inner_start
    return found


def output_text(messages: Sequence[Message]) -> str:
    return "\n".join(stretch.text for stretch in output_stretches(messages))


@dataclass(frozen=True, slots=True)
class OutputsCompared:
    """Words of two outputs: how many both have, and only the left or the right one."""

    left: ArmSamples
    right: ArmSamples
    n_common: int
    n_left: int
    n_right: int
    is_cut: bool  # only the first COMPARED characters of either were compared


Marks = dict[int, dict[int, list[Mark]]]  # by transcript and message


def outputs_compared(shown: Shown, within: Mapping[int, range]) -> tuple[Marks, list[OutputsCompared]]:
    """What differs between the outputs of the first arm's sample and of each other one's, word by word.

    The marks of the first arm are those against the second. ``within`` has the messages shown, by transcript.
    """
    marks: Marks = {}
    figures = []
    for at, (arm, transcript) in enumerate(shown[1:]):
        first_arm, first = shown[0]
        sides = [
            output_stretches(each.body.content.messages, within.get(each.pk)) for each in (first, transcript)
        ]
        before, after = ("\n".join(stretch.text for stretch in side) for side in sides)
        pieces = join_changes(compare(before, after, WORDS))
        if at == 0:
            marks[first.pk] = _marked(sides[0], pieces, "removed", first_arm, arm)
        marks[transcript.pk] = _marked(sides[1], pieces, "added", arm, first_arm)
        words = dict.fromkeys(("same", "removed", "added"), 0)
        for piece in pieces:
            words[piece.kind] += count_words(piece.text)
        figures.append(
            OutputsCompared(
                first_arm,
                arm,
                words["same"],
                words["removed"],
                words["added"],
                any(sum(len(stretch.text) for stretch in side) >= COMPARED for side in sides),
            )
        )
    return marks, figures


def _marked(
    side: Sequence[Stretch], pieces: Sequence[Piece], kind: str, arm: ArmSamples, other: ArmSamples
) -> dict[int, list[Mark]]:
    """Marks over what only this side has; ``pieces`` run over its stretches joined by line ends."""
    found: dict[int, list[Mark]] = {}
    starts = []  # of each stretch in the joined text
    at = 0
    for stretch in side:
        starts.append(at)
        at += len(stretch.text) + 1
    at = 0
    for piece in pieces:
        if piece.kind not in ("same", kind):
            continue
        if piece.kind == kind and piece.text.strip():
            for stretch, start in zip(side, starts, strict=True):
                left = max(at, start)
                right = min(at + piece.characters, start + len(stretch.text))
                if left < right:
                    shift = stretch.start - start
                    mark = Mark(
                        left + shift,
                        right + shift,
                        f"only-here arm-{arm.role}",
                        f"not in the output of {other.name} beside it",
                    )
                    found.setdefault(stretch.message, []).append(mark)
        at += piece.characters
    return found
