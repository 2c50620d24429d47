"""The demo study of an empty installation: synthetic runs, one open round, and people to sign in as."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

from afdash.accounts.models import ApiToken, User
from annotations.codebook_versions import add_version
from annotations.default_codebook import DEFINITION
from annotations.labelling import open_round
from transcripts.ingest import queue, sources
from transcripts.ingest.work import advance
from transcripts.models import Ingest, Membership, Study, Transcript
from transcripts.synthetic import write_demo

STUDY_SLUG = "demo"
PEOPLE = {"lead": "lead", "annotator": "annotator", "annotator2": "annotator"}
SEED = 20261121


def create_demo(credentials: Path, url: str) -> Study:
    """Make people, study, transcripts and round, and write who may sign in how to ``credentials`` (0600)."""
    people, written = {}, {}
    for username in PEOPLE:
        password = secrets.token_urlsafe(15)
        user = User.objects.create_user(username, password=password)
        _, key = ApiToken.objects.issue(user, name="made with the demo study", days=None)
        people[username] = user
        written[username] = {"username": username, "password": password, "token": key}
    # Written first: should the rest fail, the people can still sign in, and the next start goes on.
    write_private(credentials, {"url": url, "users": written})
    study = Study.objects.create(
        slug=STUDY_SLUG,
        name="Demo: synthetic free and paid tier",
        description=(
            "Synthetic transcripts written by afdash's own generator, to try things out. "
            "No model gave these responses; no figure here says anything about a real model."
        ),
    )
    for username, role in PEOPLE.items():
        Membership.objects.create(study=study, user=people[username], role=role)
    _ingest(study, people["lead"])
    version, _ = add_version(study, DEFINITION, people["lead"])
    open_round(
        study,
        name="Round 1 · reasoning and behaviour",
        codebook_version=version,
        transcripts=Transcript.objects.filter(study=study),
        annotators=[people["annotator"], people["annotator2"]],
        overlap=2,
        hidden=["arm", "model", "judge", "peers"],
        seed=SEED,
        created_by=people["lead"],
    )
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
