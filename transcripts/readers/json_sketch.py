"""What the first bytes of a JSON text show of its outline."""

from __future__ import annotations

import re
from dataclasses import dataclass

from transcripts.readers.json_stream import RUN, SCALAR, SPACE, key_text


@dataclass(frozen=True, slots=True)
class Sketch:
    """What the first bytes of a JSON text show: ``shape`` is object, array, scalar or "" (not JSON)."""

    shape: str
    keys: tuple[str, ...] = ()  # of the top-level object, as far as seen
    element_shape: str = ""  # of an array's first element
    element_keys: tuple[str, ...] = ()


def sketch(head: bytes) -> Sketch:
    """The outline of a JSON text of which only the first bytes are at hand."""
    if head.startswith(b"\xef\xbb\xbf"):
        head = head[3:]
    at = SPACE.match(head).end()  # type: ignore[union-attr]
    sign = head[at : at + 1]
    if sign == b"{":
        return Sketch("object", _keys(head, at))
    if sign == b"[":
        first = SPACE.match(head, at + 1).end()  # type: ignore[union-attr]
        inner = head[first : first + 1]
        if inner == b"{":
            return Sketch("array", (), "object", _keys(head, first))
        return Sketch("array", (), {b"[": "array", b"]": "", b"": ""}.get(inner, "scalar"))
    if sign and sign in b'"-0123456789tfnNI':
        return Sketch("scalar")
    return Sketch("")


_KEY = re.compile(rb'[\s,]*+("(?:[^"\\]++|\\.)*")\s*+:\s*+')
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*"', re.DOTALL)


def _keys(head: bytes, at: int) -> tuple[str, ...]:
    found: list[str] = []
    at += 1
    while match := _KEY.match(head, at):
        found.append(key_text(match[1]))
        at = match.end()
        if head[at : at + 1] == b'"':
            string = _STRING.match(head, at)
            if string is None:
                break
            at = string.end()
            continue
        depth = 0
        while True:
            at = RUN.match(head, at).end() if depth else SCALAR.match(head, at).end()  # type: ignore[union-attr]
            sign = head[at : at + 1]
            if sign and sign in b"[{":
                depth += 1
            elif sign and sign in b"]}" and depth:
                depth -= 1
            else:
                break
            at += 1
            if depth == 0:
                break
        if depth:
            break
    return tuple(found)
