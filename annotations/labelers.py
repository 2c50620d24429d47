"""Whose word a figure is computed from. Gathers outcomes by labeler; the arithmetic is elsewhere.

==================  ===============================================================================
``judge``           the source judge's outcome of each transcript, by the ingest's mapping
``judge:NAME``      that of one judge, where a source has several
``majority``        the behaviour that most annotators submitted; a tie counts as unclear
``annotator:NAME``  one annotator's submitted behaviour; outside annotators are ``annotator:NAME (outside)``
==================  ===============================================================================
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db import connection

from afdash.accounts.models import OUTSIDE_MARK
from transcripts.access import StudyAccess

# As `str(user)` shows it.
NAME = f"CASE WHEN u.outside_name = '' THEN u.username ELSE u.outside_name || '{OUTSIDE_MARK}' END"
BEHAVIOUR = "behaviour"  # the question whose choices are the outcomes
Counts = dict[tuple[int, str, str], int]  # by (prompt, role, outcome)


# One vote for each person and transcript: the newest, should they have met it in several rounds.
VOTES = f"""
    SELECT DISTINCT ON (w.transcript_id, n.annotator_id) w.transcript_id, {NAME} AS name, w.choice
    FROM annotations_answer w
    JOIN annotations_annotation n ON n.id = w.annotation_id
    JOIN annotations_task k ON k.id = n.task_id
    JOIN annotations_round d ON d.id = k.round_id AND d.kind <> 'practice'
    JOIN accounts_user u ON u.id = n.annotator_id
    WHERE w.study_id = %(study)s AND w.question = %(question)s AND w.submitted
        AND w.transcript_id IS NOT NULL AND w.message IS NULL
    ORDER BY w.transcript_id, n.annotator_id, n.updated_at DESC, n.id
"""  # noqa: S608 - made of the literals here


class UnknownLabeler(ValueError):
    """There is no such labeler in this study; the message lists those that there are."""


@dataclass(frozen=True, slots=True)
class Labeler:
    name: str
    kind: str  # judge, majority, annotator
    who: str = ""


def parse(name: str) -> Labeler:
    kind, _, who = name.partition(":")
    if (kind == "majority" and not who) or kind == "judge" or (kind == "annotator" and who):
        return Labeler(name, kind, who)
    raise UnknownLabeler(
        f"There is no labeler {name[:80]!r}. Known: judge, judge:NAME, majority, annotator:NAME."
    )


def outcome_counts(access: StudyAccess, labeler: Labeler) -> dict[int, Counts]:
    """Samples by (prompt, role, outcome) for each run id; transcripts without a label are left out."""
    if labeler.kind == "majority":
        labelled = f"""
            SELECT transcript_id, CASE WHEN count(*) FILTER (WHERE n = best) > 1 THEN 'unclear'
                ELSE min(choice) FILTER (WHERE n = best) END AS outcome
            FROM (SELECT transcript_id, choice, count(*) AS n,
                      max(count(*)) OVER (PARTITION BY transcript_id) AS best
                  FROM ({VOTES}) votes GROUP BY transcript_id, choice) counted
            GROUP BY transcript_id
        """  # noqa: S608 - made of the literals here
    elif labeler.kind == "annotator":
        labelled = f"SELECT transcript_id, choice AS outcome FROM ({VOTES}) votes WHERE name = %(who)s"  # noqa: S608
    elif labeler.who:
        labelled = """
            SELECT v.transcript_id, v.outcome FROM transcripts_verdict v
            JOIN transcripts_transcript t ON t.id = v.transcript_id
            WHERE t.study_id = %(study)s AND v.judge = %(who)s
        """
    else:
        labelled = (
            "SELECT id AS transcript_id, outcome FROM transcripts_transcript WHERE study_id = %(study)s"
        )
    counts: dict[int, Counts] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT t.run_id, t.prompt_id, a.role, l.outcome, count(*)
            FROM ({labelled}) l JOIN transcripts_transcript t ON t.id = l.transcript_id
            JOIN transcripts_arm a ON a.id = t.arm_id
            WHERE t.study_id = %(study)s AND l.outcome IN ('complied', 'partly', 'refused', 'unclear')
            GROUP BY 1, 2, 3, 4
            """,  # noqa: S608 - one of the literals above
            {"study": access.study.pk, "question": BEHAVIOUR, "who": labeler.who},
        )
        for run, prompt, role, outcome, n in cursor.fetchall():
            counts[run][prompt, role, outcome] = n
    return dict(counts)


def known(access: StudyAccess) -> list[str]:
    """The labelers that have said something in this study."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT v.judge FROM transcripts_verdict v
            JOIN transcripts_transcript t ON t.id = v.transcript_id
            WHERE t.study_id = %s AND v.outcome <> '' ORDER BY 1 LIMIT 50
            """,
            [access.study.pk],
        )
        judges = [row[0] for row in cursor.fetchall()]
        cursor.execute(
            f"""
            SELECT DISTINCT {NAME} FROM annotations_answer w
            JOIN annotations_annotation n ON n.id = w.annotation_id JOIN accounts_user u ON u.id = n.annotator_id
            JOIN annotations_task k ON k.id = n.task_id
            JOIN annotations_round d ON d.id = k.round_id AND d.kind <> 'practice'
            WHERE w.study_id = %s AND w.question = %s AND w.submitted ORDER BY 1 LIMIT 200
            """,  # noqa: S608 - made of the literals here
            [access.study.pk, BEHAVIOUR],
        )
        annotators = [row[0] for row in cursor.fetchall()]
    names = (["judge"] if judges else []) + (
        [f"judge:{judge}" for judge in judges] if len(judges) > 1 else []
    )
    if annotators:
        names += ["majority", *(f"annotator:{name}" for name in annotators)]
    return names
