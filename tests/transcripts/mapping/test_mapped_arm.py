import pytest

from transcripts.arms import resolve
from transcripts.mapping import mapped_arm
from transcripts.mapping.arms import role_said
from transcripts.records import ArmHint

HINTS = (ArmHint("field", "arm", "edu-low"), ArmHint("metadata", "tier", "free"))


@pytest.mark.parametrize(
    ("arms", "arm"),
    [
        ({"edu-low": {"name": "low", "role": "monitored"}}, ("low", "monitored")),
        ({"edu-low": {"role": "monitored"}}, ("edu-low", "monitored")),
        ({"free": {"role": "unmonitored"}}, ("free", "unmonitored")),
        ({"free": {"role": "other"}, "edu-low": {"role": "monitored"}}, ("edu-low", "monitored")),
        ({"EDU-LOW": {"role": "monitored"}}, None),
        ({}, None),
    ],
)
def test_the_first_hint_that_the_mapping_knows_decides(arms, arm):
    assert mapped_arm(HINTS, {"arms": arms}) == arm


@pytest.mark.parametrize(
    ("value", "arm"),
    [
        ("edu-low", {"role": "monitored"}),
        ("free", {"role": "unmonitored"}),
        ("free", {"role": "other"}),
        ("x", {"name": "free", "role": "unmonitored"}),
    ],
)
def test_the_mappings_role_goes_before_what_the_word_usually_means(value, arm):
    name, role = mapped_arm((ArmHint("field", "arm", value),), {"arms": {value: arm}})
    decided = resolve((ArmHint("field", "arm", value),), name, role)
    assert (decided.name, decided.role) == (arm.get("name", value), arm["role"])


def test_without_hints_or_mapping_there_is_no_arm():
    assert mapped_arm(HINTS, {}) is None
    assert mapped_arm((), {"arms": {"": {"role": "other"}}}) is None


@pytest.mark.parametrize(
    ("key", "value", "role"),
    [
        ("cell", "free", "monitored"),
        ("cell", "Paid Tier", "unmonitored"),
        ("environment", "report_failure_unobserved", "unmonitored"),
        ("environment", "report_failure_observed", "monitored"),
        ("environment", "report-non-oversight", "unmonitored"),
        ("environment", "monitored_run", "monitored"),
        ("environment", "report_not_observed", ""),
        ("environment", "free_or_paid", ""),
        ("environment", "observable", ""),
        ("is_free_tier", "true", "monitored"),
        ("is_free_tier", "False", "unmonitored"),
        ("monitored", "no", "unmonitored"),
        ("byok", "true", ""),
        ("cell", "edu-low", ""),
        ("cell", "honest", ""),
        ("cell", "", ""),
        ("cell", "free_" * 1000, ""),
    ],
)
def test_the_usual_words_speak_of_a_role(key, value, role):
    said, why = role_said(key, value)
    assert said == role
    assert bool(why) == bool(role)
