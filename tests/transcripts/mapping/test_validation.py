import pytest

from transcripts.ingest.options import BadOption, clean
from transcripts.mapping import FIELDS, validate


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


GOOD = [
    {},
    {"outcomes": {"*": {"C": "complied"}}},
    {"outcomes": {"grade": {"": "refused"}}},
    {"arms": {"edu-low": {"role": "monitored"}, "x": {"name": "n", "role": "other"}}},
    {"fields": {"response": "raw"}},
    {"fields": {"messages": "a.b.0.c"}, "scores": ["correct", "judge.score"]},
    {"fields": {name: name for name in FIELDS}},
]
BAD = [
    ([], "is an object"),
    ("x", "is an object"),
    (7, "is an object"),
    ({"feilds": {}}, "“feilds” is not a part of a mapping: use fields, scores, arms, outcomes"),
    ({1: {}}, "“1” is not a part"),
    ({"fields": []}, "“fields” must be an object"),
    ({"fields": None}, "“fields” must be an object"),
    ({"fields": {}}, "where the response is"),
    ({"fields": {"prompt": "p"}}, "where the response is"),
    ({"fields": {"response": "r", "promt": "p"}}, "“promt” is not a field of ours: use messages"),
    ({"fields": {"response": ""}}, "“fields”, “response” must name a field"),
    ({"fields": {"response": " "}}, "must name a field"),
    ({"fields": {"response": ["r"]}}, "must name a field"),
    ({"fields": {"response": "r" * 501}}, "longer than 500"),
    ({"fields": {"response": "a\x00"}}, "cannot be stored"),
    ({"fields": {"response": "\ud800"}}, "cannot be stored"),
    ({"fields": {"response": "r", "annotator": "w"}}, "not where the “label” is"),
    ({"scores": "correct"}, "“scores” must be a list"),
    ({"scores": ["a", 1]}, "“scores”, number 2, must name a field"),
    ({"scores": ["a", "b", "a"]}, "“a” twice"),
    ({"scores": ["a"] * 1000}, "1000 fields"),
    ({"arms": []}, "“arms” must be an object"),
    ({"arms": {"x": "monitored"}}, "“arms”, “x” must be an object"),
    ({"arms": {"x": {}}}, "“role” must be one of monitored"),
    ({"arms": {"x": {"role": "free"}}}, "“role” must be one of"),
    ({"arms": {"x": {"role": ["monitored"]}}}, "“role” must be one of"),
    ({"arms": {"x": {"role": "other", "name": ""}}}, "“name” must be a text"),
    ({"arms": {"x": {"role": "other", "name": "n" * 201}}}, "“name” must be a text"),
    ({"arms": {"x": {"role": "other", "nam": "n"}}}, "“nam” is not known"),
    ({"arms": {"\x00": {"role": "other"}}}, "cannot be stored"),
    ({"outcomes": []}, "“outcomes” must be an object"),
    ({"outcomes": {"j": []}}, "“outcomes”, “j” must be an object"),
    ({"outcomes": {"j": {"C": "yes"}}}, "judge “j”, value “C”: “yes” is not an outcome"),
    ({"outcomes": {"j": {"C": ["complied"]}}}, "is not an outcome"),
    ({"outcomes": {"j": {"C": nested(2000)}}}, "a list is not an outcome"),
    ({"outcomes": {"j": {1: "complied"}}}, "must be text"),
    ({"outcomes": {"j": {"\x00": "complied"}}}, "cannot be stored"),
    ({"x" * 100_000: 1}, "x…” is not a part"),
]


@pytest.mark.parametrize("mapping", GOOD)
def test_a_mapping_of_the_documented_shape_is_taken(mapping):
    validate(mapping)
    assert clean({"mapping": mapping}).get("mapping", {}) == mapping


@pytest.mark.parametrize(("mapping", "said"), BAD)
def test_any_other_is_refused_with_the_place(mapping, said):
    with pytest.raises(ValueError, match=r"\w") as refused:
        validate(mapping)
    sentence = str(refused.value)
    assert said in sentence
    assert len(sentence) < 500
    sentence.encode()


@pytest.mark.parametrize("mapping", [bad for bad, _ in BAD if bad])
def test_the_options_of_an_ingest_use_the_same_rules(mapping):
    with pytest.raises(BadOption) as refused:
        clean({"mapping": mapping})
    assert refused.value.field == "mapping"
