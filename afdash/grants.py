"""What the application's database role may do. Run as the owner after every migration.

The role that serves pages and runs workers owns no table. On the append-only tables it may read and
insert; so neither a bug nor a stolen connection can change what somebody once labelled.
"""

from __future__ import annotations

from django.db import connection, transaction
from psycopg import sql

APPEND_ONLY = ("annotations_annotationrevision", "annotations_codebookversion", "annotations_unblinding")
IMMUTABLE = ("transcripts_transcriptbody",)  # may be deleted with its study, never rewritten


def grant_to(role: str) -> None:
    """Give ``role`` its rights on every table of the public schema; idempotent."""
    name = sql.Identifier(role)
    statements = [
        sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(name),
        sql.SQL("REVOKE CREATE ON SCHEMA public FROM {}").format(name),
        sql.SQL("REVOKE CREATE ON SCHEMA public FROM PUBLIC"),
        sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}").format(name),
        sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(name),
        *(
            sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON {} FROM {}").format(
                sql.Identifier(table), name
            )
            for table in APPEND_ONLY
        ),
        *(
            sql.SQL("REVOKE UPDATE, TRUNCATE ON {} FROM {}").format(sql.Identifier(table), name)
            for table in IMMUTABLE
        ),
        sql.SQL("REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {}").format(name),
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def could_become_the_owner(role: str) -> bool:
    """Whether ``role`` is the role that asks, or belongs to it; asked before there is any table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_has_role(%s, current_user, 'MEMBER')", [role])
        (could,) = cursor.fetchone()
    return bool(could)


def owned_by(role: str) -> list[str]:
    """Tables that ``role`` owns or could change through a role that it belongs to; must be empty."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = 'public' AND c.relkind = 'r' AND pg_has_role(%s, c.relowner, 'MEMBER')",
            [role],
        )
        return [row[0] for row in cursor.fetchall()]


def are_held_by(role: str) -> bool:
    """Whether the ground truth is safe from ``role``: it owns nothing and may only read and append."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT bool_or(has_table_privilege(%s, name, right_)) "
            "FROM unnest(%s::text[]) AS name, unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) AS right_",
            [role, list(APPEND_ONLY)],
        )
        (may_change,) = cursor.fetchone()
        cursor.execute(
            "SELECT count(*) FROM pg_trigger WHERE tgname = 'append_only' AND tgenabled = 'O' "
            "AND tgrelid = ANY(%s::text[]::regclass[])",
            [list(APPEND_ONLY)],
        )
        (guarded,) = cursor.fetchone()
    return not may_change and guarded == len(APPEND_ONLY) and not owned_by(role)
