"""What stands in the first rows of a file: every field with its kind, an example and its distinct values.

The work is bounded, whatever the rows hold: so many rows, so many values in each, so many fields, so many
levels; of a long text only the beginning is kept.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from transcripts.mapping.cells import is_messages, messages_in_cell, whole_number
from transcripts.mapping.paths import value_at
from transcripts.mapping.validation import MAX_PATH
from transcripts.readers.json_values import NUMBER, scalar_text
from transcripts.text import storable

MAX_ROWS = 200
MAX_FIELDS = 300
MAX_DEPTH = 4
MAX_EXAMPLE = 80
MAX_VALUES = 50  # distinct ones of a field
MAX_VALUE = 200  # characters: what is longer is no name of anything
_VALUES_IN_A_ROW = 1000
_CELL = 1024 * 1024  # characters of a cell that is tried as JSON
_CELLS = 5  # of a field that are tried

MESSAGES, TEXT, TEXTS, WHOLE, YES_NO = "messages", "text", "list of texts", "whole number", "yes/no"
NOTHING = "nothing"


@dataclass(slots=True)
class Field:
    """One path of the rows. Counts are of rows; ``values`` are the distinct short scalars, as text."""

    path: str
    kinds: Counter[str] = field(default_factory=Counter)
    example: str = ""
    values: Counter[str] = field(default_factory=Counter)
    has_more: bool = False  # values that were not kept: too many, or too long
    characters: int = 0  # of all texts together
    distinct: set[int] = field(default_factory=set)
    n_whole: int = 0  # whole numbers, also written as text

    @property
    def kind(self) -> str:
        """What most of the values are."""
        kinds = self.kinds.most_common(2)
        return next((kind for kind, _ in kinds if kind != NOTHING), NOTHING)

    @property
    def n_filled(self) -> int:
        return self.kinds.total() - self.kinds[NOTHING]

    @property
    def mean_length(self) -> float:
        """Characters of a text, on average."""
        return self.characters / max(1, self.kinds[TEXT] + self.kinds[TEXTS])

    @property
    def is_whole(self) -> bool:
        """Whether all values are whole numbers."""
        return 0 < self.n_whole == self.n_filled

    @property
    def is_short(self) -> bool:
        """Whether the values are scalars that could be names: an arm, a verdict, a family."""
        return bool(self.values) and sum(self.values.values()) == self.n_filled and self.mean_length <= 100


def survey(rows: Sequence[Mapping[str, Any]], usual: Iterable[str] = ()) -> dict[str, Field]:
    """The fields of the first rows, by path. In a row of very many keys, the ``usual`` ones are looked at first."""
    usual = tuple(usual)
    found: dict[str, Field] = {}
    for row in rows[:MAX_ROWS]:
        for path, value in _values(row, usual):
            seen = found.get(path)
            if seen is None:
                if len(found) >= MAX_FIELDS:
                    continue
                seen = found[path] = Field(path)
            _note(seen, value)
    return found


def _values(row: Mapping[str, Any], usual: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Paths and values of a row, level by level."""
    keys: Iterable[str] = row
    if len(row) > MAX_FIELDS:
        first = {key: None for key in usual if key in row}
        keys = chain(first, (key for key in row if key not in first))
    waiting: deque[tuple[str, int, Any]] = deque(
        (key, 1, row[key]) for key in islice(keys, _VALUES_IN_A_ROW) if _may_name(key)
    )
    has_dots = any("." in path for path, _, _ in waiting)
    left = _VALUES_IN_A_ROW
    while waiting and left:
        left -= 1
        path, depth, value = waiting.popleft()
        # With dots in keys two values may have one path: only the one that the path leads to counts.
        if depth > 1 and has_dots and value_at(row, path) is not value:
            continue
        yield path, value
        if depth >= MAX_DEPTH:
            continue
        if isinstance(value, dict) and NUMBER not in value:
            for key, item in islice(value.items(), max(0, left - len(waiting))):
                if _may_name(key, path):
                    waiting.append((f"{path}.{key}", depth + 1, item))
                    has_dots |= "." in key
        elif isinstance(value, list) and value and isinstance(value[0], dict) and not is_messages(value):
            waiting.append((f"{path}.0", depth + 1, value[0]))


def _may_name(key: str, path: str = "") -> bool:
    """Whether a mapping can name this key: what is blank, very long or not storable, it cannot."""
    return len(path) + len(key) < MAX_PATH and bool(key.strip()) and storable(key) == key


def _note(seen: Field, value: Any) -> None:
    kind = _kind(value)
    if kind == TEXT and value[:1] in "[ " and seen.kinds[TEXT] < _CELLS and len(value) <= _CELL:
        kind = TEXT if messages_in_cell(value) is None else MESSAGES
    elif kind == TEXT and value[:1] == "[" and seen.kinds[MESSAGES] and not seen.kinds[TEXT]:
        kind = MESSAGES  # as the cells before it, without parsing every one
    seen.kinds[kind] += 1
    if kind == NOTHING:
        return
    if not seen.example:
        seen.example = _example(value)
    if kind in (TEXTS, TEXT):
        texts = value if kind == TEXTS else (value,)
        seen.characters += sum(map(len, texts)) // max(1, len(texts))
        seen.distinct.add(hash(tuple(texts)))
    if kind in (MESSAGES, TEXTS) or (isinstance(value, list | dict) and kind != "number"):
        return
    text = value if isinstance(value, str) else scalar_text(value)
    if len(text) > MAX_VALUE:
        seen.has_more = True
        return
    seen.values[storable(text)] += 1
    seen.n_whole += whole_number(value) is not None


def _kind(value: Any) -> str:
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return YES_NO
    if isinstance(value, int):
        return WHOLE
    if isinstance(value, float) or (isinstance(value, dict) and NUMBER in value):
        return "number"
    if isinstance(value, str):
        return TEXT
    if isinstance(value, dict):
        return "object"
    if is_messages(value):
        return MESSAGES
    is_texts = bool(value) and all(isinstance(item, str) for item in islice(value, 1000))
    return TEXTS if is_texts and len(value) <= 1000 else "list"


def _example(value: Any) -> str:
    if isinstance(value, str):
        text = value[: MAX_EXAMPLE + 1]
    elif isinstance(value, list):
        first = _example(value[0]) if value else ""
        text = f"{len(value)} × {first}" if first else "an empty list"
    elif isinstance(value, dict) and NUMBER not in value:
        text = ", ".join(key[:MAX_EXAMPLE] for key in islice(value, 10))
    else:
        text = scalar_text(value)
    text = storable(text)
    return f"{text[: MAX_EXAMPLE - 1]}…" if len(text) > MAX_EXAMPLE else text
