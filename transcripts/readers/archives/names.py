"""Names inside archives. They are labels for people and hints for readers, never paths of ours."""

from __future__ import annotations

import re

LONGEST = 400  # characters
_DRIVE = re.compile(r"[A-Za-z]:")
_COMPRESSED = (".gz", ".zst", ".zstd", ".bz2", ".xz")


def label(name: str) -> str:
    """The name with folders kept, and without what only a file system would obey (``/``, ``..``, ``C:\\``)."""
    parts = name.replace("\\", "/").split("/")
    if _DRIVE.fullmatch(parts[0]):
        del parts[0]
    cleaned = "/".join(part for part in parts if part not in ("", ".", "..")) or "unnamed"
    return cleaned if len(cleaned) <= LONGEST else f"{cleaned[:100]}…{cleaned[101 - LONGEST :]}"


def unpacked(name: str) -> str:
    """The name of what a compressed file holds: ``runs/a.jsonl`` of ``runs/a.jsonl.gz``."""
    for suffix in _COMPRESSED:
        if name.lower().endswith(suffix) and not name.endswith("/" + name[-len(suffix) :]):
            return name[: -len(suffix)] or name
    return name


def is_clutter(name: str) -> bool:
    """Whether this is what a desktop leaves in archives, or a folder: nobody misses it."""
    parts = name.replace("\\", "/").split("/")
    return parts[-1] in ("", ".DS_Store") or parts[-1].startswith("._") or "__MACOSX" in parts
