"""How a transcript's body is packed: a JSON line of structure, then the texts, compressed with zstd, in one ``bytea``.

The database never looks inside, so text goes to the worker once and comes back once. Texts stand
behind the JSON as plain UTF-8, so that packing neither escapes nor copies them more often than it
must; strings have been through :func:`transcripts.text.storable`, so UTF-8 can hold them.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from backports import zstd

from transcripts.immutable import immutable
from transcripts.records import Message, Quote, Segment, Verdict
from transcripts.text import utf8

# Level 1, which looks for repeated words rather than for syllables: 28 µs for 9 kB instead of 34, and 3 % larger.
# Negative levels were little faster and a third larger; level 3 takes 44 µs and saves 2 %. A dictionary paid on
# synthetic texts only (20 µs, 60 % smaller): on real ones it was 10 µs instead of 11, and 6 % smaller.
OPTIONS = {
    zstd.CompressionParameter.compression_level: 1,
    zstd.CompressionParameter.min_match: 7,
    zstd.CompressionParameter.hash_log: 13,
}
# What is long repeats itself over longer distances.
OPTIONS_OF_LONG = {zstd.CompressionParameter.compression_level: 1}
_LONG = 64 * 1024
_LARGE = 4 * 1024 * 1024

# A compressor is reused: making one costs a third of compressing a transcript with it.
_local = threading.local()


@immutable
class Body:
    """``metadata`` is the source's other fields, as plain JSON values."""

    messages: tuple[Message, ...]
    metadata: Mapping[str, Any] | None = None


def pack(body: Body, texts: Sequence[bytes] | None = None) -> bytes:
    """The packed body; ``texts`` are the messages' texts as UTF-8, if the caller has them already."""
    texts = encoded(body.messages) if texts is None else texts
    head = dumps(
        {
            "messages": [
                [
                    m.role,
                    m.name,
                    m.parse_state,
                    len(text),
                    [[s.kind, s.start, s.end, s.inner_start, s.inner_end, s.note] for s in m.segments],
                ]
                for m, text in zip(body.messages, texts, strict=True)
            ],
            "metadata": body.metadata or {},
        }
    )
    if sum(map(len, texts)) > _LARGE:
        return _compress_parts((head, b"\n", *texts))
    return compress(b"\n".join((head, b"".join(texts))))


def unpack(packed: bytes) -> Body:
    raw = zstd.decompress(packed)
    at = raw.index(b"\n") + 1
    # Not orjson: it would turn an integer beyond 64 bits into a float.
    head = json.loads(raw[:at])
    messages = []
    for role, name, parse_state, length, segments in head["messages"]:
        text = raw[at : at + length].decode()
        at += length
        messages.append(
            Message(role, text, name, tuple(Segment(*segment) for segment in segments), parse_state)
        )
    return Body(tuple(messages), head["metadata"])


def encoded(messages: Sequence[Message]) -> list[bytes]:
    return [utf8(message.text) for message in messages]


def content_sha256(messages: Sequence[Message], texts: Sequence[bytes] | None = None) -> bytes:
    """Identity of what was said: roles, names and texts, in order; not segments, not verdicts."""
    texts = encoded(messages) if texts is None else texts
    lengths = [[m.role, m.name, len(text)] for m, text in zip(messages, texts, strict=True)]
    digest = hashlib.sha256(orjson.dumps(lengths))
    for text in texts:
        digest.update(text)
    return digest.digest()


def pack_detail(verdict: Verdict) -> bytes | None:
    """What a judge said beyond its word and score; None if it said no more."""
    found: dict[str, Any] = {}
    if verdict.explanation:
        found["explanation"] = verdict.explanation
    if verdict.threshold is not None:
        found["threshold"] = verdict.threshold
    if verdict.quotes:
        found["quotes"] = [[q.text, q.criterion, q.anchor, q.message, q.start, q.end] for q in verdict.quotes]
    if verdict.detail:
        found["detail"] = dict(verdict.detail)
    return compress(dumps(found)) if found else None


def unpack_detail(packed: bytes | memoryview | None) -> dict[str, Any]:
    """``explanation``, ``threshold``, ``quotes`` (of :class:`~transcripts.records.Quote`) and ``detail``."""
    found: dict[str, Any] = {"explanation": "", "threshold": None, "quotes": (), "detail": {}}
    if packed:
        found |= json.loads(zstd.decompress(bytes(packed)))
        found["quotes"] = tuple(Quote(*quote) for quote in found["quotes"])
    return found


def compress(raw: bytes) -> bytes:
    return _compress_parts((raw,))


def _compress_parts(parts: Sequence[bytes]) -> bytes:
    """What is large is not joined first: a parser has no room for another copy of it."""
    compressor = _compressor(is_long=sum(map(len, parts)) > _LONG)
    *most, last = parts
    try:
        packed = [compressor.compress(part) for part in most]
        packed.append(compressor.compress(last, zstd.ZstdCompressor.FLUSH_FRAME))
    except MemoryError:
        del _local.compressors  # one stands in the middle of a frame, which must not begin the next body
        raise
    return b"".join(packed)


def dumps(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # an integer beyond 64 bits, which the source must get back exactly
        return json.dumps(value).encode()


def _compressor(is_long: bool) -> zstd.ZstdCompressor:
    found: tuple[zstd.ZstdCompressor, zstd.ZstdCompressor] | None = getattr(_local, "compressors", None)
    if found is None:
        each = (zstd.ZstdCompressor(options=options) for options in (OPTIONS, OPTIONS_OF_LONG))
        found = _local.compressors = tuple(each)
    return found[is_long]
