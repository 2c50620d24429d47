"""Scenarios told twice, once observed and once not: ``{model, environment, scratchpad, final_output, …}``.

The end of ``environment`` (``report_failure_unobserved``) tells the arm, the rest is the scenario: it is the
prompt's identity, because the prompts of the two arms differ in more than a tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from transcripts.readers.content import message
from transcripts.readers.json_values import BadRecord, scalar_text
from transcripts.readers.rows.reader import Place, RowReader
from transcripts.readers.rows.taken import EXTERNAL_ID, SAMPLE, Taken
from transcripts.readers.source import Source
from transcripts.records import ArmHint, PromptKey, Record, RecordFinding, Verdict
from transcripts.text import storable

_ENVIRONMENT = re.compile(
    r"(?P<scenario>.*?)[_\- ]?(?P<arm>(?:un)?(?:observed|monitored|watched))", re.IGNORECASE
)
_JUDGED = "_classification"
_EXPLAINED = ("_output", "_reasoning", "_explanation")


class ScratchpadOutput(RowReader):
    name = "scratchpad_output"
    version = 1
    title = "Scenarios with scratchpad and final output, observed and unobserved"

    def fits(self, rows: Sequence[Mapping[str, Any]]) -> str:
        is_known = any({"environment", "scratchpad", "final_output"} <= row.keys() for row in rows)
        return "environment, scratchpad and final_output" if is_known else ""

    def records(self, value: Mapping[str, Any], place: Place, source: Source) -> Iterable[Record]:
        taken = Taken(place.row)
        findings: list[RecordFinding] = []
        messages = tuple(message(turn, findings) for turn in _turns(taken))
        environment = taken.text("environment")
        match = _ENVIRONMENT.fullmatch(environment)
        scenario, arm = match.group("scenario", "arm") if match else (environment, "")
        asked = taken.text("prompt").strip()
        fields: dict[str, Any] = {
            "run": taken.run(),
            "prompt": PromptKey("id", scenario, asked or scenario, scenario)
            if scenario
            else PromptKey("text", asked, asked),
            "sample": taken.whole(*SAMPLE),
            "messages": messages,
            "verdicts": tuple(_verdicts(taken)),
            "findings": tuple(findings),
            "external_id": taken.text(*EXTERNAL_ID),
        }
        metadata = taken.metadata()
        hints = (ArmHint("metadata", "environment", arm),) if arm else ()
        yield place.record(**fields, arm_hints=(*hints, *taken.arm_hints(metadata)), metadata=metadata)


def _turns(taken: Taken) -> Iterator[dict[str, Any]]:
    for role, names in (("system", ("system", "system_prompt")), ("user", ("prompt",))):
        if text := taken.said(*names):
            yield {"role": role, "content": text}
    thought, said = taken.value.get("scratchpad"), taken.value.get("final_output")
    whole = taken.said("full_response")
    if not whole and not isinstance(thought, str) and not isinstance(said, str):
        raise BadRecord("no_response", "The record has neither full_response, scratchpad nor final_output.")
    for name, part in (("scratchpad", thought), ("final_output", said)):
        if not whole or (isinstance(part, str) and part.strip() in whole):
            taken.any(name)  # else the parts are not of this whole: they stay beside it
    if whole:
        yield {"role": "assistant", "content": whole}
    else:
        yield {"role": "assistant", "content": said, "reasoning_content": thought}


def _verdicts(taken: Taken) -> Iterator[Verdict]:
    for name in [name for name in taken.value if name.endswith(_JUDGED)]:
        judge = name.removesuffix(_JUDGED)
        given = taken.any(name)
        if given is None or given == "":
            continue
        explanation = taken.text(*(judge + end for end in _EXPLAINED)) if judge else ""
        yield Verdict(
            storable(judge or "classification"), storable(scalar_text(given)), explanation=explanation
        )
