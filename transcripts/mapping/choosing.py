"""Which field of a file is the prompt, the response, the arm and so on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from transcripts.mapping.arms import is_yes_or_no, role_said
from transcripts.mapping.cells import is_messages, messages_in_cell
from transcripts.mapping.names import POSSIBLE, SCORE_WORDS, SPEAKS_OF_ARM, USUAL, usual_spelling, words_of
from transcripts.mapping.paths import MISSING, last_word, value_at
from transcripts.mapping.survey import MESSAGES, TEXT, TEXTS, WHOLE, YES_NO, Field
from transcripts.mapping.validation import MAX_SCORES

SURE, GUESS = "sure", "guess"

_LONG = 40  # characters, on average: shorter text is hardly a transcript
_ARMS = 10  # distinct values: what has more is no arm
_SCORES = 12
_OUTCOME_WORDS = frozenset(["complied", "refused", "accept", "accepted", "reject", "rejected", "refusal"])


@dataclass(frozen=True, slots=True)
class Choice:
    """``field`` of the file seems to be ``target`` (a field of ours, or scores): why, and how sure that is."""

    target: str
    field: str
    why: str
    confidence: str


class Chooser:
    """The choices for one file. Every field is chosen once at most."""

    def __init__(self, rows: Sequence[Mapping[str, Any]], fields: Mapping[str, Field]) -> None:
        self.rows = rows
        self.fields = fields
        self.by_name: dict[str, list[Field]] = {}
        for field in fields.values():
            parts = usual_spelling(field.path).split(".")
            for length in (1, 2, 3, 4):
                if length <= len(parts):
                    self.by_name.setdefault(".".join(parts[-length:]), []).append(field)
        self.found: dict[str, Choice] = {}
        self.scores: list[Choice] = []

    @property
    def is_sure(self) -> bool:
        """Whether a file may be read so without asking."""
        sure = {choice.target for choice in self.choices if choice.confidence == SURE}
        return "messages" in sure if "messages" in self.found else {"prompt", "response"} <= sure

    @cached_property
    def choices(self) -> tuple[Choice, ...]:
        """What every field was chosen for; scores last."""
        self._choose_texts()
        for target in ("model", "checkpoint", "training_step", "goal_nudge"):
            self._by_name(target, _FITS[target])
        self._choose_arm()
        self._choose_ids()
        self._by_name("label", _is_short)
        if "label" in self.found:
            self._by_name("annotator", _is_short)
        self._by_name("setting", _is_short)
        self._by_name("family", _has_few)
        self._choose_scores()
        return (*self.found.values(), *self.scores)

    def _choose_texts(self) -> None:
        self._by_name("messages", lambda field: field.kind == MESSAGES)
        if "messages" not in self.found and "prompt" not in self._names_of(MESSAGES):
            self._first("messages", self._of_kind(MESSAGES), "it holds messages with roles")
        if "messages" in self.found and self._ends_with_assistant():
            return
        self._by_name("response", _is_response)
        self._by_name("scratchpad", _is_text)
        self._by_name("system", _is_text)
        if "messages" not in self.found:
            self._by_name("prompt", lambda field: _is_text(field) or field.kind == MESSAGES)
            unnamed = (field for field in self._of_kind(TEXT, TEXTS) if not self._is_named(field))
            longest = sorted(unnamed, key=lambda field: -field.mean_length)
            long = [field for field in longest if field.mean_length >= _LONG]
            # Of two long texts the one that repeats less is the response: a prompt comes once in each arm.
            if "response" not in self.found:
                long = [*sorted(long[:2], key=lambda field: -len(field.distinct)), *long[2:]]
                self._first("response", long, "it is a long text")
            taken = self._taken()
            self._first("prompt", (field for field in long if field.path not in taken), "it is a long text")

    def _choose_arm(self) -> None:
        speaking = [field for field in self._free() if usual_spelling(last_word(field.path)) in SPEAKS_OF_ARM]
        self._by_name("arm", _may_be_arm, SURE)
        self._first("arm", [f for f in speaking if _roles(f)], "its values speak of an arm")
        self._by_name("arm", _may_be_arm, GUESS)
        both = (field for field in self._free() if _may_be_arm(field) and len(_roles(field)) == 2)
        self._first("arm", both, "its values speak of both arms")

    def _choose_ids(self) -> None:
        for field in self.by_name.get("id", []):
            # An id that comes in several rows is that of a prompt, one that does not is that of a transcript.
            if len(field.values) < field.n_filled and "prompt_id" not in self.found:
                self._by_name("prompt_id", lambda field: field.is_short and field.n_filled > 0)
        self._by_name("external_id", lambda field: field.is_short and len(field.values) == field.n_filled)
        self._by_name("prompt_id", lambda field: field.is_short and field.n_filled > 0)
        self._by_name("sample", lambda field: field.is_whole and self._tells_apart(field))
        numbers = (f for f in self._of_kind(WHOLE) if f.is_whole and len(f.values) < f.n_filled)
        if self._repeats():
            counting = (f for f in numbers if _is_counting(f) and self._tells_apart(f))
            self._first("sample", counting, "it counts the answers to one prompt")

    def _choose_scores(self) -> None:
        for field in self._free():
            if not (field.is_short and field.n_filled):
                continue
            named = words_of(last_word(field.path)) & SCORE_WORDS or (
                "." in field.path and words_of(field.path.split(".")[-2]) & SCORE_WORDS
            )
            words = {usual_spelling(value) for value in field.values}
            if named:
                why = "its name speaks of a judge"
            elif words & _OUTCOME_WORDS and len(words) <= _SCORES:
                why = "its values speak of complying and refusing"
            else:
                continue
            self.scores.append(Choice("scores", field.path, why, GUESS))
            if len(self.scores) == MAX_SCORES:
                return

    def _by_name(self, target: str, fits: Callable[[Field], bool], only: str = "") -> None:
        """Choose the first free field with a usual name for the target, then with a possible one."""
        for table, confidence in ((USUAL, SURE), (POSSIBLE, GUESS)):
            if target in self.found or only not in ("", confidence):
                continue
            ranked = [f for f in self._named(table.get(target, ())) if fits(f)]
            if not ranked:
                continue
            field = ranked[0]
            why = f"“{last_word(field.path)}” is a usual name for it"
            if confidence == GUESS:
                why = f"“{last_word(field.path)}” may be a name for it"
            elif "." in field.path and field.path.split(".")[0] != field.path:
                why, confidence = f"{why}, but it stands inside “{field.path.split('.')[0]}”", GUESS
            elif target in ("prompt", "response") and (rival := self._rival(target, ranked)):
                why, confidence = f"{why}, but so is “{last_word(rival.path)}”", GUESS
            self.found[target] = Choice(target, field.path, why, confidence)

    def _rival(self, target: str, ranked: list[Field]) -> Field | None:
        """Another field at the top whose name says as plainly that it is the target."""
        plain = _PLAIN[target]
        if usual_spelling(ranked[0].path) not in plain:
            return None
        others = (f for f in ranked[1:] if usual_spelling(f.path) in plain)
        return next((f for f in others if f.distinct != ranked[0].distinct), None)

    def _first(self, target: str, fields: Iterator[Field] | Sequence[Field], why: str) -> None:
        if target not in self.found and (field := next(iter(fields), None)):
            self.found[target] = Choice(target, field.path, why, GUESS)

    def _named(self, names: Sequence[str]) -> list[Field]:
        """The free fields of these names: those at the top first, then in the order of the names."""
        taken = self._taken()
        fields = [field for name in names for field in self.by_name.get(name, []) if field.path not in taken]
        return sorted(fields, key=lambda field: field.path.count("."))

    def _free(self) -> Iterator[Field]:
        taken = self._taken()
        return (field for field in self.fields.values() if field.path not in taken)

    def _of_kind(self, *kinds: str) -> list[Field]:
        return [field for field in self._free() if field.kind in kinds]

    def _is_named(self, field: Field) -> bool:
        """Whether a field has the usual name of something, and so is not guessed to be anything else."""
        name = usual_spelling(last_word(field.path))
        return any(name in names for names in USUAL.values())

    def _names_of(self, kind: str) -> set[str]:
        """What the fields of a kind seem to be by their names."""
        names = {usual_spelling(field.path) for field in self._of_kind(kind)}
        return {target for target, usual in USUAL.items() if names & set(usual)}

    def _taken(self) -> set[str]:
        return {choice.field for choice in self.found.values()}

    def _ends_with_assistant(self) -> bool:
        path = self.found["messages"].field
        values = (value_at(row, path) for row in self.rows[:20])
        for value in values:
            messages = messages_in_cell(value) if isinstance(value, str) else value
            if messages and is_messages(messages):
                return bool(messages[-1]["role"] in ("assistant", "tool"))
        return False

    def _keys(self, more: str = "") -> list[int]:
        """For each row, what tells it from the others: prompt, model, arm (and ``more``, where it has a value)."""
        names = ("prompt_id", "prompt", "messages", "system", "model", "setting", "checkpoint", "arm")
        paths = [self.found[name].field for name in names if name in self.found]
        keys = []
        for row in self.rows:
            last = value_at(row, more) if more else MISSING
            if more and (last is None or last is MISSING or last == ""):
                continue
            keys.append(hash((*(_hashed(value_at(row, path)) for path in paths), _hashed(last))))
        return keys

    def _repeats(self) -> bool:
        keys = self._keys()
        return len(set(keys)) < len(keys)

    def _tells_apart(self, field: Field) -> bool:
        """Whether rows with one prompt, model and arm differ in this field. A file may hold a few rows twice."""
        keys = self._keys(field.path)
        return len(set(keys)) >= 0.9 * len(keys)


def _hashed(value: Any) -> int:
    """A hash of a value; of a container, of the texts it begins with."""
    if isinstance(value, dict):
        value = list(islice(value.values(), 20))
    if isinstance(value, list):
        texts = (item.get("content") if isinstance(item, dict) else item for item in value[:20])
        return hash((len(value), *(text for text in texts if isinstance(text, str | int | float))))
    return hash(None if value is MISSING else value)


# Names of which one is enough and two are a question.
_PLAIN = {
    "response": frozenset(USUAL["response"]) - {"raw", "raw_output", "raw_response", "answer"},
    "prompt": frozenset(USUAL["prompt"]),
}


def _is_text(field: Field) -> bool:
    return field.kind in (TEXT, TEXTS)


def _is_response(field: Field) -> bool:
    """A letter or a number can be a whole response, yes and no cannot."""
    return field.kind in (TEXT, TEXTS, WHOLE, "number") and field.n_filled > 0


def _is_short(field: Field) -> bool:
    return field.is_short and field.n_filled > 0


def _has_few(field: Field) -> bool:
    return (
        field.is_short
        and field.kind != YES_NO
        and (len(field.values) <= 1 or 2 * len(field.values) <= field.n_filled)
    )


def _may_be_arm(field: Field) -> bool:
    if not field.is_short or not 0 < len(field.values) <= _ARMS:
        return False
    # Yes and no are arms only under a name that says of what.
    return bool(_roles(field)) or not all(is_yes_or_no(value) for value in field.values)


def _roles(field: Field) -> set[str]:
    """The roles that a field's values speak of."""
    if not field.is_short or len(field.values) > _ARMS:
        return set()
    key = last_word(field.path)
    return {role for value in field.values if (role := role_said(key, value)[0])}


def _is_counting(field: Field) -> bool:
    """Whether the values are numbers without gaps from 0 or 1."""
    numbers = {int(float(value)) for value in field.values}
    return min(numbers) in (0, 1) and max(numbers) - min(numbers) == len(numbers) - 1


_FITS: dict[str, Callable[[Field], bool]] = {
    "model": _is_short,
    "checkpoint": _is_short,
    "training_step": lambda field: field.is_whole,
    "goal_nudge": _is_short,
}
