"""The account that the embedded servers run as.

PostgreSQL refuses to run as root, so root starts it (and Redis with it) as a user without rights, who must
then be able to reach the programs and the data. Anyone else runs the servers as themselves.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import EmbeddedServerError

SYSTEM_USER = "afdash"


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine that a server runs as in place of root."""

    name: str
    uid: int
    gid: int

    @property
    def identity(self) -> dict[str, Any]:
        """Arguments for `subprocess` which start a program as this user, with no other groups."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def owns(self, path: Path) -> bool:
        return path.stat().st_uid == self.uid

    def can_search(self, folder: Path) -> bool:
        """Whether this user can reach what is in `folder`, by its permission bits."""
        status = folder.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)


def account_for(data: Path, say: Callable[[str], None]) -> Account | None:
    """The account for a server whose data is (or will be) in `data`; None means the user who asks.

    Data that exists keeps its owner, so that it does not matter whether root or its owner starts it.
    """
    if os.geteuid() != 0:
        if data.exists() and data.stat().st_uid != os.geteuid():
            raise EmbeddedServerError(
                f"{data} belongs to {_name_of(data.stat().st_uid)}: run afdash as that user or as root, "
                "or choose another folder with AFDASH_DATA_DIR."
            )
        return None
    if data.exists() and data.stat().st_uid != 0:
        try:
            entry = pwd.getpwuid(data.stat().st_uid)
        except KeyError:
            return Account(str(data.stat().st_uid), data.stat().st_uid, data.stat().st_gid)
        if entry.pw_name == "nobody":
            raise EmbeddedServerError(
                f"{data} belongs to nobody, as whom other services may run, and they could read it: stop afdash, "
                f"then give it to a user of its own (useradd --system {SYSTEM_USER}; "
                f"chown -R {SYSTEM_USER}: {data})."
            )
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    return _unprivileged()


def make_private_folder(folder: Path, account: Account | None) -> None:
    """Create `folder` (mode 0700) for the account, or for the user who asks."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account is not None and not account.owns(folder):
        os.chown(folder, account.uid, account.gid)
    if stat.S_IMODE(folder.stat().st_mode) != 0o700:
        folder.chmod(0o700)


def make_home(folder: Path, account: Account | None) -> None:
    """Create `folder` for the user who asks alone; the account may pass through it and write nothing there.

    Root must not write into a folder of the account's: a link laid there would turn the write elsewhere.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account is not None and folder.stat().st_uid == 0 and not account.can_search(folder):
        os.chown(folder, 0, account.gid)
        folder.chmod(0o710)


def make_reachable(folder: Path, account: Account, say: Callable[[str], None]) -> None:
    """Let the account pass through the folders above `folder`; to list or read them is another right."""
    for above in reversed(folder.absolute().parents):
        if not account.can_search(above):
            above.chmod(stat.S_IMODE(above.stat().st_mode) | stat.S_IXOTH)
            say(
                f"{above} can now be passed through by every user (chmod o+x), so that the database server, "
                f"which runs as {account.name}, reaches its files below it."
            )


def make_readable(tree: Path, account: Account, say: Callable[[str], None]) -> None:
    """Let everyone read the installed programs in `tree`, when a strict umask kept them from it."""
    make_reachable(tree, account, say)
    changed = False
    for folder, _, files in os.walk(tree):
        changed |= _open_for_reading(Path(folder))
        for name in files:
            changed |= _open_for_reading(Path(folder, name))
    if changed:
        say(f"The programs in {tree} can now be read by every user, so that {account.name} can run them.")


def _open_for_reading(path: Path) -> bool:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return False
    mode = stat.S_IMODE(status.st_mode)
    wanted = mode | stat.S_IROTH
    if mode & stat.S_IXUSR:
        wanted |= stat.S_IXOTH
    if wanted == mode:
        return False
    path.chmod(wanted)
    return True


def _unprivileged() -> Account:
    """The system user afdash, made if need be.

    Never nobody: the servers trust whoever reaches their socket, and other services run as nobody too.
    """
    entry = _entry(SYSTEM_USER)
    useradd = shutil.which("useradd", path=os.defpath + os.pathsep + "/usr/sbin:/sbin")
    if entry is None and useradd is not None:
        command = [useradd, "--system", "--user-group", "--no-create-home"]
        command += ["--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
        # Its result does not matter: another process may have made the user meanwhile, or it cannot be made.
        subprocess.run(command, capture_output=True, check=False)
        entry = _entry(SYSTEM_USER)
    if entry is None:
        raise EmbeddedServerError(
            "PostgreSQL does not run as root, and the user afdash to run it could not be created: "
            f"create the user afdash (useradd --system {SYSTEM_USER}), or run afdash as an ordinary user."
        )
    if entry.pw_uid == 0:
        raise EmbeddedServerError(f"The user {entry.pw_name} is another name of root: PostgreSQL refuses it.")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _entry(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"the user with the number {uid}"
