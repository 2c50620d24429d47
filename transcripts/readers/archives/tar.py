"""A tar archive as a stream of members.

Read here and not by ``tarfile``: that of the Python versions we support can be sent round in circles by a
negative size, and reads extended headers into memory however long they claim to be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from transcripts.readers.archives.compression import BLOCK, Peeked, Stream, read_exactly
from transcripts.records import FileFinding
from transcripts.text import storable

_UNIT = 512
_MAX_EXTENDED = 1 << 20  # bytes of one extended header: names, times, owners
# Types of members, one byte each.
_REGULAR, _SPARSE, _LINKS, _FOLDERS = b"0\x007", b"S", b"12", b"5DV"
_LONG_NAME, _LONG_LINK, _EXTENDED, _GLOBAL = b"L", b"K", b"xX", b"g"
_WITHOUT_DATA = b"123456"
_FIELDS = (b"path", b"size")


def is_tar(head: bytes) -> bool:
    """Whether a tar archive begins like this: its first header has the right checksum."""
    return len(head) >= _UNIT and _is_header(head[:_UNIT]) and head[0] != 0


@dataclass(slots=True)
class TarMember:
    """``kind`` is ``file``, ``folder``, ``link``, ``special`` or ``sparse``; ``data`` must be read before the next."""

    name: str
    kind: str
    data: TarData


class TarData:
    """The bytes of one member."""

    def __init__(self, stream: Stream, size: int) -> None:
        self.problem: FileFinding | None = None
        self._stream = stream
        self._left = size

    def read(self, size: int) -> bytes:
        if not self._left or self.problem:
            return b""
        part = self._stream.read(min(size, self._left))
        self._left -= len(part)
        if not part:
            self.problem = FileFinding("truncated", "The archive ends inside this file.", {}, "truncated")
        return part

    def skip(self) -> None:
        while self.read(BLOCK):
            pass


class BadTar(Exception):
    """The archive cannot be followed any further: a code and a sentence."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


_CUT_OFF = "The archive has no mark at its end: it may have been cut off."
_DAMAGED = "The archive is damaged: what comes after the damage was not read."


@dataclass(slots=True)
class _Said:
    """What extended headers say of the next member."""

    name: str = ""
    fields: dict[bytes, bytes] = field(default_factory=dict)


def tar_members(stream: Peeked) -> Iterator[TarMember]:
    """The members one by one. Raises BadTar where the archive cannot be followed."""
    everywhere: dict[bytes, bytes] = {}
    said = _Said()
    while (header := _header(stream)) is not None:
        kind = header[156:157]
        size = _number(header[124:136])
        if kind in _LONG_NAME + _LONG_LINK + _EXTENDED + _GLOBAL:
            if size > _MAX_EXTENDED:
                raise BadTar("damaged", _DAMAGED)
            raw = _exactly(stream, _padded(size))[:size]
            if kind == _LONG_NAME:
                said.name = _text(raw.split(b"\x00")[0])
            elif kind == _GLOBAL:
                everywhere = {key: value for key, value in _fields(raw).items() if key in _FIELDS}
            elif kind in _EXTENDED:
                said.fields = _fields(raw)
            continue
        fields = {**everywhere, **said.fields}
        if b"size" in fields:
            if not fields[b"size"].isdigit() or len(fields[b"size"]) > 18:
                raise BadTar("damaged", _DAMAGED)
            size = int(fields[b"size"])
        name = said.name or _text(fields.get(b"path", b"")) or _name(header)
        said = _Said()
        what = _kind(kind, name, fields)
        if kind == _SPARSE and header[482]:
            while _exactly(stream, _UNIT)[504]:
                pass
        has_data = what in ("file", "sparse") or kind not in _WITHOUT_DATA
        data = TarData(stream, size if has_data else 0)
        yield TarMember(name, what, data)
        data.skip()
        if data.problem:
            raise BadTar("truncated", "The archive is cut off inside its last file, which was not read.")
        if has_data:
            _exactly(stream, _padded(size) - size)
    trailing = False
    while block := stream.read(BLOCK):
        trailing = trailing or bool(block.strip(b"\x00"))
    if trailing:
        raise BadTar("trailing_data", "Something else follows the end of the archive; it was not read.")


def _header(stream: Stream) -> bytes | None:
    """The next header; None at the mark of the end. Raises BadTar."""
    header = read_exactly(stream, _UNIT)
    if not header:
        raise BadTar("truncated", _CUT_OFF)
    if len(header) < _UNIT:
        raise BadTar("truncated", "The archive is cut off.")
    if not header.strip(b"\x00"):
        return None
    if not _is_header(header):
        raise BadTar("damaged", _DAMAGED)
    return header


def _is_header(block: bytes) -> bool:
    said = block[148:156].strip(b" \x00")
    if not said or said.strip(b"01234567"):
        return False
    rest = block[:148] + b" " * 8 + block[156:]
    total = sum(rest)
    # Some old programs added up signed characters.
    return int(said, 8) in (total, total - 256 * sum(byte > 127 for byte in rest))


def _number(raw: bytes) -> int:
    """A size: octal digits, or binary if the first bit is set. Raises BadTar."""
    if raw[0] == 0x80:
        number = int.from_bytes(raw[1:], "big")
    else:
        digits = raw.split(b"\x00")[0].strip(b" ")
        if digits.strip(b"01234567"):
            raise BadTar("damaged", _DAMAGED)
        number = int(digits or b"0", 8)
    if number >= 1 << 62:
        raise BadTar("damaged", _DAMAGED)
    return number


def _kind(kind: bytes, name: str, fields: dict[bytes, bytes]) -> str:
    if kind in _FOLDERS or (kind == b"\x00" and name.endswith("/")):
        return "folder"
    if kind == _SPARSE or any(key.startswith(b"GNU.sparse.") for key in fields):
        return "sparse"
    if kind in _REGULAR:
        return "file"
    return "link" if kind in _LINKS else "special"


def _name(header: bytes) -> str:
    name = header[:100].split(b"\x00")[0]
    prefix = header[345:500].split(b"\x00")[0] if header[257:263] == b"ustar\x00" else b""
    return _text(prefix + b"/" + name if prefix else name)


def _text(raw: bytes) -> str:
    return storable(raw.decode("utf-8", "replace"))


def _fields(raw: bytes) -> dict[bytes, bytes]:
    """The fields of an extended header: ``length key=value\\n``, the length of it all. Raises BadTar."""
    fields = {}
    at = 0
    while at < len(raw):
        space = raw.find(b" ", at, at + 10)
        length = raw[at:space] if space > at else b""
        if not length.isdigit() or int(length) <= space - at + 1 or at + int(length) > len(raw):
            raise BadTar("damaged", _DAMAGED)
        key, _, value = raw[space + 1 : at + int(length)].partition(b"=")
        fields[key] = value.removesuffix(b"\n")
        at += int(length)
    return fields


def _padded(size: int) -> int:
    return -(-size // _UNIT) * _UNIT


def _exactly(stream: Stream, count: int) -> bytes:
    raw = read_exactly(stream, count)
    if len(raw) < count:
        raise BadTar("truncated", "The archive is cut off.")
    return raw
