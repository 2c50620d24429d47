"""What a search found, for the rows of a list: a line of text around a match, and how far the index is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from django.db.models import Count, Min
from django.utils.safestring import SafeString

from transcripts.filters import Filters, is_of_samples
from transcripts.models import Study, Transcript
from transcripts.rendering import visible
from transcripts.search.conditions import from_indexes
from transcripts.search.indexing import study_index_state
from transcripts.search.matches import Snippet, snippet
from transcripts.search.query import parse


@dataclass(frozen=True, slots=True)
class Found:
    """A transcript that matches. ``more`` other samples of its pair do too, in a list of pairs."""

    transcript: int
    arm: int
    arm_name: str
    arm_role: str
    sample: int
    snippet: Snippet | None  # None where the query only forbids, or its words are beyond what is indexed
    more: int = 0

    @property
    def place(self) -> str:
        """Where the match stands, as people say it."""
        if self.snippet is None:
            return ""
        place = self.snippet.place
        return self.snippet.role if place == "other" else place

    @property
    def address(self) -> str:
        """What a pair's address says to show this sample."""
        return f"s{self.arm}={self.sample}&focus={self.arm}"

    @property
    def pieces(self) -> Iterator[tuple[SafeString, bool]]:
        """Text and whether it matches; white space as it stands in the text."""
        for text, is_match in self.snippet or ():
            yield visible(text), is_match


def found_in(filters: Filters, transcripts: Sequence[int], pairs: Sequence[int] = ()) -> dict[int, Found]:
    """By transcript, or by pair: the first sample that passes, and how many more do.

    Two queries, of which one reads bodies; one for transcripts; none without a search.
    """
    if not filters.search or not (transcripts or pairs):
        return {}
    more: dict[int, int] = {}
    if pairs:
        samples = filters.samples_of_pairs(Transcript.objects.filter(pair__in=pairs), but=_of_pairs(filters))
        counted = samples.order_by().values_list("pair").annotate(first=Min("pk"), n=Count("pk"))
        more = {first: n - 1 for _, first, n in counted}
        transcripts = list(more)
    query = parse(filters.search)
    rows = Transcript.objects.filter(pk__in=transcripts).select_related("arm", "body").defer("locator")
    return {
        (row.pair_id if pairs else row.pk): Found(
            row.pk,
            row.arm_id,
            row.arm.name,
            row.arm.role,
            row.sample,
            snippet(query, row.body.content.messages),
            more.get(row.pk, 0),
        )
        for row in rows.order_by("pk")
    }


def _of_pairs(filters: Filters) -> Iterable[str]:
    """Filters that these pairs have passed already."""
    return [name for name in filters.values if not is_of_samples(name)]


def index_progress(study: Study) -> str:
    """How much of the study can be searched while its index is being built; "" when all can."""
    state = study_index_state(study)
    waiting = state.total - state.indexed
    if state.is_whole or waiting < 1:
        return ""
    words = "1 transcript is" if waiting == 1 else f"{waiting:,} transcripts are"
    return f"The index holds {state.percent} % of the study’s text: {words} still to come."


def searching(filters: Filters) -> AbstractContextManager[None]:
    """Within it, rows that pass are looked for, so that a search is answered from its indexes."""
    return from_indexes() if filters.search else nullcontext()
