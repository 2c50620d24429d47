"""Identity of runs and prompts: a hash, because the parts may be longer than an index entry can hold."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson


def identity(*parts: Any) -> bytes:
    """sha256 of the parts as JSON. Equal parts, and only they, give equal identities."""
    return hashlib.sha256(orjson.dumps(parts)).digest()
