"""Rounds that hide something, for tests of what they hide."""

from __future__ import annotations

from afdash.accounts.models import User
from annotations.models import Codebook, CodebookVersion, Round, RoundAnnotator
from transcripts.models import Study


def blind(study: Study, user: User, *hidden: str) -> Round:
    """An open round of ``user`` that hides ``hidden``."""
    codebook = Codebook.objects.create(study=study, slug=f"book-{user.pk}", name="Book")
    version = CodebookVersion.objects.create(codebook=codebook, number=1, definition={}, sha256="0" * 64)
    campaign = Round.objects.create(study=study, name="blind", codebook_version=version, hidden=list(hidden))
    RoundAnnotator.objects.create(round=campaign, user=user)
    return campaign
