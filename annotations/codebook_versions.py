"""Keeping codebooks: every change is a new version, and the same definition twice is one version."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max
from django.utils.text import slugify

from annotations import codebook as codebook_format
from annotations.codebook import BadDefinition
from annotations.models import Codebook, CodebookVersion
from annotations.shortcuts import collisions
from transcripts.models import Study

if TYPE_CHECKING:
    from afdash.accounts.models import User

MAX_CHARACTERS = 500_000


def _check_storable(definition: dict[str, Any]) -> None:
    raw = json.dumps(definition, ensure_ascii=False)
    if len(raw) > MAX_CHARACTERS:
        raise BadDefinition(f"The definition is longer than {MAX_CHARACTERS:,} characters.")
    # PostgreSQL's JSON holds neither.
    if "\\u0000" in raw or any("\ud800" <= character <= "\udfff" for character in raw):
        raise BadDefinition("A text holds a character that cannot be stored (NUL or half an emoji).")


def add_version(
    study: Study, definition: Any, author: User | None, slug: str = ""
) -> tuple[CodebookVersion, bool]:
    """The version with this definition, and whether it is new; raises BadDefinition with a sentence.

    ``slug`` names the codebook; without it, the definition's name does.
    """
    if not isinstance(definition, dict):
        raise BadDefinition("A definition is a JSON object.")
    _check_storable(definition)
    try:
        book = codebook_format.parse(definition)
    except TypeError as error:
        raise BadDefinition("A key, title or shortcut is not a text.") from error
    if not isinstance(book.name, str) or not book.name.strip():
        raise BadDefinition("Give the codebook a name.")
    if found := collisions(book):
        raise BadDefinition(found[0])
    if book.is_imported:
        raise BadDefinition(
            "This codebook was made from imported labels and grows with them. To make one of your own "
            "from it, remove “imported” and give it another name."
        )
    slug = slugify(slug or book.name)[:63] or "codebook"
    with transaction.atomic():
        codebook, _ = Codebook.objects.get_or_create(
            study=study, slug=slug, defaults={"name": book.name[:200]}
        )
        if codebook.imported_from:
            raise BadDefinition("A codebook of imported labels has this name; give yours another.")
        # One at a time, so that numbers follow each other.
        Codebook.objects.select_for_update().get(pk=codebook.pk)
        sha256 = codebook_format.sha256(definition)
        same = codebook.versions.filter(sha256=sha256).first()
        if same is not None:
            return same, False
        newest = codebook.versions.aggregate(newest=Max("number"))["newest"] or 0
        version = CodebookVersion.objects.create(
            codebook=codebook, number=newest + 1, definition=definition, sha256=sha256, created_by=author
        )
    return version, True
