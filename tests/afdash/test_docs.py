"""The documentation names what there is: environment variables, commands, reader formats."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import get_commands

from afdash import env
from transcripts.readers.registry import READERS
from transcripts.segments import PARSE_STATES

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_every_environment_variable_is_described() -> None:
    text = (DOCS / "operations.md").read_text()
    names = [v.name for v in env.variables() if not v.name.endswith("_FILE")]
    assert names
    assert [name for name in names if f"`{name}`" not in text] == []


def test_every_command_of_ours_is_described() -> None:
    text = (DOCS / "operations.md").read_text()
    ours = [name for name, app in get_commands().items() if app in ("afdash", "transcripts", "annotations")]
    assert ours
    assert [name for name in ours if f"manage.py {name}" not in text] == []


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_every_format_has_its_section(reader) -> None:
    assert f"`{reader.name}`" in (DOCS / "formats.md").read_text()


def test_every_parse_state_is_described() -> None:
    text = (DOCS / "formats.md").read_text()
    assert [state for state in PARSE_STATES if f"`{state}`" not in text] == []
