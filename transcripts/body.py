"""How a transcript's body is packed: JSON, compressed with zstd, in one ``bytea``.

The database never looks inside, so text goes to the worker once and comes back once. Strings have
been through :func:`transcripts.text.storable`, so they are plain Unicode and orjson can hold them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from backports import zstd

from transcripts.records import Message, Segment

# Level 1: measured as fast as the disk takes it; higher levels saved 8 % and halved the speed.
LEVEL = 1


@dataclass(frozen=True, slots=True)
class Body:
    """``verdicts`` and ``metadata`` are the source's own words, as plain JSON values."""

    messages: tuple[Message, ...]
    verdicts: tuple[Mapping[str, Any], ...] = ()
    metadata: Mapping[str, Any] | None = None


def pack(body: Body) -> bytes:
    messages = [
        [
            m.role,
            m.text,
            m.name,
            [[s.kind, s.start, s.end, s.inner_start, s.inner_end, s.note] for s in m.segments],
            m.parse_state,
        ]
        for m in body.messages
    ]
    value = {"messages": messages, "verdicts": list(body.verdicts), "metadata": body.metadata or {}}
    try:
        raw = orjson.dumps(value)
    except TypeError:  # an integer beyond 64 bits, which the source must get back exactly
        raw = json.dumps(value).encode()
    return zstd.compress(raw, level=LEVEL)


def unpack(packed: bytes) -> Body:
    # Not orjson: it would turn an integer beyond 64 bits into a float.
    raw = json.loads(zstd.decompress(packed))
    return Body(
        messages=tuple(
            Message(role, text, name, tuple(Segment(*segment) for segment in segments), parse_state)
            for role, text, name, segments, parse_state in raw["messages"]
        ),
        verdicts=tuple(raw["verdicts"]),
        metadata=raw["metadata"],
    )


def content_sha256(messages: Sequence[Message]) -> bytes:
    """Identity of what was said: roles, names and texts, in order; not segments, not verdicts."""
    return hashlib.sha256(orjson.dumps([[m.role, m.name, m.text] for m in messages])).digest()
