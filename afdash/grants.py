"""What the application's database role may do. Run as the owner after every migration.

The role that serves pages and runs workers owns no table. On the append-only tables it may read and
insert; so neither a bug nor a stolen connection can change what somebody once labelled.
"""

from __future__ import annotations

from django.db import connection, transaction
from psycopg import sql

APPEND_ONLY = ("annotations_annotationrevision", "annotations_codebookversion")
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


def owned_by(role: str) -> list[str]:
    """Tables that ``role`` owns or could change through a role that it belongs to; must be empty."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = 'public' AND c.relkind = 'r' AND pg_has_role(%s, c.relowner, 'MEMBER')",
            [role],
        )
        return [row[0] for row in cursor.fetchall()]
