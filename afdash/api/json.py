"""Strict JSON in and out: what PostgreSQL cannot hold is refused with a sentence, never a 500."""

from __future__ import annotations

from typing import Any

import orjson
from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

from afdash.uploads import TooLarge

MAX_DEPTH = 50


def _check(value: Any, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise ParseError(f"The JSON is nested more than {MAX_DEPTH} levels deep.")
    if isinstance(value, str):
        if "\x00" in value:
            raise ParseError("A text holds a NUL character, which cannot be stored.")
    elif isinstance(value, dict):
        for key, item in value.items():
            _check(key, depth)
            _check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)


class StrictParser(BaseParser):
    """orjson refuses NaN, half surrogates and bad UTF-8 by itself; NUL and depth are checked here."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        # Django holds forms to this size by itself, but not a body that is read as a stream.
        largest = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        content = stream.read(largest + 1)
        if len(content) > largest:
            raise TooLarge(f"The JSON is larger than {largest:,} bytes.")
        try:
            value = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise ParseError(f"This is not JSON: {error}") from error
        _check(value)
        return value


class StrictRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        return b"" if data is None else orjson.dumps(data, option=orjson.OPT_NON_STR_KEYS)
