"""Samples that are spread over several members: ``samples/{id}_epoch_{n}/…``.

``sample.json`` has all but the messages; ``message_refs`` are half-open ranges ``[from, to)`` into the
pool of messages, of which ``messages/{start}.json`` holds the ones from ``start`` on. Long texts are
``attachment://{number}`` into a second pool, ``attachments/{start}.json``. ``metadata.json`` is apart.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import Any

from transcripts.readers.json_values import BadRecord, parse_record
from transcripts.records import RecordFinding

MAX_MESSAGES = 1_000_000
Read = Callable[[str], bytes]  # a member of the sample's folder by its name there


def assemble(sample: dict[str, Any], names: frozenset[str] | set[str], read: Read) -> list[RecordFinding]:
    """Put messages, attachments and metadata into ``sample``; returns what is missing."""
    findings: list[RecordFinding] = []
    if "metadata.json" in names and "metadata" not in sample:
        sample["metadata"] = parse_record(read("metadata.json"))
    refs = sample.get("message_refs")
    if refs is not None and "messages" not in sample:
        pool = _pool("messages/", names, read)
        sample["messages"] = _chosen(pool, refs)
        missing = _asked(refs) - len(sample["messages"])
        if missing:
            text = f"{missing} of the sample's messages are not in the file."
            findings.append(RecordFinding("missing_messages", text, {"missing": missing}))
    attachments = _pool("attachments/", names, read)
    if attachments:
        given = sample.get("attachments")
        texts = {str(number): text for number, text in attachments.items()}
        sample["attachments"] = {**(given if isinstance(given, dict) else {}), **texts}
    return findings


def _pool(folder: str, names: frozenset[str] | set[str], read: Read) -> dict[int, Any]:
    """All items of a pool by their number."""
    pool: dict[int, Any] = {}
    for name in names:
        start = name.removeprefix(folder).removesuffix(".json")
        if name.startswith(folder) and _is_number(start):
            items = parse_record(read(name))
            if isinstance(items, Mapping):
                pool.update({int(key): item for key, item in items.items() if _is_number(key)})
            elif isinstance(items, list):
                pool.update(enumerate(items, int(start)))
    return pool


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 12


def _chosen(pool: dict[int, Any], refs: Any) -> list[Any]:
    """The messages in the order of the ranges. A nonsensical range costs no more than the pool is large."""
    numbers = sorted(pool)
    chosen: list[Any] = []
    for start, stop in _pairs(refs):
        chosen += [pool[n] for n in numbers[bisect_left(numbers, start) : bisect_left(numbers, stop)]]
        if len(chosen) > MAX_MESSAGES:
            raise BadRecord("too_long", f"The sample asks for more than {MAX_MESSAGES} messages.")
    return chosen


def _asked(refs: Any) -> int:
    return sum(max(stop - start, 0) for start, stop in _pairs(refs))


def _pairs(refs: Any) -> list[tuple[int, int]]:
    if not isinstance(refs, list):
        raise BadRecord("field_type", "“message_refs” is not a list of ranges.")
    pairs = []
    for ref in refs:
        if not (
            isinstance(ref, list) and len(ref) == 2 and all(type(n) is int and 0 <= n < 2**53 for n in ref)
        ):
            raise BadRecord("field_type", "“message_refs” is not a list of ranges.")
        pairs.append((ref[0], ref[1]))
    return pairs
