"""What a request says, typed: fields of a JSON body, ids in the query, the idempotency key."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request

from afdash.api.errors import Unprocessable
from annotations.ids import BadId, id_from

NAMES = {int: "a whole number", str: "a text", list: "a list", dict: "an object"}


class Fields:
    """Reads typed fields of a JSON body; collects what is wrong, and ``check`` says it all at once."""

    def __init__(self, data: Any, known: frozenset[str] | set[str]) -> None:
        self.problems: dict[str, str] = {}
        self.data = data if isinstance(data, dict) else {}
        if not isinstance(data, dict):
            self.problems[""] = "Send a JSON object."
        for name in self.data:
            if name not in known:
                self.problems[str(name)[:60]] = f"Unknown field. Known: {', '.join(sorted(known))}."

    def get(self, name: str, kind: type, default: Any = None) -> Any:
        """The field's value. One that is absent is ``default``, or a problem where that is None."""
        if name not in self.data and default is not None:
            return default
        value = self.data.get(name)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
            self.problems[name] = f"Give {NAMES[kind]}."
            return default
        if kind is int and not -(2**31) <= value < 2**63:
            self.problems[name] = "This number is out of range."
            return default
        return value

    def check(self) -> None:
        if self.problems:
            raise Unprocessable("Some fields are wrong.", self.problems)


def id_parameter(chosen: Mapping[str, str], name: str) -> int:
    try:
        return id_from(chosen[name])
    except BadId as error:
        raise Unprocessable(str(error), {name: str(error)}) from error


def idempotency_key(request: Request) -> uuid.UUID:
    try:
        return uuid.UUID(request.headers.get("Idempotency-Key", ""))
    except ValueError as error:
        raise Unprocessable(
            "Send a UUID in the header Idempotency-Key, one for each action, the same when you send it again.",
            {"Idempotency-Key": "a UUID"},
        ) from error
