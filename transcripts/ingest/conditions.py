"""Rows that records refer to: runs, arms, prompts, pairs. Made once, then looked up in a dict.

They are inserted outside the batch's transaction, each with ON CONFLICT DO NOTHING in key order, so
workers on the same ingest neither wait for each other's batches nor deadlock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple
from typing import Any

from django.db import connection

from transcripts.identities import identity
from transcripts.jail.batches import PromptRow
from transcripts.records import RunKey

# Long names are cut for display columns; identity is the hash of the whole.
NAME_LENGTH = 500
ARM_LENGTH = 200


class Conditions:
    """Ids of one study's runs, arms, prompts and pairs, remembered for the length of a task."""

    # A prompt cache of this size is about 30 MB; past it, forgetting costs a look-up, not a fault.
    LIMIT = 100_000

    def __init__(self, study_id: int) -> None:
        self.study_id = study_id
        self._runs: dict[bytes, int] = {}
        self._arms: dict[tuple[str, str], int] = {}
        self._prompts: dict[bytes, int] = {}
        self._pairs: dict[tuple[int, int], int] = {}

    def run_ids(self, keys: Sequence[RunKey]) -> list[int]:
        """The ids of these runs, in their order; runs that are new are made. The same for the others."""
        identities = [identity(*astuple(key)) for key in keys]
        missing = sorted({i: k for i, k in zip(identities, keys, strict=True) if i not in self._runs}.items())
        if missing:
            self._runs |= self._ensure(
                "transcripts_run",
                ("identity", "model", "setting", "checkpoint", "training_step", "goal_nudge"),
                ("bytea", "text", "text", "text", "bigint", "text"),
                [
                    (
                        run,
                        key.model[:NAME_LENGTH],
                        key.setting[:NAME_LENGTH],
                        key.checkpoint[:NAME_LENGTH],
                        key.training_step,
                        key.goal_nudge[:NAME_LENGTH],
                    )
                    for run, key in missing
                ],
            )
        return [self._runs[run] for run in identities]

    def arm_ids(self, keys: Sequence[tuple[str, str]]) -> list[int]:
        cut = [(name[:ARM_LENGTH], role) for name, role in keys]
        missing = sorted({key for key in cut if key not in self._arms})
        if missing:
            with connection.cursor() as cursor:
                names, roles = [key[0] for key in missing], [key[1] for key in missing]
                cursor.execute(
                    "INSERT INTO transcripts_arm (study_id, name, role) "
                    "SELECT %s, * FROM unnest(%s::text[], %s::text[]) ON CONFLICT DO NOTHING",
                    [self.study_id, names, roles],
                )
                cursor.execute(
                    "SELECT name, role, id FROM transcripts_arm WHERE study_id = %s", [self.study_id]
                )
                self._arms = {(name, role): pk for name, role, pk in cursor.fetchall()}
        return [self._arms[key] for key in cut]

    def prompt_ids(self, prompts: Sequence[PromptRow]) -> list[int]:
        if len(self._prompts) > self.LIMIT:
            self._prompts.clear()
            self._pairs.clear()
        missing = sorted(
            (prompt for prompt in prompts if prompt.identity not in self._prompts), key=lambda p: p.identity
        )
        if missing:
            self._prompts |= self._ensure(
                "transcripts_prompt",
                ("identity", "text", "family", "external_id"),
                ("bytea", "text", "text", "text"),
                [(p.identity, p.text, p.family[:NAME_LENGTH], p.external_id) for p in missing],
            )
        return [self._prompts[prompt.identity] for prompt in prompts]

    def pair_ids(self, keys: Iterable[tuple[int, int]]) -> dict[tuple[int, int], int]:
        """Ids of pairs by (run id, prompt id)."""
        missing = sorted(key for key in keys if key not in self._pairs)
        if missing:
            runs, prompts = [key[0] for key in missing], [key[1] for key in missing]
            with connection.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO transcripts_pair (study_id, run_id, prompt_id, n_monitored, n_unmonitored, n_other,"
                    " longest) SELECT %s, r, p, 0, 0, 0, 0 FROM unnest(%s::bigint[], %s::bigint[]) AS u (r, p) "
                    "ON CONFLICT DO NOTHING",
                    [self.study_id, runs, prompts],
                )
                cursor.execute(
                    "SELECT run_id, prompt_id, id FROM transcripts_pair "
                    "JOIN unnest(%s::bigint[], %s::bigint[]) AS u (r, p) ON run_id = r AND prompt_id = p",
                    [runs, prompts],
                )
                self._pairs.update({(run, prompt): pk for run, prompt, pk in cursor.fetchall()})
        return self._pairs

    def _ensure(
        self, table: str, columns: tuple[str, ...], types: tuple[str, ...], rows: list[tuple[Any, ...]]
    ) -> dict[bytes, int]:
        """Ids by identity of ``rows`` (sorted by it), inserting those that are not there yet."""
        arrays = ", ".join(f"%s::{kind}[]" for kind in types)
        values = [list(column) for column in zip(*rows, strict=True)]
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} (study_id, {', '.join(columns)}) "  # noqa: S608 - names are literals
                f"SELECT %s, * FROM unnest({arrays}) ON CONFLICT DO NOTHING",
                [self.study_id, *values],
            )
            cursor.execute(
                f"SELECT identity, id FROM {table} "  # noqa: S608
                "WHERE study_id = %s AND identity = ANY(%s::bytea[])",
                [self.study_id, values[0]],
            )
            return {bytes(key): pk for key, pk in cursor.fetchall()}
