"""A round moves to another version of its codebook, in mid-round: what becomes of what was said before."""

from __future__ import annotations

import copy
import json
import uuid
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from annotations import relabelling
from annotations.codebook_changes import parse_mapping, propose
from annotations.codebook_moves import brought_forward
from annotations.codebook_versions import add_version
from annotations.default_codebook import DEFINITION
from annotations.labelling import LabellingConflict
from annotations.labelling.conflicts import Invalid
from annotations.labelling.saving import current_state
from annotations.models import (
    Annotation,
    AnnotationRevision,
    Answer,
    CodebookVersion,
    Relabelling,
    Round,
    Span,
)
from annotations.relabelling import another_look, begin, carry_on, preview
from tests import make
from tests.annotations.campaign import ANSWERS, Campaign, campaign, claim, person
from transcripts.access import access_study

pytestmark = pytest.mark.django_db


def definition(**changed: Any) -> dict[str, Any]:
    """The shipped codebook with: "partial" merged away, behaviour renamed, role_play split, fear a new question."""
    new = copy.deepcopy(DEFINITION)
    new["questions"][0]["choices"] = [c for c in new["questions"][0]["choices"] if c["key"] != "partial"]
    new["questions"][2]["key"] = "conduct"
    new["labels"] = [label for label in new["labels"] if label["key"] != "role_play"]
    return new | changed


MAPPING = {
    "questions": {
        "reasoning": {"choices": {"partial": "yes"}},
        "behaviour": {"to": "conduct"},
        "why": {"to": "-"},
    }
}
# What was said, what it becomes, and why it stays ("" if it moves).
TRUTH: list[tuple[str, dict[str, Any], dict[str, Any] | None]] = [
    ("renamed", {}, {"reasoning": ["yes"], "conduct": ["complied"]}),
    ("merged", {"reasoning": ["partial"]}, {"reasoning": ["yes"], "conduct": ["complied"]}),
    ("dropped", {"why": ["because"]}, {"reasoning": ["yes"], "conduct": ["complied"]}),
    (
        "kept",
        {"criteria": ["value_conflict"], "confidence": ["3"]},
        {"reasoning": ["yes"], "conduct": ["complied"], "criteria": ["value_conflict"], "confidence": ["3"]},
    ),
    ("for people", {"spans": "role_play"}, None),
]


def lead_of(of: Campaign):
    return person(of.study, f"lead-{of.study.slug}", "lead")


def next_version(of: Campaign, **changed: Any) -> CodebookVersion:
    return add_version(of.study, definition(**changed), None)[0]


def a_span(task: Any, label: str) -> dict[str, Any]:
    text = task.transcript.body.messages[-1].text
    return {
        "message": len(task.transcript.body.messages) - 1,
        "start": 0,
        "end": 3,
        "label": label,
        "quote": text[:3],
    }


@pytest.mark.parametrize(("name", "said", "expected"), TRUTH)
def test_what_each_answer_becomes(name: str, said: dict[str, Any], expected: dict[str, Any] | None) -> None:
    of = campaign(tasks=1)
    task = claim(of)
    spans = [a_span(task, said["spans"])] if "spans" in said else []
    answers = {**ANSWERS, **{key: value for key, value in said.items() if key != "spans"}}
    of.submit(task, answers=answers, spans=spans)
    first = AnnotationRevision.objects.get()
    before = copy.deepcopy(first.payload)
    after, lena = next_version(of), lead_of(of)

    seen = preview(of.round, after, parse_mapping(of.round.codebook_version.parsed, after.parsed, MAPPING))
    assert (seen.annotations, seen.moved, seen.stay) == (1, int(expected is not None), int(expected is None))
    assert AnnotationRevision.objects.count() == 1  # a preview changes nothing
    move = carry_on(begin(of.round, after, MAPPING, lena))
    assert (move.mapped, move.left) == (seen.moved, seen.stay)

    head = Annotation.objects.get()
    first.refresh_from_db()
    assert first.payload == before
    assert first.codebook_version.number == 1
    if expected is None:
        assert head.version == 1
        assert head.codebook_version.number == 1
        assert list(another_look(of.access())) == [head]
        assert list(Span.objects.values_list("label", flat=True)) == ["role_play"]
        return
    newest = head.revisions.get(version=2)
    assert newest.payload["answers"] == expected
    assert (newest.mapped_from, newest.mapped_by, newest.annotator) == (first, lena, of.people[0])
    assert newest.codebook_version == head.codebook_version == after
    assert (newest.status, newest.hidden, newest.text_sha256) == (
        first.status,
        first.hidden,
        first.text_sha256,
    )
    rows = Answer.objects.values_list("question", "choice", "submitted")
    assert sorted(rows) == sorted(
        (key, choice, True) for key, values in expected.items() for choice in values
    )
    assert not another_look(of.access()).exists()


def test_a_label_that_would_not_be_complete_stays_and_is_answered_anew() -> None:
    of = campaign(tasks=1)
    task = claim(of)
    of.submit(task)
    asked = {"key": "new", "kind": "text", "title": "New", "required": True}
    after = next_version(of, questions=[*definition()["questions"], asked])
    move = carry_on(begin(of.round, after, MAPPING, lead_of(of)))
    assert (move.mapped, move.left) == (0, 1)
    assert another_look(of.access()).count() == 1
    assert another_look(of.access(1)).count() == 0  # a colleague's is none of theirs
    of.submit(
        task,
        base_version=1,
        codebook_version=after.pk,
        answers={"reasoning": ["no"], "conduct": ["refused"], "new": ["now"]},
    )
    assert not another_look(of.access()).exists()
    assert [r.codebook_version.number for r in AnnotationRevision.objects.order_by("version")] == [1, 2]


def test_an_annotator_who_is_typing_loses_nothing_and_goes_on() -> None:
    of = campaign(tasks=1)
    task = claim(of)
    old, after = of.round.codebook_version, next_version(of)
    of.save(task, answers={"reasoning": ["partial"]}, codebook_version=old.pk)
    carry_on(begin(of.round, after, MAPPING, lead_of(of)))
    key = uuid.uuid4()
    said = {"reasoning": ["partial"], "behaviour": ["complied"], "why": ["half a sen"]}
    for _ in range(2):  # sent again, because the answer did not arrive: kept once
        with pytest.raises(LabellingConflict) as caught:
            of.submit(task, base_version=1, answers=said, codebook_version=old.pk, idempotency_key=key)
        assert caught.value.code == "codebook_changed"
    current = caught.value.current
    assert current is not None
    assert current["answers"] == {"reasoning": ["yes"], "conduct": ["complied"]}
    assert current["earlier"]["dropped"] == ["why: half a sen"]
    kept = AnnotationRevision.objects.get(version=2)
    assert (kept.payload["answers"], kept.status, kept.codebook_version) == (said, "draft", old)
    of.submit(
        task,
        base_version=current["version"],
        answers=current["answers"],
        codebook_version=after.pk,
    )
    assert AnnotationRevision.objects.count() == 3
    assert set(Answer.objects.values_list("question", flat=True)) == {"reasoning", "conduct"}


def test_a_change_to_a_submitted_label_that_moved_meanwhile_is_kept() -> None:
    of = campaign(tasks=1)
    task = claim(of)
    of.submit(task)
    old, after = of.round.codebook_version, next_version(of)
    carry_on(begin(of.round, after, MAPPING, lead_of(of)))  # revision 2, under the page that is open
    changed = {"reasoning": ["no"], "behaviour": ["refused"]}
    with pytest.raises(LabellingConflict, match="is kept"):
        of.submit(task, base_version=1, answers=changed, codebook_version=old.pk)
    newest = AnnotationRevision.objects.get(version=3)
    assert (newest.payload["answers"], newest.status, newest.codebook_version) == (changed, "submitted", old)
    assert another_look(of.access()).count() == 1
    with pytest.raises(LabellingConflict) as caught:  # and another tab, which saw neither
        of.submit(task, base_version=1, answers=changed, codebook_version=after.pk)
    assert caught.value.code == "version_conflict"


def test_who_does_not_say_the_version_is_asked_where_it_matters() -> None:
    of = campaign(tasks=2)
    task = claim(of)
    of.save(task, answers={"reasoning": ["no"]})
    other = of.round.codebook_version
    carry_on(begin(of.round, next_version(of), MAPPING, lead_of(of)))
    with pytest.raises(LabellingConflict) as caught:
        of.save(task, base_version=1, answers={"reasoning": ["yes"]})
    assert caught.value.code == "codebook_changed"
    assert AnnotationRevision.objects.count() == 1
    with pytest.raises(Invalid):
        of.save(task, base_version=1, answers={}, codebook_version=10**9)
    of.save(task, base_version=1, answers={"conduct": ["refused"]}, codebook_version=other.pk + 1)


def test_drafts_are_seen_as_the_round_asks_now_over_several_moves() -> None:
    of = campaign(tasks=1)
    task = claim(of)
    of.save(
        task, answers={"reasoning": ["partial"], "behaviour": ["partly"]}, spans=[a_span(task, "role_play")]
    )
    lena = lead_of(of)
    carry_on(begin(of.round, next_version(of), MAPPING, lena))
    third = definition()
    third["questions"][2]["key"] = "output"
    after = add_version(of.study, third, None)[0]
    carry_on(begin(of.round, after, {"questions": {"conduct": {"to": "output"}}}, lena))
    round = Round.objects.get()
    state = brought_forward(current_state(Annotation.objects.get()), round)
    assert state["answers"] == {"reasoning": ["yes"], "output": ["partly"]}
    assert state["version"] == 1
    assert state["spans"] == []
    assert [line.split(":")[0] for line in state["earlier"]["lost"]] == ["role_play"]
    client = Client()
    client.force_login(of.people[0])
    html = client.get(reverse("task", args=[of.study.slug, task.pk])).content.decode()
    assert '"output": ["partly"]' in html
    assert AnnotationRevision.objects.count() == 1  # to look is not to save


def test_it_goes_on_where_it_was_stopped_and_does_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    of = campaign(tasks=5, people=1)
    for _ in range(5):
        of.submit(claim(of))
    monkeypatch.setattr(relabelling, "BATCH", 2)
    after, lena = next_version(of), lead_of(of)
    move = carry_on(begin(of.round, after, MAPPING, lena), seconds=0)
    assert move.finished_at is None
    assert move.mapped == 2
    assert begin(of.round, after, MAPPING, lena).pk == move.pk
    with pytest.raises(LabellingConflict):
        begin(of.round, add_version(of.study, definition(guidelines="x"), None)[0], {}, lena)
    move = carry_on(move)
    assert move.finished_at is not None
    assert move.mapped == 5
    assert carry_on(move).mapped == 5
    assert AnnotationRevision.objects.count() == 10
    with pytest.raises(Invalid):
        begin(of.round, after, MAPPING, lena)


def test_revisions_stay_append_only_and_a_mapping_has_its_author() -> None:
    of = campaign(tasks=1)
    of.submit(claim(of))
    carry_on(begin(of.round, next_version(of), MAPPING, lead_of(of)))
    with pytest.raises(DatabaseError), transaction.atomic():
        AnnotationRevision.objects.filter(version=1).update(mapped_by=of.people[0])
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM annotations_annotationrevision")
        assert cursor.fetchone() == (2,)


def test_a_closed_round_and_a_foreign_version_are_refused() -> None:
    of = campaign(tasks=1)
    lena = lead_of(of)
    foreign = add_version(make.study("foreign"), definition(), None)[0]
    with pytest.raises(Invalid):
        begin(of.round, foreign, {}, lena)
    Round.objects.update(state="closed")
    with pytest.raises(LabellingConflict):
        begin(of.round, next_version(of), {}, lena)
    assert not Relabelling.objects.exists()


def test_a_proposal_goes_by_keys_then_titles() -> None:
    of = campaign(tasks=1)
    before = of.round.codebook_version.parsed
    found = propose(before, next_version(of).parsed)
    assert found.questions["behaviour"] == "conduct"  # the title is the same
    assert found.choices["behaviour", "partly"] == "partly"
    assert found.choices["reasoning", "partial"] is None
    assert found.labels["role_play"] is None
    assert found.labels["value_conflict"] == "value_conflict"
    assert parse_mapping(before, next_version(of).parsed, found.as_json()) == found


# -- pages and API


def test_the_page_previews_carries_out_and_lists() -> None:
    of = campaign(tasks=2, people=1)
    of.submit(claim(of), answers={**ANSWERS, "reasoning": ["partial"]})
    task = claim(of)
    of.submit(task, spans=[a_span(task, "role_play")])
    after, client = next_version(of), Client()
    client.force_login(lead_of(of))
    address = reverse("round_codebook", args=[of.study.slug, of.round.pk])
    shown = client.get(f"{address}?to={after.pk}").content.decode()
    assert 'name="choice.reasoning.partial"' in shown
    assert "2 stay" not in shown.split("cb-counts")[0]
    given = {"to": after.pk, "question.reasoning": "reasoning", "choice.reasoning.partial": "yes"}
    part = client.post(
        reverse("round_codebook_preview", args=[of.study.slug, of.round.pk]),
        {**given, "question.behaviour": "conduct"},
        headers={"HX-Request": "true"},
    ).content.decode()
    assert "<html" not in part
    assert "reasoning: partial" in part
    assert "conduct: complied" in part
    assert Round.objects.get().codebook_version.number == 1
    for bad in ({"to": "x"}, {"to": after.pk, "question.reasoning": "nothing"}, {}, {"to": 10**9}):
        assert client.post(address, bad).status_code == 422, bad
    answer = client.post(address, {**given, "question.behaviour": "conduct"}, follow=True)
    assert "1 moved with it, 1 stayed" in answer.content.decode()
    listed = client.get(reverse("another_look", args=[of.study.slug])).content.decode()
    assert f"Task {task.pk}" in listed
    client.force_login(of.people[0])
    assert (
        reverse("task", args=[of.study.slug, task.pk])
        in client.get(reverse("another_look", args=[of.study.slug])).content.decode()
    )


def test_the_api_reads_compares_tries_and_moves() -> None:
    of = campaign(tasks=1, people=1)
    of.submit(claim(of), answers={**ANSWERS, "reasoning": ["partial"]})
    after, client = next_version(of), Client()
    client.force_login(lead_of(of))

    def call(method: str, name: str, *args: Any, data: Any = None, query: str = "") -> tuple[int, Any]:
        address = reverse(name, args=[of.study.slug, *args]) + query
        more = {"data": json.dumps(data), "content_type": "application/json"} if data is not None else {}
        answer = getattr(client, method)(address, **more)
        return answer.status_code, answer.json()

    status, read = call("get", "api_codebook", after.pk)
    assert status == 200
    assert read["version"] == 2
    assert "questions:" in read["yaml"]
    status, made = call("post", "api_codebooks", data={"yaml": read["yaml"]})
    assert (status, made["id"]) == (200, after.pk)
    assert call("post", "api_codebooks", data={"yaml": "a: ["})[0] == 422
    assert call("post", "api_codebooks", data={"yaml": "a: 1", "definition": {}})[0] == 422
    status, differs = call("get", "api_codebook_changes", after.pk)
    assert differs["before"] == of.round.codebook_version_id
    assert {"removed", "added"} <= {change["what"] for change in differs["changes"]}
    assert call("get", "api_codebook_changes", after.pk, query="?since=x")[0] == 422
    assert call("get", "api_codebook_changes", after.pk, query="?since=999999")[0] == 404
    tried = {"codebook_version": after.pk, "dry_run": True}
    status, seen = call("post", "api_round_codebook", of.round.pk, data=tried)
    assert (status, seen["stay"], seen["mapping"]["questions"]["behaviour"]["to"]) == (200, 1, "conduct")
    status, seen = call("post", "api_round_codebook", of.round.pk, data={**tried, "mapping": MAPPING})
    assert (seen["moved"], seen["first"][0]["after"]["answers"]["reasoning"]) == (1, ["yes"])
    for wrong in ({"mapping": 1}, {"mapping": {"x": {}}}, {"dry_run": 1}, {"codebook_version": 0}, {"z": 1}):
        assert call("post", "api_round_codebook", of.round.pk, data={**tried, **wrong})[0] == 422, wrong
    status, moved = call(
        "post", "api_round_codebook", of.round.pk, data={"codebook_version": after.pk, "mapping": MAPPING}
    )
    assert (status, moved["mapped"], moved["is_finished"]) == (200, 1, True)
    assert call("get", "api_round_codebook", of.round.pk)[1]["codebook_version"] == after.pk
    annotation = Annotation.objects.get()
    status, detail = call("get", "api_annotation", annotation.pk)
    assert [(r["version"], r["mapped_from"]) for r in detail["revisions"]] == [(1, None), (2, 1)]
    assert access_study(of.people[0], of.study.slug)
