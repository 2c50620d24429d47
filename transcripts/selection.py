"""Rows ticked in a list, or all that pass its filters, to be sent on: as a signed token in an address.

A token holds at most :data:`MAX_IDS` ids; more rows are chosen by their filters, which are looked up again when
the token is used, with the reader's own rights. It is good in its study only, and for a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

from django.core import signing
from django.db.models import QuerySet
from django.http import QueryDict

from transcripts import filters as filter_table
from transcripts.access import StudyAccess
from transcripts.filters import MAX_ID, BadFilter
from transcripts.models import Pair, Transcript

MAX_IDS = 500
MAX_TOKEN = 3500  # characters: an address of about 4,000 is more than a web server takes
MAX_AGE = 24 * 60 * 60  # seconds
SALT = "transcripts.selection"
PAGES = ("pairs", "transcripts")
PARAMETER = "units"


@dataclass(frozen=True, slots=True)
class Selection:
    """``ids`` of one list's rows, or, if that is None, all that pass ``query``."""

    page: str
    ids: tuple[int, ...] | None = None
    query: str = ""


def selection_of(page: str, units: Sequence[str], everything: bool, query: str) -> Selection:
    """What a form or a request says, checked; raises BadFilter. Whether the rows are there is asked later."""
    if page not in PAGES:
        raise BadFilter("page", f"“page” must be one of {', '.join(PAGES)}.")
    if everything:
        return Selection(page, query=query.removeprefix("?"))
    if not units:
        raise BadFilter("unit", "Nothing is selected: tick some rows first.")
    if len(units) > MAX_IDS:
        raise BadFilter(
            "unit",
            f"{len(units):,} rows are ticked, and {MAX_IDS} may be. Narrow the list and take all that pass.",
        )
    return Selection(page, tuple(sorted({_id(unit) for unit in units})))


def _id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) <= MAX_ID):
        raise BadFilter("unit", f"A row is named by its number, not by “{text[:60]}”.")
    return int(text)


def token_of(access: StudyAccess, selection: Selection) -> str:
    """Raises BadFilter for a selection that an address cannot hold."""
    held: dict[str, Any] = {"study": access.study.pk, "page": selection.page}
    if selection.ids is None:
        held["query"] = selection.query
    else:  # as steps from one to the next: they are small, and compress well
        held["ids"] = [after - before for before, after in pairwise((0, *selection.ids))]
    token = signing.dumps(held, salt=SALT, compress=True)
    if len(token) > MAX_TOKEN:
        raise BadFilter(PARAMETER, "This selection is too large for an address. Select fewer rows at once.")
    return token


def read_token(access: StudyAccess, token: str) -> Selection:
    """Raises BadFilter for a token that is not ours, not this study's, or too old."""
    try:
        if len(token) > MAX_TOKEN:
            raise signing.BadSignature
        held = signing.loads(token, salt=SALT, max_age=MAX_AGE)
    except signing.SignatureExpired as error:
        raise BadFilter(PARAMETER, "This selection is more than a day old. Please select again.") from error
    except (signing.BadSignature, ValueError) as error:
        raise BadFilter(PARAMETER, "This selection is not valid. Please select again.") from error
    if held["study"] != access.study.pk:
        raise BadFilter(PARAMETER, "This selection is not of this study. Please select again.")
    ids = tuple(accumulate(held["ids"])) if "ids" in held else None
    return Selection(held["page"], ids, held.get("query", ""))


def rows_of(access: StudyAccess, selection: Selection) -> QuerySet[Pair] | QuerySet[Transcript]:
    """What was selected, of the list that it was selected in; raises BadFilter."""
    pairs = Pair.objects.filter(study=access.study)
    transcripts = Transcript.objects.filter(study=access.study)
    if selection.ids is not None:
        chosen = pairs if selection.page == "pairs" else transcripts
        return chosen.filter(pk__in=selection.ids)
    given = QueryDict(selection.query)
    filters = filter_table.parse(given, access, frozenset({"cursor", "sort"}))
    return filters.pairs(pairs) if selection.page == "pairs" else filters.transcripts(transcripts)


def selected_transcripts(access: StudyAccess, token: str) -> QuerySet[Transcript]:
    """The transcripts that a token means, of pairs all samples; raises BadFilter for a bad token."""
    rows = rows_of(access, read_token(access, token))
    if rows.model is Transcript:
        return rows  # type: ignore[return-value]
    return Transcript.objects.filter(study=access.study, pair__in=rows.order_by().values("pk"))


def selected_pairs(access: StudyAccess, token: str) -> QuerySet[Pair]:
    """The pairs that a token means, those of its transcripts; raises BadFilter for a bad token."""
    rows = rows_of(access, read_token(access, token))
    if rows.model is Pair:
        return rows  # type: ignore[return-value]
    return Pair.objects.filter(study=access.study, pk__in=rows.order_by().values("pair_id"))
