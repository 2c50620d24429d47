"""Guidelines as blocks that a template can set: a small part of Markdown, read without making HTML. Pure.

Headings, paragraphs, lists, quotes, and inside them **bold**, *emphasis* and `code`. Anything else,
markup included, stays the text it is; the template escapes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_HEADING = re.compile(r"(#{1,4})\s+(.*)")
_BULLET = re.compile(r"[-*]\s+(.*)")
_NUMBER = re.compile(r"\d{1,3}[.)]\s+(.*)")
_INLINE = re.compile(r"\*\*(?P<bold>[^*\n]+)\*\*|\*(?P<emphasis>[^*\n]+)\*|`(?P<code>[^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of one line: ``plain``, ``bold``, ``emphasis`` or ``code``."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """``heading`` (with ``level``), ``paragraph``, ``bullets``, ``numbers`` or ``quote``; lines of runs."""

    kind: str
    lines: tuple[tuple[Run, ...], ...]
    level: int = 0


def runs(text: str) -> tuple[Run, ...]:
    found: list[Run] = []
    done = 0
    for match in _INLINE.finditer(text):
        if match.start() > done:
            found.append(Run("plain", text[done : match.start()]))
        kind = str(match.lastgroup)
        found.append(Run(kind, match[kind]))
        done = match.end()
    if done < len(text) or not found:
        found.append(Run("plain", text[done:]))
    return tuple(found)


def blocks(text: str) -> list[Block]:
    found: list[Block] = []
    kind, lines = "", []

    def flush() -> None:
        if lines:
            found.append(Block(kind, tuple(runs(line) for line in lines)))
            lines.clear()

    for line in [*(raw.strip() for raw in text.splitlines()), ""]:
        heading = _HEADING.fullmatch(line)
        item = (
            ("bullets", match[1])
            if (match := _BULLET.fullmatch(line))
            else ("numbers", match[1])
            if (match := _NUMBER.fullmatch(line))
            else ("quote", line[1:].strip())
            if line.startswith(">")
            else ("paragraph", line)
        )
        if not line or heading:
            flush()
            if heading:
                found.append(Block("heading", (runs(heading[2]),), len(heading[1])))
        elif item[0] == "paragraph" and lines:
            lines[-1] += f" {line}"  # a line goes on: in the paragraph, the item or the quote
        else:
            if item[0] != kind or item[0] == "paragraph":
                flush()
            kind = item[0]
            lines.append(item[1])
    flush()
    return found
