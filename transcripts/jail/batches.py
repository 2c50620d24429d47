"""A batch of prepared items as one frame, and back.

What many records share (run, arm, prompt) is written once a batch and named by number. The bytes behind
the head are, in order of the records: content hash, body, then each verdict's detail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple
from typing import Any

from transcripts.body import dumps
from transcripts.immutable import immutable
from transcripts.preparing import Prepared, PreparedVerdict, prompt_text
from transcripts.records import (
    FileFinding,
    HumanLabel,
    Quote,
    RecordFinding,
    Reject,
    RunKey,
    Supplement,
    Verdict,
)

EXCERPT_BYTES = 2_000
MAX_BYTES = 8 << 20
HASH_BYTES = 32


class Batch:
    """Items read since the last frame, ``most`` in number. ``cursor`` is that of the last one."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.cursor = -1
        self.size = 0
        self.findings: list[FileFinding] = []
        self._byte = -1
        self._runs: dict[RunKey, int] = {}
        self._arms: dict[tuple[str, str], int] = {}
        self._prompts: dict[bytes, tuple[int, Any]] = {}
        self._records: list[list[Any]] = []
        self._supplements: list[list[Any]] = []
        self._rejects: list[list[Any]] = []
        self._blob: list[bytes] = []

    @property
    def is_full(self) -> bool:
        rows = len(self._records) + len(self._rejects) + len(self._supplements)
        return rows >= self.most or self.size >= MAX_BYTES

    def add_record(self, p: Prepared) -> None:
        self._passed(p)
        prompt = self._prompts.get(p.prompt_identity)
        if prompt is None:
            key = p.prompt
            external = "" if key.scheme == "text" else key.value
            shown = [p.prompt_identity.hex(), prompt_text(key), key.family, external]
            prompt = self._prompts[p.prompt_identity] = (len(self._prompts), shown)
        self._records.append(
            [
                p.cursor,
                p.position,
                dumps(p.locator).decode(),
                self._runs.setdefault(p.run, len(self._runs)),
                self._arms.setdefault((p.arm.name, p.arm.role), len(self._arms)),
                prompt[0],
                p.sample,
                p.parse_state,
                p.outcome,
                p.judge_score,
                p.n_messages,
                p.n_characters,
                p.has_escapes,
                len(p.packed),
                [_verdict(verdict) for verdict in p.verdicts],
                [[f.kind, f.message, dict(f.detail)] for f in p.findings],
                [asdict(label) for label in p.labels],
            ]
        )
        self._blob += (p.content, p.packed, *(v.detail for v in p.verdicts if v.detail))
        self.size += len(p.packed) + p.n_characters

    def add_supplement(self, item: Supplement, outcomes: Sequence[str]) -> None:
        self._passed(item)
        said = [{**asdict(v), "outcome": o} for v, o in zip(item.verdicts, outcomes, strict=True)]
        self._supplements.append([item.cursor, item.position, dict(item.locator), item.target, said])

    def add_reject(self, item: Reject) -> None:
        self._passed(item)
        excerpt = item.excerpt[:EXCERPT_BYTES].decode("utf-8", "backslashreplace")
        self._rejects.append(
            [item.cursor, item.position, item.reason, item.message, excerpt, dict(item.locator)]
        )
        self.size += len(excerpt)

    def frame(self, is_last: bool = False) -> tuple[dict[str, Any], bytes]:
        head = {
            "cursor": self.cursor,
            "byte": self._byte,
            "is_last": is_last,
            "runs": [astuple(run) for run in self._runs],
            "arms": list(self._arms),
            "prompts": [shown for _, shown in self._prompts.values()],
            "records": self._records,
            "supplements": self._supplements,
            "rejects": self._rejects,
            "findings": [asdict(finding) for finding in self.findings],
        }
        return head, b"".join(self._blob)

    def _passed(self, item: Any) -> None:
        self.cursor = max(self.cursor, item.cursor)
        self._byte = item.locator.get("bytes", (0, -1))[1]


def _verdict(v: PreparedVerdict) -> list[Any]:
    return [v.judge, v.value, v.score, v.outcome, len(v.detail or b"")]


@immutable
class PromptRow:
    identity: bytes
    text: str
    family: str
    external_id: str


@immutable
class RecordRow:
    """A record as it came out of a parser; ``run``, ``arm`` and ``prompt`` number those of its batch."""

    cursor: int
    position: str
    locator: str  # JSON
    run: int
    arm: int
    prompt: int
    sample: int | None
    parse_state: str
    outcome: str
    judge_score: float | None
    n_messages: int
    n_characters: int
    has_escapes: bool
    content: bytes
    packed: bytes
    verdicts: tuple[PreparedVerdict, ...]
    findings: tuple[RecordFinding, ...]
    labels: tuple[HumanLabel, ...]


@immutable
class Received:
    """A batch in the parent. ``byte`` is where the last item ends in the file, -1 where it has no bytes."""

    cursor: int
    byte: int
    is_last: bool
    runs: list[RunKey]
    arms: list[tuple[str, str]]
    prompts: list[PromptRow]
    records: list[RecordRow]
    supplements: list[Supplement]
    rejects: list[Reject]
    findings: list[FileFinding]


def received(head: Mapping[str, Any], blob: bytes) -> Received:
    """What :meth:`Batch.frame` wrote. Raises LookupError, TypeError or ValueError if it is not that."""
    return Received(
        cursor=head["cursor"],
        byte=head["byte"],
        is_last=head["is_last"],
        runs=[RunKey(*run) for run in head["runs"]],
        arms=[(name, role) for name, role in head["arms"]],
        prompts=[PromptRow(bytes.fromhex(key), *rest) for key, *rest in head["prompts"]],
        records=_records(head["records"], blob),
        supplements=[
            Supplement(cursor, position, locator, target, tuple(map(_whole_verdict, verdicts)))
            for cursor, position, locator, target, verdicts in head["supplements"]
        ],
        rejects=[
            Reject(cursor, position, reason, message, excerpt.encode(), locator)
            for cursor, position, reason, message, excerpt, locator in head["rejects"]
        ],
        findings=[FileFinding(**finding) for finding in head["findings"]],
    )


def _records(rows: Sequence[Sequence[Any]], blob: bytes) -> list[RecordRow]:
    records, at = [], 0
    for *plain, length, verdicts, findings, labels in rows:
        start = at + HASH_BYTES
        content, packed = blob[at:start], blob[start : start + length]
        at = start + length
        prepared = []
        for judge, value, score, outcome, size in verdicts:
            prepared.append(PreparedVerdict(judge, value, score, outcome, blob[at : at + size] or None))
            at += size
        records.append(
            RecordRow(
                *plain,
                content,
                packed,
                tuple(prepared),
                tuple(RecordFinding(*finding) for finding in findings),
                tuple(HumanLabel(**{**label, "spans": tuple(label["spans"])}) for label in labels),
            )
        )
    return records


def _whole_verdict(value: Mapping[str, Any]) -> Verdict:
    return Verdict(**{**value, "quotes": tuple(Quote(**quote) for quote in value["quotes"])})
