"""Which transcripts and pairs a list shows, as its address says: the same for pages and API.

Every filter is a row of one table, :data:`FIELDS`. What is not in the table does not exist, so nothing
that a browser sends ever becomes a column name. A pair passes the filters of its samples if one of its
samples passes all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.db.models import Exists, OuterRef, QuerySet
from django.http import QueryDict

from transcripts.models import Arm, Pair, Transcript
from transcripts.outcomes import OUTCOMES
from transcripts.segments import PARSE_STATES

MAX_LENGTH = 500
MAX_ID = 2**63 - 1
NO_VERDICT = "none"


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
    kind: str  # id, text or choice
    choices: tuple[str, ...] = ()
    hidden_with: str = ""  # the facet of a round's blinding that hides this filter


FIELDS = (
    Field("run", "run", "run_id", "run_id", "id"),
    Field("model", "model", "run__model", "run__model", "text"),
    Field("setting", "setting", "run__setting", "run__setting", "text"),
    Field("family", "family", "prompt__family", "prompt__family", "text"),
    Field("prompt", "prompt", "prompt_id", "prompt_id", "id"),
    Field("arm", "arm", "arm_id", "", "id"),
    Field("role", "role", "arm__role", "", "choice", tuple(Arm.Role.values)),
    Field("parse_state", "parse state", "parse_state", "", "choice", tuple(PARSE_STATES)),
    Field("outcome", "judge’s outcome", "outcome", "", "choice", (*OUTCOMES, NO_VERDICT), "judge"),
    Field("ingest", "ingest", "ingest_id", "", "id"),
)
BY_NAME = {each.name: each for each in FIELDS}


@dataclass(frozen=True)
class Filters:
    """What is asked for, checked. ``hidden`` is what the reader's open rounds hide."""

    values: Mapping[str, int | str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()

    def transcripts(self, rows: QuerySet[Transcript], but: str = "") -> QuerySet[Transcript]:
        """``rows`` that pass, leaving the filter ``but`` aside."""
        conditions = {
            BY_NAME[name].column: _stored(name, v) for name, v in self.values.items() if name != but
        }
        return rows.filter(**conditions)

    def pairs(self, rows: QuerySet[Pair], but: str = "") -> QuerySet[Pair]:
        """Pairs that pass, by what they are themselves and by one sample at least."""
        own = {
            BY_NAME[name].pair_column: _stored(name, value)
            for name, value in self.values.items()
            if name != but and BY_NAME[name].pair_column
        }
        rows = rows.filter(**own)
        of_samples = self.of_samples(but)
        if of_samples:
            rows = rows.filter(Exists(Transcript.objects.filter(pair=OuterRef("pk"), **of_samples)))
        return rows

    def of_samples(self, but: str = "") -> dict[str, int | str]:
        """The conditions that a pair can only meet through a sample."""
        return {
            BY_NAME[name].column: _stored(name, value)
            for name, value in self.values.items()
            if name != but and not BY_NAME[name].pair_column
        }

    def query(self, **more: str | int) -> str:
        """The filters as a query string, in the table's order, with ``more`` behind; "" if there are none."""
        given = [(each.name, self.values[each.name]) for each in FIELDS if each.name in self.values]
        return urlencode([*given, *((name, value) for name, value in more.items() if value != "")])

    def having(self, name: str, value: int | str) -> Filters:
        return Filters({**self.values, name: value}, self.hidden)

    def without(self, name: str) -> Filters:
        return Filters({key: value for key, value in self.values.items() if key != name}, self.hidden)

    def __bool__(self) -> bool:
        return bool(self.values)


def names(hidden: frozenset[str] = frozenset()) -> set[str]:
    """The filters that there are for a reader from whom ``hidden`` is hidden."""
    return {each.name for each in FIELDS if each.hidden_with not in hidden}


def parse(
    given: QueryDict, hidden: frozenset[str] = frozenset(), besides: frozenset[str] = frozenset()
) -> Filters:
    """The filters in an address; raises BadFilter. ``besides`` are parameters that mean something else."""
    values: dict[str, int | str] = {}
    for name in given:
        if name in besides:
            continue
        if name not in BY_NAME:
            known = ", ".join(sorted(names(hidden) | besides))
            raise BadFilter(name, f"There is no filter “{name[:60]}”. There are: {known}.")
        if name not in names(hidden):
            raise BadFilter(name, "The source’s judge is hidden from you while your round is open.")
        if len(given.getlist(name)) > 1:
            raise BadFilter(name, f"“{name}” is given more than once.")
        values[name] = _value(BY_NAME[name], given.getlist(name)[0])
    return Filters(values, hidden)


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
