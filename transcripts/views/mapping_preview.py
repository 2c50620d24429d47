"""The first records of a file as a mapping reads them, put together to pairs: what a person decides by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from transcripts.records import Message, Segment
from transcripts.rendering import RenderedMessage, render_message
from transcripts.wording import ROLE_ORDER, ParseState, parse_state

MOST = 40  # records that are read for it
PAIRS = 3
MESSAGES = 12  # of one transcript
CHARACTERS = 2_500  # of one message


@dataclass(frozen=True, slots=True)
class Shown:
    """One arm of a pair: its first sample, and how many there are among the records read."""

    name: str
    role: str
    sample: int | None
    n_samples: int
    position: str
    parse: ParseState
    outcome: str
    verdicts: Sequence[Mapping[str, Any]]
    findings: Sequence[str]
    messages: Sequence[RenderedMessage]
    is_cut: bool


@dataclass(slots=True)
class PreviewPair:
    model: str
    setting: str
    prompt: str
    arms: list[Shown] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Preview:
    pairs: Sequence[PreviewPair]
    n_records: int
    n_pairs: int
    n_both: int
    arms: Mapping[str, int]
    rejects: Sequence[Mapping[str, Any]]
    conflicts: Sequence[str]


def preview_of(tried: Mapping[str, Any]) -> Preview:
    """``tried`` as :func:`transcripts.ingest.mappings.tried` gives it."""
    groups: dict[tuple[str, ...], dict[tuple[str, str], list[Mapping[str, Any]]]] = {}
    counts: dict[str, int] = {}
    for record in tried["records"]:
        key = (record["model"], record["setting"], record["prompt_id"])
        arm = (record["role"], record["arm"])
        groups.setdefault(key, {}).setdefault(arm, []).append(record)
        called = record["arm"] if record["arm"] == record["role"] else f"{record['arm']} ({record['role']})"
        counts[called] = counts.get(called, 0) + 1
    both = [key for key, arms in groups.items() if {"monitored", "unmonitored"} <= {role for role, _ in arms}]
    first = [*both, *(key for key in groups if key not in set(both))][:PAIRS]
    return Preview(
        pairs=[_pair(groups[key]) for key in first],
        n_records=len(tried["records"]),
        n_pairs=len(groups),
        n_both=len(both),
        arms=counts,
        rejects=tried["rejects"],
        conflicts=_conflicts(groups),
    )


def _pair(arms: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]) -> PreviewPair:
    ordered = sorted(arms.items(), key=lambda item: (ROLE_ORDER.index(item[0][0]), item[0][1]))
    one = ordered[0][1][0]
    pair = PreviewPair(one["model"], one["setting"], one["prompt"][:300])
    pair.arms = [_shown(name, role, records) for (role, name), records in ordered]
    return pair


def _shown(name: str, role: str, records: Sequence[Mapping[str, Any]]) -> Shown:
    record = records[0]
    messages = [_message(given) for given in record["messages"][:MESSAGES]]
    cut = [clipped(message) for message in messages]
    is_cut = cut != messages or len(record["messages"]) > MESSAGES
    return Shown(
        name,
        role,
        record["sample"],
        len(records),
        record["position"],
        parse_state(record["parse_state"]),
        record["outcome"],
        record["verdicts"],
        record["findings"],
        [render_message(index, message) for index, message in enumerate(cut)],
        is_cut,
    )


def _message(given: Mapping[str, Any]) -> Message:
    return Message(**{**given, "segments": tuple(Segment(**segment) for segment in given["segments"])})


def clipped(message: Message, most: int = CHARACTERS) -> Message:
    """The message's beginning, with the segments that are left of it."""
    if len(message.text) <= most:
        return message
    segments = tuple(
        replace(
            each,
            end=min(each.end, most),
            inner_start=min(each.inner_start, most),
            inner_end=min(each.inner_end, most),
        )
        for each in message.segments
        if each.start < most
    )
    return replace(message, text=message.text[:most], segments=segments)


def _conflicts(groups: Mapping[Any, Mapping[Any, Sequence[Mapping[str, Any]]]]) -> list[str]:
    """Records that the source numbers alike: one of them would be rejected, or counted as a duplicate."""
    found = []
    for arms in groups.values():
        for (_, arm), records in arms.items():
            seen: dict[int, Mapping[str, Any]] = {}
            for record in records:
                if record["sample"] is None:
                    continue
                earlier = seen.setdefault(record["sample"], record)
                if earlier is record:
                    continue
                same = [m["text"] for m in earlier["messages"]] == [m["text"] for m in record["messages"]]
                which = f"{record['position']} is sample {record['sample']} of the same prompt, model and arm ({arm})"
                end = "with the same text: a duplicate" if same else "with other text: it would be rejected"
                found.append(f"{which} as {earlier['position']}, {end}.")
    return found
