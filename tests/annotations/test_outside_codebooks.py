"""By which codebook imported labels go: the one they name, or one that grows with their words."""

from __future__ import annotations

import pytest

from afdash.accounts.models import User
from annotations.codebook_versions import BadDefinition, add_version
from annotations.labelling import Invalid, open_round
from annotations.models import AnnotationRevision, Answer, CodebookVersion, Round
from annotations.outside.recording import record_outside_labels
from tests import make
from tests.annotations.campaign import codebook_version
from tests.annotations.test_outside_labels import label
from transcripts.models import Ingest, Study, Transcript

pytestmark = pytest.mark.django_db


@pytest.fixture
def two(study: Study) -> list[Transcript]:
    return [make.transcript(study, sample=n) for n in (1, 2)]


@pytest.fixture
def ingest(study: Study, two: list[Transcript]) -> Ingest:
    return make.ingest(study)


def test_versions_grow_with_new_words_and_never_change(two: list[Transcript], ingest: Ingest) -> None:
    def versions() -> list[list[str]]:
        found = CodebookVersion.objects.order_by("number")
        return [
            [choice["key"] for choice in version.definition["questions"][0]["choices"]] for version in found
        ]

    record_outside_labels(ingest, [(two[0].pk, [label(answers={"label": "AF"})])])
    assert versions() == [["AF"]]
    record_outside_labels(ingest, [(two[1].pk, [label(answers={"label": "not AF"})])])
    assert versions() == [["AF"], ["AF", "not AF"]]
    record_outside_labels(ingest, [(two[1].pk, [label("bob", answers={"label": "AF"})])])
    assert versions() == [["AF"], ["AF", "not AF"]]
    assert Round.objects.get().codebook_version.number == 2
    assert [r.codebook_version.number for r in AnnotationRevision.objects.order_by("pk")] == [1, 2, 2]


def test_the_codebook_that_a_label_names_is_used_if_it_is_here_and_fits(
    study: Study, two: list[Transcript], ingest: Ingest
) -> None:
    ours = codebook_version(study)
    named = f"{ours.codebook.slug}@1:{ours.sha256}"
    fits = label(answers={"behaviour": ["complied"], "why": ["because"]}, codebook=named)
    misfit = label("bob", answers={"behaviour": ["complied-ish"]}, codebook=named)
    other = label("carol", answers={"behaviour": ["complied"]}, codebook="af@1:" + "0" * 64)
    record_outside_labels(ingest, [(two[0].pk, [fits, misfit, other])])
    by_name = {r.annotator.outside_name: r.codebook_version for r in AnnotationRevision.objects.all()}
    assert by_name["alice"] == ours
    assert by_name["bob"].codebook.imported_from != ""
    assert by_name["carol"].codebook.imported_from not in ("", by_name["bob"].codebook.imported_from)
    assert Answer.objects.get(question="why").text == "because"


def test_a_codebook_of_imported_labels_is_not_for_rounds_or_for_editing(
    study: Study, two: list[Transcript], ingest: Ingest, lead: User
) -> None:
    record_outside_labels(ingest, [(two[0].pk, [label()])])
    version = CodebookVersion.objects.get()
    with pytest.raises(Invalid):
        open_round(study, name="R", codebook_version=version, transcripts=[two[0].pk], annotators=[lead])
    with pytest.raises(BadDefinition, match="imported"):
        add_version(study, version.definition, lead)
    ours = codebook_version(study).definition
    with pytest.raises(BadDefinition, match="imported"):
        add_version(study, ours, lead, slug=version.codebook.slug)
