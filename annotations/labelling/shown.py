"""A task's text as the person who labels it sees it, and the way back to what is stored.

The only place where a task's text is got for labelling: the page, the API and saving all come here, so they
cannot differ in what they hide. Where the arm is hidden, the text is masked (:mod:`annotations.masking`); the two
transcripts of a pair stand in an order of this person's own and are called 1, 2, …, never by their ids.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from annotations.masking import Masked, OffsetMap, Stretch, differing, mask, phrases, telling
from annotations.models import Round, Task, Unblinding
from annotations.payload import Payload
from transcripts.models import Transcript, TranscriptBody
from transcripts.records import Message

if TYPE_CHECKING:
    from transcripts.access import StudyAccess

OPENING_ROLES = ("system", "user")


@dataclass(frozen=True)
class Side:
    """One transcript of a task. ``number`` is 0 where the unit is one transcript, else 1, 2, … as it is shown."""

    number: int
    transcript: Transcript
    stored: Sequence[Message]
    masked: Sequence[Masked]

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        return tuple(each.message for each in self.masked)

    def offsets(self, message: int) -> OffsetMap:
        return self.masked[message].offsets


@dataclass(frozen=True)
class Shown:
    sides: tuple[Side, ...]
    hidden: frozenset[str]  # what this person may not know of this task

    @property
    def is_pair(self) -> bool:
        return self.sides[0].number > 0

    @property
    def is_masked(self) -> bool:
        return any(each.offsets.masks for side in self.sides for each in side.masked)

    @property
    def texts(self) -> dict[int, Sequence[Message]]:
        """The messages as shown, by side, as :func:`annotations.payload.check` wants them."""
        return {side.number: side.messages for side in self.sides}

    @cached_property
    def sha256(self) -> str:
        """Of what is shown: the stored text's where nothing is masked and it is one transcript."""
        if not self.is_pair and not self.is_masked:
            return bytes(self.sides[0].transcript.content_sha256).hex()
        digest = hashlib.sha256()
        for side in self.sides:
            for message in side.messages:
                for part in (message.role, message.text):
                    encoded = part.encode()
                    digest.update(len(encoded).to_bytes(8) + encoded)
            digest.update(b"\xff")
        return digest.hexdigest()

    def _side(self, number: int) -> Side:
        return next(side for side in self.sides if side.number == number)

    def stored(self, said: Payload) -> tuple[Payload, dict[str, str]]:
        """What was said of the shown text, of the stored text; and problems of spans that hold nothing but masks
        of nothing."""
        problems: dict[str, str] = {}
        spans = []
        for span in said.spans:
            side = self._side(span.transcript)
            start, end = side.offsets(span.message).to_stored(span.start, span.end)
            if start == end:
                problems["spans"] = "A span holds nothing but a mask under which this transcript has no text."
                continue
            pk = side.transcript.pk if side.number else 0
            quote = side.stored[span.message].text[start:end]
            spans.append(replace(span, start=start, end=end, quote=quote, transcript=pk))
        if problems:
            return said, problems
        places: dict[int, Sequence[Any]] = {}
        for number, found in said.places.items():
            side = self._side(number)
            places[self._key(side)] = [
                replace(each, place=self._stored_place(side, each.place)) for each in found
            ]
        sides = {self._key(self._side(number)): answers for number, answers in said.sides.items()}
        # Where a mask joins what was two stretches, the same label may have come twice.
        unique = {span.place: span for span in sorted(spans, key=lambda span: span.place)}
        return replace(said, sides=sides, places=places, spans=list(unique.values())), {}

    @staticmethod
    def _key(side: Side) -> int:
        return side.transcript.pk if side.number else 0

    def _stored_place(self, side: Side, where: Any) -> Any:
        if where.start is None:
            return where
        message = side.messages[where.message]
        at = next(n for n, segment in enumerate(message.segments) if segment.start == where.start)
        return replace(where, start=side.stored[where.message].segments[at].start)

    def shown(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """A stored payload as this person may see it: their offsets, their quotes, their names of the sides."""
        if not self.is_pair and not self.is_masked:
            return dict(payload)
        by_key = {self._key(side): side for side in self.sides}
        found = dict(payload)
        found["spans"] = list(self._shown_spans(payload.get("spans", ()), by_key))
        if "places" in payload:
            found["places"] = list(self._shown_places(payload["places"], by_key))
        if "sides" in payload:
            numbered = {
                by_key[int(pk)].number: answers
                for pk, answers in payload["sides"].items()
                if int(pk) in by_key
            }
            found["sides"] = {str(number): numbered[number] for number in sorted(numbered)}
        return found

    def _shown_spans(
        self, spans: Sequence[Mapping[str, Any]], by_key: Mapping[int, Side]
    ) -> Iterator[dict[str, Any]]:
        for span in spans:
            side = by_key.get(span.get("transcript", 0))
            if side is None:
                continue
            start, end = side.offsets(span["message"]).to_shown(span["start"], span["end"])
            quote = side.messages[span["message"]].text[start:end]
            named = {"transcript": side.number} if side.number else {}
            yield {**span, "start": start, "end": end, "quote": quote, **named}

    def _shown_places(
        self, places: Sequence[Mapping[str, Any]], by_key: Mapping[int, Side]
    ) -> Iterator[dict[str, Any]]:
        for each in places:
            side = by_key.get(each.get("transcript", 0))
            if side is None:
                continue
            start = each.get("start")
            moved = {} if start is None else {"start": side.offsets(each["message"]).edge_to_shown(start)}
            yield {**each, **moved, **({"transcript": side.number} if side.number else {})}


def hidden_in(access: StudyAccess, round: Round) -> frozenset[str]:
    """What this person may not know in this round: a lead who labels is as blind as the others until unblinded."""
    own = frozenset(round.hidden)
    if own and Unblinding.objects.filter(round=round, user=access.user).exists():
        own = frozenset()
    return access.hidden | own


def shown(access: StudyAccess, task: Task) -> Shown:
    """The task's text for this person. Three queries; two more where the arm is hidden."""
    return shown_all(access, [task])[task.pk]


def shown_all(access: StudyAccess, tasks: Iterable[Task]) -> dict[int, Shown]:
    """The same for many tasks of this study by their ids, in as many queries for each of their rounds."""
    by_round: dict[int, list[Task]] = defaultdict(list)
    for task in tasks:
        by_round[task.round_id].append(task)
    found: dict[int, Shown] = {}
    for of_round in by_round.values():
        found |= _shown_in(access, of_round[0].round, of_round)
    return found


def _shown_in(access: StudyAccess, round: Round, tasks: Sequence[Task]) -> dict[int, Shown]:
    hidden = hidden_in(access, round)
    sides = {
        task.pk: [task.transcript_id]
        if task.transcript_id is not None
        else _in_own_order(task, access.user.pk)
        for task in tasks
    }
    bodies = (
        TranscriptBody.objects.select_related("transcript__run", "transcript__arm")
        .filter(transcript__study=access.study)
        .in_bulk({pk for each in sides.values() for pk in each})
    )
    if "arm" in hidden:
        pattern = phrases(round.mask_phrases)
        others = _openings_of_others(list(bodies.values()))
        masked = {pk: _mask_all(body.messages, others[pk], pattern) for pk, body in bodies.items()}
    else:
        masked = {pk: [mask(message, ()) for message in body.messages] for pk, body in bodies.items()}
    return {
        task.pk: Shown(
            tuple(
                Side(
                    0 if task.transcript_id is not None else number,
                    bodies[pk].transcript,
                    bodies[pk].messages,
                    masked[pk],
                )
                for number, pk in enumerate((pk for pk in sides[task.pk] if pk in bodies), start=1)
            ),
            hidden,
        )
        for task in tasks
    }


def _in_own_order(task: Task, user: int) -> list[int]:
    """The sides in an order by seed, person and task: which comes first says nothing of the arm."""

    def mixed(pk: int) -> bytes:
        return hashlib.blake2b(f"{task.round.seed}:{user}:{task.pk}:{pk}".encode()).digest()

    return sorted(task.sides, key=mixed)


Opening = tuple[tuple[str, tuple[str, ...]], ...]  # texts by role, before the first answer


def opening(messages: Sequence[Message]) -> Opening:
    texts: dict[str, list[str]] = {role: [] for role in OPENING_ROLES}
    for message in messages:
        if message.role == "assistant":
            break
        if message.role in texts:
            texts[message.role].append(message.text)
    return tuple((role, tuple(found)) for role, found in texts.items())


def _openings_of_others(bodies: Sequence[TranscriptBody]) -> dict[int, tuple[Opening, ...]]:
    """For each transcript how its pair's other arms begin: by the first sample of each."""
    pairs = [body.transcript.pair_id for body in bodies]
    firsts = (
        Transcript.objects.filter(pair__in=pairs)
        .order_by("pair_id", "arm_id", "sample")
        .distinct("pair_id", "arm_id")
        .values_list("pk", "pair_id", "arm_id")
    )
    places = {pk: (pair, arm) for pk, pair, arm in firsts}
    by_pair: dict[int, dict[int, Opening]] = defaultdict(dict)
    for body in TranscriptBody.objects.filter(pk__in=places):
        pair, arm = places[body.pk]
        by_pair[pair][arm] = opening(body.messages)
    return {
        body.pk: tuple(
            sorted(
                {
                    found
                    for arm, found in by_pair[body.transcript.pair_id].items()
                    if arm != body.transcript.arm_id
                }
            )
        )
        for body in bodies
    }


def _mask_all(messages: Sequence[Message], others: tuple[Opening, ...], pattern: Any) -> list[Masked]:
    masked, seen, is_opening = [], dict.fromkeys(OPENING_ROLES, 0), True
    for message in messages:
        is_opening = is_opening and message.role != "assistant"
        stretches: list[Stretch] = telling(message.text, pattern)
        if is_opening and message.role in seen and others:
            counterparts = tuple(_counterpart(other, message.role, seen[message.role]) for other in others)
            stretches += _differing(message.text, counterparts)
            seen[message.role] += 1
        masked.append(mask(message, stretches))
    return masked


def _counterpart(other: Opening, role: str, number: int) -> str:
    texts = dict(other)[role]
    return texts[number] if number < len(texts) else ""


@lru_cache(maxsize=512)
def _differing(text: str, others: tuple[str, ...]) -> tuple[Stretch, ...]:
    # A study has few system prompts and thousands of tasks.
    return tuple(differing(text, others))
