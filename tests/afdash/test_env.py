"""Reading settings from the environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from afdash import env

NAME = "AFDASH_TEST_SETTING"


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch):
    """Sets the variable that the readers read; leaves no trace among the registered ones."""
    known = dict(env._registered)
    monkeypatch.delenv(NAME, raising=False)
    monkeypatch.delenv(f"{NAME}_FILE", raising=False)
    yield lambda value, suffix="": monkeypatch.setenv(NAME + suffix, value)
    env._registered.clear()
    env._registered.update(known)


def test_an_unset_or_blank_variable_gives_the_default(given):
    for blank in (None, "", "  "):
        if blank is not None:
            given(blank)
        assert env.text(NAME) is None
        assert env.text(NAME, "x") == "x"
        assert env.boolean(NAME, True) is True
        assert env.integer(NAME, 7) == 7
        assert env.comma_list(NAME, ["a"]) == ["a"]
        assert env.path(NAME) is None
        assert env.path(NAME, "/x") == Path("/x")
        assert env.secret(NAME) is None
        assert env.url(NAME, "redis://x") == "redis://x"


@pytest.mark.parametrize(
    ("value", "expected"), [("1", True), ("Yes", True), ("on", True), ("FALSE", False), (" off ", False)]
)
def test_it_reads_booleans(given, value, expected):
    given(value)
    assert env.boolean(NAME) is expected


@pytest.mark.parametrize("value", ["2", "maybe", "y", "-"])
def test_it_refuses_other_booleans(given, value):
    given(value)
    with pytest.raises(env.BadSetting, match=f"{NAME} must be 1, true, yes or on"):
        env.boolean(NAME)


def test_it_reads_integers_within_their_bounds(given):
    given("65535")
    assert env.integer(NAME, 0, minimum=0, maximum=65535) == 65535


@pytest.mark.parametrize("value", ["-1", "65536", "8_000", "8000.0", "٨", "port", "0x10", "1" * 5000])
def test_it_refuses_other_integers(given, value):
    given(value)
    with pytest.raises(env.BadSetting, match=f"{NAME} must be a whole number from 0 to 65535"):
        env.integer(NAME, 0, minimum=0, maximum=65535)


def test_a_list_has_no_blank_parts(given):
    given(" a, b,,c ,")
    assert env.comma_list(NAME) == ["a", "b", "c"]


def test_a_path_is_absolute(given, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    given("data")
    assert env.path(NAME) == tmp_path / "data"
    monkeypatch.setenv("HOME", str(tmp_path))
    given("~/data")
    assert env.path(NAME) == tmp_path / "data"


def test_text_must_be_one_of_the_choices(given):
    given("other")
    with pytest.raises(env.BadSetting, match="one of a, b"):
        env.text(NAME, choices=["a", "b"])


def test_a_secret_comes_from_the_variable_or_from_a_file(given, tmp_path):
    given("from variable")
    assert env.secret(NAME) == "from variable"
    given("")
    file = tmp_path / "secret"
    file.write_text("from file \r\n", encoding="utf-8")
    given(str(file), "_FILE")
    assert env.secret(NAME) == "from file "


def test_a_secret_given_twice_is_refused_and_not_shown(given, tmp_path):
    given("hush")
    given(str(tmp_path), "_FILE")
    with pytest.raises(env.BadSetting) as raised:
        env.secret(NAME)
    assert "set one of them" in str(raised.value)
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize("content", [None, b"\n", b"\xff"])
def test_a_file_without_a_secret_is_refused(given, tmp_path, content):
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    given(str(file), "_FILE")
    with pytest.raises(env.BadSetting, match=f"{NAME}_FILE names a file that"):
        env.secret(NAME)


@pytest.mark.parametrize("value", ["hush", "http://hush@x", "redis://x:hush", "redis://[hush"])
def test_a_wrong_url_is_refused_and_not_shown(given, value):
    given(value)
    with pytest.raises(env.BadSetting) as raised:
        env.url(NAME, schemes=["redis", "unix"])
    assert str(raised.value) == f"{NAME} must be a URL of the form redis://… or unix://…."


def test_it_takes_a_database_url_apart():
    assert env.postgres_parts("postgresql://al:p%40ss@db.example:5433/afdash?sslmode=require") == {
        "NAME": "afdash",
        "USER": "al",
        "PASSWORD": "p@ss",
        "HOST": "db.example",
        "PORT": "5433",
        "OPTIONS": {"sslmode": "require"},
    }


def test_it_takes_a_database_url_with_a_socket_apart():
    parts = env.postgres_parts("postgresql://afdash_app@/afdash?host=%2Ftmp%2Fa%20b")
    assert (parts["HOST"], parts["PORT"], parts["USER"]) == ("/tmp/a b", "", "afdash_app")


@pytest.mark.parametrize("value", ["mysql://x/y", "postgresql://x", "postgresql://x/", "x"])
def test_it_refuses_other_database_urls(value):
    with pytest.raises(env.BadSetting):
        env.postgres_parts(value)


def test_every_variable_that_was_read_is_registered(given):
    env.integer(NAME, 7)
    env.integer(NAME, 7, "What it is for.")
    env.integer(NAME, 7)
    found = {variable.name: variable for variable in env.variables()}
    assert found[NAME] == env.Variable(NAME, "integer", "7", "What it is for.")


def test_it_does_not_load_django():
    code = "import sys, afdash.env; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2]).returncode == 0
