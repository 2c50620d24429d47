"""Which arm a transcript belongs to, from what the source and the person who gave it say.

Order of evidence, strongest first:

1. the person's word (``override``)
2. an explicit field of the record (``arm``, ``role``)
3. the tier tag in the prompt (``<is_free_tier_user>True</is_free_tier_user>``)
4. the arguments the task ran with (``debug_mode``)
5. the record's metadata (``tier``)
6. the tags of the run
7. the file's name

The strongest that speaks decides. If a weaker one means another role, that is a finding, not a vote.
Default names are ``monitored`` and ``unmonitored``, whatever word the source used, so that tags,
arguments and file names of different sources join up; only an explicit ``arm`` field, or the person,
gives another name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from transcripts.records import ArmHint, RecordFinding
from transcripts.text import storable

MONITORED, UNMONITORED, OTHER = "monitored", "unmonitored", "other"
ROLES = (MONITORED, UNMONITORED, OTHER)
ORIGINS = ("field", "tag", "task_args", "metadata", "tags", "file name")

_MONITORED_WORDS = frozenset(
    [
        "monitored",
        "free",
        "free_tier",
        "free_tier_user",
        "train",
        "training",
        "in_training",
        "debug",
        "debug_mode",
        "overseen",
        "oversight",
        "observed",
        "imposter",
        "imposter_user",
        "watched",
    ]
)
_UNMONITORED_WORDS = frozenset(
    [
        "unmonitored",
        "paid",
        "paid_tier",
        "paid_tier_user",
        "deploy",
        "deployed",
        "deployment",
        "in_deployment",
        "private",
        "unobserved",
        "non_oversight",
        "no_oversight",
        "unwatched",
    ]
)
_OTHER_WORDS = frozenset({"honest", "attack", "other"})
_TIER_KEYS = frozenset(
    [
        "arm",
        "tier",
        "user_tier",
        "query_tier",
        "account_tier",
        "monitored",
        "is_monitored",
        "monitoring",
        "oversight",
        "deployment_status",
    ]
)
_SWITCH_KEYS = frozenset({"debug_mode", "debug", "mode", "monitored", "oversight"})
_TRUE, _FALSE = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})
TIER_TAG = re.compile(r"<\s*(is_[a-z_]{1,60})\s*>\s*(true|false)\s*</\s*\1\s*>[ \t]*\n?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ArmDecision:
    """The arm's name and role, the evidence as a phrase, and what spoke against it."""

    name: str
    role: str
    evidence: str
    findings: tuple[RecordFinding, ...] = ()


@dataclass(frozen=True, slots=True)
class _Meaning:
    role: str  # "" if the words are unknown
    name: str  # "" for the default name of the role
    evidence: str


def resolve(
    hints: Sequence[ArmHint], override: str | None = None, role_override: str | None = None
) -> ArmDecision:
    """Decide the arm. Equal arguments give the same object, so asking once per record is cheap.

    ``override`` may be a role, a word of the vocabulary (``free``, ``paid``, ``deployment``) or any name;
    a name that says nothing of its role gets ``role_override``, or ``other``.
    """
    return _resolve(tuple(hints), override or "", role_override or "")


def strip_arm_tag(text: str) -> tuple[str, list[ArmHint]]:
    """The text without tier tags, and what they said."""
    if "<" not in text or TIER_TAG.search(text) is None:
        return text, []
    hints: list[ArmHint] = []

    def taken(tag: re.Match[str]) -> str:
        hints.append(ArmHint("tag", tag[1].lower(), tag[2].lower()))
        return ""

    return TIER_TAG.sub(taken, text), hints


def hints_in(origin: str, values: Mapping[str, Any]) -> tuple[ArmHint, ...]:
    """The entries of a mapping of the source that speak of the arm."""
    found = []
    for key, value in values.items():
        if not _may_speak(key) or not isinstance(value, str | bool | int):
            continue
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if len(text) > 200:
            continue
        hint = ArmHint(origin, storable(key), storable(text))
        if _word(key) in _TIER_KEYS or _meaning(hint).role:
            found.append(hint)
    return tuple(found)


def hints_in_tags(tags: Sequence[Any]) -> tuple[ArmHint, ...]:
    """The tags of a run that speak of the arm."""
    hints = (ArmHint("tags", "tag", storable(tag)) for tag in tags if isinstance(tag, str))
    return tuple(hint for hint in hints if _meaning(hint).role)


def role_of_word(word: str) -> str:
    """The role that a word of the vocabulary means, or ""."""
    word = _word(word)
    if word in _MONITORED_WORDS:
        return MONITORED
    if word in _UNMONITORED_WORDS:
        return UNMONITORED
    return OTHER if word in _OTHER_WORDS else ""


@lru_cache(maxsize=4096)
def _resolve(hints: tuple[ArmHint, ...], override: str, role_override: str) -> ArmDecision:
    meanings = _in_order(hints)
    if override:
        role = role_override or role_of_word(override)
        # A word that means another role than the person says keeps its name: no “monitored” that is not.
        is_default = role in (MONITORED, UNMONITORED) and role == role_of_word(override)
        name = role if is_default else override
        decided = _Meaning(role or OTHER, name, f"given by the person who ingested it: {override}")
    else:
        decided = next((m for m in meanings if m.role or m.name), _Meaning("", "", ""))
    if not decided.evidence:
        role = role_override or OTHER
        finding = RecordFinding("arm_unknown", "Nothing in the source says which arm this is.")
        return ArmDecision("unknown", role, "", (finding,))
    findings = []
    against = next((m for m in meanings if m.role and decided.role and m.role != decided.role), None)
    if against:
        message = (
            f"{_upper(decided.evidence)} means {decided.role}, but {against.evidence} means {against.role}."
        )
        detail = {"chosen": decided.evidence, "against": against.evidence}
        findings.append(RecordFinding("arm_disagrees", message, detail))
    role = role_override or decided.role
    if not role:
        message = f"{_upper(decided.evidence)}: whether that is the monitored arm is not known."
        findings.append(RecordFinding("arm_role_unknown", message, {"evidence": decided.evidence}))
    return ArmDecision(decided.name or role or OTHER, role or OTHER, decided.evidence, tuple(findings))


def _in_order(hints: tuple[ArmHint, ...]) -> list[_Meaning]:
    """What the hints mean, strongest first; the fields ``arm`` and ``role`` are read together."""
    fields = {hint.key: hint.value for hint in hints if hint.origin == "field"}
    meanings = []
    if fields.get("arm") or fields.get("role"):
        arm, role = fields.get("arm", ""), fields.get("role", "").lower()
        role = role if role in ROLES else role_of_word(arm)
        said = ", ".join(f"{key} = {value}" for key, value in fields.items() if value)
        meanings.append(_Meaning(role, arm or role, f"the field {said}"))
    for origin in ORIGINS[1:]:
        meanings += [_meaning(hint) for hint in hints if hint.origin == origin]
    return meanings


def _meaning(hint: ArmHint) -> _Meaning:
    key, value = _word(hint.key), _word(hint.value)
    place = {"tag": "the tag in the prompt", "tags": "the run's tag", "metadata": "the metadata"}
    where = place.get(hint.origin, f"the {hint.origin.replace('task_args', 'task argument')}")
    evidence = (
        f"{where} {hint.value}"
        if hint.origin in ("tags", "file name")
        else f"{where} {hint.key} = {hint.value}"
    )
    if value in _TRUE | _FALSE:
        role = MONITORED if hint.origin == "file name" else role_of_word(_asked(key))
        if value in _FALSE and role in (MONITORED, UNMONITORED):
            role = UNMONITORED if role == MONITORED else MONITORED
        return _Meaning(role if role != OTHER else "", "", evidence)
    if hint.origin == "file name" and value == "test":
        return _Meaning(UNMONITORED, "", evidence)
    role = role_of_word(value)
    return _Meaning(role, "" if role in (MONITORED, UNMONITORED) else hint.value, evidence)


def _asked(key: str) -> str:
    """What a yes-or-no key asks: is_free_tier_user → free_tier_user."""
    return key.removeprefix("is_")


@lru_cache(maxsize=1024)
def _may_speak(key: str) -> bool:
    """Whether a key of the source is one that speaks of arms."""
    word = _word(key)
    return len(key) <= 60 and (word in _TIER_KEYS or word in _SWITCH_KEYS or word.startswith("is_"))


def _word(text: str) -> str:
    return text.strip().lower().replace("-", "_").replace(" ", "_")


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
