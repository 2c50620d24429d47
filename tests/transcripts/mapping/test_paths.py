import pytest

from transcripts.mapping.paths import MISSING, steps_to, value_at, without

ROW = {
    "a": 1,
    "a.b": 2,
    "meta": {"user": {"tier": "free"}, "x.y": 3, "x": {"y": 4}},
    "choices": [{"text": "hello"}, {"text": "there"}],
    "none": None,
    "…": 5,
    "d.e": {"f": 6},
    "": 7,
}


@pytest.mark.parametrize(
    ("path", "value", "steps"),
    [
        ("a", 1, ("a",)),
        ("a.b", 2, ("a.b",)),
        ("meta.user.tier", "free", ("meta", "user", "tier")),
        ("meta.x.y", 3, ("meta", "x.y")),
        ("choices.1.text", "there", ("choices", 1, "text")),
        ("none", None, ("none",)),
        ("…", 5, ("…",)),
        ("d.e.f", 6, ("d.e", "f")),
        ("", 7, ("",)),
        ("b", MISSING, ()),
        ("a.c", MISSING, ()),
        ("none.x", MISSING, ()),
        ("choices.2.text", MISSING, ()),
        ("choices.-1.text", MISSING, ()),
        ("choices.٠.text", MISSING, ()),
        ("choices.99999999999999999999", MISSING, ()),
        ("meta.user.tier.0", MISSING, ()),
        ("." * 400, MISSING, ()),
    ],
)
def test_a_path_leads_to_one_value(path, value, steps):
    assert value_at(ROW, path) is value
    assert steps_to(ROW, path) == steps


@pytest.mark.parametrize(
    ("taken", "left"),
    [
        ([], {"a": 1, "b": {"c": 2, "d": 3}, "e": [{"f": 4, "g": 5}, 6]}),
        ([("a",), ("b", "c")], {"b": {"d": 3}, "e": [{"f": 4, "g": 5}, 6]}),
        ([("b", "c"), ("b", "d")], {"a": 1, "e": [{"f": 4, "g": 5}, 6]}),
        ([("b",), ("b", "c"), ("e", 0, "f")], {"a": 1, "e": [{"g": 5}, 6]}),
        ([("e", 1)], {"a": 1, "b": {"c": 2, "d": 3}, "e": [{"f": 4, "g": 5}, 6]}),
    ],
)
def test_what_is_taken_is_left_out_and_the_row_stays_as_it_was(taken, left):
    row = {"a": 1, "b": {"c": 2, "d": 3}, "e": [{"f": 4, "g": 5}, 6]}
    assert without(row, taken) == left
    assert row == {"a": 1, "b": {"c": 2, "d": 3}, "e": [{"f": 4, "g": 5}, 6]}
