"""A study of narrow rows that the database makes itself: what lists and facets read."""

from __future__ import annotations

from django.db import connection

from transcripts.models import Study

RUNS = 8
FAMILIES = 40


def filled(slug: str, pairs: int, samples: int) -> Study:
    """A study of ``pairs`` pairs with ``samples`` transcripts each, half of them in each of two arms.

    The rows are as an ingest leaves them, but for bodies and verdicts, which lists do not read.
    """
    study = Study.objects.create(slug=slug, name=slug)
    given = {
        "study": study.pk,
        "runs": RUNS,
        "prompts": -(-pairs // RUNS),
        "pairs": pairs,
        "samples": samples // 2,
        "families": FAMILIES,
    }
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for statement in _FILL:
            cursor.execute(statement, given)
        cursor.execute("RESET statement_timeout")
    return study


_FILL = (
    """
    INSERT INTO transcripts_source (study_id, sha256, name, size)
    VALUES (%(study)s, repeat('0', 64), 'bench.jsonl', 1)
    """,
    """
    INSERT INTO transcripts_ingest (study_id, source_id, state, is_container, waits, options, is_indexed,
        signature, search_cursor, reader, reader_version, error, attempt, failures)
    SELECT study_id, id, 'done', false, false, '{}', true, '', 0, 'own_jsonl', 1, '', 1, 0
    FROM transcripts_source WHERE study_id = %(study)s
    """,
    """
    INSERT INTO transcripts_run (study_id, identity, model, setting, checkpoint, goal_nudge)
    SELECT %(study)s, sha256(('r' || n)::bytea), 'model-' || n / 2, 'setting-' || n %% 2, '', ''
    FROM generate_series(1, %(runs)s) n
    """,
    """
    INSERT INTO transcripts_arm (study_id, name, role)
    VALUES (%(study)s, 'monitored', 'monitored'), (%(study)s, 'unmonitored', 'unmonitored')
    """,
    """
    INSERT INTO transcripts_prompt (study_id, identity, text, family, external_id)
    SELECT %(study)s, sha256(('p' || n)::bytea), 'prompt ' || n || repeat(' and some more of it', 20),
        'family ' || n %% %(families)s, 'p' || n
    FROM generate_series(1, %(prompts)s) n
    """,
    """
    INSERT INTO transcripts_pair (study_id, run_id, prompt_id, n_monitored, n_unmonitored, n_other, judge_gap,
        top_score, longest)
    SELECT %(study)s, r.id, p.id, %(samples)s, %(samples)s, 0,
        CASE WHEN p.id %% 10 > 0 THEN round((random() * 2 - 1)::numeric, 1) END,
        CASE WHEN p.id %% 10 > 0 THEN round(random()::numeric, 1) END, (random() * 40000)::int
    FROM transcripts_prompt p, transcripts_run r WHERE p.study_id = %(study)s AND r.study_id = %(study)s
    ORDER BY p.id, r.id LIMIT %(pairs)s
    """,
    """
    INSERT INTO transcripts_transcript (study_id, pair_id, run_id, prompt_id, arm_id, sample, content_sha256,
        parse_state, outcome, judge_score, n_messages, n_characters, has_escapes, segmenter_version, ingest_id,
        locator)
    SELECT p.study_id, p.id, p.run_id, p.prompt_id, a.id, s, sha256((p.id || ' ' || a.id || ' ' || s)::bytea),
        (ARRAY['ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'unclosed_scratchpad', 'missing_output'])
            [1 + (random() * 9)::int],
        CASE WHEN votes IS NULL THEN '' WHEN votes > .5 THEN 'complied' WHEN votes < .5 THEN 'refused' ELSE 'unclear' END,
        votes,
        2, (random() * 20000)::int, false, 1, i.id,
        jsonb_build_object('bytes', jsonb_build_array(p.id * 9000, p.id * 9000 + 9000), 'line', p.id)
    FROM transcripts_pair p, transcripts_arm a, generate_series(1, %(samples)s) s, transcripts_ingest i,
        LATERAL (SELECT CASE WHEN p.id %% 10 > 0 THEN round((random() * random())::numeric, 1) END + 0 * s AS votes) judge
    WHERE p.study_id = %(study)s AND a.study_id = %(study)s AND i.study_id = %(study)s
    """,
)
