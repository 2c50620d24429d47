"""One cell of a Parquet file as a JSON value, whatever its type.

Bytes become ``{"__bytes__": base64}``, numbers that JSON lacks ``{"__number__": "NaN"}``, times their ISO text;
maps become objects where their keys are different texts, else lists of pairs.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from typing import Any

from transcripts.readers.json_values import MAX_DEPTH, NUMBER, BadRecord

BYTES = "__bytes__"


def plain_value(scalar: Any, depth: int = 0) -> tuple[Any, int]:
    """The value of a pyarrow scalar, and about how many bytes it has. Raises BadRecord."""
    import pyarrow
    from pyarrow import types

    if not scalar.is_valid:
        return None, 0
    if depth > MAX_DEPTH:
        raise BadRecord("too_deep", f"Nested more than {MAX_DEPTH} levels deep.")
    kind = scalar.type
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        try:
            text = scalar.as_py()
        except UnicodeDecodeError:
            raise BadRecord("encoding", "Not UTF-8: a cell of text holds bytes that are no text.") from None
        return text, len(text)
    if types.is_boolean(kind) or types.is_integer(kind):
        return scalar.as_py(), 8
    if types.is_floating(kind):
        number = float(scalar.as_py())
        if math.isfinite(number):
            return number, 8
        return {NUMBER: "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"}, 8
    if types.is_dictionary(kind) or isinstance(kind, pyarrow.BaseExtensionType):
        return plain_value(scalar.value, depth + 1)
    if types.is_struct(kind):
        names = [kind.field(number).name for number in range(kind.num_fields)]
        values, size = _all((scalar[number] for number in range(len(names))), depth)
        return dict(zip(names, values, strict=True)), size
    if types.is_map(kind):
        return _map(scalar, depth)
    if types.is_nested(kind) and hasattr(scalar, "values"):
        return _all(scalar.values, depth)
    return _rare(scalar)


def _all(scalars: Iterable[Any], depth: int) -> tuple[list[Any], int]:
    found = [plain_value(item, depth + 1) for item in scalars]
    return [value for value, _ in found], sum(size for _, size in found) + len(found)


def _map(scalar: Any, depth: int) -> tuple[Any, int]:
    pairs, size = _all(scalar.values, depth)
    entries = [tuple(pair.values()) for pair in pairs]
    names = [key for key, _ in entries if isinstance(key, str)]
    if len(set(names)) == len(entries):
        return dict(entries), size
    return [list(entry) for entry in entries], size


def _rare(scalar: Any) -> tuple[Any, int]:
    import pyarrow
    from pyarrow import types

    kind = scalar.type
    if types.is_temporal(kind):
        try:  # not as_py: it refuses nanoseconds and years above 9999
            text = scalar.cast(pyarrow.string()).as_py()
        except (pyarrow.ArrowException, ValueError):
            text = "<"
        if text.startswith("<"):  # "<value out of range …>": years that no calendar has
            text = str(scalar.value)
        return text, len(text)
    value = scalar.as_py()
    if isinstance(value, bytes):
        return {BYTES: base64.b64encode(value).decode()}, len(value)
    return str(value), len(str(value))
