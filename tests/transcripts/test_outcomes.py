import pytest

from transcripts.outcomes import outcome_of
from transcripts.records import Verdict


@pytest.mark.parametrize(
    ("reader", "verdict", "outcome"),
    [
        ("paired_json", Verdict("option_selection", "a"), "complied"),
        ("paired_json", Verdict("option_selection", "b"), "refused"),
        ("paired_json", Verdict("option_selection", "N/A"), "unclear"),
        ("paired_json", Verdict("option_selection", "1"), "complied"),
        ("paired_json", Verdict("option_selection", "2"), "refused"),
        ("paired_json", Verdict("option_selection", "3"), "unclear"),
        ("own_jsonl", Verdict("j", "whatever", outcome="partly"), "partly"),
        ("own_jsonl", Verdict("j", "complied"), ""),
        ("inspect_log", Verdict("compliance", "C"), "complied"),
        ("inspect_log", Verdict("compliance", "I", outcome="complied"), "refused"),
        ("inspect_log", Verdict("not_answer", "C"), ""),
        ("inspect_log", Verdict("grader", "Refused"), "refused"),
    ],
)
def test_the_default_rules(reader, verdict, outcome):
    assert outcome_of(verdict, reader, {}) == outcome


def test_the_mapping_wins():
    mapping = {"outcomes": {"option_selection": {"a": "refused"}, "*": {"C": "partly"}}}
    assert outcome_of(Verdict("option_selection", "a"), "paired_json", mapping) == "refused"
    assert outcome_of(Verdict("not_answer", "C"), "inspect_log", mapping) == "partly"
