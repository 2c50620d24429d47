"""Cases of the catalogue in which something happens while a file is there, or is given again."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.db.models import ProtectedError

from tests.transcripts.corpus.case import line
from tests.transcripts.test_ingest import claimed, counts, ingest
from transcripts.ingest import queue, work
from transcripts.models import Reject, Study, Transcript
from transcripts.text import original

pytestmark = pytest.mark.django_db


def test_a_file_that_has_grown_adds_only_what_is_new(study: Study) -> None:
    """A run that is still writing: its last line is cut, and whole the next time."""
    whole = line(1, "one") + line(2, "two") + line(3, "three")
    first = ingest(study, whole[: -len(line(3, "three")) - 10])
    assert first.state == "done_with_rejects"
    assert counts(first) == (2, 1, 0, 1)
    assert Reject.objects.get(ingest=first).reason == "truncated"
    grown = ingest(study, whole)
    assert grown.state == "done"
    assert counts(grown) == (3, 2, 1, 0)


def test_two_files_of_one_name_are_two_sources(study: Study) -> None:
    ingest(study, line(1, "one"))
    ingest(study, line(2, "two"))
    assert study.sources.count() == 2
    assert Transcript.objects.count() == 2


def test_a_study_with_files_cannot_be_deleted_under_its_ingest(study: Study) -> None:
    row, _ = claimed(study)
    with pytest.raises(ProtectedError), transaction.atomic():
        study.delete()
    queue.cancel(row)
    assert work.advance(row.pk) is False


def test_what_looks_like_a_secret_is_kept_and_never_logged(
    study: Study, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "sk-canary-0123456789abcdef"
    ingest(study, line(1, secret) + b'{"messages": ["' + secret.encode() + b'"]}\n' + secret.encode() + b"\n")
    assert original(Transcript.objects.get().body.content.messages[-1].text) == secret
    assert secret not in caplog.text
