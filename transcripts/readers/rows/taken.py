"""A row whose fields are taken one by one: what nobody takes stays with the transcript as metadata."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from transcripts.arms import hints_in
from transcripts.mapping.cells import whole_number
from transcripts.outcomes import OUTCOMES
from transcripts.readers.fields import score_of
from transcripts.readers.json_values import scalar_text, storable_value
from transcripts.readers.rows.row import Row
from transcripts.records import ArmHint, RunKey, Verdict
from transcripts.text import storable

MODEL = ("model", "model_name", "model_id", "model_slug")
SAMPLE = ("sample", "sample_index", "sample_idx", "rep", "repetition")
PROMPT_ID = ("prompt_id", "question_id", "qid", "task_id", "problem_id")
EXTERNAL_ID = ("id", "uuid", "transcript_id", "conversation_id")


class Taken:
    """The fields of one row, and of the object around it; the row's own go first."""

    def __init__(self, row: Row) -> None:
        self.value: Mapping[str, Any] = {**row.around, **row.value} if row.around else row.value
        self._taken: set[str] = set()

    def any(self, name: str) -> Any:
        """The field's value, None if it is not there."""
        self._taken.add(name)
        return self.value.get(name)

    def said(self, *names: str) -> str:
        """The first of these fields that holds text or a number, as the source has it; "" if none does."""
        for name in names:
            given = self.value.get(name)
            if isinstance(given, str | int | float) and not isinstance(given, bool) and given != "":
                self._taken.add(name)
                return scalar_text(given)
        return ""

    def text(self, *names: str) -> str:
        """As :meth:`said`, but storable."""
        return storable(self.said(*names))

    def whole(self, *names: str) -> int | None:
        """The first of these fields that holds a whole number, also as text."""
        for name in names:
            number = whole_number(self.value.get(name))
            if number is not None:
                self._taken.add(name)
                return number
        return None

    def identity(self, *names: str) -> Any:
        """The first of these fields that is text or a whole number, as it is."""
        for name in names:
            given = self.value.get(name)
            if isinstance(given, str | int) and not isinstance(given, bool) and given != "":
                self._taken.add(name)
                return given
        return None

    def run(self) -> RunKey:
        return RunKey(
            self.text(*MODEL),
            self.text("setting"),
            self.text("checkpoint"),
            self.whole("training_step"),
            self.text("goal_nudge"),
        )

    def verdicts(self, *names: str) -> Iterator[Verdict]:
        """Each of these fields that is a single value, as the word of a judge of that name."""
        for name in names:
            given = self.value.get(name)
            if isinstance(given, str | int | float) and given != "":
                self._taken.add(name)
                value = storable(scalar_text(given))
                outcome = value if name == "outcome" and value in OUTCOMES else ""
                yield Verdict(storable(name), value, score_of(given), outcome=outcome)

    def metadata(self) -> dict[str, Any]:
        """Whatever was not taken; a field ``metadata`` that is an object is not wrapped in another."""
        left = {key: item for key, item in self.value.items() if key not in self._taken}
        inner = left.pop("metadata", None)
        if inner is not None and not isinstance(inner, dict):
            left["metadata"], inner = inner, None
        found: dict[str, Any] = storable_value({**left, **(inner or {})})
        return found

    def arm_hints(self, metadata: Mapping[str, Any]) -> tuple[ArmHint, ...]:
        """What the field ``arm`` says, and what ``metadata`` says."""
        arm = self.value.get("arm")
        fields = (ArmHint("field", "arm", storable(arm)),) if isinstance(arm, str) and arm else ()
        return (*fields, *hints_in("metadata", {key: v for key, v in metadata.items() if key != "arm"}))
