"""Revision numbers are drawn before their transactions commit, so a lower one may appear after a higher.

Whoever appends a revision holds a shared advisory lock until it commits; whoever needs "all revisions up to
here, and none will join them" takes it alone for a moment, and so waits for those under way. Without this
two exports with one ``as_of`` could differ.
"""

from __future__ import annotations

from django.db import connection, transaction
from django.db.models import Max

from annotations.models import AnnotationRevision

LOCK = 7_011_401  # any number that no other advisory lock uses


def appending() -> None:
    """To be called first in a transaction that appends a revision."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [LOCK])


def newest_settled() -> int:
    """The newest revision such that no revision with a lower number can appear any more; 0 if there is none."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        return AnnotationRevision.objects.aggregate(newest=Max("pk"))["newest"] or 0
