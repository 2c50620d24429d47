"""What was said under an earlier version of a round's codebook, as the round asks now.

A round that moves to another version leaves a :class:`~annotations.models.Relabelling` with its mapping. Drafts, and
labels that no rule could move, stay what they are; whoever opens one sees it through those mappings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from annotations.codebook_changes import Mapped, map_payload, parse_mapping
from annotations.models import Relabelling, Round
from annotations.payload import FIELDS


def moves_of(round: Round) -> list[Relabelling]:
    """All of the round, oldest first, with their codebook versions. One query."""
    return list(
        Relabelling.objects.filter(round=round).select_related("before__codebook", "after").order_by("id")
    )


def along(moves: Sequence[Relabelling], version: int, payload: Mapping[str, Any]) -> Mapped:
    """``payload``, said under the codebook version ``version``, after all moves that begin there."""
    mapped = Mapped(**_parts(payload))
    for move in moves:
        if move.before_id != version:
            continue
        before, after = move.before.parsed, move.after.parsed
        given = mapped.payload()
        lost, dropped = mapped.lost, mapped.dropped
        mapped = map_payload(before, after, parse_mapping(before, after, move.mapping), given)
        mapped.lost[:0], mapped.dropped[:0] = lost, dropped
        version = move.after_id
    return mapped


def _parts(payload: Mapping[str, Any]) -> dict[str, Any]:
    named = {name: payload[name] for name in ("answers", "sides", "places", "spans") if name in payload}
    return {**named, "rest": {n: payload[n] for n in FIELDS if n in payload and n not in named}}


def brought_forward(state: dict[str, Any], round: Round) -> dict[str, Any]:
    """A stored state (as ``saving.current_state`` gives it) in the words of the round's codebook as it is now.

    ``earlier`` says what it was made from and what was left behind; it is not there where nothing changed.
    """
    version = state.get("codebook_version")
    if version is None or version == round.codebook_version_id:
        return state
    moves = moves_of(round)
    mapped = along(moves, version, state)
    name = next((str(move.before) for move in moves if move.before_id == version), "an earlier version")
    plain = {key: value for key, value in state.items() if key not in FIELDS}
    return {
        **plain,
        **mapped.payload(),
        "earlier": {
            "codebook_version": version,
            "name": name,
            "lost": mapped.lost,
            "dropped": mapped.dropped,
        },
    }
