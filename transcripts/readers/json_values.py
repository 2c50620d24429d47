"""One record's bytes as a value, exact where it matters, or a reason why not.

orjson reads nearly everything. What it refuses although real logs hold it (NaN, Infinity, lone
surrogates) or would change silently (integers of 2**64 and more become floats) goes through the
standard library, which is slower and exact. Repeated keys: both parsers keep the last one; a reader
for which that would matter calls :func:`refuse_repeated_keys` when a count of the quoted key makes
it suspicious, so the fast path pays nothing.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Collection
from typing import Any

import orjson

from transcripts.readers.json_large import PIECE, Broken, parse_large
from transcripts.readers.json_stream import TOO_LARGE
from transcripts.text import storable

MAX_DEPTH = 200
MAX_DIGITS = 4300  # what Python converts; beyond it int() refuses
BOM = b"\xef\xbb\xbf"
_NEEDED = 14  # bytes of memory that orjson takes for a byte of its input, with some to spare
_SMALL = 64 * 1024
NUMBER = "__number__"  # {"__number__": "NaN"}: a number that JSON in the database cannot hold


_PLACELESS = {
    "encoding": "Not UTF-8, somewhere in a record of several megabytes.",
    "json_invalid": "Not JSON, somewhere in a record of several megabytes.",
}


class BadRecord(Exception):
    """This record cannot be read. ``reason`` is a code, ``message`` a sentence."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class within_memory:
    """Where a record is built: one that needs more memory than there is, is a bad record (``too_large``)."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, MemoryError):
            error.__traceback__ = error.__context__ = None  # their frames hold what took the memory
            raise BadRecord("too_large", TOO_LARGE) from None


def parse_record(raw: bytes, skip: Collection[str] = ()) -> Any:
    """The value of one JSON text. NaN and its like come as ``{"__number__": "NaN"}``.

    ``skip`` names members of a top-level object which the caller does not want: they are dropped
    before the checks of depth and numbers, which would otherwise walk through them.
    Raises :class:`BadRecord` (``encoding``, ``json_invalid``, ``too_deep``, ``number_too_long``).
    """
    if raw.startswith(BOM):
        raw = raw[3:]
    return _parse_large(raw, skip) if len(raw) > PIECE else _parse_whole(raw, skip)


def _parse_whole(raw: bytes, skip: Collection[str] = ()) -> Any:
    try:
        # orjson takes the process along where it finds no memory; the other parser needs less of it.
        value = (
            orjson.loads(raw) if len(raw) <= _SMALL or _is_room(_NEEDED * len(raw)) else _parse_slowly(raw)
        )
    except orjson.JSONDecodeError:
        value = _parse_slowly(raw)
        _without(value, skip)
        _is_inexact(value)
        return value
    _without(value, skip)
    if _is_inexact(value):
        value = _parse_slowly(raw)
        _without(value, skip)
    return value


def _is_room(size: int) -> bool:
    """Whether there is so much memory. Nothing of it is touched."""
    try:
        mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    except OSError:
        return False
    return True


def refuse_repeated_keys(raw: bytes, keys: Collection[str]) -> None:
    """Read strictly: raise ``duplicate_key`` if one object holds one of ``keys`` twice."""

    def check(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            names = [name for name, _ in pairs]
            for name in keys:
                if names.count(name) > 1:
                    raise BadRecord("duplicate_key", f"The key “{name}” occurs twice in one object.")
        return found

    json.loads(raw.decode("utf-8-sig"), object_pairs_hook=check)


def storable_value(value: Any) -> Any:
    """A JSON value with every string and key storable (see :mod:`transcripts.text`)."""
    kind = type(value)
    if kind is str:
        return storable(value)
    if kind is dict:
        return {storable(key): storable_value(item) for key, item in value.items()}
    if kind is list:
        return [storable_value(item) for item in value]
    return value


def compact(value: Any) -> str:
    """A value as JSON text without spaces; tagged numbers come back as NaN, Infinity or digits."""
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, dict) and len(value) == 1 and NUMBER in value:
        return str(value[NUMBER])
    if isinstance(value, dict):
        return (
            "{"
            + ",".join(f"{json.dumps(k, ensure_ascii=False)}:{compact(v)}" for k, v in value.items())
            + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(compact(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def scalar_text(value: Any) -> str:
    """A value as the source would print it: strings bare, all else as JSON."""
    return value if isinstance(value, str) else compact(value)


def pretty(value: Any) -> str:
    """A value as indented JSON text for a person to read."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    except (TypeError, ValueError):  # lone surrogates, huge integers
        return json.dumps(value, indent=2, ensure_ascii=False)


def _without(value: Any, skip: Collection[str]) -> None:
    if skip and isinstance(value, dict):
        for name in skip:
            value.pop(name, None)


def _is_inexact(value: Any) -> bool:
    """Walk the containers level by level; whether a float may stand for a large integer or overflow."""
    inexact = False
    level: list[Any] = [[value]]
    for _ in range(MAX_DEPTH + 2):
        below: list[Any] = []
        for container in level:
            for item in container.values() if type(container) is dict else container:
                kind = type(item)
                if kind is dict or kind is list:
                    below.append(item)
                elif kind is float and not -9e18 < item < 9e18:
                    inexact = True
        if not below:
            return inexact
        level = below
    raise BadRecord("too_deep", f"Nested more than {MAX_DEPTH} levels deep.")


def _parse_large(raw: bytes, skip: Collection[str]) -> Any:
    try:
        value = parse_large(raw, _parse_whole, skip)
    except Broken as error:
        raise BadRecord("json_invalid", f"Not JSON: {error}.") from None
    except BadRecord as bad:  # the place that it names is one in a piece
        if bad.reason not in _PLACELESS:
            raise
        raise BadRecord(bad.reason, _PLACELESS[bad.reason]) from None
    except IndexError:
        raise BadRecord("json_invalid", "Not JSON: the value does not end.") from None
    except RecursionError:
        raise BadRecord("too_deep", f"Nested more than {MAX_DEPTH} levels deep.") from None
    _is_inexact(value)  # for its depth: the numbers of the pieces are exact
    return value


def _parse_slowly(raw: bytes) -> Any:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRecord("encoding", f"Not UTF-8: byte {error.start} of the record.") from None
    try:
        return json.loads(text, parse_constant=_tagged, parse_int=_exact_int, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise BadRecord("json_invalid", _not_json(error)) from None
    except RecursionError:
        raise BadRecord("too_deep", f"Nested more than {MAX_DEPTH} levels deep.") from None


def _not_json(error: json.JSONDecodeError) -> str:
    if error.msg != "Extra data":
        return f"Not JSON: {error.msg}, character {error.pos}."
    text = f"Not JSON: something follows the value, character {error.pos}."
    before = error.doc[max(error.pos - 64, 0) : error.pos]
    if "\r" in before[len(before.rstrip()) :]:
        text += " Between them stands a carriage return, which ends no line; end lines with a line feed."
    return text


def _tagged(name: str) -> dict[str, str]:
    return {NUMBER: name}


def _exact_int(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise BadRecord("number_too_long", f"A number of {len(digits)} digits.")
    return int(digits)


def _finite(digits: str) -> Any:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        if len(digits) > MAX_DIGITS:
            raise BadRecord("number_too_long", f"A number of {len(digits)} digits.")
        return {NUMBER: digits}
    return number
