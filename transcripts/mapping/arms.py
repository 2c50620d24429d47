"""Which arm a value means: by a mapping, or by the usual words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from transcripts.arms import MONITORED, UNMONITORED, resolve, role_of_word
from transcripts.records import ArmHint

_WORDS_OF_A_ROLE = 3  # the longest in the vocabulary: free_tier_user
_NEGATIONS = frozenset({"not", "no", "non", "un", "never", "without"})
_YES_NO = frozenset({"true", "false", "yes", "no", "1", "0"})


def mapped_arm(hints: Sequence[ArmHint], mapping: Mapping[str, Any]) -> tuple[str, str] | None:
    """Name and role of the first hint whose value the mapping's ``arms`` know, else None.

    An arm without a name of its own is called by its value. It counts as the person's word.
    """
    arms = mapping.get("arms") or {}
    for hint in hints:
        if (arm := arms.get(hint.value)) is not None:
            return str(arm.get("name") or hint.value), str(arm["role"])
    return None


def is_yes_or_no(value: str) -> bool:
    return value.strip().lower() in _YES_NO


def role_said(key: str, value: str) -> tuple[str, str]:
    """The role that a field's value speaks of, and why, as a phrase; both empty if it does not.

    ``key`` is the field's own name: it counts where the value is yes or no (``is_free_tier`` = true).
    """
    if len(value) > 200:
        return "", ""
    role = resolve((ArmHint("metadata", key[:60], value),)).role
    if role in (MONITORED, UNMONITORED):
        return role, f"“{value}” usually means {role}"
    words = value.strip().lower().replace("-", "_").replace(" ", "_").split("_")
    found: dict[str, tuple[str, str]] = {}
    for length in range(min(_WORDS_OF_A_ROLE, len(words) - 1), 0, -1):
        for at, part, rest in (
            ("begins", words[:length], []),
            ("ends", words[-length:], words[:-length]),
        ):
            role = role_of_word("_".join(part))
            is_denied = bool(rest) and rest[-1] in _NEGATIONS
            if role in (MONITORED, UNMONITORED) and not is_denied:
                found.setdefault(at, (role, "_".join(part)))
    if len({role for role, _ in found.values()}) != 1:
        return "", ""
    at, (role, word) = next(iter(found.items()))
    return role, f"it {at} with “{word}”, which usually means {role}"
