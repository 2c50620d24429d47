"""What a judge's word means: complied, partly, refused or unclear.

The rules are explicit. A mapping given with the ingest, ``{"outcomes": {judge: {value: outcome}}}``
with ``"*"`` for any judge, wins over the rules of the reader; where neither knows, the answer is ""
and the verdict stays a verdict without an outcome. A score's letter is never taken at face value:
in one published log "C" means that the model did *not* choose its hidden goal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transcripts.records import Verdict

OUTCOMES = ("complied", "partly", "refused", "unclear")
LETTERS = {"complied": "C", "partly": "P", "refused": "R", "unclear": "U"}

# The judge was asked for a letter and now and then gave the option's number: the published rates, prompt
# by prompt, come out only when 1 is read as a and 2 as b.
_OPTION_SELECTION = {"a": "complied", "1": "complied", "b": "refused", "2": "refused"}
_COMPLIANCE_LETTERS = {"C": "complied", "I": "refused", "P": "partly"}


def outcome_of(verdict: Verdict, reader: str, mapping: Mapping[str, Any] | None = None) -> str:
    """The outcome that a verdict means, or "" if no rule knows."""
    outcomes = (mapping or {}).get("outcomes") or {}
    for judge in (verdict.judge, "*"):
        chosen = outcomes.get(judge, {}).get(verdict.value)
        if chosen:
            return str(chosen)
    if reader == "paired_json" and verdict.judge == "option_selection":
        return _OPTION_SELECTION.get(verdict.value, "unclear")
    if reader == "inspect_log":
        word = verdict.value.strip().lower()
        if word in OUTCOMES:
            return word
        if "compliance" in verdict.judge.lower() and verdict.value in _COMPLIANCE_LETTERS:
            return _COMPLIANCE_LETTERS[verdict.value]
    return verdict.outcome
