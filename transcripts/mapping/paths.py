"""Where a value stands in a row.

A path is a key. If there is no such key, its dots go into objects and list indices:
``meta.user.tier``, ``choices.0.text``. In every object the longest key that fits is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

MISSING: Final = object()  # no such field; unlike None, which is a field without a value

MAX_PARTS = 16
Step = str | int


def value_at(row: Mapping[str, Any], path: str) -> Any:
    """The value, or MISSING."""
    if path in row:
        return row[path]
    return _found(row, path)[1]


def steps_to(row: Mapping[str, Any], path: str) -> tuple[Step, ...]:
    """The keys and indices that lead to the value; () if there is none."""
    return (path,) if path in row else _found(row, path)[0]


def last_word(path: str) -> str:
    """The end of a path: what the field itself is called."""
    return path.rpartition(".")[2] or path


def without(row: Mapping[str, Any], taken: Sequence[Sequence[Step]]) -> dict[str, Any]:
    """The row without the values that ``taken`` leads to, nor the objects that are empty without them.

    Elements of lists stay, since the indices of those behind would change.
    """
    whole = {steps[0] for steps in taken if len(steps) == 1}
    deeper: dict[Step, list[Sequence[Step]]] = {}
    for steps in taken:
        if len(steps) > 1:
            deeper.setdefault(steps[0], []).append(steps[1:])
    left: dict[str, Any] = {}
    for key, value in row.items():
        if key in whole:
            continue
        if key in deeper:
            value = _within(value, deeper[key])
            if not value:
                continue
        left[key] = value
    return left


def _within(value: Any, taken: list[Sequence[Step]]) -> Any:
    if isinstance(value, dict):
        return without(value, taken)
    items = list(value)
    for index in {steps[0] for steps in taken if len(steps) > 1}:
        items[int(index)] = _within(items[int(index)], [s[1:] for s in taken if s[0] == index and len(s) > 1])
    return items


def _found(row: Mapping[str, Any], path: str) -> tuple[tuple[Step, ...], Any]:
    parts = _parts(path)
    value: Any = row
    steps: list[Step] = []
    at = 0
    while at < len(parts):
        if isinstance(value, Mapping):
            for end in range(len(parts), at, -1):
                key = ".".join(parts[at:end])
                if key in value:
                    value, at = value[key], end
                    steps.append(key)
                    break
            else:
                return (), MISSING
        elif isinstance(value, list):
            part = parts[at]
            # Python would take other digits too, and count from the end.
            if not (part.isascii() and part.isdigit() and len(part) < 10 and int(part) < len(value)):
                return (), MISSING
            value, at = value[int(part)], at + 1
            steps.append(int(part))
        else:
            return (), MISSING
    return tuple(steps), value


@lru_cache(maxsize=1024)
def _parts(path: str) -> tuple[str, ...]:
    return tuple(path.split(".", MAX_PARTS - 1))
