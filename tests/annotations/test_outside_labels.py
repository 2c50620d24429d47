"""Labels from files become annotations by outside annotators: whole, once, and by nobody who can sign in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from afdash.accounts.models import User
from annotations import labelers
from annotations.labelling import LabellingConflict, change_state, claim_next
from annotations.models import Annotation, AnnotationRevision, Answer, CodebookVersion, Round, Span, Task
from annotations.outside.recording import record_outside_labels
from annotations.visibility import visible_annotations
from tests import make
from tests.annotations.campaign import campaign, claim
from transcripts.access import access_study
from transcripts.ingest import labels
from transcripts.models import Finding, Ingest, Study, Transcript
from transcripts.records import HumanLabel

pytestmark = pytest.mark.django_db


def label(annotator: str = "alice", answers: Mapping[str, Any] | None = None, **fields: Any) -> HumanLabel:
    return HumanLabel(annotator, {"label": "AF"} if answers is None else answers, **fields)


def span(transcript: Transcript, quote: str, word: str = "Strategic reasoning", shift: int = 0) -> dict:
    text = transcript.body.messages[1].text
    start = text.index(quote) + shift
    return {"message": 1, "start": start, "end": start + len(quote), "label": word, "quote": quote}


def newest(of: Study, name: str = "alice") -> dict[int, dict[str, Any]]:
    """The payloads of one annotator's newest revisions, by transcript."""
    heads = Annotation.objects.filter(study=of, annotator__outside_name=name)
    return {head.transcript_id: head.revisions.get(version=head.version).payload for head in heads}


@pytest.fixture
def two(study: Study) -> list[Transcript]:
    return [make.transcript(study, sample=n) for n in (1, 2)]


@pytest.fixture
def ingest(study: Study, two: list[Transcript]) -> Ingest:
    return make.ingest(study)


# What is kept.


def test_a_label_is_kept_as_a_submitted_annotation_like_any_other(
    study: Study, two: list[Transcript], ingest: Ingest
) -> None:
    given = label(
        answers={"verdict": "AF (partial)", "criteria": ["a", "b"], "sure": 4, "final": True, "note": None},
        spans=(span(two[0], "on the free tier"),),
        detail={"row": 7},
    )
    assert record_outside_labels(ingest, [(two[0].pk, [given]), (two[1].pk, [])]) == 1
    (head,) = Annotation.objects.all()
    assert (head.status, head.version, head.transcript_id) == ("submitted", 1, two[0].pk)
    (revision,) = head.revisions.all()
    assert revision.payload == {
        "answers": {"verdict": ["AF (partial)"], "criteria": ["a", "b"], "sure": ["4"], "final": ["true"]},
        "spans": [span(two[0], "on the free tier")],
        "imported": {"codebook": "", "detail": {"row": 7}},
    }
    assert revision.hidden == ["unknown"]
    assert revision.text_sha256 == bytes(two[0].content_sha256).hex()
    rows = Answer.objects.filter(submitted=True, transcript=two[0]).values_list("question", "choice")
    assert sorted(rows) == [
        ("criteria", "a"),
        ("criteria", "b"),
        ("final", "true"),
        ("sure", "4"),
        ("verdict", "AF (partial)"),
    ]
    assert Span.objects.get().quote == "on the free tier"
    kinds = {q["key"]: q["kind"] for q in revision.codebook_version.definition["questions"]}
    assert kinds == {"verdict": "single", "criteria": "multiple", "sure": "single", "final": "single"}


def test_the_round_is_closed_and_asks_nobody(study: Study, two: list[Transcript], ingest: Ingest) -> None:
    record_outside_labels(ingest, [(t.pk, [label(), label("bob")]) for t in two])
    (round,) = Round.objects.all()
    assert (round.name, round.state, round.hidden) == (
        f"Imported: {ingest.source.name}",
        "closed",
        ["unknown"],
    )
    assert (round.overlap, [place.user.outside_name for place in round.annotators.order_by("pk")]) == (
        2,
        ["alice", "bob"],
    )
    assert [(t.slots, t.slots_taken, t.position) for t in Task.objects.all()] == [(2, 2, 0), (2, 2, 1)]
    make.member(study, "anna", "annotator")
    assert claim_next(access_study(User.objects.get(username="anna"), study.slug)) is None
    with pytest.raises(LabellingConflict):
        change_state(round, "open")
    with pytest.raises(IntegrityError), transaction.atomic():
        Round.objects.update(state="open")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"shift": 1}, "quote is not what message 1 says"),
        ({"start": -1}, "whole number"),
        ({"end": 10**9, "start": 0}, "not a stretch"),
        ({"message": 9}, "no message 9"),
        ({"quote": "something else"}, "quote is not"),
        ({"label": "x" * 201}, "no label"),
        ({"label": 7}, "must be texts"),
        ({"start": None}, "whole number"),
    ],
)
def test_a_span_that_does_not_fit_is_left_out_and_said(
    two: list[Transcript], ingest: Ingest, wrong: dict, words: str
) -> None:
    good = span(two[0], "on the free tier")
    bad = span(two[0], "free tier", shift=wrong.pop("shift", 0)) | wrong
    record_outside_labels(ingest, [(two[0].pk, [label(spans=(good, bad))])])
    assert Annotation.objects.get().revisions.get().payload["spans"] == [good]
    (finding,) = Finding.objects.all()
    assert (finding.kind, finding.transcript_id, finding.detail["n"]) == ("span_misfit", two[0].pk, 1)
    assert words in finding.message
    assert "alice" in finding.message


def test_a_label_of_which_nothing_fits_is_no_annotation(two: list[Transcript], ingest: Ingest) -> None:
    bad = span(two[0], "free tier", shift=1)
    assert record_outside_labels(ingest, [(two[0].pk, [label(answers={}, spans=(bad,))])]) == 0
    assert not Annotation.objects.exists()
    assert not CodebookVersion.objects.exists()
    assert Finding.objects.get().kind == "span_misfit"


def test_an_answer_too_long_to_keep_is_said(two: list[Transcript], ingest: Ingest) -> None:
    record_outside_labels(ingest, [(two[0].pk, [label(answers={"label": "AF", "essay": "x" * 20_001})])])
    assert newest(ingest.study)[two[0].pk]["answers"] == {"label": ["AF"]}
    assert Finding.objects.get().kind == "answer_misfit"


def test_a_transcript_of_another_study_is_a_fault_of_ours(ingest: Ingest) -> None:
    stranger = make.transcript(make.study("other"))
    with pytest.raises(LookupError):
        record_outside_labels(ingest, [(stranger.pk, [label()])])


# Who said it.


def test_nobody_can_sign_in_as_an_outside_annotator(two: list[Transcript], ingest: Ingest) -> None:
    record_outside_labels(ingest, [(two[0].pk, [label()])])
    user = User.objects.get(outside_name="alice")
    assert (str(user), user.is_active, user.has_usable_password()) == ("alice (outside)", False, False)
    user.set_password(make.PASSWORD)
    user.save()
    assert authenticate(username=user.username, password=make.PASSWORD) is None
    for flag in ({"is_active": True}, {"is_superuser": True}, {"is_staff": True}):
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.filter(pk=user.pk).update(**flag)


def test_a_name_is_one_person_in_a_study_and_never_an_account(
    study: Study, two: list[Transcript], ingest: Ingest
) -> None:
    account = make.user("alice")
    elsewhere = make.transcript(make.study("other"))
    record_outside_labels(ingest, [(two[0].pk, [label()])])
    record_outside_labels(
        make.ingest(study), [(two[1].pk, [label(), label("  "), label("Ålice/../"), label("x" * 900)])]
    )
    record_outside_labels(make.ingest(elsewhere.study), [(elsewhere.pk, [label()])])
    heads = Annotation.objects.filter(annotator__outside_name="alice")
    assert len({head.annotator_id for head in heads.filter(study=study)}) == 1
    assert len({head.annotator_id for head in heads}) == 2
    assert not Annotation.objects.filter(annotator=account).exists()
    names = set(User.objects.exclude(outside_name="").values_list("outside_name", flat=True))
    assert names == {"alice", "unnamed", "Ålice/../", "x" * 900}


def test_an_account_made_to_look_like_an_outside_annotator_is_not_used(
    two: list[Transcript], ingest: Ingest
) -> None:
    record_outside_labels(ingest, [(two[0].pk, [label()])])
    username = User.objects.get(outside_name="alice").username
    record_outside_labels(ingest, [])
    other = make.transcript(make.study("other"))
    make.user(username.replace(f":{ingest.study_id}:", f":{other.study_id}:"))
    with pytest.raises(RuntimeError, match="is not the outside annotator"):
        record_outside_labels(make.ingest(other.study), [(other.pk, [label()])])
    assert not Annotation.objects.filter(study=other.study).exists()


def test_outside_labels_are_shown_as_peers_labels_are(
    study: Study, two: list[Transcript], ingest: Ingest, client_of, lead: User, annotator: User
) -> None:
    record_outside_labels(ingest, [(t.pk, [label(answers={"behaviour": "refused"})]) for t in two])
    assert visible_annotations(access_study(lead, study.slug)).count() == 2
    assert not visible_annotations(access_study(annotator, study.slug)).exists()
    round = Round.objects.get()
    page = client_of(lead).get(f"/studies/{study.slug}/rounds/{round.pk}/").content.decode()
    assert "alice (outside)" in page
    assert "hidden: not known" in page
    assert "2 of 2 submitted" in page
    assert client_of(annotator).get(f"/api/v1/studies/{study.slug}/annotations/").json()["results"] == []
    codebooks = f"/api/v1/studies/{study.slug}/codebooks/"
    assert client_of(annotator).get(codebooks).json()["results"] == []
    assert len(client_of(lead).get(codebooks).json()["results"]) == 1


def test_figures_offer_the_outside_annotator(study: Study, lead: User) -> None:
    pair = [make.transcript(study, arm=arm) for arm in ("monitored", "unmonitored")]
    said = [label(answers={"behaviour": word}) for word in ("complied", "refused")]
    record_outside_labels(make.ingest(study), [(t.pk, [s]) for t, s in zip(pair, said, strict=True)])
    access = access_study(lead, study.slug)
    assert labelers.known(access) == ["majority", "annotator:alice (outside)"]
    for name in ("majority", "annotator:alice (outside)"):
        (counts,) = labelers.outcome_counts(access, labelers.parse(name)).values()
        assert {key[1:]: n for key, n in counts.items()} == {
            ("monitored", "complied"): 1,
            ("unmonitored", "refused"): 1,
        }
    assert labelers.outcome_counts(access, labelers.parse("annotator:alice")) == {}


# Again, and otherwise.


def test_the_same_label_again_adds_nothing(study: Study, two: list[Transcript], ingest: Ingest) -> None:
    given = [(t.pk, [label(), label("bob", spans=(span(t, "free tier"),))]) for t in two]
    assert record_outside_labels(ingest, given) == 4
    before = [model.objects.count() for model in (User, Round, Task, CodebookVersion, Answer, Span)]
    again = Ingest.objects.create(study=study, source=ingest.source, state="done")
    renamed = make.ingest(study)
    type(renamed.source).objects.filter(pk=renamed.source_id).update(name=ingest.source.name)
    renamed.source.refresh_from_db()
    assert [record_outside_labels(each, given) for each in (ingest, again, renamed)] == [0, 0, 0]
    assert before == [model.objects.count() for model in (User, Round, Task, CodebookVersion, Answer, Span)]
    assert AnnotationRevision.objects.count() == 4
    assert not Finding.objects.exists()


def test_another_word_from_a_file_of_that_name_is_a_new_revision(
    study: Study, two: list[Transcript], ingest: Ingest
) -> None:
    first, second = [(two[0].pk, [label()])], [(two[0].pk, [label(answers={"label": "not AF"})])]
    record_outside_labels(ingest, first)
    newer = make.ingest(study)
    type(newer.source).objects.filter(pk=newer.source_id).update(name=ingest.source.name)
    newer.source.refresh_from_db()
    assert record_outside_labels(newer, second) == 1
    assert Annotation.objects.get().version == 2
    assert Answer.objects.get().choice == "not AF"
    assert Finding.objects.get().kind == "label_changed"
    # The old file once more: what it says was kept before, and is not the newest word again.
    assert record_outside_labels(ingest, first) == 0
    assert Answer.objects.get().choice == "not AF"


def test_two_labels_of_one_person_on_one_transcript_are_both_kept(
    two: list[Transcript], ingest: Ingest
) -> None:
    twice = [label(), label(answers={"label": "not AF"})]
    assert record_outside_labels(ingest, [(two[0].pk, twice)]) == 2
    assert Annotation.objects.get().version == 2
    assert Finding.objects.get().kind == "label_changed"
    assert record_outside_labels(ingest, [(two[0].pk, twice)]) == 0
    rounds = [label(detail={"round": n}) for n in (4, 5)]
    assert record_outside_labels(ingest, [(two[1].pk, rounds)]) == 2
    assert {round.name.rpartition(", ")[2] for round in Round.objects.all()} >= {"round 4", "round 5"}


def test_an_ingest_hands_its_labels_on(two: list[Transcript], ingest: Ingest) -> None:
    given = [(two[0].pk, (label(),)), (two[1].pk, ())]
    assert [labels.record(ingest, given) for _ in (0, 1)] == [1, 0]
    assert newest(ingest.study) == {two[0].pk: Annotation.objects.get().revisions.get().payload}


def test_a_failure_keeps_nothing(two: list[Transcript], ingest: Ingest) -> None:
    with pytest.raises(LookupError):
        record_outside_labels(ingest, [(two[0].pk, [label()]), (10**9, [label()])])
    assert not AnnotationRevision.objects.exists()
    assert not User.objects.exclude(outside_name="").exists()


def test_queries_do_not_grow_with_the_labels(study: Study) -> None:
    """500 labels by several people, with spans, new words and both kinds of misfit, in as many queries as 4."""

    def queries(n: int, slug: str) -> int:
        of = make.study(slug)
        rows = [make.transcript(of, sample=sample) for sample in range(1, n // 2 + 1)]
        given = [
            (
                row.pk,
                [
                    label(
                        f"person {(number + second) % 7}",
                        {"label": f"word {number % 50}", "long": "x" * 300},
                        spans=(span(row, "free tier"), span(row, "free tier", shift=1)),
                    )
                    for second in (0, 1)
                ],
            )
            for number, row in enumerate(rows)
        ]
        ingest = make.ingest(of)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert record_outside_labels(ingest, given) == n
        return len(captured)

    few, many = queries(4, "few"), queries(500, "many")
    assert many == few < 60


def test_a_campaigns_own_labels_are_left_alone(study: Study, lead: User) -> None:
    team = campaign(tasks=1)
    task = claim(team)
    team.submit(task)
    before = AnnotationRevision.objects.get()
    given = label(team.people[0].username, answers=before.payload["answers"])
    assert record_outside_labels(make.ingest(team.study), [(task.transcript_id, [given])]) == 1
    # Somebody of the same name outside: another person, another vote.
    assert labelers.known(access_study(lead, study.slug))[1:] == [
        f"annotator:{team.people[0].username}",
        f"annotator:{team.people[0].username} (outside)",
    ]
    assert AnnotationRevision.objects.get(pk=before.pk).annotator == team.people[0]
