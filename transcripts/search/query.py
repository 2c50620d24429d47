"""What people type to search, understood: ``retrain OR RLHF -paid "modify my values" in output: deceiv*``.

Words beside each other must all be there; ``OR`` stands between two of them and binds them closer than that;
``-`` (or ``NOT``) means "not"; quotes hold a phrase together; ``*`` at the end of a word stands for any ending;
brackets group. ``scratchpad:retrain`` looks for one word in one place, ``in scratchpad:`` says it for all that
follows, up to the next ``in …:`` or the closing bracket.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from transcripts.search.words import LONGEST, PLACES, folded, lexeme, stems_of_beginning, words

MOST_CHARACTERS = 500
MOST_TERMS = 30
MOST_WORDS = 100
MOST_BRACKETS = 10
SHORTEST_BEGINNING = 3
ANYWHERE = "anywhere"


class BadQuery(ValueError):
    """The search cannot be understood; the message is a sentence that says what to write instead."""


@dataclass(frozen=True)
class Term:
    """A word, or several as a phrase, to be found in one place or (``place`` is "") in any."""

    words: tuple[str, ...]  # as written
    is_beginning: bool = False  # the last word stands for all that begin like it
    place: str = ""

    @cached_property
    def lexemes(self) -> tuple[str, ...]:
        """What the words are in the index; the last one is how they begin if ``is_beginning``."""
        names = [lexeme(word) for word in self.words]
        if self.is_beginning:
            names[-1] = folded(self.words[-1])[:LONGEST]
        return tuple(names)

    @cached_property
    def stems(self) -> frozenset[str]:
        """Of a beginning: lexemes that do not begin like it, of words that do (``deceptiv*``: ``decept``)."""
        return stems_of_beginning(self.lexemes[-1]) if self.is_beginning else frozenset()

    def __str__(self) -> str:
        text = " ".join(self.words) + "*" * self.is_beginning
        is_plain = len(self.words) == 1 and text.upper() not in ("OR", "AND", "NOT", "IN")
        return (f"{self.place}:" if self.place else "") + (text if is_plain else f'"{text}"')


@dataclass(frozen=True)
class All:
    parts: tuple[Node, ...]

    def __str__(self) -> str:
        return " ".join(map(str, self.parts))


@dataclass(frozen=True)
class Either:
    parts: tuple[Node, ...]

    def __str__(self) -> str:
        return f"({' OR '.join(_bracketed(part) for part in self.parts)})"


@dataclass(frozen=True)
class Not:
    part: Node

    def __str__(self) -> str:
        return f"-{_bracketed(self.part)}"


Node = Term | All | Either | Not


@dataclass(frozen=True)
class Query:
    """``str(query)`` is its canonical text: :func:`parse` makes an equal query of it."""

    root: Node

    def __str__(self) -> str:
        return str(self.root)

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """What is looked for, without what must not be there: these can be shown in a text."""
        return tuple(dict.fromkeys(_wanted(self.root, True)))


def parse(text: str) -> Query:
    """The query that ``text`` means; raises BadQuery."""
    if len(text) > MOST_CHARACTERS:
        raise BadQuery(
            f"The search is longer than {MOST_CHARACTERS} characters: leave out what matters least."
        )
    if not text.strip():
        raise BadQuery("Write a word to search for, such as retrain.")
    tokens = list(_tokens(text))
    terms = [token for token in tokens if token.kind == "text"]
    if not terms:
        raise BadQuery("There is no word in this search: write one of letters or digits, such as retrain.")
    if len(terms) > MOST_TERMS or sum(len(token.words) for token in terms) > MOST_WORDS:
        raise BadQuery(
            f"There are more than {MOST_TERMS} terms or {MOST_WORDS} words in this search: use fewer."
        )
    return Query(_Parser(tokens).query())


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # ( ) or and not at in text
    words: tuple[str, ...] = ()
    is_beginning: bool = False
    place: str = ""  # of at and in


# A quoted phrase, a bracket, or what stands between blanks; "glued" to what follows without one.
_PIECE = re.compile(r'["“”„](?P<phrase>[^"“”„]*)(?P<end>["“”„]?)|(?P<bracket>[()])|(?P<bare>[^\s()"“”„]+)')
_PLACE = re.compile(r"([A-Za-z]+):(?!//)")
_STAR_INSIDE = re.compile(r"\*\w|^\*")
_OPERATORS = {"OR": "or", "|": "or", "||": "or", "AND": "and", "&": "and", "&&": "and", "NOT": "not"}


def _tokens(text: str) -> Iterator[_Token]:
    pieces = list(_PIECE.finditer(text))
    after_in = False
    for number, piece in enumerate(pieces):
        glued = number + 1 < len(pieces) and pieces[number + 1].start() == piece.end()
        glued = glued and pieces[number + 1].group() != ")"
        if piece["bracket"]:
            yield _Token(piece["bracket"])
        elif piece["bare"] is None:
            if not piece["end"]:
                raise BadQuery(
                    'A quotation mark is not closed: write "modify my values" with one at each end.'
                )
            yield _phrase(piece["phrase"])
        elif (
            piece["bare"].lower() == "in" and number + 1 < len(pieces) and _names_a_place(pieces[number + 1])
        ):
            after_in = True
            continue
        else:
            yield from _bare(piece["bare"], glued, after_in)
        after_in = False


def _names_a_place(piece: re.Match[str]) -> bool:
    return bool(piece["bare"] and _PLACE.match(piece["bare"]))


def _bare(text: str, glued: bool, after_in: bool) -> Iterator[_Token]:
    """``glued``: a phrase or a bracket follows at once."""
    if text in _OPERATORS:
        yield _Token(_OPERATORS[text])
        return
    # Two hyphens are no negation but a line, or an option of a program.
    if text.startswith("-") and not text.startswith("--") and (len(text) > 1 or glued):
        if text != "-" and not _PLACE.match(text, 1) and not words(text):
            return
        yield _Token("not")
        text = text[1:]
    if named := _PLACE.match(text):
        rest = text[named.end() :]
        reaches_on = after_in or not (rest or glued)
        yield _Token("in" if reaches_on else "at", place=_place(named[1]))
        if rest.startswith("-") and words(rest):
            yield _Token("not")
        text = rest
    if not words(text):
        return
    if _STAR_INSIDE.search(text.rstrip("*")):
        raise BadQuery("* stands at the end of a word, for any ending: write deceiv*.")
    yield _text(text)


def _place(name: str) -> str:
    place = name.lower()
    if place in PLACES:
        return place
    if place == ANYWHERE:
        return ""
    raise BadQuery(
        f"There is no place “{name[:30]}” to search in: write scratchpad:, output:, user:, other: or anywhere:, "
        "or put text with a colon in quotation marks."
    )


def _phrase(text: str) -> _Token:
    if not words(text):
        raise BadQuery("There is no word between the quotation marks: write letters or digits there.")
    return _text(text)


def _text(text: str) -> _Token:
    found = tuple(words(text))
    is_beginning = text.rstrip().endswith(f"{found[-1]}*")
    if is_beginning and len(folded(found[-1])) < SHORTEST_BEGINNING:
        raise BadQuery(
            f"“{found[-1]}*” stands for too many words: write {SHORTEST_BEGINNING} letters or more before the *."
        )
    return _Token("text", found, is_beginning)


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._place = ""
        self._depth = 0

    def query(self) -> Node:
        found = self._all()
        if self._next() == ")":
            raise BadQuery("A bracket is closed that was not opened: write (retrain OR RLHF).")
        if found is None:  # brackets around nothing, and terms elsewhere cannot be
            raise BadQuery(
                "There is no word in this search: write one of letters or digits, such as retrain."
            )
        return found

    def _next(self) -> str:
        return self._tokens[self._at].kind if self._at < len(self._tokens) else ""

    def _all(self) -> Node | None:
        """Parts beside each other, up to a closing bracket or the end; None if there are none."""
        parts: list[Node] = []
        while self._next() not in ("", ")"):
            if self._next() == "or":
                raise BadQuery("OR stands between two words: write retrain OR RLHF.")
            if self._next() == "and":
                self._at += 1
            elif part := self._either():
                parts += part.parts if isinstance(part, All) else (part,)
        return _one_or(All, parts)

    def _either(self) -> Node | None:
        first = self._operand()
        parts = [first] if first else []
        while self._next() == "or":
            self._at += 1
            other = self._operand() if self._next() not in ("", ")", "or", "and") else None
            if not parts or other is None:
                raise BadQuery("OR stands between two words: write retrain OR RLHF.")
            parts.append(other)
        flat: list[Node] = []
        for part in parts:
            flat += part.parts if isinstance(part, Either) else (part,)
        return _one_or(Either, flat)

    def _operand(self) -> Node | None:
        """A term or a group with what stands before it; None for brackets around nothing."""
        token = self._tokens[self._at]
        self._at += 1
        if token.kind == "text":
            return Term(token.words, token.is_beginning, self._place)
        if token.kind == "(":
            return self._group()
        if self._next() in ("", ")", "or", "and"):
            if token.kind == "not":
                raise BadQuery("Behind - or NOT stands what must not be there: write -paid.")
            raise BadQuery(f"Say what to look for there: write {token.place or ANYWHERE}:retrain.")
        if token.kind == "not":
            return _negated(self._operand())
        if token.kind == "in":
            if self._next() == "in":
                raise BadQuery(f"Say what to look for there: write {token.place or ANYWHERE}:retrain.")
            self._place = token.place
            return self._operand()
        before, self._place = self._place, token.place
        found = self._operand()
        self._place = before
        return found

    def _group(self) -> Node | None:
        self._depth += 1
        if self._depth > MOST_BRACKETS:
            raise BadQuery(f"There are more than {MOST_BRACKETS} brackets within each other: use fewer.")
        before = self._place
        found = self._all()
        if self._next() != ")":
            raise BadQuery("A bracket is not closed: write (retrain OR RLHF).")
        self._at += 1
        self._place = before
        self._depth -= 1
        return found


def _one_or(kind: type[All] | type[Either], parts: list[Node]) -> Node | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    return kind(tuple(parts))


def _negated(part: Node | None) -> Node | None:
    if isinstance(part, Not):
        return part.part
    return Not(part) if part else None


def _bracketed(part: Node) -> str:
    return f"({part})" if isinstance(part, All) else str(part)


def _wanted(node: Node, is_wanted: bool) -> Iterator[Term]:
    if isinstance(node, Term):
        if is_wanted:
            yield node
    elif isinstance(node, Not):
        yield from _wanted(node.part, not is_wanted)
    else:
        for part in node.parts:
            yield from _wanted(part, is_wanted)
