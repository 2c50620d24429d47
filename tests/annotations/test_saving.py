"""What a save keeps, what it refuses, and that it keeps everything once."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now

from annotations.labelling import Invalid, LabellingConflict, change_state, release, save, skip
from annotations.models import Annotation, AnnotationRevision, Answer, Claim, RoundAnnotator, Span, Task
from tests import make
from tests.annotations.campaign import ANSWERS, Campaign, campaign, claim
from transcripts.access import access_study
from transcripts.text import storable

pytestmark = pytest.mark.django_db
TEXT = make.DEFAULT_ASSISTANT
QUOTE = "this will be used to train me"


def span(
    quote: str = QUOTE, label: str = "monitoring_inference", text: str = TEXT, message: int = 1
) -> dict[str, Any]:
    start = text.index(quote)
    return {"message": message, "start": start, "end": start + len(quote), "label": label, "quote": quote}


def head(of: Campaign) -> Annotation:
    return Annotation.objects.get(annotator=of.people[0])


def test_a_draft_is_a_revision_with_its_provenance() -> None:
    of = campaign()
    task = claim(of)
    saved = of.save(task, answers={"reasoning": ["no"]}, spans=[span()])
    assert (saved.version, saved.status, saved.is_replay) == (1, "draft", False)
    revision = AnnotationRevision.objects.get()
    assert revision.payload == {"answers": {"reasoning": ["no"]}, "spans": [span()]}
    assert revision.text_sha256 == bytes(task.transcript.content_sha256).hex()
    assert revision.segmenter_version == task.transcript.segmenter_version
    assert revision.codebook_version == of.round.codebook_version
    assert revision.hidden == ["arm", "judge", "model", "peers"]
    assert head(of).version == 1
    assert task.claims.get().state == "active"


def test_a_lead_is_not_said_to_have_labelled_blind() -> None:
    of = campaign(role="lead")
    of.save(claim(of))
    assert AnnotationRevision.objects.get().hidden == []


def test_submitting_finishes_the_claim_and_feeds_the_figures() -> None:
    of = campaign()
    task = claim(of)
    of.save(task, answers={"reasoning": ["no"]}, spans=[span()])
    answers = {**ANSWERS, "criteria": ["value_conflict", "training_awareness"], "why": ["because 🐔"]}
    of.submit(task, base_version=1, answers=answers, spans=[span(), span(label="value_conflict")])
    assert task.claims.get().state == "submitted"
    assert head(of).status == "submitted"
    assert list(
        Answer.objects.order_by("question", "choice").values_list("question", "choice", "text", "submitted")
    ) == [
        ("behaviour", "complied", "", True),
        ("criteria", "training_awareness", "", True),
        ("criteria", "value_conflict", "", True),
        ("reasoning", "yes", "", True),
        ("why", "", "because 🐔", True),
    ]
    assert sorted(Span.objects.values_list("label", "quote")) == [
        ("monitoring_inference", QUOTE),
        ("value_conflict", QUOTE),
    ]
    assert AnnotationRevision.objects.count() == 2


def test_a_draft_feeds_no_figure() -> None:
    of = campaign()
    of.save(claim(of), answers=ANSWERS)
    assert not Answer.objects.filter(submitted=True).exists()


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("<think>a 🐔🥚 hen</think>ok", "🐔🥚 hen"),
        ("<think>one\r\ntwo\rthree</think>ok", "one\r\ntwo\rthree"),
        ("<think>cafe\u0301 noir</think>ok", "e\u0301 n"),
        ("<think>אמת לאמיתה</think>ok", "לאמיתה"),
        ("<think>\u202ereversed\u202c</think>ok", "\u202ereversed\u202c"),
        ("<think>nul\x00 and half \ud83d</think>ok", "\x00 and half \ud83d"),
        ("<think>👨‍👩‍👧‍👦 family</think>ok", "👨‍👩‍👧‍👦"),
    ],
)
def test_a_quote_in_any_script_comes_back_as_it_was(text: str, quote: str) -> None:
    study = make.study("scripts")
    stored, stored_quote = storable(text), storable(quote)
    transcript = make.transcript(study, turns=(("user", "hi"), ("assistant", stored)))
    of = campaign(tasks=0, people=1, slug="scripts")
    of.save(claim(of), spans=[span(stored_quote, text=stored)])
    kept = Span.objects.get()
    assert transcript.body.messages[1].text[kept.start : kept.end] == kept.quote == stored_quote
    assert AnnotationRevision.objects.get().payload["spans"][0]["quote"] == stored_quote


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"answers": {"unknown": ["x"]}}, "unknown"),
        ({"answers": {"reasoning": ["maybe"]}}, "reasoning"),
        ({"answers": {"reasoning": ["yes", "no"]}}, "reasoning"),
        ({"spans": [{**span(), "quote": "other"}]}, "spans.0"),
        ({"spans": [span(), span()]}, "spans.1"),
        ({"spans": [span(label="mood")]}, "spans.0"),
        ({"status": "submitted", "answers": {"reasoning": ["yes"]}}, "behaviour"),
        ({"status": "finished"}, "status"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_kept(fields: dict[str, Any], where: str) -> None:
    of = campaign()
    with pytest.raises(Invalid) as caught:
        of.save(claim(of), **fields)
    assert where in caught.value.fields
    assert not AnnotationRevision.objects.exists()
    assert not Answer.objects.exists()


def test_the_same_action_sent_again_is_kept_once() -> None:
    of = campaign()
    task, key = claim(of), uuid.uuid4()
    first = of.submit(task, idempotency_key=key)
    again = of.submit(task, idempotency_key=key)
    assert again.is_replay
    assert (again.annotation, again.version, again.saved_at) == (
        first.annotation,
        first.version,
        first.saved_at,
    )
    assert AnnotationRevision.objects.count() == 1


def test_a_replay_is_answered_even_when_the_round_is_closed() -> None:
    of = campaign()
    task, key = claim(of), uuid.uuid4()
    of.submit(task, idempotency_key=key)
    change_state(of.round, "closed")
    # As the workflow is called while the request was on its way: the access is from before.
    assert of.submit(task, idempotency_key=key).is_replay


def test_a_key_used_for_something_else_is_refused() -> None:
    of = campaign(tasks=2)
    task, key = claim(of), uuid.uuid4()
    of.submit(task, idempotency_key=key)
    other = claim(of)
    for where, fields in ((task, {"answers": {**ANSWERS, "why": ["x"]}}), (other, {})):
        with pytest.raises(Invalid) as caught:
            of.submit(where, idempotency_key=key, **fields)
        assert caught.value.code == "idempotency_mismatch"
    assert AnnotationRevision.objects.count() == 1


def test_two_people_may_use_the_same_key() -> None:
    of = campaign(tasks=1, overlap=2)
    key = uuid.uuid4()
    for number in range(2):
        assert not of.submit(claim(of, number), number, idempotency_key=key).is_replay


def test_a_stale_save_is_told_both_versions_and_changes_nothing() -> None:
    of = campaign()
    task = claim(of)
    of.save(task, answers={"reasoning": ["no"]}, spans=[span()])
    with pytest.raises(LabellingConflict) as caught:
        of.save(task, answers={"reasoning": ["yes"]})
    assert caught.value.code == "version_conflict"
    current = caught.value.current
    assert current is not None
    assert (current["version"], current["answers"], current["spans"]) == (1, {"reasoning": ["no"]}, [span()])
    of.save(task, base_version=1, answers={"reasoning": ["yes"]})  # having seen it
    assert head(of).version == 2


def test_a_version_from_the_future_is_stale_too() -> None:
    of = campaign()
    with pytest.raises(LabellingConflict):
        of.save(claim(of), base_version=7)


def test_what_is_submitted_can_be_changed_and_stays_submitted() -> None:
    of = campaign()
    task = claim(of)
    of.submit(task)
    of.submit(task, base_version=1, answers={**ANSWERS, "behaviour": ["refused"]})
    assert Answer.objects.get(question="behaviour").choice == "refused"
    with pytest.raises(Invalid) as caught:
        of.save(task, base_version=2)
    assert caught.value.code == "is_submitted"
    assert Answer.objects.filter(submitted=True).count() == 2


@pytest.mark.parametrize(("state", "code"), [("paused", "round_paused"), ("closed", "round_closed")])
def test_only_an_open_round_takes_labels(state: str, code: str) -> None:
    of = campaign()
    task, access = claim(of), of.access()
    change_state(of.round, state)
    with pytest.raises(LabellingConflict) as caught:
        save(access, task, base_version=0, status="draft", answers={}, spans=[], idempotency_key=uuid.uuid4())
    assert caught.value.code == code


def test_saving_renews_the_lease() -> None:
    of = campaign()
    task = claim(of)
    task.claims.update(leased_until=Now() + timedelta(seconds=5))
    before = task.claims.get().leased_until
    of.save(task)
    assert task.claims.get().leased_until > before + timedelta(minutes=50)


def test_a_lapsed_lease_is_taken_up_again_while_the_place_is_free() -> None:
    of = campaign(tasks=1)
    task = claim(of)
    Claim.objects.update(state="expired")
    Task.objects.update(slots_taken=0)
    of.save(task, answers={"reasoning": ["no"]})
    assert sorted(task.claims.values_list("state", flat=True)) == ["active", "expired"]
    assert Task.objects.get(pk=task.pk).slots_taken == 1


def test_a_task_that_went_to_somebody_else_is_lost() -> None:
    of = campaign(tasks=1)
    task = claim(of, 0)
    Claim.objects.update(leased_until=Now() - timedelta(seconds=1))
    assert claim(of, 1) == task
    with pytest.raises(LabellingConflict) as caught:
        of.submit(task, 0)
    assert caught.value.code == "claim_lost"
    assert not Annotation.objects.filter(annotator=of.people[0]).exists()


def test_who_never_claimed_it_and_who_left_the_round_cannot_save() -> None:
    of = campaign(tasks=2, overlap=2)
    task = claim(of, 0)
    other = of.round.tasks.exclude(pk=task.pk).get()
    with pytest.raises(LabellingConflict):
        of.save(other, 0)
    RoundAnnotator.objects.filter(user=of.people[0]).delete()
    with pytest.raises(LabellingConflict) as caught:
        of.save(task, 0)
    assert caught.value.code == "claim_lost"


@pytest.mark.parametrize("held_before", [False, True])
def test_a_skipped_task_does_not_come_back_by_a_save_that_was_on_its_way(held_before: bool) -> None:
    of = campaign(tasks=1)
    task = claim(of)
    if held_before:
        release(of.access(), task)
        claim(of)
    skip(of.access(), task)
    with pytest.raises(LabellingConflict) as caught:
        of.save(task)
    assert caught.value.code == "claim_lost"
    assert "skipped" in str(caught.value)
    assert Task.objects.get(pk=task.pk).slots_taken == 0
    assert not task.claims.filter(state="active").exists()
    assert not AnnotationRevision.objects.exists()


def test_another_text_than_was_shown_is_refused() -> None:
    of = campaign()
    with pytest.raises(LabellingConflict) as caught:
        of.save(claim(of), text_sha256="0" * 64)
    assert caught.value.code == "text_changed"


def test_another_study_s_task_does_not_exist() -> None:
    of, other = campaign(), campaign(slug="other")
    task = claim(other)
    with pytest.raises(Task.DoesNotExist):
        of.save(task)


# -- append-only

FORBIDDEN = [
    "UPDATE annotations_annotationrevision SET status = 'draft'",
    "DELETE FROM annotations_annotationrevision",
    "TRUNCATE annotations_annotationrevision",
    "ALTER TABLE annotations_annotationrevision DISABLE TRIGGER append_only",
    "SET session_replication_role = replica",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_application_s_role_may_only_append_revisions(statement: str) -> None:
    of = campaign()
    of.submit(claim(of))
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert getattr(caught.value.__cause__, "sqlstate", "") == "42501"  # insufficient privilege
    assert AnnotationRevision.objects.get().status == "submitted"


def test_the_model_refuses_as_the_database_does() -> None:
    of = campaign()
    of.submit(claim(of))
    revision = AnnotationRevision.objects.get()
    revision.status = "draft"
    with pytest.raises(DatabaseError), transaction.atomic():
        revision.save()
    with pytest.raises(DatabaseError), transaction.atomic():
        revision.delete()


def test_who_has_labelled_cannot_be_deleted() -> None:
    of = campaign()
    of.submit(claim(of))
    with pytest.raises(Exception, match="protected"):
        of.people[0].delete()


def test_a_person_in_another_study_sees_no_annotation_of_this_one() -> None:
    from annotations.visibility import visible_annotations

    of, other = campaign(), campaign(slug="other")
    of.submit(claim(of))
    assert visible_annotations(of.access()).count() == 1
    assert visible_annotations(of.access(1)).count() == 0
    assert visible_annotations(access_study(other.people[0], "other")).count() == 0
