"""Bloom's file of judgments: what one judge said of every transcript of a folder.

``{"behavior_name", "judgments": [{variation_number, repetition_number, <dimension>: score, summary,
justification, highlights, individual_samples}], "total_conversations", "failed_count"}``. Each judgment goes to
the transcript that its numbers name. The judge's name holds that of the file, so that several files of
judgments, and the judgment inside the transcript, stand side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from transcripts.readers.json_stream import Element, object_members
from transcripts.readers.json_values import BadRecord, parse_record, within_memory
from transcripts.readers.petri.judged import verdicts
from transcripts.readers.source import Probe, Source
from transcripts.records import Chunk, FileFinding, Item, Plan, Reject, Supplement
from transcripts.text import storable

MOST_JUDGMENT = 16 * 1024 * 1024  # bytes
_NUMBERS = ("variation_number", "repetition_number")
_NOT_SCORES = {*_NUMBERS, "num_samples"}
_READ = {*_NUMBERS, "summary", "justification", "highlights"}
_PROBLEMS = {"broken": "json_invalid"}


class BloomJudgment:
    name = "bloom_judgment"
    waits = True  # for the transcripts that it speaks of
    version = 1
    title = "Bloom's judgments of a folder of transcripts (judgment.json)"

    def recognises(self, probe: Probe) -> str:
        is_known = "judgments" in probe.json.keys and b'"variation_number"' in probe.head
        return "a JSON object with judgments by variation and repetition" if is_known else ""

    def plan(self, source: Source) -> Plan:
        return Plan((Chunk(0, 0, source.size, source.size),))

    def read(self, source: Source, chunk: Chunk, after: int = -1) -> Iterator[Item]:
        """An item's cursor is the judgment's number in the file."""
        said = _Said()
        cursor = 0
        with source.path.open("rb") as file:
            for key, element in object_members(file, ("judgments",), MOST_JUDGMENT):
                if key != "judgments" and not element.problem:
                    said.note(key, element)
                    continue
                if cursor > after:
                    yield _item(element, cursor, source.name)
                cursor += 1
        yield from said.findings(cursor)


class _Said:
    """What the file says of itself, beside its judgments."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def note(self, key: str, element: Element) -> None:
        if key in ("total_conversations", "failed_count") and element.raw.isdigit() and len(element.raw) < 10:
            self.numbers[key] = int(element.raw)

    def findings(self, held: int) -> Iterator[FileFinding]:
        failed, total = self.numbers.get("failed_count", 0), self.numbers.get("total_conversations", held)
        if failed:
            text = f"The file says that {failed} conversations could not be judged."
            yield FileFinding("judge_failed", text, {"failed": failed}, "judge_failed")
        if total - failed > held:
            text = f"The file speaks of {total} conversations, {failed} of them failed, but holds {held} judgments."
            yield FileFinding("fewer_judgments", text, {"said": total, "held": held}, "fewer_judgments")


def _item(element: Element, cursor: int, name: str) -> Item:
    where, locator = f"judgment {cursor + 1}", {"bytes": [element.start, element.end]}
    try:
        with within_memory():
            return _supplement(element, cursor, where, locator, name)
    except BadRecord as bad:
        return Reject(cursor, where, bad.reason, bad.message, element.raw[:4096], locator)


def _supplement(
    element: Element, cursor: int, where: str, locator: Mapping[str, Any], name: str
) -> Supplement:
    if element.problem:
        raise BadRecord(_PROBLEMS.get(element.problem, element.problem), element.message)
    value = parse_record(element.raw)
    if not isinstance(value, dict):
        raise BadRecord("not_an_object", "The judgment is not an object with named fields.")
    numbers = [value.get(key) for key in _NUMBERS]
    if not all(
        isinstance(number, int) and not isinstance(number, bool) and number >= 0 for number in numbers
    ):
        text = "The judgment does not say which transcript it is about: it needs {} and {}, whole numbers."
        raise BadRecord("no_target", text.format(*_NUMBERS))
    scores = {key: item for key, item in value.items() if key not in _NOT_SCORES and _is_number(item)}
    detail = {key: item for key, item in value.items() if key not in _READ and key not in scores}
    judge = name.replace("\\", "/").rpartition("/")[2].removesuffix(".json") or "judgment"
    found = verdicts(
        scores,
        value,
        lambda dimension: f"bloom/{dimension} ({judge})" if dimension else f"bloom ({judge})",
        detail,
        {},
    )
    if not found:
        raise BadRecord("no_verdict", "The judgment holds neither a score nor a word nor a quote.")
    return Supplement(cursor, where, locator, storable("transcript_v{}r{}.json".format(*numbers)), found)


def _is_number(item: Any) -> bool:
    return isinstance(item, int | float) and not isinstance(item, bool)
