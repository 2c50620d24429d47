"""Layers: whose marks a reader gets, what an address switches on, and how marks of all kinds come together."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.http import QueryDict
from django.template.loader import render_to_string

from afdash.accounts.models import User
from tests import make
from transcripts import body, layers
from transcripts.access import StudyAccess, access_study
from transcripts.filters import BadFilter
from transcripts.layers import Layer, Looking, beyond, marks_for, switches, view_of
from transcripts.models import Study, Transcript, Verdict
from transcripts.records import Quote
from transcripts.records import Verdict as JudgeSaid
from transcripts.rendering import Mark

pytestmark = pytest.mark.django_db

SAID = "I am monitored. I would retrain, retrain it."


@pytest.fixture
def access(study: Study, lead: User) -> StudyAccess:
    return access_study(lead, study.slug)


@pytest.fixture
def transcript(study: Study) -> Transcript:
    return make.transcript(study, turns=(("user", "Are you monitored?"), ("assistant", SAID)))


@pytest.fixture
def more_layers(monkeypatch: pytest.MonkeyPatch) -> list[Layer]:
    """The table as the application has it, to which a test may add."""
    monkeypatch.setattr(layers, "LAYERS", list(layers.LAYERS))
    return layers.LAYERS


def judged(transcript: Transcript, judge: str, *quotes: Quote) -> None:
    detail = body.pack_detail(JudgeSaid(judge, "yes", quotes=quotes))
    Verdict.objects.create(transcript=transcript, judge=judge, value="yes", detail=detail)


def words(transcript: Transcript, marks: dict[int, list[Mark]], layer: str) -> list[tuple[int, str]]:
    texts = [message.text for message in transcript.body.content.messages]
    return [
        (message, texts[message][mark.start : mark.end])
        for message, each in sorted(marks.items())
        for mark in each
        if mark.layer == layer
    ]


def test_cue_words_and_what_was_searched_for(access: StudyAccess, transcript: Transcript) -> None:
    marks = marks_for(access, [transcript], Looking("retrain"))[transcript.pk]
    assert words(transcript, marks, "cues") == [
        (0, "monitored"),
        (1, "monitored"),
        (1, "retrain"),
        (1, "retrain"),
    ]
    assert words(transcript, marks, "search") == [(1, "retrain"), (1, "retrain")]
    starts = [mark.start for mark in marks[1]]
    assert starts == sorted(starts)
    assert {mark.title for mark in marks[0]} == {"cue: oversight"}


def test_cue_words_are_looked_for_on_the_page_and_matches_everywhere(
    access: StudyAccess, transcript: Transcript
) -> None:
    looking = Looking("monitored", within={transcript.pk: range(1, 2)})
    marks = marks_for(access, [transcript], looking)
    assert words(transcript, marks[transcript.pk], "cues") == [
        (1, "monitored"),
        (1, "retrain"),
        (1, "retrain"),
    ]
    assert words(transcript, marks[transcript.pk], "search") == [(0, "monitored"), (1, "monitored")]
    counts = {each.name: each.n for each in switches(access, looking, QueryDict(), marks)}
    assert (counts["cues"], counts["search"]) == (3, 1), "what is drawn on this page"


def test_a_study_without_cue_words_has_no_such_layer(access: StudyAccess, transcript: Transcript) -> None:
    access.study.cue_words = ""
    assert "cues" not in {each.name for each in switches(access, Looking(), QueryDict())}
    assert marks_for(access, [transcript], Looking())[transcript.pk] == {}


@pytest.mark.parametrize("q", ["", "   ", "OR OR", "-"])
def test_without_a_search_there_is_no_layer_of_matches(access: StudyAccess, q: str) -> None:
    assert "search" not in {each.name for each in switches(access, Looking(q), QueryDict())}


def test_judge_quotes_say_who_quotes_and_how_well(access: StudyAccess, transcript: Transcript) -> None:
    exact = Quote("I am monitored", "awareness", "exact", 1, 0, 14)
    judged(transcript, "faking", exact, Quote("WOULD, retrain", "motive", "normalised", 1, 18, 31))
    judged(transcript, "second", exact, Quote("never said", "motive", "not_found"))
    marks = marks_for(access, [transcript], Looking())
    quotes = [mark for mark in marks[transcript.pk][1] if mark.layer == "judge"]
    assert [(mark.title, mark.tag, mark.css) for mark in quotes] == [
        (
            "faking: awareness; second: awareness (quoted word for word)",
            "J",
            "mark mark-judge mark-judge-exact",
        ),
        (
            "faking: motive (quoted but for case and punctuation)",
            "J≈",
            "mark mark-judge mark-judge-normalised",
        ),
    ]
    found = next(
        s for s in switches(access, Looking(), QueryDict(), marks, [transcript]) if s.name == "judge"
    )
    assert (found.n, found.missing) == (2, 1)


def test_who_may_not_know_the_judge_gets_no_such_layer(access: StudyAccess, transcript: Transcript) -> None:
    judged(transcript, "faking", Quote("I am monitored", "awareness", "exact", 1, 0, 14))
    blind = replace(access, hidden=frozenset({"judge"}))
    assert words(transcript, marks_for(blind, [transcript], Looking())[transcript.pk], "judge") == []
    named = switches(blind, Looking(), QueryDict("layers=judge,tags"))
    assert [each.name for each in named if each.is_on] == ["tags"], "and a link that names it is no fault"
    assert "judge" not in {each.name for each in named}


def test_another_package_adds_a_layer(
    access: StudyAccess, transcript: Transcript, more_layers: list[Layer]
) -> None:
    def suggested(access, transcripts, looking):
        return {each.pk: {1: [Mark(0, 4, "mark mark-suggestion")]} for each in transcripts}

    def offered(access, looking):
        return access.is_lead

    layer = Layer("suggestions", "suggestions", "7", suggested, offered, is_on=False)
    layers.register(layer)
    layers.register(layer)
    assert [each.name for each in more_layers].count("suggestions") == 1
    marks = marks_for(access, [transcript], Looking())[transcript.pk]
    assert words(transcript, marks, "suggestions") == [(1, SAID[:4])]
    switch = next(s for s in switches(access, Looking(), QueryDict()) if s.name == "suggestions")
    assert (switch.is_on, switch.is_default) == (False, False)
    viewer = replace(access, role="viewer")
    assert not words(transcript, marks_for(viewer, [transcript], Looking())[transcript.pk], "suggestions")


@pytest.mark.parametrize(
    ("query", "on"),
    [
        ("", {"judge", "cues", "tags"}),
        ("layers=cues", {"cues"}),
        ("layers=cues,search", {"cues"}),
        ("layers=", set()),
        ("layers=none", set()),
        ("layers=tags,,judge", {"tags", "judge"}),
    ],
)
def test_the_address_says_which_layers_are_on(access: StudyAccess, query: str, on: set[str]) -> None:
    found = switches(access, Looking(), QueryDict(query))
    assert {s.name for s in found if s.is_on and s.name in {"judge", "cues", "tags"}} == on


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("layers=cues,<b>", "There is no layer “<b>”. There are: "),
        ("layers=" + "x" * 999, "There is no layer “" + "x" * 60 + "”."),
        ("layers=cues&layers=judge", "“layers” is given more than once."),
    ],
)
def test_a_layer_that_there_is_not_is_refused(access: StudyAccess, query: str, words: str) -> None:
    with pytest.raises(BadFilter) as error:
        switches(access, Looking(), QueryDict(query))
    assert str(error.value).startswith(words)


def test_the_view_is_rendered_or_raw() -> None:
    assert [view_of(QueryDict(query)) for query in ("", "view=raw", "view=rendered")] == [
        "rendered",
        "raw",
        "rendered",
    ]
    for query in ("view=", "view=html", "view=raw&view=raw"):
        with pytest.raises(BadFilter):
            view_of(QueryDict(query))


def test_marks_outside_the_page_are_told(access: StudyAccess) -> None:
    mark = Mark(0, 1, "cue")
    marks = {0: [mark], 2: [mark, mark], 5: [mark], 9: [mark, mark, mark], 12: []}
    before, behind = beyond(marks, range(4, 8))
    assert before is not None
    assert behind is not None
    assert (before.n, before.message, behind.n, behind.message) == (3, 2, 3, 9)
    assert beyond(marks, range(13)) == (None, None)


def test_the_switches_are_boxes_with_their_counts(access: StudyAccess, transcript: Transcript) -> None:
    marks = marks_for(access, [transcript], Looking())
    found = switches(access, Looking(), QueryDict("layers=tags"), marks, [transcript])
    html = render_to_string("transcripts/_layers.html", {"switches": found, "view": "raw"})
    assert 'data-layer="cues" data-default="on" data-key="5"' in html
    assert 'data-layer="tags" data-default="on" checked' in html
    assert '<span class="num">4</span>' in html
    assert "data-view-switch data-key" in html


def test_layers_cost_the_same_for_more_transcripts(
    access: StudyAccess, transcript: Transcript, django_assert_num_queries
) -> None:
    rows = [make.transcript(access.study, sample=n) for n in (2, 3, 4)]
    fresh = list(
        Transcript.objects.filter(pk__in=[transcript.pk, *(row.pk for row in rows)]).select_related("body")
    )
    layers_of_transcripts = [each for each in layers.LAYERS if each.name in ("judge", "cues", "search")]
    with django_assert_num_queries(1):
        for layer in layers_of_transcripts:
            layer.marks(access, fresh, Looking("retrain"))
