"""An ingest's last step: what can only be said when all its records are in. Safe to run twice."""

from __future__ import annotations

from django.db import connection
from django.db.models import Exists, OuterRef, Sum

from transcripts.models import Finding, Ingest, IngestChunk, Reject, Transcript
from transcripts.packed import MOST_SCORE

# A run that shares fewer transcripts than this with another model shares chance, not a mix-up.
IDENTICAL_AT_LEAST = 2


def refresh_pairs(ingest_id: int) -> None:
    """Recount the pairs that this ingest added to: samples by role, and the figures that lists sort by.

    Locked in id order, so two ingests that finish together on the same pairs cannot deadlock.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM transcripts_pair"
            " WHERE id IN (SELECT DISTINCT pair_id FROM transcripts_transcript WHERE ingest_id = %s)"
            " ORDER BY id FOR UPDATE",
            [ingest_id],
        )
        recount([row[0] for row in cursor.fetchall()])


def recount(pairs: list[int]) -> None:
    """Count these pairs anew, inside the transaction in which the caller has locked them."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH counted AS (
                SELECT touched.id,
                    count(*) FILTER (WHERE a.role = 'monitored') AS monitored,
                    count(*) FILTER (WHERE a.role = 'unmonitored') AS unmonitored,
                    count(*) FILTER (WHERE a.role = 'other') AS other,
                    avg((t.outcome = 'complied')::int) FILTER (WHERE a.role = 'monitored' AND t.outcome <> '')
                  - avg((t.outcome = 'complied')::int) FILTER (WHERE a.role = 'unmonitored' AND t.outcome <> '')
                    AS gap,
                    max(t.judge_score) AS top, coalesce(max(t.n_characters), 0) AS longest
                FROM unnest(%s::bigint[]) AS touched (id)
                LEFT JOIN transcripts_transcript t ON t.pair_id = touched.id
                LEFT JOIN transcripts_arm a ON a.id = t.arm_id
                GROUP BY 1
            )
            UPDATE transcripts_pair p
            SET n_monitored = monitored, n_unmonitored = unmonitored, n_other = other, judge_gap = gap,
                top_score = top, longest = counted.longest
            FROM counted WHERE counted.id = p.id
            """,
            [pairs],
        )


def rescore(ids: list[int]) -> int:
    """Let these transcripts have the score of the judge that gave their outcome, else of the first that gave one.

    Returns how many have another score now; their pairs are to be counted anew.
    :func:`transcripts.preparing.score_of_all` says the same of new rows.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE transcripts_transcript t SET judge_score = said.score
            FROM (SELECT mine.id, (
                    SELECT v.score FROM transcripts_verdict v
                    WHERE v.transcript_id = mine.id AND v.score > -%(most)s AND v.score < %(most)s
                    ORDER BY v.id IS DISTINCT FROM (
                        SELECT min(spoke.id) FROM transcripts_verdict spoke
                        WHERE spoke.transcript_id = mine.id AND spoke.outcome <> ''
                    ), v.id LIMIT 1
                ) AS score FROM unnest(%(ids)s::bigint[]) AS mine (id)) said
            WHERE t.id = said.id AND t.judge_score IS DISTINCT FROM said.score
            """,
            {"ids": ids, "most": MOST_SCORE},
        )
        return int(cursor.rowcount)


def find_identical_content(ingest: Ingest) -> None:
    """Say so when transcripts of this ingest stand word for word under another model too."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            -- One look into the index for each text and run: whatever the planner believes of a table that
            -- has just grown and was never analysed, it cannot make this quadratic.
            WITH mine AS MATERIALIZED (
                SELECT content_sha256, run_id, count(*) AS n FROM transcripts_transcript
                WHERE ingest_id = %(ingest)s GROUP BY 1, 2
            )
            SELECT r.model, elsewhere.model, r.setting, sum(mine.n)::bigint
            FROM mine JOIN transcripts_run r ON r.id = mine.run_id
            CROSS JOIN LATERAL (
                SELECT DISTINCT other.model
                FROM transcripts_transcript t JOIN transcripts_run other ON other.id = t.run_id
                WHERE t.study_id = %(study)s AND t.content_sha256 = mine.content_sha256 AND other.model <> r.model
            ) elsewhere
            GROUP BY 1, 2, 3 HAVING sum(mine.n) >= %(least)s
            """,
            {"ingest": ingest.pk, "study": ingest.study_id, "least": IDENTICAL_AT_LEAST},
        )
        rows = cursor.fetchall()
    Finding.objects.bulk_create(
        [
            Finding(
                ingest=ingest,
                kind="identical_content",
                key=f"{mine} = {other} ({setting})"[:200],
                message=(
                    f"{count} transcripts of {mine} are word for word those of {other}. "
                    "One of the two files may carry the wrong model's name."
                ),
                detail={"model": mine, "other_model": other, "setting": setting, "transcripts": count},
            )
            for mine, other, setting, count in rows
        ],
        ignore_conflicts=True,
    )


def find_unpaired(ingest: Ingest) -> None:
    """Count the pairs of this ingest that lack a side: they cannot enter a gap."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*), count(*) FILTER (WHERE n_monitored = 0 OR n_unmonitored = 0)
            FROM transcripts_pair
            WHERE id IN (SELECT DISTINCT pair_id FROM transcripts_transcript WHERE ingest_id = %s)
            """,
            [ingest.pk],
        )
        total, unpaired = cursor.fetchone()
    if not unpaired:
        # The other arm's file has come: what an earlier finish of this ingest said no longer holds.
        Finding.objects.filter(ingest=ingest, kind="unpaired").delete()
        return
    Finding.objects.update_or_create(
        ingest=ingest,
        kind="unpaired",
        key="",
        defaults={
            "message": (
                f"{unpaired} of {total} prompts lack a monitored or an unmonitored sample. "
                "They take part in no gap until the other side is ingested."
            ),
            "detail": {"unpaired": unpaired, "prompts": total},
        },
    )


def clear_unpaired_of_others(ingest: Ingest) -> None:
    """When this ingest completes the pairs of an earlier one, that one's finding is taken back."""
    pairs = Transcript.objects.filter(ingest=ingest).values("pair")
    others = (
        Ingest.objects.filter(
            Exists(Finding.objects.filter(ingest=OuterRef("pk"), kind="unpaired")),
            Exists(Transcript.objects.filter(ingest=OuterRef("pk"), pair__in=pairs)),
            study=ingest.study_id,
        )
        .exclude(pk=ingest.pk)
        .order_by("pk")
    )
    for other in others:
        find_unpaired(other)


def find_other_encoding(ingest: Ingest) -> None:
    """Say so when most records are not UTF-8: that is one thing to put right, not hundreds."""
    wrong = Reject.objects.filter(ingest=ingest, reason="encoding").count()
    read = IngestChunk.objects.filter(ingest=ingest).aggregate(read=Sum("read", default=0))["read"]
    if 2 * wrong <= read or not wrong:
        return
    Finding.objects.update_or_create(
        ingest=ingest,
        kind="not_utf8",
        key="",
        defaults={
            "message": (
                f"{wrong} of {read} records are not UTF-8. The file seems to have another encoding, such as Latin-1 "
                "or Windows-1252: save it as UTF-8 and give it again."
            ),
            "detail": {"rejected": wrong, "read": read},
        },
    )


def finish(ingest: Ingest) -> None:
    refresh_pairs(ingest.pk)
    find_other_encoding(ingest)
    find_identical_content(ingest)
    find_unpaired(ingest)
    clear_unpaired_of_others(ingest)
