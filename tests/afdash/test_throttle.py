"""The brake on guessing passwords: it stops who guesses, from where they guess, and nobody else."""

from __future__ import annotations

import logging
from itertools import count

import pytest
import redis
from django.test import Client
from django.urls import reverse

from afdash.accounts import throttle
from afdash.embedded.redis import client_url
from tests import make

pytestmark = pytest.mark.django_db
HERE, ELSEWHERE = "198.51.100.7", "203.0.113.9"
_numbers = count()


@pytest.fixture(autouse=True)
def forgotten(settings):
    """The session has one Redis: what this module counted must not brake another test."""
    store = redis.Redis.from_url(client_url(settings.REDIS_URL, 1))

    def forget() -> None:
        for key in store.scan_iter(f"{throttle.PREFIX}*"):
            store.delete(key)

    forget()
    yield store
    forget()
    store.close()


@pytest.fixture
def person() -> str:
    name = f"braked{next(_numbers)}"
    make.user(name)
    return name


def attempt(name: str, password: str = "wrong", address: str = HERE, **headers: str):
    return Client(REMOTE_ADDR=address, headers=headers).post(
        reverse("login"), {"username": name, "password": password}
    )


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing takes its time by design: fewer failures show the same."""
    monkeypatch.setattr(throttle, "FAILURES_OF_A_NAME", 3)
    monkeypatch.setattr(throttle, "FAILURES_OF_AN_ADDRESS", 5)


def test_the_limits() -> None:
    assert (throttle.FAILURES_OF_A_NAME, throttle.FAILURES_OF_AN_ADDRESS) == (10, 100)
    assert throttle.WINDOW_SECONDS == 15 * 60


def test_a_name_is_braked_after_ten_failures(person: str) -> None:
    assert [attempt(person).status_code for _ in range(10)] == [200] * 10
    assert attempt(person).status_code == 429
    assert attempt(person, make.PASSWORD).status_code == 429, "even the right password, or guessing goes on"


def test_the_refusal_says_how_long_in_plain_words(person: str, few: None) -> None:
    for _ in range(3):
        attempt(person)
    answer = attempt(person)
    assert 0 < int(answer.headers["Retry-After"]) <= throttle.WINDOW_SECONDS
    text = answer.content.decode()
    assert "Wait 15 minutes" in text
    assert person not in text


def test_an_unknown_name_is_refused_in_the_same_words(person: str, few: None) -> None:
    def refusal(name: str) -> tuple[int, str]:
        for _ in range(3):
            assert attempt(name, address=HERE if name == person else ELSEWHERE).status_code == 200
        answer = attempt(name, address=HERE if name == person else ELSEWHERE)
        return answer.status_code, answer.content.decode().split("<main", 1)[1].split("</main>")[0]

    assert refusal(person) == refusal("no-such-" + person)


def test_another_address_is_not_locked_out(person: str, few: None) -> None:
    for _ in range(4):
        attempt(person)
    assert attempt(person, make.PASSWORD, ELSEWHERE).status_code == 302


def test_an_address_is_braked_whatever_names_it_tries(person: str, few: None) -> None:
    for number in range(5):
        assert attempt(f"{person}-{number}").status_code == 200
    assert attempt(person, make.PASSWORD).status_code == 429
    assert attempt(person, make.PASSWORD, ELSEWHERE).status_code == 302


def test_refused_attempts_do_not_count(person: str, few: None) -> None:
    other = f"{person}-other"
    make.user(other)
    for _ in range(9):
        attempt(person)
    assert attempt(other, make.PASSWORD).status_code == 302


def test_signing_in_clears_the_count(person: str, few: None) -> None:
    for _ in range(2):
        attempt(person)
        attempt(person)
        assert attempt(person, make.PASSWORD).status_code == 302


def test_success_does_not_clear_the_address(person: str, few: None) -> None:
    for number in range(4):
        attempt(f"{person}-{number}")
        assert attempt(person, make.PASSWORD).status_code == 302
    attempt(f"{person}-4")
    assert attempt(person, make.PASSWORD).status_code == 429


def test_spellings_of_one_name_count_together(person: str, few: None) -> None:
    fullwidth = "".join(chr(ord(letter) + 0xFEE0) for letter in person)
    for name in (person, f"  {person} ", fullwidth):
        assert attempt(name).status_code == 200
    assert attempt(person).status_code == 429


def test_an_empty_form_is_no_attempt(few: None) -> None:
    assert [attempt("", "").status_code for _ in range(6)] == [200] * 6


def test_what_is_counted_is_forgotten_and_names_nobody(forgotten, person: str, few: None) -> None:
    attempt(person)
    keys = list(forgotten.scan_iter(f"{throttle.PREFIX}*"))
    assert len(keys) == 2
    for key in keys:
        assert person.encode() not in key
        assert 0 < forgotten.ttl(key) <= throttle.WINDOW_SECONDS


def test_forwarded_addresses_count_only_behind_a_proxy(person: str, few: None, settings) -> None:
    for number in range(3):
        attempt(person, **{"X-Forwarded-For": f"192.0.2.{number}"})
    assert attempt(person, **{"X-Forwarded-For": "192.0.2.99"}).status_code == 429
    settings.AFDASH_BEHIND_PROXY = True
    for number in range(3):
        # What stands before the last comma is the visitor's own claim.
        attempt(person, **{"X-Forwarded-For": f"192.0.2.{number}, {ELSEWHERE}"})
    assert attempt(person, **{"X-Forwarded-For": f"192.0.2.50, {ELSEWHERE}"}).status_code == 429
    assert attempt(person, make.PASSWORD, **{"X-Forwarded-For": "192.0.2.50"}).status_code == 302


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("2001:db8::1", "2001:db8::2:3:4:5", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "192.0.2.2", False),
        ("not an address", "192.0.2.2", False),
    ],
)
def test_a_network_that_one_visitor_owns_counts_as_one(one: str, other: str, together: bool) -> None:
    assert (throttle.network(one) == throttle.network(other)) is together


def test_without_redis_people_sign_in_and_the_log_says_it_once(
    person: str, few: None, settings, tmp_path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL = f"unix://{tmp_path}/no-redis.sock?db=0"
    with caplog.at_level(logging.WARNING, logger="afdash.accounts.throttle"):
        for _ in range(5):
            assert attempt(person).status_code == 200
        assert attempt(person, make.PASSWORD).status_code == 302
    assert len(caplog.records) == 1
    assert "Redis" in caplog.text
