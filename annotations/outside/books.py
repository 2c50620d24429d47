"""Which codebook version imported labels go by: the one they name, if it is here, or one made of their words."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.text import slugify

from annotations import codebook as codebook_format
from annotations.answers import check_answers
from annotations.models import Codebook, CodebookVersion
from annotations.outside.hearing import Said, place_of
from annotations.outside.wording import allowed, grown
from annotations.spans import check_spans
from transcripts.models import Ingest


def choose_versions(ingest: Ingest, said: Sequence[Said]) -> None:
    """Give each label its version. To be called by one worker of a study at a time."""
    named = _named(ingest.study_id, {each.codebook_there[1] for each in said})
    groups: dict[str, list[Said]] = {}
    for each in said:
        slug, sha256 = each.codebook_there
        each.version = next((version for version in named.get(sha256, ()) if _fits(version, each)), None)
        if each.version is None:
            groups.setdefault(place_of(ingest.source.name, slug), []).append(each)
    if not groups:
        return
    for place, version in _grown(ingest, groups).items():
        for each in groups[place]:
            each.version = version
            _keep_to(version, each)


def _named(study_id: int, sums: set[str]) -> dict[str, list[CodebookVersion]]:
    found: dict[str, list[CodebookVersion]] = {}
    versions = CodebookVersion.objects.filter(codebook__study_id=study_id, sha256__in=sums - {""})
    for version in versions.order_by("pk") if sums - {""} else ():
        found.setdefault(version.sha256, []).append(version)
    return found


def _fits(version: CodebookVersion, said: Said) -> bool:
    answers, problems = check_answers(version.parsed, said.answers, complete=False)
    spans = [span.as_json() for span in said.spans]
    _, span_problems = check_spans(version.parsed, said.messages, spans)
    return not problems and not span_problems and answers.keys() == said.answers.keys()


def _grown(ingest: Ingest, groups: dict[str, list[Said]]) -> dict[str, CodebookVersion]:
    """The newest version of each group's codebook: a new one where the group says something new."""
    books = _books(ingest, groups)
    newest = {
        version.codebook_id: version
        for version in CodebookVersion.objects.filter(codebook__in=books.values())
        .order_by("codebook_id", "-number")
        .distinct("codebook_id")
    }
    versions: dict[str, CodebookVersion] = {}
    for place, each in groups.items():
        book = books[place]
        before = newest.get(book.pk)
        definition = grown(
            before.definition if before else None,
            book.name,
            (said.answers for said in each),
            (span.label for said in each for span in said.spans),
        )
        if before is not None and definition == before.definition:
            versions[place] = before
            continue
        versions[place] = CodebookVersion(
            codebook=book,
            number=before.number + 1 if before else 1,
            definition=definition,
            sha256=codebook_format.sha256(definition),
            created_by_id=ingest.requested_by_id,
        )
    CodebookVersion.objects.bulk_create(version for version in versions.values() if version.pk is None)
    return versions


def _books(ingest: Ingest, groups: dict[str, list[Said]]) -> dict[str, Codebook]:
    found = _by_place(ingest.study_id, groups)
    if missing := [place for place in groups if place not in found]:
        file = ingest.source.name
        Codebook.objects.bulk_create(
            [
                Codebook(
                    study_id=ingest.study_id,
                    slug=f"imported-{slugify(file)[:40]}-{place[:12]}",
                    name=f"Imported: {' of '.join(filter(None, (groups[place][0].codebook_there[0], file)))}"[
                        :200
                    ],
                    imported_from=place,
                )
                for place in missing
            ],
            ignore_conflicts=True,
        )
        found = _by_place(ingest.study_id, groups)
    return found


def _by_place(study_id: int, groups: dict[str, list[Said]]) -> dict[str, Codebook]:
    books = Codebook.objects.filter(study_id=study_id, imported_from__in=list(groups))
    return {book.imported_from: book for book in books}


def _keep_to(version: CodebookVersion, said: Said) -> None:
    """Leave out what the codebook's limits have no room for, and say so."""
    said.answers, problems = allowed(version.definition, said.answers)
    said.misfit("answer_misfit", problems)
    known = {label.key for label in version.parsed.labels}
    said.misfit(
        "span_misfit",
        [
            f"The file has too many span labels; “{span.label[:60]}” is one of those left out."
            for span in said.spans
            if span.label not in known
        ],
    )
    said.spans = [span for span in said.spans if span.label in known]
