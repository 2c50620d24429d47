"""The parser of this worker: one process, kept from task to task."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from transcripts.ingest.stored import local_path
from transcripts.jail.parser import UNPACKED_MEGABYTES, Parser
from transcripts.models import Ingest

_local = threading.local()


def parser() -> Parser:
    """This thread's parser: its process is started at the first job."""
    found: Parser | None = getattr(_local, "parser", None)
    if found is None:
        found = _local.parser = Parser(settings.AFDASH_PARSER_MEMORY_MB)
        atexit.register(found.close)
    return found


@contextmanager
def unpacker() -> Iterator[Parser]:
    """A parser that may write files, for one container."""
    with closing(Parser(settings.AFDASH_PARSER_MEMORY_MB, UNPACKED_MEGABYTES)) as found:
        yield found


@contextmanager
def job_on(ingest: Ingest, do: str, **more: Any) -> Iterator[dict[str, Any]]:
    """A parser's job on the source of ``ingest``, valid while the block lasts."""
    with local_path(ingest.source) as path:
        yield job(do, path, ingest.source.name, ingest.source.size, ingest.options, **more)


def job(do: str, path: Path, name: str, size: int, options: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What a parser is asked: see ``transcripts.jail.jobs``."""
    return {
        "do": do,
        "source": {
            "path": str(path),
            "name": as_first_given(name),
            "size": size,
            "mapping": options.get("mapping") or {},
        },
        "format": options.get("format"),
        "options": options,
        **more,
    }


def as_first_given(name: str) -> str:
    """The name of the file that rejects were taken from: readers look for hints in names."""
    stem, dot, ending = name.rpartition(".rejects.")
    return f"{stem}.{ending}" if dot else name
