"""The elements of a large JSON array or the members of a large object, one at a time.

The file is never loaded whole. A scan finds where each element starts and ends by its brackets and
strings; parsing the bytes is the caller's affair. Where an object seems to end, orjson is asked whether
it does, because that is several times faster than the scan, which is for all that it refuses. A large
element is not kept while its end is looked for: it is read again in one piece, so that it is in memory once,
and not at all if it is over ``limit`` bytes. Whatever is wrong comes as an element
with a ``problem`` and no bytes to trust, so that a reader can reject it and go on:

``too_long``   the element is over the limit
``too_large``  there is no memory for it
``broken``     brackets do not match, or something stands where a comma should: the scan goes on at
               the next ``, {``
``truncated``  the file ends inside the array
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import orjson

from transcripts.records import UnreadableSource

MAX_RECORD = 64 * 1024 * 1024
TOO_LARGE = "The record needs more memory than a parser may use (AFDASH_PARSER_MEMORY_MB)."
_BLOCK = 1024 * 1024
_WINDOW = 4 * _BLOCK  # what is not longer is kept while its end is looked for
_PASSED_OVER = ("too_long", "too_large")
_KEPT = 4096  # how much of a broken element is kept, as an excerpt

# No possessive quantifier behind a group: Python before 3.11.5 matches those wrongly. Alternatives that begin
# with different characters keep these linear without.
# Everything up to the next bracket, or to a string that does not end in this block.
RUN = re.compile(rb'(?:[^"{}\[\]]++|"[^"\\]*+(?:\\.[^"\\]*+)*")*', re.DOTALL)
_STRING_REST = re.compile(rb"(?:[^\"\\]++|\\.)*", re.DOTALL)
SPACE = re.compile(rb"[ \t\r\n]*+")
SCALAR = re.compile(rb"[^,\]}\s\"\[{]*+")
_SEEMING_END = re.compile(rb"\}(?=\s*+(?:,\s*+\{|\]))")
_RESYNC = re.compile(rb",\s*(?=\{)")
_CLOSERS = {0x7B: 0x7D, 0x5B: 0x5D}
_BOMS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
)


@dataclass(frozen=True, slots=True)
class Element:
    """One value: its number, its byte range in the file, its bytes, or what is wrong with it."""

    index: int
    start: int
    end: int
    raw: bytes
    problem: str = ""
    message: str = ""


def refuse_wide_encoding(head: bytes) -> None:
    """Raise for UTF-16 and UTF-32, which would otherwise be read as nonsense."""
    for bom, name in _BOMS:
        if head.startswith(bom):
            raise UnreadableSource(f"The file is encoded as {name}; save it as UTF-8.")
    # JSON and tables begin with ASCII: beside its byte stand one zero byte, or three.
    if head[:2].count(b"\x00") == 1 or (head[:3] == b"\x00\x00\x00" and head[3:4].strip(b"\x00")):
        raise UnreadableSource(
            "The file looks like UTF-16 or UTF-32 without a byte order mark; save it as UTF-8."
        )


def array_elements(
    file: BinaryIO, start: int = 0, limit: int = MAX_RECORD, first: int | None = None
) -> Iterator[Element]:
    """The elements of the array that begins at ``start`` (or after white space there).

    With ``first``, the element of that number begins at ``start``, and the reading goes on from it.
    """
    scanner = _Scanner(file, start, limit)
    if first is not None:
        yield from scanner.rest(first)
        return
    if scanner.peek() != b"[":
        raise UnreadableSource("The file does not begin with a JSON array.")
    yield from scanner.elements()


def object_members(
    file: BinaryIO,
    stream_keys: Collection[str] = (),
    limit: int = MAX_RECORD,
    at: tuple[str, int, int] | None = None,
) -> Iterator[tuple[str, Element]]:
    """The members of the file's top-level object: key and value.

    An array under one of ``stream_keys`` is given element by element, under that key each time;
    an empty one gives nothing. A problem with the object itself comes under the key "".
    ``at`` is the key, start and number of an element given that way: the reading goes on from it.
    """
    scanner = _Scanner(file, at[1] if at else 0, limit)
    if at:
        for element in scanner.rest(at[2]):
            yield at[0], element
            if element.problem == "truncated":
                return
        if scanner.peek() == b",":
            scanner.skip(1)
    elif scanner.peek() != b"{":
        raise UnreadableSource("The file does not begin with a JSON object.")
    else:
        scanner.skip(1)
    while True:
        sign = scanner.peek()
        if sign == b"}":
            return
        if sign != b'"':
            yield "", scanner.problem_here("truncated" if not sign else "broken")
            return
        key = scanner.value(0)
        if key.problem or scanner.peek() != b":":
            yield "", scanner.problem_here("truncated" if key.problem or not scanner.peek() else "broken")
            return
        scanner.skip(1)
        name = key_text(key.raw)
        if name in stream_keys and scanner.peek() == b"[":
            for element in scanner.elements():
                yield name, element
                if element.problem == "truncated":
                    return
        else:
            value = scanner.value(0)
            yield name, value
            if value.problem == "truncated":
                return
        if scanner.peek() == b",":
            scanner.skip(1)


def key_text(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace")
    try:
        return str(json.loads(text))
    except ValueError:
        return text[1:-1]


class _Scanner:
    """A window over the file: ``data`` begins at file position ``base``; ``at`` is the place in it."""

    def __init__(self, file: BinaryIO, start: int, limit: int) -> None:
        self.file = file
        self.limit = limit
        file.seek(start)
        self.data = file.read(_BLOCK)
        self.base = start
        self.at = 0
        self.tried = start  # up to here in the file, the end of an object is not to be guessed
        if start == 0:
            refuse_wide_encoding(self.data)
            if self.data.startswith(b"\xef\xbb\xbf"):
                self.at = 3

    def peek(self) -> bytes:
        """The next character that is not white space, without taking it; b"" at the end of the file."""
        while True:
            self.at = SPACE.match(self.data, self.at).end()  # type: ignore[union-attr]
            if self.at < len(self.data) or not self.refill(self.at):
                return self.data[self.at : self.at + 1]

    def skip(self, count: int) -> None:
        self.at += count

    def refill(self, keep_from: int) -> bool:
        """Read another block, keeping the window from ``keep_from`` on. False at the end of the file."""
        block = self.file.read(_BLOCK)
        if not block:
            return False
        self.data = self.data[keep_from:] + block
        self.base += keep_from
        self.at -= keep_from
        return True

    def elements(self) -> Iterator[Element]:
        """The elements of the array at whose bracket the scanner stands; afterwards it stands behind it."""
        self.skip(1)
        if self.peek() == b"]":
            self.skip(1)
            return
        yield from self.rest(0)

    def rest(self, index: int) -> Iterator[Element]:
        """The elements from the one of this number on, at which the scanner stands."""
        while True:
            sign = self.peek()
            if not sign:
                yield self.problem_here("truncated", index)
                return
            if sign in (b",", b"]"):  # nothing between two commas, or a comma before the end
                yield self.problem_here("broken", index)
                index += 1
                self.skip(1)
                if sign == b"]":
                    return
                continue
            element = self.value(index)
            if not element.problem or element.problem in _PASSED_OVER:
                sign = self.peek()
                if sign not in (b",", b"]", b""):
                    element = self.broken(index, element.start)
            yield element
            index += 1
            if element.problem == "truncated":
                return
            sign = self.peek()
            if sign == b"]":
                self.skip(1)
                return
            if sign == b",":
                self.skip(1)
            elif element.problem != "broken":  # the file ends, or nothing more can be made out
                yield self.problem_here("truncated", index)
                return

    def value(self, index: int) -> Element:
        """The value at which the scanner stands."""
        sign = self.peek()
        start = self.base + self.at
        if sign in (b"{", b"["):
            return self.container(index, start)
        if sign == b'"':
            self.at += 1
            is_closed, begin = self.string_rest(self.at - 1, start)
            if not is_closed:
                return Element(
                    index, start, self.base + self.at, b"", "truncated", "The file ends inside a string."
                )
            return self.element(index, start, begin)
        begin = self.at
        while True:
            self.at = SCALAR.match(self.data, self.at).end()  # type: ignore[union-attr]
            if self.at < len(self.data) or self.at - begin > _KEPT:
                break
            if not self.refill(begin):
                return self.cut_off(index, start)  # "12" may be the beginning of "123"
            begin = 0
        if self.at == begin:
            return self.broken(index, start)
        return Element(index, start, self.base + self.at, self.data[begin : self.at])

    def container(self, index: int, start: int) -> Element:
        if (raw := self.guessed(start)) is not None:
            return Element(index, start, self.base + self.at, raw)
        begin = self.at  # where the element starts in the window, while it is kept
        is_kept = True
        stack = bytearray()
        while True:
            self.at = RUN.match(self.data, self.at).end()  # type: ignore[union-attr]
            if self.at >= len(self.data):
                keep, is_kept = self.window(begin, is_kept, start)
                if not self.refill(keep):
                    return self.cut_off(index, start)
                begin = 0
                continue
            sign = self.data[self.at]
            self.at += 1
            if sign == 0x22:
                keep, is_kept = self.window(begin, is_kept, start)
                is_closed, begin = self.string_rest(keep, start)
                is_kept = is_kept and begin >= 0
                begin = max(begin, 0)
                if not is_closed:
                    return self.cut_off(index, start)
            elif sign in _CLOSERS:
                stack.append(_CLOSERS[sign])
            elif stack[-1] != sign:
                return self.broken(index, start)
            else:
                stack.pop()
                if not stack:
                    break
        return self.element(index, start, begin if is_kept else -1)

    def element(self, index: int, start: int, begin: int) -> Element:
        """The value that ends here; it begins at ``begin`` of the window, -1 if it was not kept there."""
        end = self.base + self.at
        if end - start > self.limit:
            size = f"{(end - start) >> 20} MB; {self.limit >> 20} MB"
            return Element(index, start, end, b"", "too_long", f"The record has {size} is the most.")
        if begin >= 0:
            return Element(index, start, end, self.data[begin : self.at])
        try:
            return Element(index, start, end, self.again(start, end - start))
        except MemoryError:
            return Element(index, start, end, b"", "too_large", TOO_LARGE)

    def again(self, start: int, size: int) -> bytes:
        """Bytes of the file that may be in the window no more."""
        self.file.seek(start)
        try:
            return self.file.read(size)
        finally:
            self.file.seek(self.base + len(self.data))

    def guessed(self, start: int) -> bytes | None:
        """The object here, if it ends where it seems to; no stretch of the file is tried twice.

        An object is over where it is complete, so what orjson takes ends where the scan would end it.
        """
        if start < self.tried or self.data[self.at] != 0x7B:
            return None
        match = _SEEMING_END.search(self.data, self.at)
        self.tried = self.base + (match.end() if match else len(self.data))
        if match is None or self.tried - start > min(self.limit, _WINDOW):
            return None
        raw = self.data[self.at : match.end()]
        try:
            orjson.loads(raw)
        except orjson.JSONDecodeError:
            return None
        self.at = match.end()
        return raw

    def window(self, begin: int, is_kept: bool, start: int) -> tuple[int, bool]:
        """From where the window is kept: the element's start, or here once it is large."""
        if is_kept and self.base + self.at - start <= _WINDOW:
            return begin, True
        return self.at, False

    def string_rest(self, keep: int, start: int) -> tuple[bool, int]:
        """Go behind the closing quote. Whether there is one, and where ``keep`` is now (-1: given up)."""
        is_kept = True
        while True:
            self.at = _STRING_REST.match(self.data, self.at).end()  # type: ignore[union-attr]
            if self.at < len(self.data) and self.data[self.at] == 0x22:
                self.at += 1
                return True, keep if is_kept else -1
            if self.base + self.at - start > _WINDOW:
                is_kept = False
            if not self.refill(keep if is_kept else self.at):
                return False, keep if is_kept else -1
            keep = 0

    def cut_off(self, index: int, start: int) -> Element:
        self.at = len(self.data)
        message = "The file ends inside this record, or a quote or bracket in it is not closed."
        return Element(index, start, self.base + len(self.data), b"", "truncated", message)

    def problem_here(self, problem: str, index: int = 0) -> Element:
        place = self.base + self.at
        message = (
            "The file ends before its JSON does." if problem == "truncated" else f"Not JSON at byte {place}."
        )
        return Element(index, place, place, self.data[self.at : self.at + _KEPT], problem, message)

    def broken(self, index: int, start: int) -> Element:
        """Go on at the next place that looks like the border of two elements."""
        begin = start - self.base
        excerpt = self.data[begin : begin + _KEPT] if begin >= 0 else self.again(start, _KEPT)
        place = self.base + self.at
        while True:
            match = _RESYNC.search(self.data, self.at)
            if match:
                self.at = match.end()
                break
            keep = max(self.at, len(self.data) - 64)
            self.at = max(self.at, len(self.data) - 64)
            if not self.refill(keep):
                self.at = len(self.data)
                break
        return Element(
            index,
            start,
            self.base + self.at,
            excerpt,
            "broken",
            f"Not JSON: the brackets do not match near byte {place}.",
        )
