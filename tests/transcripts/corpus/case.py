"""What a case of the corpus is: a file made on the spot, and what its ingest must come to.

The numbers are those of the catalogue of bad inputs (I-01 … I-65). Where our documented behaviour differs from the
catalogue's, the case holds us to ours, and a comment says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transcripts.models import Ingest

Made = bytes | Callable[[Path], None]


@dataclass(frozen=True)
class Expected:
    """``rejects`` are (reason, position) in order; ``findings`` the kinds of all findings but ``unpaired``.

    ``texts`` is what was said last in each transcript, in the order of the file, as the source had it.
    ``says`` are words of the error of an ingest that fails. Parts are those of a container: state by name.
    """

    state: str = "done"
    created: int = 0
    duplicate: int = 0
    rejects: tuple[tuple[str, str], ...] = ()
    findings: frozenset[str] = frozenset()
    texts: tuple[str, ...] | None = None
    reader: str = ""
    says: tuple[str, ...] = ()
    parts: Mapping[str, str] | None = None
    check: Callable[[Ingest], None] | None = None


@dataclass(frozen=True)
class Case:
    """``content`` is the file's bytes, or a function that writes the file (a large one) to a path."""

    number: str
    name: str
    content: Made
    expected: Expected
    file_name: str = "runs.jsonl"
    options: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 20.0  # more than this is too slow
    megabytes: int = 190  # of a parser: with its worker, that is below 300

    @property
    def id(self) -> str:
        return f"{self.number}-{self.name.replace(' ', '-')}"

    def make(self, folder: Path) -> Path:
        path = folder / "made"
        if callable(self.content):
            self.content(path)
        else:
            path.write_bytes(self.content)
        return path


def fields(sample: Any = 1, text: str = "Like this.", **others: Any) -> dict[str, Any]:
    """A record in our own format; a field that is given as ... is left out."""
    value = {
        "model": "m",
        "arm": "monitored",
        "prompt_id": "p1",
        "prompt": "How?",
        "sample": sample,
        "messages": [{"role": "user", "content": "How?"}, {"role": "assistant", "content": text}],
        **others,
    }
    return {key: item for key, item in value.items() if item is not ...}


def line(sample: Any = 1, text: str = "Like this.", **others: Any) -> bytes:
    return json.dumps(fields(sample, text, **others)).encode() + b"\n"


def around(bad: bytes) -> bytes:
    """The bad line between two good ones, which must be read."""
    return line(1) + bad.removesuffix(b"\n") + b"\n" + line(3)


def all_good(*texts: str, **more: Any) -> Expected:
    return Expected("done", created=len(texts), texts=texts, **more)


def one_bad(reason: str, position: str = "line 2", created: int = 2, **more: Any) -> Expected:
    return Expected("done_with_rejects", created=created, rejects=((reason, position),), **more)


def refused(*says: str, **more: Any) -> Expected:
    return Expected("failed", says=says, **more)
