"""Keeping codebooks: every change is a new version, and the same definition twice is one version."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.text import slugify

from annotations import codebook as codebook_format
from annotations.codebook import BadDefinition
from annotations.codebook_form import check_known
from annotations.models import Codebook, CodebookVersion
from annotations.shortcuts import collisions
from transcripts.models import Study

if TYPE_CHECKING:
    from afdash.accounts.models import User

MAX_CHARACTERS = 500_000


class ChangedMeanwhile(BadDefinition):
    """Somebody saved another version since; ``newest`` is theirs."""

    def __init__(self, newest: CodebookVersion) -> None:
        who = f" by {newest.created_by}" if newest.created_by else ""
        super().__init__(
            f"Version {newest.number} was saved{who} meanwhile. See what it changes, then save yours behind it."
        )
        self.newest = newest


def slug_of(name: str) -> str:
    return slugify(name)[:63] or "codebook"


def newest_version(study: Study, slug: str) -> CodebookVersion | None:
    """The newest version of the study's codebook ``slug``."""
    versions = CodebookVersion.objects.filter(codebook__study=study, codebook__slug=slug)
    return versions.select_related("codebook", "created_by").order_by("-number").first()


def _check_storable(definition: dict[str, Any]) -> None:
    raw = json.dumps(definition, ensure_ascii=False)
    if len(raw) > MAX_CHARACTERS:
        raise BadDefinition(f"The definition is longer than {MAX_CHARACTERS:,} characters.")
    # PostgreSQL's JSON holds neither.
    if "\\u0000" in raw or any("\ud800" <= character <= "\udfff" for character in raw):
        raise BadDefinition("A text holds a character that cannot be stored (NUL or half an emoji).")


def add_version(
    study: Study, definition: Any, author: User | None, slug: str = "", since: int | None = None
) -> tuple[CodebookVersion, bool]:
    """The version with this definition, and whether it is new; raises BadDefinition with a sentence.

    ``slug`` names the codebook; without it, the definition's name does. What says the same as the newest in other
    words of the format is that version. ``since`` is the newest version's number that the author knew (0: none);
    raises ChangedMeanwhile if there is another by now.
    """
    if not isinstance(definition, dict):
        raise BadDefinition("A definition is a JSON object.")
    _check_storable(definition)
    try:
        book = codebook_format.parse(definition)
    except TypeError as error:
        raise BadDefinition("A key, title or shortcut is not a text.") from error
    check_known(definition)
    if not isinstance(book.name, str) or not book.name.strip():
        raise BadDefinition("Give the codebook a name.")
    if found := collisions(book):
        raise BadDefinition(found[0])
    if book.is_imported:
        raise BadDefinition(
            "This codebook was made from imported labels and grows with them. To make one of your own "
            "from it, remove “imported” and give it another name."
        )
    slug = slug_of(slug or book.name)
    with transaction.atomic():
        codebook, _ = Codebook.objects.get_or_create(
            study=study, slug=slug, defaults={"name": book.name[:200]}
        )
        if codebook.imported_from:
            raise BadDefinition("A codebook of imported labels has this name; give yours another.")
        # One at a time, so that numbers follow each other.
        Codebook.objects.select_for_update().get(pk=codebook.pk)
        sha256 = codebook_format.sha256(definition)
        newest = newest_version(study, slug)
        same = codebook.versions.filter(sha256=sha256).order_by("-number").first()
        if same is None and newest is not None and _says(newest, book):
            same = newest
        if same is not None:
            return same, False
        if since is not None and newest is not None and newest.number != since:
            raise ChangedMeanwhile(newest)
        version = CodebookVersion.objects.create(
            codebook=codebook,
            number=newest.number + 1 if newest else 1,
            definition=definition,
            sha256=sha256,
            created_by=author,
        )
    return version, True


def _says(version: CodebookVersion, book: codebook_format.Codebook) -> bool:
    try:
        return version.parsed == book
    except BadDefinition:  # of a time with other rules
        return False
