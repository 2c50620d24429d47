"""One sample of an Inspect log as a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from transcripts.arms import hints_in, strip_arm_tag
from transcripts.outcomes import OUTCOMES
from transcripts.readers.content import message
from transcripts.readers.inspect_log.log import Log
from transcripts.readers.json_values import NUMBER, BadRecord, compact, scalar_text, storable_value
from transcripts.records import Message, PromptKey, Record, RecordFinding, Verdict
from transcripts.text import storable

# Half to nine tenths of the bytes, and nothing that a transcript needs.
SKIPPED = ("events", "transcript", "events_data", "store", "timelines", "message_pool", "setup", "files")

_PAIR_KEYS = ("pair_id", "query_id", "prompt_id", "question_id", "scenario_id", "item_id")
_FAMILY_KEYS = ("behavior_category", "category", "family", "scenario", "topic")
_KEPT = (
    "target",
    "choices",
    "uuid",
    "error",
    "limit",
    "started_at",
    "completed_at",
    "total_time",
    "invalidation",
)
_REFERENCE = "attachment://"


def record(
    sample: Mapping[str, Any],
    log: Log,
    cursor: int,
    position: str,
    locator: Mapping[str, Any],
    early: Sequence[RecordFinding] = (),
) -> Record:
    """The record; raises BadRecord. ``early`` are findings made while the sample was put together."""
    if not isinstance(sample, dict):
        raise BadRecord("not_an_object", "The sample is not a JSON object.")
    identity, epoch = sample.get("id"), sample.get("epoch", 1)
    if not isinstance(identity, str | int) or isinstance(identity, bool):
        raise BadRecord("field_type", "The sample's id is neither text nor a whole number.")
    if type(epoch) is not int or not 0 <= epoch < 2**31:
        raise BadRecord("field_type", "The sample's epoch is not a whole number.")
    sources = sample.get("messages")
    if not isinstance(sources, list) or not sources:
        raise BadRecord("no_messages", "The sample has no messages.")
    findings = list(early)
    attachments = sample.get("attachments")
    resolve = _Resolver(
        attachments if isinstance(attachments, dict) else {}, "message_refs" in sample, findings
    )
    messages = tuple(message(resolve.message(source), findings) for source in sources)
    metadata = sample.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    hints = hints_in("metadata", metadata)
    text, tag_hints = strip_arm_tag(_prompt_text(resolve, sample.get("input"), messages))
    findings += _sample_findings(sample)
    scores = _scores(sample)
    return Record(
        cursor=cursor,
        position=position,
        locator=locator,
        run=log.run,
        arm_hints=(*tag_hints, *hints, *log.hints),
        prompt=PromptKey(
            "inspect",
            _prompt_value(log.task, identity, metadata, bool(hints)),
            text.strip(),
            _family(metadata),
        ),
        sample=epoch,
        messages=messages,
        verdicts=tuple(_verdict(name, score) for name, score in scores.items()),
        metadata=_metadata(sample, metadata, scores, log),
        findings=_once_each(findings),
        external_id=storable(str(identity)),
    )


class _Resolver:
    """Puts attached text back where a message only refers to it."""

    def __init__(
        self, attachments: Mapping[str, Any], is_chunked: bool, findings: list[RecordFinding]
    ) -> None:
        self.attachments = attachments
        self.is_chunked = is_chunked
        self.findings = findings

    def message(self, source: Any) -> Any:
        if isinstance(source, dict):
            content, calls = source.get("content"), source.get("tool_calls")
            if not isinstance(content, str) or content.startswith(_REFERENCE):
                source = {**source, "content": self.value(content)}
            if calls and self.is_chunked:  # elsewhere only images are kept apart
                source = {**source, "tool_calls": self.value(calls)}
        return source

    def value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value) if value.startswith(_REFERENCE) else value
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            if value.get("type") in ("image", "audio", "video", "document"):
                return value  # shown as [image]: the bytes are not text
            return {key: self.value(item) for key, item in value.items()}
        return value

    def text(self, text: str) -> str:
        key = text[len(_REFERENCE) :]
        if (found := self.attachments.get(key)) is not None and isinstance(found, str):
            return found
        if len(key) > 64 or not key.isalnum():
            return text  # a model that writes about attachments, not a reference
        self.findings.append(
            RecordFinding("missing_attachment", "Text that the log keeps apart is not in the file.")
        )
        return f"[missing {text}]"


def _prompt_text(resolve: _Resolver, given: Any, messages: Sequence[Message]) -> str:
    """The last thing the user says in the input, before any solver adds to it."""
    if isinstance(given, str):
        return storable(resolve.value(given))
    if isinstance(given, list):
        users = [source for source in given if isinstance(source, dict) and source.get("role") == "user"]
        if users:
            return message(resolve.message(users[-1]), []).text
    return next((m.text for m in messages if m.role == "user"), "")


def _prompt_value(task: str, identity: str | int, metadata: Mapping[str, Any], has_tier: bool) -> str:
    """Task and sample id; the pair's id instead if the sample names its own tier. 1 and "1" differ."""
    if has_tier:
        for key in _PAIR_KEYS:
            value = metadata.get(key)
            if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
                return storable(f"{task}␟{compact(value)}")
    return storable(f"{task}␟{compact(identity)}")


def _family(metadata: Mapping[str, Any]) -> str:
    for key in _FAMILY_KEYS:
        if isinstance(value := metadata.get(key), str) and value:
            return storable(value)
    return ""


def _scores(sample: Mapping[str, Any]) -> dict[str, Any]:
    scores = sample.get("scores")
    if isinstance(scores, dict):
        return scores
    return {"score": sample["score"]} if sample.get("score") is not None else {}


def _verdict(name: str, score: Any) -> Verdict:
    if not isinstance(score, dict):
        score = {"value": score}
    value, answer, explanation = score.get("value"), score.get("answer"), score.get("explanation")
    number: float | None = None
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value) if abs(value) < 1e300 else None
    text = str(value[NUMBER]) if isinstance(value, dict) and NUMBER in value else scalar_text(value)
    word = answer.strip().lower() if isinstance(answer, str) else ""
    return Verdict(
        judge=storable(name),
        value=storable(text),
        score=number,
        explanation=storable(scalar_text(explanation)) if explanation else "",
        outcome=word if word in OUTCOMES else "",
    )


def _sample_findings(sample: Mapping[str, Any]) -> list[RecordFinding]:
    found = []
    error = sample.get("error")
    if error:
        text = error.get("message") if isinstance(error, dict) else error
        found.append(RecordFinding("sample_error", f"The sample ended with an error: {_short(text)}"))
    limit = sample.get("limit")
    if limit:
        kind = limit.get("type") if isinstance(limit, dict) else limit
        found.append(RecordFinding("sample_limit", f"The sample was stopped by a limit: {_short(kind)}."))
    if sample.get("invalidation"):
        reason = sample["invalidation"].get("reason") if isinstance(sample["invalidation"], dict) else ""
        found.append(
            RecordFinding(
                "sample_invalidated", f"The sample was marked invalid: {_short(reason or 'no reason given')}."
            )
        )
    return found


def _metadata(
    sample: Mapping[str, Any], metadata: Mapping[str, Any], scores: Mapping[str, Any], log: Log
) -> dict[str, Any]:
    kept: dict[str, Any] = {key: sample[key] for key in _KEPT if sample.get(key) not in (None, "", [], {})}
    details = {}
    for name, score in scores.items():
        if isinstance(score, dict):
            detail = {key: score[key] for key in ("answer", "metadata", "history") if score.get(key)}
            if detail:
                details[name] = detail
    if details:
        kept["scores"] = details
    if retries := sample.get("error_retries"):
        kept["retries"] = len(retries) if isinstance(retries, list) else retries
    output = sample.get("output")
    choices = output.get("choices") if isinstance(output, dict) else None
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        kept["stop_reason"] = choices[0].get("stop_reason")
    if metadata:
        kept["metadata"] = metadata
    found: dict[str, Any] = storable_value(kept)
    if log.metadata:
        found["log"] = log.metadata
    return found


def _once_each(findings: Sequence[RecordFinding]) -> tuple[RecordFinding, ...]:
    seen: dict[tuple[str, str], RecordFinding] = {}
    for finding in findings:
        seen.setdefault((finding.kind, finding.message), finding)
    return tuple(seen.values())


def _short(text: Any) -> str:
    return storable(scalar_text(text)).strip().split("\n")[0][:300]
