"""Our export's annotations, given to another study: the same words come out of its export, time after time."""

from __future__ import annotations

from typing import Any

import pytest

from afdash.accounts.models import User
from annotations.models import Annotation, AnnotationRevision
from annotations.outside.recording import record_outside_labels
from tests import make
from tests.annotations.campaign import ANSWERS, campaign, claim
from tests.annotations.test_export import export, rows, span_on
from transcripts.models import Ingest, Study, Transcript
from transcripts.readers.json_values import storable_value
from transcripts.records import HumanLabel
from transcripts.text import storable

pytestmark = pytest.mark.django_db
TEXT = "x\x00y\ud83dz “on the free tier” 👩‍🔬 QUOTE"
SAID = ("annotator", "answers", "spans", "hidden")


def as_labels(row: dict[str, Any], stored: Transcript) -> list[HumanLabel]:
    """The annotations of an export's line as its reader hands them on: offsets are of the stored text."""
    found = []
    for each in row["annotations"]:
        each = storable_value(each)
        book = each["codebook"]
        for span in each["spans"]:
            text = row["messages"][span["message"]]["content"]
            span["start"], span["end"] = (
                len(storable(text[: span["start"]])),
                len(storable(text[: span["end"]])),
            )
        rest = {k: v for k, v in each.items() if k not in ("annotator", "answers", "spans", "codebook")}
        found.append(
            HumanLabel(
                each["annotator"],
                each["answers"],
                tuple(each["spans"]),
                f"{book['slug']}@{book['version']}:{book['sha256']}",
                rest,
            )
        )
    return found


def give(of: Study, exported: list[dict[str, Any]]) -> int:
    """Record an export's labels on the study's transcripts, which lie in the same order."""
    stored = Transcript.objects.filter(study=of).order_by("pk")
    pairs = list(zip(stored, exported, strict=True))
    return record_outside_labels(make.ingest(of), [(t.pk, as_labels(row, t)) for t, row in pairs])


def said(exported: list[dict[str, Any]]) -> list[list[tuple]]:
    return [sorted(repr([each[key] for key in SAID]) for each in row["annotations"]) for row in exported]


@pytest.fixture
def first(study: Study) -> list[dict[str, Any]]:
    lead = make.member(study, "lena", "lead")
    make.transcript(study, sample=1, turns=(("user", "hi"), ("assistant", storable(TEXT))))
    make.transcript(study, sample=2)
    team = campaign(tasks=2, overlap=2, people=2)
    for number in (0, 1):
        for _ in (0, 1):
            task = claim(team, number)
            why = [f"person {number}, 1.\nline"] if number else []
            team.submit(
                task,
                number,
                answers=ANSWERS | {"why": why},
                spans=[span_on(task.transcript, "on the free tier")],
            )
    return rows(export(study, lead))


def empty_copy(of: Study, slug: str) -> Study:
    copy = make.study(slug)
    for each in Transcript.objects.filter(study=of).order_by("pk"):
        turns = tuple((message.role, message.text) for message in each.body.messages)
        make.transcript(copy, sample=each.sample, turns=turns)
    return copy


def test_an_export_comes_out_again_as_it_went_in_twice(first: list[dict[str, Any]], study: Study) -> None:
    lead = User.objects.get(username="lena")
    assert [len(row["annotations"]) for row in first] == [2, 2]
    before, exported = said(first), first
    for slug in ("second", "third"):
        copy = empty_copy(study, slug)
        make.member(copy, "lena", "lead")
        assert give(copy, exported) == 4
        exported = rows(export(copy, lead))
        assert said(exported) == before
        assert all(each["outside"] for row in exported for each in row["annotations"])
        origins = [each["imported"] for row in exported for each in row["annotations"]]
        # Where a label was first given is kept, not wrapped once more by each study that it passes through.
        assert {origin["codebook"].partition("@")[0] for origin in origins} == {"alignment-faking"}
        assert not any("imported" in origin["detail"] for origin in origins)


def test_an_export_given_back_to_its_own_study_adds_nothing(
    first: list[dict[str, Any]], study: Study
) -> None:
    assert give(study, first) == 0
    assert not User.objects.exclude(outside_name="").exists()
    copy = empty_copy(study, "copy")
    make.member(copy, "lena", "lead")
    give(copy, first)
    again = rows(export(copy, User.objects.get(username="lena")))
    assert give(copy, again) == 0
    assert Annotation.objects.filter(study=copy).count() == 4


def test_a_line_that_only_claims_to_be_ours_is_an_outside_label(
    first: list[dict[str, Any]], study: Study
) -> None:
    annotation = first[0]["annotations"][0]
    annotation["answers"] = {"behaviour": ["refused"]}
    first[0]["annotations"], first[1]["annotations"] = [annotation], []
    assert give(study, first) == 1
    assert AnnotationRevision.objects.filter(annotator__outside_name=annotation["annotator"]).count() == 1


def test_text_that_cannot_be_stored_comes_back_as_it_was(study: Study, lead: User) -> None:
    hostile = "\x00 half \ud83d private \U0010f800 " + "“x”"
    row = make.transcript(study)
    label = HumanLabel(storable(hostile), {storable(hostile): [storable(hostile)]})
    ingest: Ingest = make.ingest(study)
    assert record_outside_labels(ingest, [(row.pk, [label])]) == 1
    (annotation,) = rows(export(study, lead))[0]["annotations"]
    assert annotation["annotator"] == hostile
    assert annotation["answers"] == {hostile: [hostile]}
