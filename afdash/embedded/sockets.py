"""The folder of a server's unix socket: beside its data where the path is short enough, else under /tmp."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

from .account import Account, make_private_folder

# The kernel takes 107 bytes (macOS 103) and a closing NUL.
LONGEST_PATH = 103
# Not TMPDIR, which may be as deep as the data folder.
SHORT = "/tmp"  # noqa: S108 - mkdtemp makes a folder of our own in it


def socket_folder(home: Path, longest_name: str, account: Account | None) -> Path:
    """A folder of mode 0700, owned by the account (or by us), in which a socket can have `longest_name`.

    A folder outside `home` is recorded in `home/socket-folder` and used again as long as it is still ours:
    under /tmp anyone may have put something else in its place.
    """
    beside = home / "socket"
    if len(os.fsencode(beside / longest_name)) <= LONGEST_PATH:
        make_private_folder(beside, account)
        return beside
    record = home / "socket-folder"
    recorded = _recorded(record)
    owner = account.uid if account else os.geteuid()
    if recorded is None or not _is_private(recorded, owner):
        key = hashlib.sha256(os.fsencode(home)).hexdigest()[:8]
        recorded = Path(tempfile.mkdtemp(prefix=f"afdash-{key}-", dir=SHORT))
        if account is not None:
            os.chown(recorded, account.uid, account.gid)
        record.write_text(f"{recorded}\n", encoding="utf-8")
    return recorded


def remove_socket_folder(home: Path, account: Account | None) -> None:
    """Remove a folder under /tmp when the server has stopped; one beside the data stays."""
    record = home / "socket-folder"
    recorded = _recorded(record)
    if recorded is not None:
        if _is_private(recorded, account.uid if account else os.geteuid()):
            shutil.rmtree(recorded, ignore_errors=True)
        record.unlink(missing_ok=True)


def clear(folder: Path) -> None:
    """Remove sockets and their lock files which a killed server left. Only when no server uses the folder."""
    for leftover in folder.iterdir():
        leftover.unlink(missing_ok=True)


def _recorded(record: Path) -> Path | None:
    try:
        text = record.read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return Path(text) if text.startswith(f"{SHORT}/afdash-") and ".." not in text else None


def _is_private(folder: Path, owner: int) -> bool:
    try:
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == owner and stat.S_IMODE(status.st_mode) == 0o700
