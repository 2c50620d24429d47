"""A small labelling campaign to test with: a study, its people, transcripts and an open round."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connections

from afdash.accounts.models import User
from annotations.codebook_versions import add_version
from annotations.default_codebook import DEFINITION
from annotations.labelling import Saved, claim_next, open_round, save
from annotations.models import CodebookVersion, Round, Task
from tests import make
from transcripts.access import StudyAccess, access_study
from transcripts.models import Study, Transcript

ANSWERS = {"reasoning": ["yes"], "behaviour": ["complied"]}


@dataclass
class Campaign:
    study: Study
    round: Round
    people: list[User]

    def access(self, number: int = 0) -> StudyAccess:
        return access_study(self.people[number], self.study.slug)

    def save(self, task: Task, number: int = 0, **fields: Any) -> Saved:
        given: dict[str, Any] = {
            "base_version": 0,
            "status": "draft",
            "answers": {},
            "spans": [],
            "idempotency_key": uuid.uuid4(),
        }
        return save(self.access(number), task, **{**given, **fields})

    def submit(self, task: Task, number: int = 0, **fields: Any) -> Saved:
        return self.save(task, number, **{"status": "submitted", "answers": ANSWERS, **fields})


def codebook_version(study: Study) -> CodebookVersion:
    return add_version(study, DEFINITION, None)[0]


def person(study: Study, name: str, role: str = "annotator") -> User:
    """A member who cannot sign in through the form: hashing a password takes longer than most tests."""
    User.objects.create_user(name)
    return make.member(study, name, role)


def campaign(
    tasks: int = 3,
    overlap: int = 1,
    people: int = 2,
    slug: str = "paired",
    role: str = "annotator",
    **fields: Any,
) -> Campaign:
    study = Study.objects.filter(slug=slug).first() or make.study(slug)
    for sample in range(1, tasks + 1):
        if not Transcript.objects.filter(study=study, sample=sample).exists():
            make.transcript(study, sample=sample, arm=("monitored", "unmonitored")[sample % 2])
    persons = [person(study, f"{slug}-{number}", role) for number in range(people)]
    made = open_round(
        study,
        **{
            "name": "Round",
            "codebook_version": codebook_version(study),
            "transcripts": Transcript.objects.all(),
            "annotators": persons,
            "overlap": overlap,
            "seed": 1,
            "hidden": ["arm", "model", "judge", "peers"],
            **fields,
        },
    )
    return Campaign(study, made, persons)


def together(work: list[Callable[[], Any]]) -> list[Any]:
    """Run each in a thread of its own, all let go at once; their results, or what they raised."""
    barrier = threading.Barrier(len(work))
    results: list[Any] = [None] * len(work)

    def run(number: int) -> None:
        try:
            barrier.wait(10)
            results[number] = work[number]()
        except Exception as error:
            results[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def claim(of: Campaign, number: int = 0) -> Task:
    task = claim_next(of.access(number))
    assert task is not None
    return task
