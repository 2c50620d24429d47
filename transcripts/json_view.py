"""JSON in a readable shape: indented, strings with line ends as the lines that they hold.

An additional view beside the text as stored. Numbers, keys and doubled keys stay exactly as written, as
nothing is read into values and written anew.
"""

from __future__ import annotations

import json
import re

from transcripts.text import storable

MOST = 50_000  # characters of a text that gets this view
_DEEPEST = 40
_LONGEST = 4 * MOST  # characters of the view: deep indentation of many short lines is no help to anybody
_INDENT = "  "
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def pretty_json(text: str) -> str | None:
    """The JSON object or array that ``text`` is, indented; None if it is none, or already looks like that."""
    bare = text.strip()
    if not 2 < len(bare) <= MOST or bare[0] not in "{[":
        return None
    try:
        json.loads(bare)
    except (ValueError, RecursionError):
        return None
    shown = _indented(_TOKEN.findall(bare))
    if shown is None or shown == bare or len(shown) > _LONGEST:
        return None
    return shown


def _indented(tokens: list[str]) -> str | None:
    pieces: list[str] = []
    depth = 0
    for number, token in enumerate(tokens):
        following = tokens[number + 1] if number + 1 < len(tokens) else ""
        if token in "{[":
            depth += 1
            if depth > _DEEPEST:
                return None
            pieces.append(token)
            if following not in ("}", "]"):
                pieces.append("\n" + _INDENT * depth)
        elif token in "}]":
            depth -= 1
            if pieces and pieces[-1] not in ("{", "["):
                pieces.append("\n" + _INDENT * depth)
            pieces.append(token)
        elif token == ",":
            pieces.append(",\n" + _INDENT * depth)
        elif token == ":":
            pieces.append(": ")
        else:
            pieces.append(_lines(token, depth) if token[0] == '"' and following != ":" else token)
    return "".join(pieces)


def _lines(token: str, depth: int) -> str:
    """A string that holds line ends, as lines between its quotation marks; any other as it is."""
    if "\\n" not in token:
        return token
    value = storable(json.loads(token))
    if "\n" not in value:
        return token
    margin = "\n" + _INDENT * (depth + 1)
    return '"' + margin + value.replace("\n", margin) + "\n" + _INDENT * depth + '"'
