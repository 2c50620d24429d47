"""A query as a condition on transcripts, in a form that PostgreSQL answers from its indexes alone.

A vector is large and stored apart from its row; reading those of a hundred thousand transcripts takes most of a
second, reading their words from an index a hundredth of it. So each term, or each part of a query that is about
one place, is a set of transcripts of its own, taken from that place's index, and the sets are joined. A condition
on two indexes at once would be answered from one of them and checked against the vectors. Only a phrase is
checked there, in the transcripts that have all its words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.contrib.postgres.search import SearchQuery
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q

from transcripts.models import Study, TranscriptSearch
from transcripts.search.query import All, Either, Node, Not, Query, Term
from transcripts.search.words import ANYWHERE, PLACES, quoted, study_word

_NO_LIMIT = 2**62


def matching(query: Query, study: Study) -> Q:
    """Of a transcript: it is in ``study``, in the index, and what the query asks for.

    Run lists of it within :func:`from_indexes`.
    """
    return _condition(query.root, study.pk)


@contextmanager
def from_indexes() -> Iterator[None]:
    """A transaction in which a common word is looked up in its index too.

    The planner counts the pages of the table, not those of the vectors stored apart from it, so it takes
    reading the whole table to be the cheaper way where it is by far the dearer.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
        yield
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = on")


def _condition(node: Node, study: int) -> Q:
    """Of anything whose primary key is a transcript's."""
    if (leaf := _leaf(node, study)) is not None:
        return _is_in(leaf)
    if isinstance(node, Not):
        return _is_of(study) & _is_not(node.part, study)
    assert isinstance(node, All | Either)
    parts = _joined(node)
    if isinstance(node, Either):
        # A sum, so that no index has the order that making a union would like to have.
        first, *others = [
            TranscriptSearch.objects.filter(_condition(part, study)).values_list(F("pk") + 0)
            for part in parts
        ]
        return Q(pk__in=first.union(*others))
    found = Q()
    for part in parts:
        found &= _is_not(part.part, study) if isinstance(part, Not) else _condition(part, study)
    return found if any(not isinstance(part, Not) for part in parts) else _is_of(study) & found


def _is_in(leaf: Q) -> Q:
    # The limit keeps the planner from looking at the vectors of one transcript after the other, in the order of
    # the list, until a page is full: for a rare word that is all of them.
    return Q(pk__in=TranscriptSearch.objects.filter(leaf).values_list("pk", flat=True)[:_NO_LIMIT])


def _is_of(study: int) -> Q:
    return _is_in(Q(anywhere=Lexemes(quoted(study_word(study)))))


def _is_not(node: Node, study: int) -> Q:
    # Not "pk NOT IN": that is slow beyond measure once the set is larger than the memory of one operation.
    return Q(~Exists(TranscriptSearch.objects.filter(_condition(node, study), pk=OuterRef("pk"))))


def _leaf(node: Node, study: int) -> Q | None:
    """The condition on vectors, if each of them can be asked by itself; None if sets must be joined.

    That is so for all that is about one place, and for terms of which one must be there.
    """
    places = set(_places(node))
    if len(places) == 1 and "" not in places:
        return _in_place(places.pop(), node, study)
    terms = node.parts if isinstance(node, Either) else (node,)
    if not all(isinstance(term, Term) for term in terms):
        return None
    found = Q()
    for place in (*PLACES, ANYWHERE):
        asked = (place,) if place == ANYWHERE else ("", place)
        here = tuple(term for term in terms if isinstance(term, Term) and _place(term) in asked)
        if here:
            found |= _in_place(place, Either(here), study)
    return found


def _places(node: Node) -> Iterator[str]:
    if isinstance(node, Term):
        yield _place(node)
    elif isinstance(node, Not):
        yield from _places(node.part)
    else:
        for part in node.parts:
            yield from _places(part)


def _place(term: Term) -> str:
    """Whose vector is asked: a word that may stand anywhere has one of its own, a phrase "" for each place's."""
    return term.place or ("" if len(term.lexemes) > 1 else ANYWHERE)


def _joined(node: All | Either) -> list[Node]:
    """The parts, those about one and the same place taken together."""
    kind = type(node)
    by_place: dict[str, list[Node]] = {}
    others: list[Node] = []
    for part in node.parts:
        places = set(_places(part))
        if len(places) == 1 and "" not in places:
            by_place.setdefault(places.pop(), []).append(part)
        else:
            others.append(part)
    together = [parts[0] if len(parts) == 1 else kind(tuple(parts)) for parts in by_place.values()]
    if kind is Either:  # terms that may stand anywhere need no set each
        terms = [part for part in others if isinstance(part, Term)]
        if len(terms) > 1:
            others = [part for part in others if not isinstance(part, Term)] + [Either(tuple(terms))]
    return together + others


def _in_place(place: str, node: Node, study: int) -> Q:
    return Q(**{place: Lexemes(f"({_tsquery(node)}) & {quoted(study_word(study))}")})


class Lexemes(SearchQuery):
    """A parameter, read as a query of lexemes: no parser or dictionary of PostgreSQL has a say."""

    template = "%(expressions)s::tsquery"

    def __init__(self, tsquery: str) -> None:
        super().__init__(tsquery, search_type="raw")


def _tsquery(node: Node) -> str:
    if isinstance(node, Term):
        *before, last = node.lexemes
        last_word = quoted(last)
        if node.is_beginning:
            last_word = _either([f"{last_word}:*", *map(quoted, sorted(node.stems))])
        return f"({' <-> '.join([*map(quoted, before), last_word])})"
    if isinstance(node, Not):
        return f"!({_tsquery(node.part)})"
    return f"({(' & ' if isinstance(node, All) else ' | ').join(map(_tsquery, node.parts))})"


def _either(words: Iterable[str]) -> str:
    return f"({' | '.join(words)})"
