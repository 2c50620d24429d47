"""Parsed codebook versions by their number. A version never changes, so each is parsed once in a process."""

from __future__ import annotations

from collections.abc import Iterable

from annotations.codebook import BadDefinition, Codebook
from annotations.models import CodebookVersion

KEPT = 512
EMPTY = Codebook("", "", (), ())
_books: dict[int, Codebook] = {}


def books(versions: Iterable[int]) -> dict[int, Codebook]:
    """By version; a query only for those that this process has not met."""
    wanted = set(versions)
    if missing := wanted - _books.keys():
        if len(_books) + len(missing) > KEPT:
            _books.clear()
            missing = wanted
        for version in CodebookVersion.objects.filter(pk__in=missing):
            try:
                _books[version.pk] = version.parsed
            except BadDefinition:  # of a time with other rules: what was said by it is shown by its keys
                _books[version.pk] = EMPTY
    return {pk: _books.get(pk, EMPTY) for pk in wanted}


def single_questions(versions: Iterable[int]) -> dict[int, frozenset[str]]:
    """By version, the keys of the questions of a whole transcript that take one choice."""
    return {
        pk: frozenset(q.key for q in book.asked_of("transcript") if q.kind == "single")
        for pk, book in books(versions).items()
    }
