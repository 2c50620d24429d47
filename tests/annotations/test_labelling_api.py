"""Labelling by script: the same functions as the browser's, in the API's shapes."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotations.default_codebook import DEFINITION
from annotations.labelling import change_state
from annotations.models import AnnotationRevision, Claim, Round
from tests import make
from tests.annotations.campaign import ANSWERS, Campaign, campaign, claim

pytestmark = pytest.mark.django_db
QUOTE = "this will be used to train me"
START = make.DEFAULT_ASSISTANT.index(QUOTE)
SPAN = {
    "message": 1,
    "start": START,
    "end": START + len(QUOTE),
    "label": "monitoring_inference",
    "quote": QUOTE,
}


class Script:
    """A program with a token of somebody's."""

    def __init__(self, user: Any, scopes: list[str] | None = None) -> None:
        self.key = make.token(user, scopes)
        self.client = Client()

    def call(self, method: str, name: str, *arguments: Any, data: Any = None, **headers: str) -> Any:
        return self.client.generic(
            method,
            reverse(name, args=["paired", *arguments]),
            b"" if data is None else json.dumps(data).encode(),
            content_type="application/json",
            headers={"Authorization": f"Token {self.key}", **headers},
        )

    def save(self, task: int, key: str | None = None, /, **fields: Any) -> Any:
        body = {"task": task, "base_version": 0, "status": "draft", "answers": {}, "spans": [], **fields}
        return self.call(
            "POST", "api_annotations", data=body, **{"Idempotency-Key": key or str(uuid.uuid4())}
        )


@pytest.fixture
def of() -> Campaign:
    return campaign(tasks=3)


@pytest.fixture
def anna(of: Campaign) -> Script:
    return Script(of.people[0])


@pytest.fixture
def lena(of: Campaign) -> Script:
    return Script(make.member(of.study, "lena", "lead"))


def error(answer: Any) -> dict[str, Any]:
    return answer.json()["error"]


def test_a_script_labels_from_claim_to_submission(of: Campaign, anna: Script) -> None:
    task = anna.call("POST", "api_task_next", data={}).json()
    assert task["messages"][1]["text"] == make.DEFAULT_ASSISTANT
    assert task["messages"][1]["segments"][0]["kind"] == "scratchpad"
    assert task["codebook"]["definition"]["name"] == "Alignment faking"
    assert task["annotation"]["version"] == 0
    answer = anna.save(task["id"], answers={"reasoning": ["no"]}, spans=[SPAN])
    assert answer.status_code == 201
    assert (answer.json()["version"], answer.json()["status"]) == (1, "draft")
    answer = anna.save(task["id"], base_version=1, status="submitted", answers=ANSWERS, spans=[SPAN])
    assert (answer.json()["version"], answer.json()["status"]) == (2, "submitted")
    kept = anna.call("GET", "api_annotation", answer.json()["annotation"]).json()
    assert kept["spans"] == [SPAN]
    assert [revision["status"] for revision in kept["revisions"]] == ["draft", "submitted"]
    assert kept["revisions"][1]["hidden"] == ["arm", "judge", "model", "peers"]
    (listed,) = anna.call("GET", "api_annotations").json()["results"]
    assert (listed["task"], listed["version"], listed["answers"]) == (task["id"], 2, ANSWERS)
    (mine,) = anna.call("GET", "api_tasks").json()["results"]
    assert mine["claim"]["state"] == "submitted"


def test_nothing_left_is_an_empty_answer(of: Campaign, anna: Script) -> None:
    for _ in range(3):
        of.submit(claim(of))
    assert anna.call("POST", "api_task_next").status_code == 204


def test_the_same_key_answers_the_same_and_another_body_is_refused(of: Campaign, anna: Script) -> None:
    task, key = claim(of).pk, str(uuid.uuid4())
    first = anna.save(task, key, answers={"reasoning": ["no"]})
    again = anna.save(task, key, answers={"reasoning": ["no"]})
    assert (first.status_code, again.status_code) == (201, 200)
    assert {**first.json(), "is_replay": True} == again.json()
    other = anna.save(task, key, answers={"reasoning": ["yes"]})
    assert other.status_code == 422
    assert error(other)["code"] == "idempotency_mismatch"
    assert AnnotationRevision.objects.count() == 1


def test_a_conflict_holds_what_is_stored(of: Campaign, anna: Script) -> None:
    task = claim(of).pk
    anna.save(task, answers={"reasoning": ["no"]}, spans=[SPAN])
    answer = anna.save(task, answers={"reasoning": ["yes"]})
    assert answer.status_code == 409
    assert error(answer)["code"] == "version_conflict"
    current = answer.json()["current"]
    assert (current["version"], current["answers"], current["spans"]) == (1, {"reasoning": ["no"]}, [SPAN])


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"answers": {"reasoning": ["perhaps"]}}, "reasoning"),
        ({"spans": [{**SPAN, "quote": "else"}]}, "spans.0"),
        ({"status": "submitted"}, "reasoning"),
        ({"status": 5}, "status"),
        ({"base_version": "0"}, "base_version"),
        ({"base_version": True}, "base_version"),
        ({"base_version": 2**70}, "base_version"),
        ({"answers": []}, "answers"),
        ({"spans": {}}, "spans"),
        ({"task": None}, "task"),
        ({"mood": 1}, "mood"),
    ],
)
def test_what_is_wrong_is_named(of: Campaign, anna: Script, fields: dict[str, Any], field: str) -> None:
    answer = anna.save(claim(of).pk, **fields)
    assert answer.status_code == 422
    assert field in error(answer)["fields"]
    assert not AnnotationRevision.objects.exists()


@pytest.mark.parametrize("key", ["", "none", "1"])
def test_a_save_needs_an_idempotency_key(of: Campaign, anna: Script, key: str) -> None:
    body = {"task": claim(of).pk, "base_version": 0, "status": "draft", "answers": {}, "spans": []}
    answer = anna.call("POST", "api_annotations", data=body, **({"Idempotency-Key": key} if key else {}))
    assert answer.status_code == 422
    assert "Idempotency-Key" in error(answer)["fields"]


def test_work_of_one_is_never_saved_as_another_s(of: Campaign) -> None:
    task = claim(of, 1)
    answer = Script(of.people[1]).save(task.pk, actor=of.people[0].pk)
    assert answer.status_code == 409
    assert error(answer)["code"] == "other_user"
    assert Script(of.people[1]).save(task.pk, actor=of.people[1].pk).status_code == 201


@pytest.mark.parametrize(("state", "code"), [("paused", "round_paused"), ("closed", "round_closed")])
def test_a_round_that_is_not_open_refuses(of: Campaign, anna: Script, state: str, code: str) -> None:
    task = claim(of).pk
    change_state(of.round, state)
    answer = anna.save(task)
    assert (answer.status_code, error(answer)["code"]) == (409, code)


def test_skip_and_release_give_the_task_back(of: Campaign, anna: Script) -> None:
    task = claim(of)
    assert anna.call("DELETE", "api_task", task.pk).status_code == 204
    assert task.claims.get().state == "expired"
    task = claim(of)
    answer = anna.call("POST", "api_task_skip", task.pk, data={"reason": "why not"})
    assert answer.json()["claim"]["state"] == "skipped"
    of.submit(claim(of))
    assert anna.call("DELETE", "api_task", Claim.objects.get(state="submitted").task_id).status_code == 409


def test_a_blind_task_names_neither_arm_nor_model_nor_transcript(of: Campaign, anna: Script) -> None:
    raw = anna.call("GET", "api_task", claim(of).pk).content.decode()
    assert "model-a" not in raw
    assert set(json.loads(raw)) == {
        *("id", "round", "codebook", "claim", "messages", "annotation", "text_sha256", "is_masked"),
    }
    Round.objects.update(hidden=[])
    shown = anna.call("GET", "api_task", claim(of).pk).json()
    assert (shown["model"], shown["arm"]) == ("model-a", claim(of).transcript.arm.name)


def test_others_work_is_not_there(of: Campaign, anna: Script, lena: Script) -> None:
    task = claim(of, 1)
    saved = of.submit(task, 1)
    assert anna.call("GET", "api_annotations").json()["results"] == []
    assert anna.call("GET", "api_annotation", saved.annotation).status_code == 404
    assert anna.call("GET", "api_task", task.pk).status_code == 404
    assert anna.save(task.pk).status_code == 404
    assert len(lena.call("GET", "api_annotations").json()["results"]) == 1
    assert lena.call("GET", "api_annotation", saved.annotation).status_code == 200


def test_a_token_that_only_reads_cannot_label(of: Campaign) -> None:
    task = claim(of)
    reader = Script(of.people[0], ["read"])
    assert reader.call("GET", "api_task", task.pk).status_code == 200
    assert reader.save(task.pk).status_code == 403
    assert reader.call("POST", "api_task_next").status_code == 403
    assert reader.call("DELETE", "api_task", task.pk).status_code == 403


def test_a_lead_makes_codebooks_and_rounds(of: Campaign, lena: Script, anna: Script) -> None:
    definition = {**DEFINITION, "guidelines": "Shorter."}
    made = lena.call("POST", "api_codebooks", data={"definition": definition})
    assert (made.status_code, made.json()["version"]) == (201, 2)
    assert lena.call("POST", "api_codebooks", data={"definition": definition}).status_code == 200
    body = {
        "name": "By script",
        "codebook_version": made.json()["id"],
        "annotators": [person.username for person in of.people],
        "overlap": 2,
        "seed": 5,
        "size": 2,
        "hidden": ["arm"],
    }
    answer = lena.call("POST", "api_rounds", data=body)
    assert answer.status_code == 201
    assert Round.objects.get(pk=answer.json()["id"]).tasks.count() == 2
    assert anna.call("POST", "api_rounds", data=body).status_code == 403
    assert "annotators" not in anna.call("GET", "api_rounds").json()["results"][0]
    for wrong in (
        {"annotators": ["nobody"]},
        {"codebook_version": 10**9},
        {"overlap": 9},
        {"transcripts": ["x"]},
        {"hidden": [1]},
    ):
        answer = lena.call("POST", "api_rounds", data={**body, **wrong})
        assert answer.status_code == 422
        assert set(wrong) <= set(error(answer)["fields"])


@pytest.mark.parametrize("value", ["x", "-1", "", "²", "9" * 40, "9" * 5_000])
@pytest.mark.parametrize(("name", "parameter"), [("api_tasks", "round"), ("api_annotations", "task")])
def test_what_is_no_id_is_refused(of: Campaign, anna: Script, name: str, parameter: str, value: str) -> None:
    answer = anna.client.get(
        reverse(name, args=["paired"]), {parameter: value}, headers={"Authorization": f"Token {anna.key}"}
    )
    assert answer.status_code == 422
    assert "is no id" in error(answer)["fields"][parameter]


def test_who_labels_without_seeing_peers_is_told_only_their_own_progress(
    of: Campaign, anna: Script, lena: Script
) -> None:
    of.submit(claim(of, 1), 1)
    (mine,) = anna.call("GET", "api_rounds").json()["results"]
    assert mine["progress"] == {"submitted": 0, "submitted_today": 0, "total": 3, "left": None}
    (all_,) = lena.call("GET", "api_rounds").json()["results"]
    assert [(person["submitted"], person["left"]) for person in all_["annotators"]] == [(0, 2), (1, 2)]


def test_a_token_that_labels_cannot_open_rounds_or_change_codebooks(of: Campaign) -> None:
    lead = make.member(of.study, "lena", "lead")
    for scopes, status in ((["read", "annotate"], 403), (["manage"], 422)):
        for name in ("api_rounds", "api_codebooks"):
            assert Script(lead, scopes).call("POST", name, data={}).status_code == status


def test_unknown_parameters_are_told(of: Campaign, anna: Script) -> None:
    for name in ("api_tasks", "api_annotations", "api_rounds", "api_codebooks"):
        answer = anna.client.get(
            reverse(name, args=["paired"]) + "?colour=red", headers={"Authorization": f"Token {anna.key}"}
        )
        assert answer.status_code == 400


def test_a_browser_s_save_needs_its_csrf_token(of: Campaign) -> None:
    task = claim(of)
    client = Client(enforce_csrf_checks=True)
    client.force_login(of.people[0])
    body = {"task": task.pk, "base_version": 0, "status": "draft", "answers": {}, "spans": []}
    answer = client.post(
        reverse("api_annotations", args=["paired"]),
        body,
        content_type="application/json",
        headers={"Idempotency-Key": str(uuid.uuid4())},
    )
    assert answer.status_code == 403
    assert not AnnotationRevision.objects.exists()
