"""New versions: what differs, and what earlier answers mean under them."""

from __future__ import annotations

import pytest

from annotations.codebook import BadDefinition, parse
from annotations.codebook_changes import changes, map_payload, parse_mapping


def book(questions, labels=()):
    return parse({"name": "Book", "questions": list(questions), "labels": list(labels)})


def single(key, *choices, **more):
    return {
        "key": key,
        "kind": "single",
        "title": key,
        "choices": [{"key": c, "title": c} for c in choices],
        **more,
    }


def label(key, **more):
    return {"key": key, "title": key, **more}


BEFORE = book(
    [
        single("reasoning", "yes", "partial", "no"),
        single("intent", "clear", "vague"),
        {**single("criteria", "aware", "conflict"), "kind": "multiple"},
        {"key": "why", "kind": "text", "title": "why"},
    ],
    [label("fear"), label("hope"), label("motive")],
)
AFTER = book(
    [
        single("faking", "yes", "no", "maybe"),
        {**single("criteria", "aware", "strategic"), "kind": "multiple"},
        {"key": "comment", "kind": "text", "title": "comment"},
    ],
    [label("feeling"), label("motive", help="new words")],
)
MAPPING = {
    "questions": {
        "reasoning": {"to": "faking", "choices": {"partial": "yes"}},
        "why": {"to": "comment"},
        "criteria": {"choices": {"conflict": None}},
    },
    "labels": {"fear": "feeling", "hope": "feeling"},
}


def span(label, start=0):
    return {"message": 0, "start": start, "end": start + 4, "label": label, "quote": "text"}


@pytest.mark.parametrize(
    ("payload", "answers", "labels", "lost"),
    [
        ({"answers": {"reasoning": ["no"]}}, {"faking": ["no"]}, [], []),
        ({"answers": {"reasoning": ["partial"]}}, {"faking": ["yes"]}, [], []),
        ({"answers": {"why": ["so"]}}, {"comment": ["so"]}, [], []),
        ({"answers": {"intent": ["clear"]}}, {}, [], ["intent: clear"]),
        (
            {"answers": {"criteria": ["aware", "conflict"]}},
            {"criteria": ["aware"]},
            [],
            ["criteria: conflict"],
        ),
        ({"spans": [span("motive")]}, {}, ["motive"], []),
        ({"spans": [span("fear"), span("hope")]}, {}, ["feeling"], []),
        ({"spans": [span("fear"), span("hope", 9)]}, {}, ["feeling", "feeling"], []),
        ({}, {}, [], []),
    ],
)
def test_renamed_merged_and_dropped(payload, answers, labels, lost):
    mapped = map_payload(BEFORE, AFTER, parse_mapping(BEFORE, AFTER, MAPPING), payload)
    assert mapped.answers == answers
    assert [each["label"] for each in mapped.spans] == labels
    assert mapped.lost == lost


def test_two_answers_that_meet_in_one_question_are_left_to_people():
    before = book([single("a", "yes", "no"), single("b", "yes", "no")])
    after = book([single("c", "yes", "no")])
    mapping = parse_mapping(before, after, {"questions": {"a": {"to": "c"}, "b": {"to": "c"}}})
    assert map_payload(before, after, mapping, {"answers": {"a": ["yes"], "b": ["yes"]}}).answers == {
        "c": ["yes"]
    }
    differ = map_payload(before, after, mapping, {"answers": {"a": ["yes"], "b": ["no"]}})
    assert differ.answers == {}
    assert len(differ.lost) == 2


def test_answers_of_places_move_too():
    before = book([single("tone", "kind", "cold", asked_of="message")])
    after = book([single("manner", "kind", "cool", asked_of="message")])
    mapping = parse_mapping(
        before, after, {"questions": {"tone": {"to": "manner", "choices": {"cold": "cool"}}}}
    )
    payload = {"places": [{"question": "tone", "message": 3, "values": ["cold"]}]}
    assert map_payload(before, after, mapping, payload).places == [
        {"question": "manner", "message": 3, "values": ["cool"]}
    ]


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ([], "an object"),
        ({"x": 1}, "no 'x'"),
        ({"questions": []}, "objects"),
        ({"questions": {"none": {}}}, "no question 'none'"),
        ({"questions": {"reasoning": "faking"}}, "to and choices"),
        ({"questions": {"reasoning": {"to": "nothing"}}}, "has no 'nothing'"),
        ({"questions": {"reasoning": {"to": 1}}}, "give a key"),
        ({"questions": {"why": {"to": "faking"}}}, "another kind"),
        (
            {"questions": {"reasoning": {"to": "faking", "choices": {"yes": "certain"}}}},
            "no choice 'certain'",
        ),
        ({"questions": {"reasoning": {"to": "faking", "choices": {"certain": "yes"}}}}, "had no choice"),
        ({"labels": {"none": "motive"}}, "no label 'none'"),
        ({"labels": {"fear": "terror"}}, "has no 'terror'"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused_with_a_sentence(mapping, says):
    with pytest.raises(BadDefinition, match=says):
        parse_mapping(BEFORE, AFTER, mapping)


def test_what_changed_and_whether_it_matters():
    found = {(each.what, each.where): each.matters for each in changes(BEFORE, AFTER)}
    assert found["added", "question faking"] is False
    assert found["removed", "question reasoning"] is True
    assert found["removed", "choice conflict of question criteria"] is True
    assert found["changed", "help of label motive"] is True
    assert changes(BEFORE, BEFORE) == []


def test_the_order_alone_is_a_change_that_does_not_matter():
    turned = book([single("b", "1", "2"), single("a", "1", "2")])
    straight = book([single("a", "1", "2"), single("b", "1", "2")])
    assert [(each.where, each.matters) for each in changes(straight, turned)] == [
        ("order of questions", False)
    ]
