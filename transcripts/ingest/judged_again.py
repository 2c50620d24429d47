"""What the judges of an ingest said, and giving their words another meaning after the ingest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import Count, Q
from django.utils import timezone

from transcripts.ingest.finish import refresh_pairs, rescore
from transcripts.ingest.options import BadOption, clean
from transcripts.models import Finding, Ingest, Verdict

if TYPE_CHECKING:
    from afdash.accounts.models import User

MOST_VALUES = 40  # of one judge that are shown; a score of many values has no words to map
_TOLD = 10  # changes that the finding's sentence names
KIND = "outcomes_changed"


class NotNow(Exception):
    """The ingest is under way: its outcomes are still being written."""


@dataclass(slots=True)
class Word:
    """A value that a judge gave ``count`` times; ``outcomes`` counts what it is taken to mean now ("" for nothing)."""

    value: str
    count: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)

    @property
    def outcome(self) -> str | None:
        """The one outcome that it means, None if it means several."""
        return next(iter(self.outcomes)) if len(self.outcomes) == 1 else None


@dataclass(slots=True)
class Judge:
    name: str
    words: list[Word] = field(default_factory=list)  # the most frequent first
    count: int = 0
    more: int = 0  # values that are not in ``words``


def judges(ingest: Ingest) -> list[Judge]:
    """Judges by name, with their words, in this ingest and its parts."""
    rows = (
        Verdict.objects.filter(transcript__ingest__in=_ids(ingest))
        .values("judge", "value", "outcome")
        .annotate(n=Count("pk"))
        .order_by("judge", "-n", "value", "outcome")
    )
    found: dict[str, dict[str, Word]] = {}
    for row in rows:
        word = found.setdefault(row["judge"], {}).setdefault(row["value"], Word(row["value"]))
        word.count += row["n"]
        word.outcomes[row["outcome"]] = row["n"]
    told = []
    for name, words in found.items():
        ordered = sorted(words.values(), key=lambda word: -word.count)
        count = sum(word.count for word in ordered)
        told.append(Judge(name, ordered[:MOST_VALUES], count, max(len(ordered) - MOST_VALUES, 0)))
    return told


def judge_again(ingest: Ingest, outcomes: Mapping[str, Mapping[str, str]], user: User | None) -> int:
    """Let these words of these judges mean these outcomes: in all verdicts of the ingest, what follows from
    them, and the mapping that it keeps. Returns how many verdicts mean something else now.

    Raises BadOption if that is no mapping of outcomes, NotNow while the ingest is under way.
    """
    clean({"mapping": {"outcomes": outcomes}})
    flat = [(judge, value, meant) for judge, values in outcomes.items() for value, meant in values.items()]
    if any(judge == "*" for judge, _, _ in flat):
        raise BadOption("mapping", "Name the judge: “*” can be used only before a file is read.")
    with transaction.atomic():
        rows = list(
            Ingest.objects.select_for_update().filter(Q(pk=ingest.pk) | Q(container=ingest.pk)).order_by("pk")
        )
        if any(row.is_active for row in rows):
            raise NotNow("It is still being ingested. Wait until it is done.")
        changed = _rewrite([row.pk for row in rows], flat)
        for row in rows:
            _keep(row, outcomes)
            refresh_pairs(row.pk)
        _log(rows[0] if rows[0].pk == ingest.pk else ingest, flat, changed, user)
    return changed


def _ids(ingest: Ingest) -> Any:
    return Ingest.objects.filter(Q(pk=ingest.pk) | Q(container=ingest.pk)).values("pk")


def _rewrite(ids: list[int], flat: list[tuple[str, str, str]]) -> int:
    judged, values, meant = ([each[n] for each in flat] for n in range(3))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(
            """
            UPDATE transcripts_verdict v SET outcome = said.outcome
            FROM unnest(%s::text[], %s::text[], %s::text[]) AS said (judge, value, outcome), transcripts_transcript t
            WHERE t.id = v.transcript_id AND t.ingest_id = ANY(%s)
              AND v.judge = said.judge AND v.value = said.value AND v.outcome <> said.outcome
            """,
            [judged, values, meant, ids],
        )
        changed = int(cursor.rowcount)
        # The first judge whose words have a known meaning speaks for the transcript, as when it was read.
        cursor.execute(
            """
            UPDATE transcripts_transcript t SET outcome = spoken.outcome
            FROM (SELECT DISTINCT ON (v.transcript_id) v.transcript_id, v.outcome
                  FROM transcripts_verdict v JOIN transcripts_transcript mine ON mine.id = v.transcript_id
                  WHERE mine.ingest_id = ANY(%s) AND v.outcome <> ''
                  ORDER BY v.transcript_id, v.id) spoken
            WHERE t.id = spoken.transcript_id AND t.outcome <> spoken.outcome
            """,
            [ids],
        )
        # Another judge may speak for it now, with another score.
        cursor.execute(
            """
            SELECT DISTINCT v.transcript_id FROM transcripts_verdict v
            JOIN transcripts_transcript t ON t.id = v.transcript_id
            WHERE t.ingest_id = ANY(%s) AND v.judge = ANY(%s)
            """,
            [ids, sorted(set(judged))],
        )
        rescore([row[0] for row in cursor.fetchall()])
    return changed


def _keep(row: Ingest, outcomes: Mapping[str, Mapping[str, str]]) -> None:
    mapping = dict(row.options.get("mapping") or {})
    known = mapping.get("outcomes") or {}
    merged = {judge: {**known.get(judge, {}), **values} for judge, values in outcomes.items()}
    mapping["outcomes"] = {**known, **merged}
    row.options = {**row.options, "mapping": mapping}
    row.save(update_fields=["options"])


def _log(ingest: Ingest, flat: list[tuple[str, str, str]], changed: int, user: User | None) -> None:
    now = timezone.now()
    by = str(user) if user else "the shell"
    told = "; ".join(f"{judge}: “{value}” means {outcome}" for judge, value, outcome in flat[:_TOLD])
    more = f" and {len(flat) - _TOLD} more" if len(flat) > _TOLD else ""
    Finding.objects.create(
        ingest=ingest,
        kind=KIND,
        key=now.isoformat(),
        message=f"{by} changed what judges’ words mean on {now:%-d %B %Y at %H:%M} UTC. {told}{more}. "
        f"{changed:,} verdicts changed."[:2000],
        detail={"by": by, "outcomes": [list(each) for each in flat], "verdicts": changed},
    )
