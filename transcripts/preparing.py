"""From a record to what is written of it: everything that can be decided without the database.

The person's word (model, setting, arm, role, mapping) goes before the source's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from transcripts import body as body_format
from transcripts.arms import ArmDecision, resolve, strip_arm_tag
from transcripts.identities import identity
from transcripts.immutable import immutable
from transcripts.mapping import mapped_arm
from transcripts.outcomes import outcome_of
from transcripts.packed import usable_score
from transcripts.quotes import anchor_all
from transcripts.records import HumanLabel, Message, PromptKey, Record, RecordFinding, RunKey, Verdict
from transcripts.segments import parse_state_of
from transcripts.text import is_escaped, storable

# Every escaped character is one of U+10F000 to U+10F801; as UTF-8 they begin with this byte, and little else does.
_ESCAPED = b"\xf4"


@immutable
class PreparedVerdict:
    """What goes into a row of its own: names cut to what a list shows, the rest packed."""

    judge: str
    value: str
    score: float | None
    outcome: str
    detail: bytes | None


@immutable
class Prepared:
    """One transcript-to-be with everything decided. ``content`` is its sha256, ``packed`` its body."""

    cursor: int
    position: str
    locator: Mapping[str, Any]
    run: RunKey
    arm: ArmDecision
    prompt: PromptKey
    prompt_identity: bytes
    sample: int | None
    content: bytes
    packed: bytes
    parse_state: str
    outcome: str
    judge_score: float | None
    n_messages: int
    n_characters: int
    has_escapes: bool
    verdicts: tuple[PreparedVerdict, ...]
    findings: tuple[RecordFinding, ...]
    labels: tuple[HumanLabel, ...]


def prepare(record: Record, reader: str, options: Mapping[str, Any]) -> Prepared:
    """Decide run, arm, outcomes, parse state and identity of a record, and pack its body."""
    messages = record.messages
    texts = body_format.encoded(messages)
    mapping = options.get("mapping") or {}
    verdicts = prepare_verdicts(record.verdicts, messages, reader, mapping)
    arm = _arm(record, options, mapping)
    return Prepared(
        cursor=record.cursor,
        position=record.position,
        locator=record.locator,
        run=_run(record.run, options),
        arm=arm,
        prompt=record.prompt,
        prompt_identity=identity(record.prompt.scheme, record.prompt.value),
        sample=record.sample,
        content=body_format.content_sha256(messages, texts),
        packed=body_format.pack(body_format.Body(messages, record.metadata), texts),
        parse_state=parse_state_of(messages),
        # The first judge whose words have a known meaning speaks for the transcript.
        outcome=next((verdict.outcome for verdict in verdicts if verdict.outcome), ""),
        judge_score=score_of_all(verdicts),
        n_messages=len(messages),
        n_characters=sum([len(message.text) for message in messages]),
        has_escapes=any(_ESCAPED in text for text in texts)
        and any(is_escaped(message.text) for message in messages),
        verdicts=verdicts,
        findings=(*record.findings, *arm.findings),
        labels=record.labels,
    )


def prepare_verdicts(
    verdicts: tuple[Verdict, ...], messages: tuple[Message, ...], reader: str, mapping: Mapping[str, Any]
) -> tuple[PreparedVerdict, ...]:
    """Verdicts with their outcomes and with their quotes looked for; of one judge, the last."""
    prepared: dict[str, PreparedVerdict] = {}
    for verdict in verdicts:
        quoted = replace(verdict, quotes=anchor_all(verdict.quotes, messages)) if verdict.quotes else verdict
        if len(verdict.value) > 500:  # the column is cut: the whole stays with the rest
            quoted = replace(quoted, detail={**verdict.detail, "value": verdict.value})
        judge = verdict.judge[:200]
        outcome = outcome_of(verdict, reader, mapping)
        prepared[judge] = PreparedVerdict(
            judge, verdict.value[:500], verdict.score, outcome, body_format.pack_detail(quoted)
        )
    return tuple(prepared.values())


def score_of_all(verdicts: Sequence[PreparedVerdict]) -> float | None:
    """The score of the judge that gave the outcome, if it gave one, else of the first judge that did.

    :func:`transcripts.ingest.finish.rescore` says the same of verdicts that are stored.
    """
    spoke = [verdict for verdict in verdicts if verdict.outcome][:1]
    scores = (usable_score(verdict.score) for verdict in (*spoke, *verdicts))
    return next((score for score in scores if score is not None), None)


def prompt_text(prompt: PromptKey) -> str:
    """The prompt as lists show it: without the tag that tells the arm."""
    return storable(strip_arm_tag(prompt.text)[0])


def _run(run: RunKey, options: Mapping[str, Any]) -> RunKey:
    model = options.get("model") or run.model or "unknown model"
    setting = options.get("setting", run.setting)
    return run if (model, setting) == (run.model, run.setting) else replace(run, model=model, setting=setting)


def _arm(record: Record, options: Mapping[str, Any], mapping: Mapping[str, Any]) -> ArmDecision:
    name, role = options.get("arm"), options.get("role")
    if not name and (mapped := mapped_arm(record.arm_hints, mapping)):
        name, role = mapped[0], role or mapped[1]
    return resolve(record.arm_hints, name, role)
