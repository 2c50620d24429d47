"""Giving the judges' words another meaning after the ingest: verdicts, outcomes and gaps follow, all or nothing."""

from __future__ import annotations

import pytest

from tests.transcripts.test_ingest import ingest, jsonl, line
from transcripts.ingest.judged_again import KIND, NotNow, judge_again, judges
from transcripts.ingest.options import BadOption
from transcripts.models import Finding, Ingest, Pair, Study, Transcript, Verdict

pytestmark = pytest.mark.django_db


def said(**words: str) -> list[dict[str, str]]:
    return [{"judge": judge, "value": value} for judge, value in words.items()]


@pytest.fixture
def row(study: Study) -> Ingest:
    return ingest(
        study,
        jsonl(
            line(verdicts=said(j="C", k="no")),
            line(sample=2, verdicts=said(j="I", k="yes")),
            line(arm="unmonitored", verdicts=said(j="I", k="no")),
        ),
        mapping={"outcomes": {"k": {"yes": "complied", "no": "refused"}}},
    )


def test_words_are_counted_with_what_they_mean_now(row: Ingest) -> None:
    first, second = judges(row)
    assert [(word.value, word.count, word.outcome) for word in first.words] == [("I", 2, ""), ("C", 1, "")]
    assert [(word.value, word.outcome) for word in second.words] == [("no", "refused"), ("yes", "complied")]
    assert (first.name, first.count, first.more) == ("j", 3, 0)


def test_everything_that_follows_from_a_verdict_follows(row: Ingest, lead) -> None:
    pair = Pair.objects.get()
    assert pair.judge_gap == 0.5
    assert judge_again(row, {"j": {"C": "complied", "I": "refused"}}, lead) == 3
    # The first judge with a known meaning speaks for the transcript: that is j now.
    outcomes = Transcript.objects.order_by("arm__role", "sample").values_list("outcome", flat=True)
    assert list(outcomes) == ["complied", "refused", "refused"]
    pair.refresh_from_db()
    assert pair.judge_gap == 0.5
    assert judge_again(row, {"j": {"I": "complied"}}, lead) == 2
    pair.refresh_from_db()
    assert pair.judge_gap == 0.0
    row.refresh_from_db()
    assert row.options["mapping"]["outcomes"] == {
        "k": {"yes": "complied", "no": "refused"},
        "j": {"C": "complied", "I": "complied"},
    }
    first, second = Finding.objects.filter(ingest=row, kind=KIND).order_by("pk")
    assert first.message.startswith("lena changed")
    assert "3 verdicts changed" in first.message
    assert second.detail == {"by": "lena", "outcomes": [["j", "I", "complied"]], "verdicts": 2}


def test_other_ingests_keep_theirs(study: Study, row: Ingest) -> None:
    other = ingest(study, jsonl(line(prompt_id="p2", prompt="Why?", verdicts=said(j="C"))), "other.jsonl")
    judge_again(row, {"j": {"C": "complied"}}, None)
    assert Verdict.objects.get(transcript__ingest=other).outcome == ""


def test_an_archive_is_judged_with_its_parts(study: Study, row: Ingest) -> None:
    whole = ingest(study, jsonl(line(prompt_id="p3", prompt="Where?")), "whole.jsonl")
    Ingest.objects.filter(pk=row.pk).update(container=whole)
    assert judge_again(whole, {"j": {"C": "unclear"}}, None) == 1
    row.refresh_from_db()
    assert row.options["mapping"]["outcomes"]["j"] == {"C": "unclear"}


@pytest.mark.parametrize(
    ("outcomes", "words"),
    [({"j": {"C": "good"}}, "not an outcome"), ({"*": {"C": "complied"}}, "Name the judge"), (5, "must be")],
)
def test_what_is_no_mapping_changes_nothing(row: Ingest, outcomes, words: str) -> None:
    with pytest.raises(BadOption, match=words):
        judge_again(row, outcomes, None)
    assert not Finding.objects.filter(kind=KIND).exists()


def test_not_while_it_is_under_way(row: Ingest) -> None:
    Ingest.objects.filter(pk=row.pk).update(state="running")
    with pytest.raises(NotNow):
        judge_again(row, {"j": {"C": "complied"}}, None)
    assert not Verdict.objects.filter(judge="j").exclude(outcome="").exists()
