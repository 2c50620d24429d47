"""The annotator's pages, and what a blind round keeps out of them."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client
from django.urls import reverse

from annotations import shortcuts
from annotations.default_codebook import DEFINITION
from annotations.labelling import change_state, progress, skip
from annotations.models import Claim, CodebookVersion, Task
from tests import make
from tests.annotations.campaign import Campaign, campaign, claim

pytestmark = pytest.mark.django_db


def browser(of: Campaign, number: int = 0) -> Client:
    client = Client()
    client.force_login(of.people[number])
    return client


def page(of: Campaign, task: Task, number: int = 0) -> str:
    answer = browser(of, number).get(reverse("task", args=["paired", task.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_queue_shows_my_rounds_and_the_way_on() -> None:
    of = campaign(tasks=3)
    of.submit(claim(of))
    text = browser(of).get(reverse("queue", args=["paired"])).content.decode()
    assert "Label next" in text
    assert "1 of 3" in text
    assert "Submitted by me" in text


def test_an_empty_queue_says_what_will_be_here() -> None:
    study = make.study("paired")
    client = Client()
    client.force_login(make.member(study, "anna", "annotator"))
    text = client.get(reverse("queue", args=["paired"])).content.decode()
    assert "No round is open for you" in text


def test_next_claims_a_task_and_goes_there() -> None:
    of = campaign(tasks=1)
    client = browser(of)
    answer = client.post(reverse("task_next", args=["paired"]), {"round": str(of.round.pk)})
    task = Claim.objects.get().task
    assert answer.headers["Location"] == reverse("task", args=["paired", task.pk])
    of.submit(task)
    answer = client.post(reverse("task_next", args=["paired"]), follow=True)
    assert "Nothing is left for you" in answer.content.decode()


@pytest.mark.parametrize("value", ["x", "-1", "٣", "²", "9" * 40, "9" * 5_000])
def test_next_with_what_is_no_round_s_id_says_so(value: str) -> None:
    of = campaign(tasks=1)
    answer = browser(of).post(reverse("task_next", args=["paired"]), {"round": value}, follow=True)
    assert answer.status_code == 200
    assert "is no id" in answer.content.decode()
    assert not Claim.objects.exists()


def test_next_in_a_round_that_does_not_exist_is_not_found() -> None:
    of = campaign(tasks=1)
    answer = browser(of).post(reverse("task_next", args=["paired"]), {"round": "999999"})
    assert answer.status_code == 404


def test_skipping_goes_on_to_the_next() -> None:
    of = campaign(tasks=2)
    task = claim(of)
    answer = browser(of).post(reverse("task_skip", args=["paired", task.pk]), {"reason": "too long\x00"})
    assert task.claims.get().reason == "too long"
    assert answer.headers["Location"] != reverse("task", args=["paired", task.pk])


def test_the_labelling_page_has_the_whole_form_and_the_whole_text() -> None:
    of = campaign()
    task = claim(of)
    text = page(of, task)
    for question in DEFINITION["questions"]:
        assert f'data-question="{question["key"]}"' in text
        for choice in question.get("choices", ()):
            assert f'value="{choice["key"]}"' in text
    for label in DEFINITION["labels"]:
        assert f'data-label="{label["key"]}"' in text
    assert "this will be used to train me" in text
    assert "Labelling needs JavaScript" in text


def test_the_page_shows_what_was_kept() -> None:
    of = campaign()
    task = claim(of)
    of.save(task, answers={"reasoning": ["partial"], "why": ["</script><b>x"]})
    text = page(of, task)
    assert re.search(r'value="partial" checked', text)
    assert "&lt;/script&gt;&lt;b&gt;x</textarea>" in text
    state = json.loads(re.search(r'<script id="page-state" type="application/json">(.*?)</script>', text)[1])  # type: ignore[index]
    assert state["version"] == 1
    assert state["answers"]["why"] == ["</script><b>x"]


SECRETS = ("secret-model", "secret-setting", "hush-arm", "hush-judge")


def blind(hidden: list[str]) -> Campaign:
    study = make.study("paired")
    make.transcript(
        study,
        model="secret-model",
        setting="secret-setting",
        arm="hush-arm",
        outcome="complied",
        judge="hush-judge",
        turns=(("user", "hello"), ("assistant", "there")),
        metadata={"model": "secret-model", "tier": "hush-arm"},
    )
    return campaign(tasks=0, hidden=hidden)


def test_a_blind_page_tells_nothing_but_the_text() -> None:
    of = blind(["arm", "model", "judge"])
    task = claim(of)
    client = browser(of)
    for name in ("task", "queue", "codebook"):
        arguments = ["paired", task.pk] if name == "task" else ["paired"]
        text = client.get(reverse(name, args=arguments)).content.decode()
        assert not [secret for secret in SECRETS if secret in text], name
    text = page(of, task)
    assert "Arm and model hidden" in text
    assert f"/transcripts/{task.transcript_id}/" not in text


def test_an_open_page_names_arm_and_model() -> None:
    of = blind([])  # the control: the same page, and the words are found
    text = page(of, claim(of))
    assert "hush-arm" in text
    assert "secret-model" in text
    assert "hidden · the text" not in text


def test_what_another_round_hides_is_hidden_here_too() -> None:
    of = blind([])
    campaign(tasks=0, people=0, annotators=of.people, hidden=["arm"])
    text = page(of, claim(of))
    assert "hush-arm" not in text
    assert "secret-model" in text


def test_somebody_else_s_task_does_not_exist() -> None:
    of = campaign(tasks=2)
    task = claim(of, 0)
    for name, method in (("task", "get"), ("task_skip", "post")):
        answer = getattr(browser(of, 1), method)(reverse(name, args=["paired", task.pk]))
        assert answer.status_code == 404


@pytest.mark.parametrize(
    ("state", "words"), [("paused", "This round is paused"), ("closed", "This round is closed")]
)
def test_a_round_that_is_not_open_can_be_read_and_not_changed(state: str, words: str) -> None:
    of = campaign()
    task = claim(of)
    of.submit(task)
    change_state(of.round, state)
    text = page(of, task)
    assert words in text
    assert "Submit, next" not in text
    assert "data-editable" not in text


def test_the_codebook_page_sets_guidelines_as_text() -> None:
    of = campaign()
    lead = Client()
    lead.force_login(make.member(of.study, "lena", "lead"))
    definition = {**DEFINITION, "guidelines": "# Head\n\n- **bold** <img src=x onerror=y>\n- two\n\n> quote"}
    address = reverse("codebook", args=["paired"])
    assert lead.post(address, {"mode": "yaml", "yaml": json.dumps(definition)}).status_code == 302
    assert CodebookVersion.objects.count() == 2
    text = lead.get(address).content.decode()
    assert "<b>bold</b> &lt;img" in text
    assert "<blockquote>" in text
    assert "codebook/edit/" in text
    assert "codebook/edit/" not in browser(of).get(address).content.decode()


@pytest.mark.parametrize(
    "given",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"name": 1, "questions": []}',
        '{"name": "x\\u0000", "questions": []}',
        '{"name": "x\\ud800", "questions": []}',
        json.dumps({**DEFINITION, "more": float("nan")}),
        json.dumps({**DEFINITION, "more": [-float("inf")]}),
        json.dumps({**DEFINITION, "more": 0}).replace('"more": 0', '"more": 1e999'),
        json.dumps({**DEFINITION, "more": 0}).replace('"more": 0', f'"more": {"9" * 5_000}'),
        "[" * 99_999,
    ]
    + [
        json.dumps({**DEFINITION, "labels": [{"key": "a", "title": "a", "shortcut": key}]})
        for key in ("y", "X", "ab c")
    ],
)
def test_a_bad_definition_is_told_and_kept_in_the_form(given: str) -> None:
    study = make.study("paired")
    client = Client()
    client.force_login(make.member(study, "lena", "lead"))
    answer = client.post(reverse("codebook", args=["paired"]), {"mode": "yaml", "yaml": given})
    assert answer.status_code == 422
    assert not CodebookVersion.objects.exists()


def test_the_same_definition_twice_is_one_version() -> None:
    of = campaign()
    client = Client()
    client.force_login(make.member(of.study, "lena", "lead"))
    client.post(reverse("codebook", args=["paired"]), {"mode": "yaml", "yaml": json.dumps(DEFINITION)})
    assert CodebookVersion.objects.count() == 1


def test_the_default_codebook_s_keys_are_apart_and_the_page_keeps_its_own() -> None:
    of = campaign()
    book = of.round.codebook_version.parsed
    assert shortcuts.collisions(book) == []
    of.save(claim(of))
    text = page(of, claim(of))
    bound = [key.lower() for keys in re.findall(r'data-key="([^"]+)"', text) for key in keys.split()]
    own = {c.shortcut for q in book.questions for c in q.choices} | {label.shortcut for label in book.labels}
    elsewhere = {",", ".", ";", "shift+t", "shift+s"}  # of places in the text and of pairs
    assert set(bound) - own == set(shortcuts.RESERVED) - {"?"} - elsewhere
    twice = {key for key in bound if bound.count(key) > 1}
    assert twice == {"enter"}  # again in the dialog, where only its own keys count


def test_progress_counts_what_is_mine() -> None:
    of = campaign(tasks=4, overlap=1)
    of.submit(claim(of, 0), 0)
    of.submit(claim(of, 1), 1)
    mine = progress(of.round, of.people[0], hides_peers=False)
    assert (mine.done, mine.done_today, mine.total, mine.left) == (1, 1, 3, 2)
    assert mine.minutes_left == 1
    assert mine.time_left == "about 1 min left"
    fresh = campaign(tasks=4, slug="fresh")
    assert progress(fresh.round, fresh.people[0], hides_peers=False).time_left == ""


def test_progress_tells_nothing_of_peers_whom_the_round_hides() -> None:
    of = campaign(tasks=4, overlap=1)
    of.submit(claim(of, 0), 0)
    skip(of.access(0), claim(of, 0))
    before = progress(of.round, of.people[0], hides_peers=True)
    assert (before.done, before.total, before.left) == (1, 3, None)
    assert before.time_left == "at most about 1 min left"  # of all that they may still be given
    task, browse = claim(of, 0), browser(of)
    addresses = [
        reverse(name, args=["paired", *arguments])
        for name, arguments in (("queue", []), ("task", [task.pk]), ("api_rounds", []))
    ]
    pages = [without_tokens(browse.get(address).content.decode()) for address in addresses]
    of.submit(claim(of, 1), 1)
    of.submit(claim(of, 1), 1)  # nothing is left but what the first one holds
    assert progress(of.round, of.people[0], hides_peers=True) == before
    assert [without_tokens(browse.get(address).content.decode()) for address in addresses] == pages


def test_the_queue_counts_what_is_left_where_peers_are_shown() -> None:
    of = campaign(tasks=3, overlap=1, hidden=["arm"])
    of.submit(claim(of, 0), 0)
    of.submit(claim(of, 1), 1)
    assert "1 of 2" in browser(of).get(reverse("queue", args=["paired"])).content.decode()


def without_tokens(text: str) -> str:
    """The page without what differs each time: the CSRF token, and when the lease ends."""
    return re.sub(r'[A-Za-z0-9]{64}|"leased_until":"[^"]*"', "", text)


def test_a_skipped_task_can_be_read_and_not_changed() -> None:
    of = campaign(tasks=1)
    task = claim(of)
    skip(of.access(), task)
    text = page(of, task)
    assert "You skipped this task" in text
    assert "Submit, next" not in text
