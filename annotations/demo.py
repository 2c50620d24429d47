"""The demo study of an empty installation: synthetic runs, one open round, and people to sign in as."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

from django.db import transaction

from afdash.accounts.models import ApiToken, User
from annotations.codebook_versions import add_version
from annotations.default_codebook import DEFINITION
from annotations.labelling import open_round
from annotations.labelling.rounds import proposed
from transcripts.ingest import queue, sources
from transcripts.ingest.work import advance
from transcripts.models import Ingest, Membership, Study, Transcript
from transcripts.synthetic import write_demo

STUDY_SLUG = "demo"
PEOPLE = {"lead": "lead", "annotator": "annotator", "annotator2": "annotator"}
SEED = 20261121
DESCRIPTION = (
    "Synthetic transcripts written by afdash's own generator, to try things out. "
    "No model gave these responses; no figure here says anything about a real model."
)


def is_wanted() -> bool:
    """On an empty database, and where an earlier start was stopped before it had made all of the demo."""
    demo = Study.objects.filter(slug=STUDY_SLUG, description=DESCRIPTION).first()
    if demo is None:
        return not User.objects.exists() and not Study.objects.exists()
    return not demo.rounds.exists()


def create_demo(credentials: Path, url: str) -> Study:
    """Make people, study, transcripts and round; who may sign in how is written to ``credentials`` (0600).

    Goes on where an earlier attempt was stopped.
    """
    study = Study.objects.filter(slug=STUDY_SLUG).first() or _begin(credentials, url)
    lead, *annotators = (User.objects.get(username=username) for username in PEOPLE)
    _ingest(study, lead)
    version, _ = add_version(study, DEFINITION, lead)
    open_round(
        study,
        name="Round 1 · reasoning and behaviour",
        codebook_version=version,
        transcripts=Transcript.objects.filter(study=study),
        annotators=annotators,
        overlap=2,
        hidden=["arm", "model", "judge", "peers"],
        mask_phrases=proposed(study),
        seed=SEED,
        created_by=lead,
    )
    return study


def _begin(credentials: Path, url: str) -> Study:
    """The study and its people, all or none; the file is in place before they are."""
    written = {}
    with transaction.atomic():
        study = Study.objects.create(
            slug=STUDY_SLUG, name="Demo: synthetic free and paid tier", description=DESCRIPTION
        )
        for username, role in PEOPLE.items():
            password = secrets.token_urlsafe(15)
            user = User.objects.create_user(username, password=password)
            Membership.objects.create(study=study, user=user, role=role)
            _, key = ApiToken.objects.issue(user, name="made with the demo study", days=None)
            written[username] = {"username": username, "password": password, "token": key}
        write_private(credentials, {"url": url, "users": written})
    return study


def _ingest(study: Study, user: User) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "demo.jsonl"
        write_demo(path, SEED)
        with path.open("rb") as stream:
            source = sources.keep(study, stream, "demo/synthetic.jsonl", user)
    ingest = queue.request_ingest(source, user=user, options={})
    while advance(ingest.pk, seconds=60):
        pass
    state = Ingest.objects.get(pk=ingest.pk).state
    if state not in (Ingest.State.DONE, Ingest.State.DONE_WITH_REJECTS):
        raise RuntimeError(f"the demo study could not be ingested: {state}")


def write_private(path: Path, value: Any) -> None:
    """Write JSON that only its owner can read, whole or not at all."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        json.dump(value, file, indent=2)
    os.chmod(temporary, 0o600)
    os.replace(temporary, path)
