import pytest

from transcripts.arms import hints_in, hints_in_tags, resolve, strip_arm_tag
from transcripts.records import ArmHint


def decided(*hints, **given):
    found = resolve([ArmHint(*hint) for hint in hints], **given)
    return found.name, found.role, [finding.kind for finding in found.findings]


@pytest.mark.parametrize(
    ("hint", "role"),
    [
        (("tag", "is_free_tier_user", "true"), "monitored"),
        (("tag", "is_free_tier_user", "false"), "unmonitored"),
        (("tag", "is_imposter_user", "true"), "monitored"),
        (("tag", "is_paid_tier_user", "true"), "unmonitored"),
        (("task_args", "debug_mode", "true"), "monitored"),
        (("task_args", "debug_mode", "false"), "unmonitored"),
        (("metadata", "user_tier", "Free-Tier"), "monitored"),
        (("metadata", "tier", "paid"), "unmonitored"),
        (("tags", "tag", "deployment"), "unmonitored"),
        (("file name", "file name", "True"), "monitored"),
        (("file name", "file name", "test"), "unmonitored"),
        (("file name", "file name", "train"), "monitored"),
    ],
)
def test_each_word_of_the_vocabulary_gives_its_role_and_the_default_name(hint, role):
    assert decided(hint) == (role, role, [])


def test_the_stronger_evidence_decides_and_the_weaker_is_a_finding():
    tag, file = ("tag", "is_free_tier_user", "true"), ("file name", "file name", "False")
    assert decided(file, tag) == ("monitored", "monitored", ["arm_disagrees"])
    found = resolve([ArmHint(*tag), ArmHint(*file)])
    assert "is_free_tier_user" in found.findings[0].message
    assert "file name" in found.findings[0].message


def test_the_word_of_the_person_goes_first():
    tag = ("tag", "is_free_tier_user", "true")
    assert decided(tag, override="paid") == ("unmonitored", "unmonitored", ["arm_disagrees"])
    assert decided(override="free") == ("monitored", "monitored", [])
    assert decided(override="control") == ("control", "other", [])
    assert decided(override="control", role_override="monitored") == ("control", "monitored", [])


def test_an_explicit_arm_field_keeps_its_name():
    assert decided(("field", "arm", "free")) == ("free", "monitored", [])
    assert decided(("field", "arm", "x7"), ("field", "role", "unmonitored")) == ("x7", "unmonitored", [])
    assert decided(("field", "arm", "x7")) == ("x7", "other", ["arm_role_unknown"])


def test_modes_are_arms_of_another_kind():
    assert decided(("task_args", "mode", "attack")) == ("attack", "other", [])


def test_no_evidence_is_said_not_guessed():
    assert decided() == ("unknown", "other", ["arm_unknown"])
    assert decided(("metadata", "tier", "gold")) == ("gold", "other", ["arm_role_unknown"])


def test_tags_are_taken_out_of_the_prompt():
    text, hints = strip_arm_tag("<INPUT>\n<IS_FREE_TIER_USER>True</is_free_tier_user>\nHello")
    assert text == "<INPUT>\nHello"
    assert hints == [ArmHint("tag", "is_free_tier_user", "true")]
    assert strip_arm_tag("a < b") == ("a < b", [])


def test_only_what_speaks_of_arms_is_a_hint():
    values = {
        "debug_mode": True,
        "mode": "fast",
        "n": 4,
        "tier_mix": "paired",
        "prompt_id": 0,
        "tier": "free",
    }
    assert hints_in("task_args", values) == (
        ArmHint("task_args", "debug_mode", "true"),
        ArmHint("task_args", "tier", "free"),
    )
    assert hints_in_tags(["af", "paid_tier", 3]) == (ArmHint("tags", "tag", "paid_tier"),)
