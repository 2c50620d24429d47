"""JSON Patch (RFC 6902) on a list of messages: add, remove, replace, move, copy, test.

A patch is applied whole or not at all, and what it is applied to is never changed: containers on the way to
a change are copied, all else is shared. A copy that would swell or deepen the whole without end is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from transcripts.readers.json_values import MAX_DEPTH

MOST_COPIED = 1_000_000  # characters and values that the copies of one patch may come to
_LONGEST_POINTER = 50  # parts


class BadPatch(Exception):
    """The patch cannot be applied; the message says why, as the end of a sentence."""


def patched(document: list[Any], operations: Any) -> list[Any]:
    """The list after the patch. Pointers begin at the list, or at an object that has it as ``messages``."""
    if not isinstance(operations, Sequence) or isinstance(operations, str):
        raise BadPatch("it is not a list of operations")
    copied = 0
    result = document
    for operation in operations:
        if not isinstance(operation, Mapping):
            raise BadPatch("an operation is not an object")
        name, path = operation.get("op"), _pointer(operation.get("path"))
        if name in ("add", "replace", "test"):
            if "value" not in operation:
                raise BadPatch(f"“{name}” has no value")
            value = operation["value"]
        elif name in ("move", "copy"):
            source = _pointer(operation.get("from"))
            value = _at(result, source)
            copied += _size(value, MOST_COPIED - copied)
            if name == "move":
                if path[: len(source)] == source and path != source:
                    raise BadPatch("a value cannot be moved into itself")
                result = _list(_changed(result, source, "remove", None))
        elif name == "remove":
            value = None
        else:
            raise BadPatch(f"the operation “{str(name)[:40]}” is not known")
        if name == "test":
            if _at(result, path) != value:
                raise BadPatch("a test failed")
        else:
            result = _list(_changed(result, path, name if name in ("remove", "replace") else "add", value))
    return result


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise BadPatch("it leaves no list of messages")
    return value


def _pointer(text: Any) -> list[str]:
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise BadPatch("a path is not a JSON pointer")
    parts = [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]
    if parts[:1] == ["messages"]:
        del parts[0]
    if len(parts) > _LONGEST_POINTER:
        raise BadPatch(f"a path has more than {_LONGEST_POINTER} parts")
    return parts


def _at(value: Any, path: Sequence[str]) -> Any:
    for part in path:
        value = value[_place(value, part)]
    return value


def _place(container: Any, part: str, is_new: bool = False) -> Any:
    """The key or index that a part of a pointer means in this container."""
    if isinstance(container, Mapping):
        if part not in container and not is_new:
            raise BadPatch(f"there is no “{part[:40]}”")
        return part
    if not isinstance(container, list):
        raise BadPatch(f"“{part[:40]}” leads into a single value")
    if part == "-" and is_new:
        return len(container)
    if not (part.isascii() and part.isdigit() and len(part) < 10) or int(part) >= len(container) + is_new:
        raise BadPatch(f"there is no place “{part[:40]}”")
    return int(part)


def _changed(value: Any, path: Sequence[str], change: str, new: Any) -> Any:
    if not path:
        return new
    part, rest = path[0], path[1:]
    at = _place(value, part, is_new=change == "add" and not rest)
    copy: Any = dict(value) if isinstance(value, Mapping) else list(value)
    if rest:
        copy[at] = _changed(value[at], rest, change, new)
    elif change == "remove":
        del copy[at]
    elif change == "add" and isinstance(copy, list):
        copy.insert(at, new)
    else:
        copy[at] = new
    return copy


def _size(value: Any, most: int) -> int:
    """Characters and values in a value; raises when there are more than ``most``, or it is too deep."""
    size = 0
    level = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            size += 1 + (len(item) if isinstance(item, str) else 0)
            if isinstance(item, Mapping):
                below += item.values()
            elif isinstance(item, list):
                below += item
            if size + len(below) > most:
                raise BadPatch("it copies too much")
        if not below:
            return size
        level = below
    raise BadPatch("it nests too deeply")
