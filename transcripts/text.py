"""Text that PostgreSQL can store and a browser can show, without losing a character.

PostgreSQL refuses NUL, and no UTF-8 encoder takes lone surrogates; both occur in real model
output. They are moved, one to one, to private code points at the end of Unicode; a character
that really was one of these is marked with U+10F801 before it. So ``original(storable(x)) == x``
for every string, and offsets keep their value for NUL and surrogates (a real private character
counts as two).
"""

from __future__ import annotations

import re

_FIRST = 0x10F000  # U+D800 + i is kept as U+10F000 + i
_NUL = "\U0010f800"
_MARK = "\U0010f801"  # "the next character is itself"

_PLANE_16 = 0xF4  # the byte with which the UTF-8 of U+100000 and all above begins

# Whoever has a text checked will mostly want its bytes next, and they are half the work: the last ones are kept.
_KEPT_FROM, _KEPT_TO = 1_000, 1_000_000  # characters
_kept: tuple[str, bytes] = ("", b"")

_TO_ESCAPE = re.compile("[\x00\ud800-\udfff\U0010f000-\U0010f801]")
_ESCAPED = re.compile("\U0010f801(.)|[\U0010f000-\U0010f800]", re.DOTALL)
_ANY_ESCAPED = re.compile("[\U0010f000-\U0010f801]")


def storable(text: str) -> str:
    """The text as we store it. The same object if there is nothing to escape, which is nearly always."""
    global _kept
    if text.isascii():
        if "\x00" not in text:
            return text
        return text.replace("\x00", _NUL)
    try:
        encoded = text.encode()  # and a look at the bytes: seven times as fast as a search of the characters
        if _PLANE_16 not in encoded and 0 not in encoded:
            if _KEPT_FROM < len(text) < _KEPT_TO:
                _kept = (text, encoded)
            return text
    except UnicodeEncodeError:  # half a surrogate pair
        pass
    return _TO_ESCAPE.sub(_escape, text)


def utf8(text: str) -> bytes:
    """Storable text as UTF-8."""
    kept, encoded = _kept
    return encoded if kept is text else text.encode()


def original(text: str) -> str:
    """The text as the source had it. Undoes :func:`storable`."""
    if text.isascii() or _ANY_ESCAPED.search(text) is None:
        return text
    return _ESCAPED.sub(_unescape, text)


def is_escaped(text: str) -> bool:
    """Whether stored text holds characters that stand for something else."""
    return not text.isascii() and _ANY_ESCAPED.search(text) is not None


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character == "\x00":
        return _NUL
    code = ord(character)
    if code < 0xE000:
        return chr(_FIRST + code - 0xD800)
    return _MARK + character


def _unescape(match: re.Match[str]) -> str:
    if match[1] is not None:
        return match[1]
    if match[0] == _NUL:
        return "\x00"
    return chr(0xD800 + ord(match[0]) - _FIRST)
