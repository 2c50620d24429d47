"""A large JSON text as a value, piece by piece.

orjson asks for twelve times the length of what it reads, and the standard library for up to four times for a copy
of it as text, all at once: of a parser's memory that leaves nothing for the value. So what is large is taken
apart at its brackets, commas and quotes, and only pieces are given to a parser.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import Any

from transcripts.readers.json_stream import RUN, SPACE

PIECE = 4 * 1024 * 1024  # bytes: what is not longer is parsed at once
_TEXT_PIECE = 1024 * 1024
_QUOTE, _BACKSLASH = 0x22, 0x5C
_PLAIN = re.compile(rb"[\x20-\x21\x23-\x5b\x5d-\x7e]{8}")  # behind it, no escape and no character is cut
_SCALAR = re.compile(rb"[^,\]}\s\"\[{]+")

Parse = Callable[[bytes], Any]


class Broken(Exception):
    """Not JSON: what was expected, and at which byte."""


def parse_large(raw: bytes, parse: Parse, skip: Collection[str] = ()) -> Any:
    """The value of ``raw``; ``parse`` reads the pieces, and what it raises is passed on.

    Members of a top-level object that are named in ``skip`` are left out unread. Raises Broken; a
    RecursionError for what is nested too deeply is the caller's to handle.
    """
    value, end = _value(raw, _space(raw, 0), parse, skip)
    if _space(raw, end) < len(raw):
        raise Broken(f"something follows the value, byte {end}")
    return value


def _value(raw: bytes, at: int, parse: Parse, skip: Collection[str] = ()) -> tuple[Any, int]:
    end = _end(raw, at)
    if raw[at] == 0x7B and (end - at > PIECE or skip):
        return dict(_members(raw, at, parse, skip)), end
    if raw[at] == 0x5B and end - at > PIECE:
        return list(_elements(raw, at, parse)), end
    if raw[at] == _QUOTE and end - at > PIECE:
        return _text(raw, at, end, parse), end
    return parse(raw[at:end]), end


def _elements(raw: bytes, at: int, parse: Parse) -> Iterator[Any]:
    at = _space(raw, at + 1)
    if raw[at] == 0x5D:
        return
    while True:
        value, at = _value(raw, at, parse)
        yield value
        at = _space(raw, at)
        if raw[at] == 0x5D:
            return
        at = _space(raw, _past(raw, at, b","))


def _members(raw: bytes, at: int, parse: Parse, skip: Collection[str]) -> Iterator[tuple[str, Any]]:
    at = _space(raw, at + 1)
    if raw[at] == 0x7D:
        return
    while True:
        if raw[at] != _QUOTE:
            raise Broken(f"a name in quotes should stand here, byte {at}")
        end = _end(raw, at)
        name = _text(raw, at, end, parse)
        at = _space(raw, _past(raw, _space(raw, end), b":"))
        if name in skip:
            at = _end(raw, at)
        else:
            value, at = _value(raw, at, parse)
            yield name, value
        at = _space(raw, at)
        if raw[at] == 0x7D:
            return
        at = _space(raw, _past(raw, at, b","))


def _text(raw: bytes, at: int, end: int, parse: Parse) -> str:
    """The string ``raw[at:end]``, in pieces that cut neither an escape nor a character."""
    pieces = []
    at += 1
    while at < end - 1:
        match = _PLAIN.search(raw, at + _TEXT_PIECE, end - 1) if end - at > _TEXT_PIECE else None
        until = match.end() if match else end - 1
        pieces.append(parse(b'"%s"' % raw[at:until]))
        at = until
    return "".join(pieces)


def _end(raw: bytes, at: int) -> int:
    """Behind the value that begins here; brackets are counted, not compared: the pieces will tell."""
    sign = raw[at : at + 1]
    if sign == b'"':
        return _string_end(raw, at)
    if sign not in (b"{", b"["):
        match = _SCALAR.match(raw, at)
        if match is None:
            raise Broken(f"no value, byte {at}")
        return match.end()
    depth = 0
    while at < len(raw):
        at = RUN.match(raw, at, at + _TEXT_PIECE).end()  # type: ignore[union-attr]
        sign = raw[at : at + 1]
        if sign == b'"':
            at = _string_end(raw, at)
            continue
        if sign in (b"{", b"["):
            depth += 1
        elif sign in (b"}", b"]"):
            depth -= 1
            if not depth:
                return at + 1
        else:
            continue  # no more than a piece was looked at
        at += 1
    raise Broken("the value does not end")


def _string_end(raw: bytes, at: int) -> int:
    while (at := raw.find(b'"', at + 1)) >= 0:
        before = at
        while raw[before - 1] == _BACKSLASH:
            before -= 1
        if (at - before) % 2 == 0:
            return at + 1
    raise Broken("a string does not end")


def _space(raw: bytes, at: int) -> int:
    """The next place that is no white space."""
    return SPACE.match(raw, at).end()  # type: ignore[union-attr]


def _past(raw: bytes, at: int, sign: bytes) -> int:
    if raw[at : at + 1] != sign:
        raise Broken(f"“{sign.decode()}” should stand here, byte {at}")
    return at + 1
