"""Which transcripts and pairs a list shows, as its address says: the same for pages and API.

Every filter is a row of one table, :data:`FIELDS`, to which other packages add theirs (:func:`register`).
What is not in the table does not exist, so nothing that a browser sends ever becomes a column name. A pair
passes the filters of its samples if one of its samples passes all of them. A filter given several times lets
each of its values pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_
from typing import Any
from urllib.parse import urlencode

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import QueryDict

from transcripts.access import StudyAccess
from transcripts.models import Arm, Pair, Transcript
from transcripts.outcomes import OUTCOMES
from transcripts.packed import BAND_OF, NO_SCORE, NO_VERDICT
from transcripts.search.conditions import matching
from transcripts.search.query import BadQuery
from transcripts.search.query import parse as parse_query
from transcripts.segments import PARSE_STATES

MAX_LENGTH = 500
MAX_ID = 2**63 - 1
MAX_VALUES = 50  # of one filter
SEARCH = "q"


class BadFilter(ValueError):
    """The address asks for something that there is not; the message is a sentence for who sent it."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True, slots=True)
class Field:
    """One filter. ``column`` is of a transcript; ``pair_column`` of a pair, "" if only its samples have it."""

    name: str
    label: str
    column: str
    pair_column: str
    kind: str  # id, text, choice or search (one value, and an empty one is none)
    choices: tuple[str, ...] = ()
    hidden_with: str = ""  # the facet of a round's blinding that hides this filter
    # Instead of a column: the condition that a transcript meets. Raises BadFilter for a value that cannot be.
    condition: Callable[[StudyAccess, Any], Q] | None = None
    pair_condition: Callable[[StudyAccess, Any], Q] | None = None  # of a pair itself, not of its samples
    # Its facet: (value, words, number of transcripts) of those that pass all other filters, most first.
    counts: Callable[[StudyAccess, QuerySet[Transcript]], Sequence[tuple[Any, str, int]]] | None = None
    # Whether this reader has this filter at all; the others get the same answer as for one that does not exist.
    offered: Callable[[StudyAccess], bool] | None = None


def _searched(access: StudyAccess, value: str) -> Q:
    try:
        return matching(parse_query(value), access.study)
    except BadQuery as error:
        raise BadFilter(SEARCH, str(error)) from error


def _scored(access: StudyAccess, value: str) -> Q:
    band = BAND_OF[value]
    if value == NO_SCORE:
        return Q(judge_score__isnull=True)
    low = Q() if band.low is None else Q(judge_score__gte=band.low)
    return low & (Q(judge_score__isnull=False) if band.high is None else Q(judge_score__lt=band.high))


FIELDS: list[Field] = [
    Field(SEARCH, "search", "", "", "search", condition=_searched),
    Field("run", "run", "run_id", "run_id", "id"),
    Field("model", "model", "run__model", "run__model", "text"),
    Field("setting", "setting", "run__setting", "run__setting", "text"),
    Field("checkpoint", "checkpoint", "run__checkpoint", "run__checkpoint", "text"),
    Field("family", "family", "prompt__family", "prompt__family", "text"),
    Field("prompt", "prompt", "prompt_id", "prompt_id", "id"),
    Field("arm", "arm", "arm_id", "", "id"),
    Field("role", "role", "arm__role", "", "choice", tuple(Arm.Role.values)),
    Field("parse_state", "parse state", "parse_state", "", "choice", tuple(PARSE_STATES)),
    Field("outcome", "judge’s outcome", "outcome", "", "choice", (*OUTCOMES, NO_VERDICT), "judge"),
    Field("score", "judge’s score", "", "", "choice", tuple(BAND_OF), "judge", condition=_scored),
    Field("ingest", "ingest", "ingest_id", "", "id"),
]
BY_NAME = {each.name: each for each in FIELDS}


def register(field: Field) -> None:
    """Add a filter of another package. Called when the application starts; twice is once."""
    if field.name not in BY_NAME:
        FIELDS.append(field)
        BY_NAME[field.name] = field


@dataclass(frozen=True)
class Filters:
    """What a reader asks for, checked: the values of each filter, in an order that depends on nothing else."""

    access: StudyAccess
    values: Mapping[str, tuple[int | str, ...]] = field(default_factory=dict)

    @property
    def hidden(self) -> frozenset[str]:
        """What the reader's open rounds hide."""
        return self.access.hidden

    @property
    def search(self) -> str:
        """What is searched for, "" if nothing is."""
        return str(self.values[SEARCH][0]) if SEARCH in self.values else ""

    def transcripts(self, rows: QuerySet[Transcript], but: str | Iterable[str] = ()) -> QuerySet[Transcript]:
        """``rows`` that pass, leaving the filters ``but`` aside."""
        return rows.filter(self._of_samples(self._but(but)))

    def pairs(self, rows: QuerySet[Pair], but: str | Iterable[str] = ()) -> QuerySet[Pair]:
        """Pairs that pass, by what they are themselves and by one sample at least."""
        asked = self._but(but)
        rows = rows.filter(self._of_pairs(asked))
        of_samples = [name for name in asked if is_of_samples(name)]
        if of_samples:
            samples = Transcript.objects.filter(self._of_samples(of_samples), pair=OuterRef("pk"))
            rows = rows.filter(Exists(samples))
        return rows

    def samples_of_pairs(self, rows: QuerySet[Transcript], but: Iterable[str] = ()) -> QuerySet[Transcript]:
        """Transcripts that pass, of pairs that pass: a pair is in the list if one of these is its."""
        asked = self._but(but)
        rows = rows.filter(self._of_samples([name for name in asked if is_of_samples(name)]))
        of_pairs = self._of_pairs([name for name in asked if not is_of_samples(name)])
        if of_pairs:
            rows = rows.filter(pair__in=Pair.objects.filter(of_pairs, study=self.access.study).values("pk"))
        return rows

    def _but(self, names: str | Iterable[str]) -> list[str]:
        left_out = {names} if isinstance(names, str) else set(names)
        return [name for name in self.values if name not in left_out]

    def _of_pairs(self, names: Iterable[str]) -> Q:
        found = Q()
        for name in names:
            wanted = BY_NAME[name]
            if wanted.pair_condition:
                found &= self._any_of(name, wanted.pair_condition)
            elif wanted.pair_column:
                found &= Q(**{f"{wanted.pair_column}__in": self._stored(name)})
        return found

    def _of_samples(self, names: Iterable[str]) -> Q:
        found = Q()
        for name in names:
            wanted = BY_NAME[name]
            if wanted.condition:
                found &= self._any_of(name, wanted.condition)
            elif wanted.column:
                found &= Q(**{f"{wanted.column}__in": self._stored(name)})
        return found

    def _any_of(self, name: str, condition: Callable[[StudyAccess, Any], Q]) -> Q:
        return reduce(or_, (condition(self.access, value) for value in self.values[name]))

    def _stored(self, name: str) -> list[int | str]:
        return ["" if name == "outcome" and value == NO_VERDICT else value for value in self.values[name]]

    def fields(self, **more: str | int) -> list[tuple[str, int | str]]:
        """Names and values of the address, in the table's order, with ``more`` behind."""
        given = [
            (each.name, value)
            for each in FIELDS
            if each.name in self.values
            for value in self.values[each.name]
        ]
        return [*given, *((name, value) for name, value in more.items() if value != "")]

    def query(self, **more: str | int) -> str:
        """The filters as a query string, with ``more`` behind; "" if there are none."""
        return urlencode(self.fields(**more))

    def having(self, name: str, value: int | str) -> Filters:
        """With this value of a filter besides those that it has; of a search, instead."""
        known = () if BY_NAME[name].kind == "search" else self.values.get(name, ())
        return replace(self, values={**self.values, name: _in_order({*known, value})})

    def without(self, name: str, value: int | str | None = None) -> Filters:
        """Without a filter, or without one value of it."""
        left = tuple(each for each in self.values.get(name, ()) if value is not None and each != value)
        others = {key: values for key, values in self.values.items() if key != name}
        return replace(self, values={**others, name: left} if left else others)

    def __bool__(self) -> bool:
        return bool(self.values)


def is_of_samples(name: str) -> bool:
    """Whether a pair passes this filter by one of its samples, not by what it is itself."""
    return not BY_NAME[name].pair_condition and not BY_NAME[name].pair_column


def _in_order(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(sorted(set(values)))


def names(access: StudyAccess) -> set[str]:
    """The filters that there are for this reader."""
    return {
        each.name
        for each in FIELDS
        if each.hidden_with not in access.hidden and (each.offered is None or each.offered(access))
    }


def parse(given: QueryDict, access: StudyAccess, besides: frozenset[str] = frozenset()) -> Filters:
    """The filters in an address; raises BadFilter. ``besides`` are parameters that mean something else."""
    values: dict[str, tuple[int | str, ...]] = {}
    for name in given:
        if name in besides:
            continue
        if name in BY_NAME and BY_NAME[name].hidden_with in access.hidden:
            raise BadFilter(name, "The source’s judge is hidden from you while your round is open.")
        if name not in names(access):
            known = ", ".join(sorted(names(access) | besides))
            raise BadFilter(name, f"There is no filter “{name[:60]}”. There are: {known}.")
        wanted, texts = BY_NAME[name], given.getlist(name)
        if wanted.kind == "search":
            texts = [text.strip() for text in texts if text.strip()]
        if not texts:
            continue
        if len(texts) > (most := 1 if wanted.kind == "search" else MAX_VALUES):
            often = "more than once" if most == 1 else f"more than {most} times"
            raise BadFilter(name, f"“{name}” is given {often}.")
        values[name] = _in_order(_value(wanted, text) for text in texts)
        for condition in (wanted.condition, wanted.pair_condition):
            for value in values[name] if condition else ():
                condition(access, value)
    return Filters(access, values)


def _value(wanted: Field, text: str) -> int | str:
    if wanted.kind == "id":
        # isascii: str.isdigit also takes digits that int() reads and no address of ours has.
        if not (text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) <= MAX_ID):
            raise BadFilter(wanted.name, f"“{wanted.name}” must be the number of one, not “{text[:60]}”.")
        return int(text)
    if wanted.kind == "choice":
        if text not in wanted.choices:
            raise BadFilter(
                wanted.name, f"“{wanted.name}” must be one of {', '.join(wanted.choices)}, not “{text[:60]}”."
            )
        return text
    if len(text) > MAX_LENGTH or "\x00" in text:
        raise BadFilter(wanted.name, f"“{wanted.name}” must be a text of at most {MAX_LENGTH} characters.")
    return text


def _stored(name: str, value: Any) -> Any:
    return "" if name == "outcome" and value == NO_VERDICT else value
