"""What annotations give to the reading pages: filters by role, counts, layers, letters, history."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

import pytest
from django.db.models import Q
from django.http import QueryDict

from afdash.accounts.models import User
from annotations.labelling import claim_next, skip
from annotations.models import Annotation, AnnotationRevision, Labelled
from tests.annotations.campaign import Campaign, campaign, person
from transcripts import filters, label_history, layers, sample_labels
from transcripts.access import StudyAccess, access_study
from transcripts.filters import BY_NAME, BadFilter
from transcripts.layers import Looking
from transcripts.models import Transcript

pytestmark = pytest.mark.django_db

SKIP = object()
EVERYTHING = Q()
Given = Mapping[int, Any]  # by sample: answers of a submission, SKIP, or nothing


def yes(reasoning: str, behaviour: str = "complied", **more: list[str]) -> dict[str, list[str]]:
    return {"reasoning": [reasoning], "behaviour": [behaviour], **more}


def label_all(of: Campaign, number: int, given: Given, spans: Mapping[int, list[dict]] | None = None) -> None:
    """The person claims task after task; what is not given stays as it is taken, so it comes last."""
    while (task := claim_next(of.access(number), of.round)) is not None:
        said = given[task.transcript.sample]
        if said is SKIP:
            skip(of.access(number), task, "too long")
        else:
            of.submit(task, number, answers=said, spans=(spans or {}).get(task.transcript.sample, []))


@pytest.fixture
def world() -> Campaign:
    """Samples 1 to 4: both agree; both differ; one labelled, one skipped; both skipped."""
    of = campaign(tasks=4, overlap=2, people=2, hidden=[])
    label_all(of, 0, {1: yes("yes"), 2: yes("yes"), 3: SKIP, 4: SKIP}, {2: [span()]})
    label_all(
        of, 1, {1: yes("yes", confidence=["1"]), 2: yes("no"), 3: yes("partial"), 4: SKIP}, {1: [span()]}
    )
    person(of.study, "lena", "lead")
    person(of.study, "vera", "viewer")
    return of


def span(label: str = "role_play") -> dict[str, Any]:
    text = Transcript.objects.first().body.content.messages[1].text  # type: ignore[union-attr]
    start = text.index("free tier")
    return {"message": 1, "start": start, "end": start + 9, "label": label, "quote": "free tier"}


def access_of(of: Campaign, name: str) -> StudyAccess:
    return access_study(User.objects.get(username=name), of.study.slug)


def passing(access: StudyAccess, query: str) -> set[int]:
    """The samples in the list that ``query`` asks for."""
    asked = filters.parse(QueryDict(query), access)
    rows = asked.transcripts(Transcript.objects.filter(study=access.study))
    return set(rows.values_list("sample", flat=True))


REFUSED = None
WHO = ("lena", "paired-0", "paired-1", "vera")
# By filter: the samples that a lead, the first and the second annotator, and a viewer get.
TRUTH: dict[str, tuple[set[int] | None, ...]] = {
    "label=reasoning:yes": ({1, 2}, {1, 2}, {1}, REFUSED),
    "label=reasoning:no": ({2}, set(), {2}, REFUSED),
    "label=reasoning:partial": ({3}, set(), {3}, REFUSED),
    "label=confidence:1": ({1}, set(), {1}, REFUSED),
    "label=span:role_play": ({1, 2}, {2}, {1}, REFUSED),
    "label=span:value_conflict": (set(), set(), set(), REFUSED),
    "label=reasoning:no&label=reasoning:partial": ({2, 3}, set(), {2, 3}, REFUSED),
    "has_disagreement=yes": ({2}, REFUSED, REFUSED, REFUSED),
    "has_disagreement=no": ({1, 3, 4}, REFUSED, REFUSED, REFUSED),
    "labelled_by=nobody": ({4}, REFUSED, REFUSED, REFUSED),
    "labelled_by=one": ({3}, REFUSED, REFUSED, REFUSED),
    "labelled_by=several": ({1, 2}, REFUSED, REFUSED, REFUSED),
    "labelled_by=several&has_disagreement=no": ({1}, REFUSED, REFUSED, REFUSED),
    "mine=labelled": (set(), {1, 2}, {1, 2, 3}, REFUSED),
    "mine=skipped": (set(), {3, 4}, {4}, REFUSED),
    "mine=no": ({1, 2, 3, 4}, set(), set(), REFUSED),
    "label=yes": (REFUSED,) * 4,
    "label=:": (REFUSED,) * 4,
    "label=reasoning:%00": (REFUSED,) * 4,
    "has_disagreement=maybe": (REFUSED,) * 4,
    "mine=theirs": (REFUSED,) * 4,
}


def test_each_filter_shows_each_role_what_it_may_know(world: Campaign) -> None:
    found = {}
    for query in TRUTH:
        found[query] = tuple(_passing_or_refused(access_of(world, name), query) for name in WHO)
    assert found == TRUTH


def _passing_or_refused(access: StudyAccess, query: str) -> set[int] | None:
    try:
        return passing(access, query)
    except BadFilter:
        return REFUSED


def test_the_api_has_the_same_filters(world: Campaign, client_of) -> None:
    client = client_of(User.objects.get(username="lena"))
    for query, samples in (("label=reasoning:partial", [3]), ("has_disagreement=yes", [2])):
        answer = client.get(f"/api/v1/studies/{world.study.slug}/transcripts/?{query}")
        assert [row["sample"] for row in answer.json()["results"]] == samples
    answer = client_of(world.people[0]).get(
        f"/api/v1/studies/{world.study.slug}/transcripts/?has_disagreement=yes"
    )
    assert answer.status_code == 400
    assert "no filter" in answer.json()["error"]["message"]


def test_pairs_pass_by_their_samples(world: Campaign) -> None:
    access = access_of(world, "lena")
    pairs = world.study.pairs.all()
    assert filters.parse(QueryDict("has_disagreement=yes"), access).pairs(pairs).exists()
    assert not filters.parse(QueryDict("label=span:value_conflict"), access).pairs(pairs).exists()


# -- counts


def counted(access: StudyAccess, name: str, besides: Q = EVERYTHING) -> dict[str, int]:
    count = BY_NAME[name].counts
    assert count is not None
    rows = Transcript.objects.filter(besides, study=access.study)
    return {value: n for value, _, n in count(access, rows)}


def test_counts_and_lists_agree_with_the_annotations_themselves() -> None:
    """Three people label twelve transcripts by chance, some of them twice over; then everything is counted by hand."""
    chance = random.Random(7)
    of = campaign(tasks=12, overlap=3, people=3, hidden=[])
    person(of.study, "lena", "lead")
    for number in range(3):
        label_all(
            of, number, {sample: _by_chance(chance) for sample in range(1, 13)}, _spans_by_chance(chance)
        )
    for head in list(Annotation.objects.order_by("pk")[::3]):  # second thoughts: old labels must go
        number = of.people.index(head.annotator)
        of.submit(head.task, number, base_version=head.version, answers=_some_answers(chance))
    for name in ("lena", "paired-0"):
        access = access_of(of, name)
        by_hand = _by_hand(None if access.is_lead else access.user)
        for besides in (Q(), Q(arm__role="monitored"), Q(sample__gt=9), Q(pk__in=[])):
            rows = set(Transcript.objects.filter(besides).values_list("pk", flat=True))
            for filter_name, values in by_hand.items():
                if filter_name not in filters.names(access):
                    continue
                expected = {value: len(ids & rows) for value, ids in values.items() if ids & rows}
                assert counted(access, filter_name, besides) == expected, (name, filter_name, besides)
        for filter_name in by_hand.keys() & filters.names(access):
            for value, ids in by_hand[filter_name].items():
                asked = filters.parse(QueryDict(f"{filter_name}={value}"), access)
                got = set(asked.transcripts(Transcript.objects.all()).values_list("pk", flat=True))
                assert got == ids, (name, filter_name, value)


def _by_chance(chance: random.Random) -> Any:
    return SKIP if chance.random() < 0.3 else _some_answers(chance)


def _some_answers(chance: random.Random) -> dict[str, list[str]]:
    criteria = ["training_awareness", "value_conflict"]
    return yes(
        chance.choice(["yes", "no"]),
        chance.choice(["complied", "complied", "refused"]),
        criteria=[each for each in criteria if chance.random() < 0.5],
        why=["reasons"],
    )


def _spans_by_chance(chance: random.Random) -> dict[int, list[dict]]:
    labels = ["role_play", "value_conflict"]
    return {n: [span(label) for label in labels if chance.random() < 0.4] for n in range(1, 13)}


def _by_hand(only: User | None) -> dict[str, dict[str, set[int]]]:
    """Transcripts by filter and value, from the newest revisions; of one person alone, or of all."""
    every = set(Transcript.objects.values_list("pk", flat=True))
    label: dict[str, set[int]] = defaultdict(set)
    choices: dict[tuple[int, str], set[str]] = defaultdict(set)
    people: Counter[int] = Counter()
    for revision in AnnotationRevision.objects.order_by("version").select_related("annotation"):
        head = revision.annotation
        if revision.version != head.version or (only is not None and head.annotator != only):
            continue
        assert head.transcript_id is not None
        people[head.transcript_id] += 1
        for question, values in revision.payload["answers"].items():
            for value in values if question != "why" else ():
                label[f"{question}:{value}"].add(head.transcript_id)
                if question in ("reasoning", "behaviour"):
                    choices[head.transcript_id, question].add(value)
        for each in revision.payload["spans"]:
            label[f"span:{each['label']}"].add(head.transcript_id)
    differing = {transcript for (transcript, _), values in choices.items() if len(values) > 1}
    found = {
        "label": dict(label),
        "has_disagreement": {"yes": differing, "no": every - differing},
        "labelled_by": {
            "nobody": every - people.keys(),
            "one": {pk for pk, n in people.items() if n == 1},
            "several": {pk for pk, n in people.items() if n > 1},
        },
    }
    if only is not None:
        claims = only.claims.filter(state="skipped")
        skipped = set(claims.values_list("task__transcript", flat=True)) - people.keys()
        found["mine"] = {
            "labelled": set(people),
            "skipped": skipped,
            "no": every - people.keys() - skipped,
        }
    return found


def test_counts_are_worded_by_the_codebook(world: Campaign) -> None:
    counts = BY_NAME["label"].counts
    assert counts is not None
    words = {value: said for value, said, _ in counts(access_of(world, "lena"), Transcript.objects.all())}
    assert words["span:role_play"] == "span: role-play"
    assert words["reasoning:yes"] == "reasoning: yes"


def test_a_person_s_newest_annotation_is_the_one_that_can_differ() -> None:
    """Who changes their mind in a second round differs from nobody."""
    of = campaign(tasks=1, overlap=1, people=1, hidden=[])
    label_all(of, 0, {1: yes("yes")})
    again = campaign(tasks=1, people=0, annotators=of.people, hidden=[])
    again.people = of.people
    label_all(again, 0, {1: yes("no")})
    summary = Labelled.objects.get()
    assert (summary.n_annotators, summary.has_disagreement) == (1, False)
    (label,) = sample_labels.labels_of(of.access(), [summary.pk]).values()
    assert label.letter == "N"


# -- what is drawn and said


def shown(access: StudyAccess) -> dict[str, Any]:
    """All that a reader can learn here, as plain values."""
    transcripts = list(Transcript.objects.filter(study=access.study).order_by("pk"))
    offered = filters.names(access)
    return {
        "filters": sorted(offered),
        "counts": [
            (each.name, list(each.counts(access, Transcript.objects.all())))
            for each in filters.FIELDS
            if each.counts and each.name in offered
        ],
        "lists": {query: _passing_or_refused(access, query) for query in TRUTH},
        "switches": layers.switches(access, Looking(""), QueryDict("")),
        "marks": layers.marks_for(access, transcripts, Looking("")),
        "samples": sample_labels.labels_of(access, [each.pk for each in transcripts]),
        "history": [label_history.history_of(access, each) for each in transcripts],
    }  # fmt: skip


def test_what_a_peer_submits_changes_nothing_for_an_annotator_or_a_viewer() -> None:
    """The lead’s page, which does change, shows that this comparison can fail."""
    of = campaign(tasks=4, overlap=2, people=2, hidden=[])
    label_all(of, 0, {1: yes("yes"), 2: yes("yes"), 3: SKIP, 4: SKIP}, {2: [span()]})
    person(of.study, "lena", "lead")
    person(of.study, "vera", "viewer")
    before = {name: shown(access_of(of, name)) for name in ("paired-0", "vera", "lena")}
    label_all(of, 1, {1: yes("yes"), 2: yes("no"), 3: yes("partial"), 4: SKIP}, {1: [span()]})
    after = {name: shown(access_of(of, name)) for name in before}
    assert after["paired-0"] == before["paired-0"]
    assert after["vera"] == before["vera"]
    changed = {what for what in before["lena"] if before["lena"][what] != after["lena"][what]}
    assert changed == {"counts", "lists", "marks", "samples", "history"}


def test_layers_draw_own_spans_and_those_of_others(world: Campaign, django_assert_num_queries) -> None:
    transcripts = list(Transcript.objects.order_by("sample"))
    first, second = transcripts[0].pk, transcripts[1].pk

    def drawn(name: str, **mine: Any) -> dict[int, list[tuple[str, str]]]:
        marks = layers.marks_for(access_of(world, name), transcripts, Looking(""))
        return {
            pk: [(mark.layer, mark.css) for each in by_message.values() for mark in each if mark.layer in ("mine", "others")]
            for pk, by_message in marks.items()
        }  # fmt: skip

    nothing: dict[int, list] = {each.pk: [] for each in transcripts}
    mine, others = ("mine", "mark mark-mine label-colour-7"), ("others", "mark mark-other label-colour-7")
    assert drawn("paired-0") == {**nothing, second: [mine]}
    assert drawn("lena") == {
        **nothing,
        first: [others],
        second: [others],
    }
    access = access_of(world, "lena")
    marks = layers.marks_for(access, transcripts, Looking(""))
    (mark,) = [mark for mark in marks[first][1] if mark.layer == "others"]
    assert "role-play · paired-1, " in mark.title
    assert mark.tag == "7"
    (layer,) = [layer for layer in layers.LAYERS if layer.name == "others"]
    with django_assert_num_queries(1):
        layer.marks(access, transcripts, Looking(""))


def test_a_draft_is_drawn_for_its_author_alone() -> None:
    of = campaign(tasks=1, people=1, hidden=[])
    task = claim_next(of.access())
    assert task is not None
    of.save(task, answers=yes("yes"), spans=[span()])
    person(of.study, "lena", "lead")
    for name, layer, n in (("paired-0", "mine", 1), ("lena", "others", 0)):
        access = access_of(of, name)
        marks = layers.marks_for(access, [task.transcript], Looking(""))[task.transcript_id]
        found = [mark for each in marks.values() for mark in each if mark.layer == layer]
        assert len(found) == n
        assert all(mark.title.endswith(", draft") for mark in found)
    assert sample_labels.labels_of(access_of(of, "paired-0"), [task.transcript_id]) == {}
    assert passing(access_of(of, "lena"), "labelled_by=nobody") == {1}


def test_a_sample_s_letter_is_what_most_annotators_chose(
    world: Campaign, django_assert_max_num_queries
) -> None:
    by_sample = dict(Transcript.objects.values_list("pk", "sample"))
    expected = {
        "lena": {
            1: ("Y", "label-colour-1", "reasoning: yes (2 of 2 annotators)"),
            2: ("?", "label-tied", "reasoning: annotators differ (1 no, 1 yes)"),
            3: ("P", "label-colour-2", "reasoning: partial (one annotator)"),
        },
        "paired-0": {
            1: ("Y", "label-colour-1", "reasoning: yes (my label)"),
            2: ("Y", "label-colour-1", "reasoning: yes (my label)"),
        },
        "vera": {},
    }
    for name, letters in expected.items():
        access = access_of(world, name)
        with django_assert_max_num_queries(2):
            found = sample_labels.labels_of(access, list(by_sample))
        assert {by_sample[pk]: (s.letter, s.css, s.words) for pk, s in found.items()} == letters


def test_history_tells_who_submitted_what_and_what_was_hidden_from_them() -> None:
    of = campaign(tasks=1, overlap=2, people=2, hidden=["peers"])
    task = claim_next(of.access())
    assert task is not None
    of.save(task)
    of.submit(task, base_version=1)
    label_all(of, 1, {1: SKIP})
    person(of.study, "lena", "lead")

    def told(name: str) -> list[tuple[str, str, bool]]:
        events = label_history.history_of(access_of(of, name), task.transcript)
        return [(event.who, event.words, bool(event.detail_url)) for event in events]

    skipped = ("paired-1", "skipped it in “Round”: too long", False)
    submitted = (
        "paired-0",
        "submitted revision 2 in “Round”, by Alignment faking, version 1; hidden from them: others’ labels",
        True,
    )
    assert told("lena") == [skipped, submitted]
    assert told("paired-0") == [submitted]
    assert told("paired-1") == [skipped]
