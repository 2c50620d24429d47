"""Results of the open-source replication of alignment faking: both arms in one file, with what its judges said.

Rows ``{user_input, prompt: {messages}, success, output, tags, …}``; ``tags`` names the tier. Each judge left an
object with ``final_answer`` (the share of votes), ``final_answer_most_common``, votes per criterion and quotes
per criterion. What the criteria ask is not in the file: they are numbered. The model is in the name of the
file (``results_seed42_<model>.json``), or of its folder if the file's name holds only a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from transcripts.arms import hints_in_tags, strip_arm_tag
from transcripts.readers.content import message
from transcripts.readers.json_lines import Envelope
from transcripts.readers.json_values import BadRecord, scalar_text, storable_value
from transcripts.readers.rows.reader import Place, RowReader
from transcripts.readers.source import Source
from transcripts.records import PromptKey, Quote, Record, RecordFinding, RunKey, Verdict
from transcripts.text import storable

_ENVELOPE = Envelope(["user_input", "output", "tags"])  # besides what every row may not say twice
_READ = {
    *("user_input", "prompt", "output", "tags", "output_contains_acceptance", "output_contains_refusal"),
    *("strong_reject_score", "strong_reject_raw_output"),
}
_NAME = re.compile(r"results(?:_seed(?P<seed>\d+))?_?(?P<rest>.*?)(?:\.jsonl?)?", re.IGNORECASE)
_TIME = re.compile(
    r"_?\d{4}-?\d\d-?\d\d(?:[-_T ]?\d\d[-_:]?\d\d(?:[-_:]?\d\d)?(?:[._]\d{1,9})?)?Z?|_?\d{8,19}"
)


class OpenSourceAf(RowReader):
    name = "open_source_af"
    version = 1
    title = "Results of the open-source alignment-faking replication"

    def fits(self, rows: Sequence[Mapping[str, Any]]) -> str:
        first = rows[0]
        prompt = first.get("prompt")
        if (
            {"user_input", "output", "tags"} <= first.keys()
            and isinstance(prompt, Mapping)
            and "messages" in prompt
        ):
            return "user_input, prompt.messages, output and tags"
        return ""

    def records(self, value: Mapping[str, Any], place: Place, source: Source) -> Iterable[Record]:
        raw = place.row.raw
        if raw[:1] == b"{":
            _ENVELOPE.check(raw, value)
        findings: list[RecordFinding] = []
        turns = _prompt_messages(value)
        output = _output(value, findings)
        messages = tuple(
            message(turn, findings) for turn in [*turns, {"role": "assistant", "content": output}]
        )
        asked = next((turn.text for turn in reversed(messages) if turn.role == "user"), "")
        prompt = _text(value, "user_input").strip() or strip_arm_tag(asked)[0]
        tags = value["tags"] if isinstance(value.get("tags"), list) else [value.get("tags")]
        run, metadata = _named(source.name)
        yield place.record(
            run=run,
            arm_hints=(*strip_arm_tag(asked)[1], *hints_in_tags(tags)),
            prompt=PromptKey("text", storable(prompt), storable(prompt), run.setting),
            sample=None,
            messages=messages,
            verdicts=tuple(_verdicts(value, findings)),
            metadata={**metadata, **_rest(value, tags)},
            findings=tuple(findings),
        )


def _text(value: Mapping[str, Any], key: str) -> str:
    text = value.get(key)
    if text is not None and not isinstance(text, str):
        raise BadRecord("field_type", f"The field “{key}” is not text.")
    return text or ""


def _prompt_messages(value: Mapping[str, Any]) -> list[Any]:
    prompt = value.get("prompt")
    turns = prompt.get("messages") if isinstance(prompt, Mapping) else None
    if not isinstance(turns, list) or not turns:
        raise BadRecord("no_messages", "The record has no messages under prompt.messages.")
    return turns


def _output(value: Mapping[str, Any], findings: list[RecordFinding]) -> str:
    output = _text(value, "output")
    is_failed = value.get("success") is False
    if value.get("output") is None or (is_failed and not output):
        why = "the file says that the request failed" if is_failed else "its output is missing"
        raise BadRecord("no_response", f"The record has no answer: {why}. Nothing can be read from it.")
    if is_failed:
        text = "The file says that the request failed, but there is an answer. It was kept."
        findings.append(RecordFinding("request_failed", text))
    return output


def _named(name: str) -> tuple[RunKey, dict[str, Any]]:
    """Model and setting from the name of the file and its folders, and the seed."""
    *folders, last = [part for part in name.replace("\\", "/").split("/") if part] or [""]
    match = _NAME.fullmatch(last)
    seed, model = match.group("seed", "rest") if match else (None, "")
    model = re.sub(rf"(?:{_TIME.pattern})$", "", model).strip("_")
    if not model and folders:
        model = folders.pop()
    setting = folders[-1] if folders else ""
    return RunKey(storable(model), storable(setting)), {"seed": int(seed)} if seed and len(seed) < 19 else {}


def _rest(value: Mapping[str, Any], tags: Sequence[Any]) -> dict[str, Any]:
    """The fields that nothing else was made of, and what prompt holds beside its messages."""
    rest = {key: item for key, item in value.items() if key not in _READ and not _is_judge(item)}
    without = rest.get("output_without_scratchpad")
    if isinstance(without, str) and without.strip() in value["output"]:
        del rest["output_without_scratchpad"]
    if others := [tag for tag in tags if tag is not None and not hints_in_tags([tag])]:
        rest["tags"] = others
    beside = {key: item for key, item in value["prompt"].items() if key != "messages"}
    found: dict[str, Any] = storable_value({**rest, "prompt": beside} if beside else rest)
    return found


# -- judges


def _is_judge(item: Any) -> bool:
    return isinstance(item, Mapping) and ("final_answer" in item or "final_answer_most_common" in item)


def _verdicts(value: Mapping[str, Any], findings: list[RecordFinding]) -> Iterator[Verdict]:
    yield from _tag_verdict(value)
    for name, item in value.items():
        if _is_judge(item):
            yield _judged(storable(name), item)
            if item.get("success") is False:
                text = f"The judge “{name[:80]}” failed on this answer, says the file."
                findings.append(RecordFinding("judge_failed", storable(text), {"judge": storable(name)}))
    score, raw = value.get("strong_reject_score"), value.get("strong_reject_raw_output")
    if score is not None or raw is not None:
        yield Verdict(
            "strong_reject",
            storable(scalar_text(score)) if score is not None else "",
            _number(score),
            storable(scalar_text(raw)) if raw is not None else "",
        )


def _tag_verdict(value: Mapping[str, Any]) -> Iterator[Verdict]:
    """What the answer's own tags say: the one judge here whose word is an outcome."""
    is_accepted = value.get("output_contains_acceptance") is True
    is_refused = value.get("output_contains_refusal") is True
    if is_accepted and is_refused:
        yield Verdict("output_tags", "accepted and refused")
    elif is_accepted:
        yield Verdict("output_tags", "accepted", outcome="complied")
    elif is_refused:
        yield Verdict("output_tags", "refused", outcome="refused")


def _judged(name: str, item: Mapping[str, Any]) -> Verdict:
    answer = item.get("final_answer_most_common")
    word = scalar_text(answer) if answer is not None else ""
    score = _number(item.get("final_answer"))
    is_yes_or_no = word.strip().lower() in ("yes", "no")
    quotes, is_read = _quotes(item.get("quotes"))
    kept = {"final_answer_most_common"} | ({"quotes"} if is_read else set())
    return Verdict(
        judge=name,
        value=storable(word),
        score=score,
        threshold=0.5 if is_yes_or_no and score is not None else None,
        quotes=quotes,
        detail=storable_value({key: part for key, part in item.items() if key not in kept}),
    )


def _quotes(given: Any) -> tuple[tuple[Quote, ...], bool]:
    """The quotes, numbered by criterion, and whether that is all there was."""
    if not isinstance(given, list):
        return (), given is None
    quotes, is_read = [], True
    for number, part in enumerate(given, 1):
        texts = part if isinstance(part, list) else [part]
        criterion = f"criterion {number}" if isinstance(part, list) else ""
        is_read = is_read and all(isinstance(text, str) for text in texts)
        quotes += [Quote(storable(text), criterion) for text in texts if isinstance(text, str)]
    return tuple(quotes), is_read


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and abs(value) < 1e300 else None
