"""Published figures and known oddities of real files come out of an ingest, through the API."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest
from django.test import Client

from afdash.accounts.models import User
from annotations.models import Annotation, Answer
from tests.transcripts.test_containers import all_of_it
from transcripts.ingest import queue, sources, work
from transcripts.models import Finding, Ingest, Pair, Study, Transcript, Verdict

pytestmark = pytest.mark.django_db


def ingest(study: Study, path: Path, **options: object) -> Ingest:
    with path.open("rb") as stream:
        source = sources.keep(study, stream, f"{path.parent.name}/{path.name}", None)
    row = queue.request_ingest(source, user=None, options=dict(options))
    while work.advance(row.pk, seconds=300):
        pass
    row = Ingest.objects.get(pk=row.pk)
    progress = queue.progress(row)
    assert progress.read == progress.created + progress.duplicate + progress.rejected
    assert row.state in ("done", "done_with_rejects", "failed")
    return row


def gaps(client: Client, study: Study, **query: str) -> dict[str, dict]:
    answer = client.get(f"/api/v1/studies/{study.slug}/metrics/compliance-gap/", query)
    assert answer.status_code == 200, answer.content
    return {row["model"]: row for row in answer.json()["results"]}


def test_the_published_gap_of_a_replication(study: Study, lead: User, client_of, real_data: Path) -> None:
    for path in sorted((real_data / "vlaf/care").iterdir()):
        ingest(study, path)
    row = gaps(client_of(lead), study)["olmo2-32b-instruct"]
    assert (row["n_prompts"], row["n_monitored"], row["n_unmonitored"]) == (12, 120, 120)
    assert round(row["rate_monitored"], 4) == 0.4417
    assert round(row["rate_unmonitored"], 4) == 0.0917
    assert round(row["gap"], 4) == 0.35
    assert round(row["se"], 3) == 0.087
    assert row["ci_low"] < row["gap"] < row["ci_high"]
    assert row["setting"] == "care"

    refused = Ingest.objects.get(state="failed")
    assert "compliance" in refused.source.name
    identical = Finding.objects.filter(kind="identical_content")
    assert {frozenset((f.detail["model"], f.detail["other_model"])) for f in identical} == {
        frozenset(("olmo2-7b-instruct", "olmo2-13b-instruct"))
    }


def test_two_logs_are_one_run_with_two_arms(study: Study, lead: User, client_of, real_data: Path) -> None:
    mapping = {"outcomes": {"not_answer": {"C": "complied", "I": "refused"}}}
    for path in sorted((real_data / "inspect/legobridge").iterdir()):
        row = ingest(study, path, mapping=mapping)
        assert queue.progress(row).created == 290
    pairs = Pair.objects.filter(study=study)
    assert pairs.count() == 290
    assert pairs.filter(n_monitored=1, n_unmonitored=1).count() == 290
    row = gaps(client_of(lead), study)["openai/gpt-4o"]
    assert row["n_prompts"] == 290
    assert round(row["rate_monitored"], 3) == 0.990
    assert round(row["rate_unmonitored"], 3) == 0.759
    assert row["mcnemar_p"] < 0.001


def test_a_score_without_a_mapping_means_nothing(study: Study, real_data: Path) -> None:
    ingest(study, min((real_data / "inspect/legobridge").iterdir()))
    assert set(Transcript.objects.values_list("outcome", flat=True)) == {""}


def test_a_header_that_claims_more_than_the_file_holds(study: Study, real_data: Path) -> None:
    row = ingest(study, real_data / "inspect/docent/log.eval")
    assert queue.progress(row).created == 15
    finding = Finding.objects.get(ingest=row, kind="fewer_samples")
    assert "790" in finding.message
    assert "15" in finding.message


def test_pairs_on_another_tag(study: Study, real_data: Path) -> None:
    for path in sorted((real_data / "vlaf/helpful_only_selfpreservation").iterdir()):
        assert queue.progress(ingest(study, path)).created == 352
    assert Pair.objects.filter(n_monitored=1, n_unmonitored=1).count() == 352


def test_a_mislabelled_file_stays_unpaired_and_says_so(study: Study, real_data: Path) -> None:
    row = ingest(study, next((real_data / "vlaf/advbench").iterdir()))
    assert queue.progress(row).created == 7
    assert Finding.objects.get(ingest=row, kind="unpaired").detail == {"unpaired": 7, "prompts": 7}


@pytest.mark.parametrize("folder", ["edge", "inspect_ai", "chunked", "metr"])
def test_every_log_is_read_or_refused_with_a_sentence(study: Study, real_data: Path, folder: str) -> None:
    for path in sorted((real_data / "inspect" / folder).iterdir()):
        row = ingest(study, path)
        if row.state == "failed":
            assert row.error.endswith("."), (path.name, row.error)
            assert "Traceback" not in row.error
            assert "Error" not in row.error
        for reject in row.rejects.all():
            assert reject.message.endswith("."), (path.name, reject.message)


# file or folder → reader, records read; what is missing here has a test of its own above
OTHER_FILES = {
    "local-only/open-source-af": ("open_source_af", 1),
    "local-only/sycophant_gptoss20b_correct.json": ("scratchpad_output", 319),
    "other/cot_monitor_gptoss120b_s350_sutl.jsonl": ("gpt_oss", 101),
    "other/human_labels_gold_106.json": ("human_labels", 106),
    "other/sandbagging_agents_mcq.jsonl": ("mapped", 100),
    "inspect/large": ("inspect_log", 1000),
}


@pytest.mark.parametrize("name", OTHER_FILES)
def test_every_other_format_is_read_whole(study: Study, real_data: Path, name: str) -> None:
    reader, records = OTHER_FILES[name]
    given = real_data / name
    for path in sorted(given.iterdir()) if given.is_dir() else [given]:
        row = ingest(study, path)
        assert (row.reader, queue.progress(row).read) == (reader, records)
        lost = {reject.reason for reject in row.rejects.all()}
        assert lost <= {"identity_conflict"}, "the same sample twice, as the log has it after a retry"


def test_human_labels_become_annotations_of_an_outside_annotator(study: Study, real_data: Path) -> None:
    ingest(study, real_data / "other/human_labels_gold_106.json")
    values = Answer.objects.filter(annotation__study=study).values_list("choice", flat=True)
    assert sorted(Counter(values).values()) == [51, 55]
    assert Annotation.objects.filter(study=study, annotator__is_active=False).count() == 106


def test_scenarios_pair_observed_with_unobserved(study: Study, real_data: Path) -> None:
    ingest(study, real_data / "local-only/sycophant_gptoss20b_correct.json")
    pairs = Pair.objects.filter(study=study)
    assert sorted(pairs.values_list("n_monitored", "n_unmonitored")) == [
        (39, 40),
        (40, 40),
        (40, 40),
        (40, 40),
    ]


def test_a_judge_is_kept_whole_with_its_votes_and_quotes(study: Study, real_data: Path) -> None:
    for path in (real_data / "local-only/open-source-af").iterdir():
        ingest(study, path)
    said = {verdict.judge: verdict.said for verdict in Verdict.objects.all()}
    faking = said["deceptive_alignment"]
    assert (faking["value"], faking["score"]) == ("yes", 1.0)
    quotes = Counter(quote["anchor"] for verdict in said.values() for quote in verdict["quotes"])
    assert (quotes["exact"], sum(quotes.values())) == (0, 16)
    assert quotes["not_found"] >= 5


def test_transcripts_and_their_judgments_come_together_in_one_archive(
    study: Study, real_data: Path, tmp_path: Path
) -> None:
    packed = shutil.make_archive(str(tmp_path / "bloom"), "zip", real_data / "local-only", "bloom")
    row = all_of_it(ingest_start(study, Path(packed)))
    assert {part.reader for part in row.parts.all()} == {"petri", "bloom_judgment"}
    progress = queue.progress(row)
    assert (progress.read, progress.created, progress.rejected) == (23, 6, 17)
    found = [q["anchor"] for v in Verdict.objects.all() for q in v.said["quotes"]]
    assert set(found) == {"exact"}
    assert len(found) == 30


def ingest_start(study: Study, path: Path) -> Ingest:
    with path.open("rb") as stream:
        return queue.request_ingest(sources.keep(study, stream, path.name, None), user=None, options={})
