"""What the person who ingests may say about a file, checked in one place for shell, page and API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from transcripts.arms import ROLES
from transcripts.mapping import validate
from transcripts.readers.registry import READERS

MAX_LENGTH = 500


class BadOption(ValueError):
    """An option cannot be used; ``field`` names it and the message says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def clean(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of an ingest: model, setting, arm, role, format, mapping; empty ones left out."""
    options: dict[str, Any] = {}
    for field in ("model", "setting", "arm", "role", "format"):
        value = given.get(field) or ""
        if not isinstance(value, str) or len(value) > MAX_LENGTH or "\x00" in value:
            raise BadOption(field, f"{field} must be a text of at most {MAX_LENGTH} characters.")
        if value.strip():
            options[field] = value.strip()
    if options.get("role", ROLES[0]) not in ROLES:
        raise BadOption("role", f"role must be one of {', '.join(ROLES)}.")
    names = [reader.name for reader in READERS]
    if options.get("format", names[0]) not in names:
        raise BadOption("format", f"format must be one of {', '.join(names)}.")
    mapping = given.get("mapping") or {}
    if isinstance(mapping, str):
        try:
            mapping = orjson.loads(mapping)
        except orjson.JSONDecodeError as error:
            raise BadOption("mapping", f"mapping is not JSON: {error}") from error
    if mapping:
        try:
            validate(mapping)
        except ValueError as error:
            raise BadOption("mapping", str(error)) from error
        options["mapping"] = mapping
    return options
