"""Typed readers of environment variables.

A reader returns the value, or the default where the variable is unset or empty, or raises `BadSetting` with
one sentence that names the variable and says what is expected. Every variable that is read is registered with
a line of help, so that a test can hold the documentation to the list. No Django here.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})


class BadSetting(Exception):
    """An environment variable has a value that cannot be used; the message is for whoever set it."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable that afdash reads. `default` is as documentation should show it."""

    name: str
    kind: str
    default: str
    help: str


_registered: dict[str, Variable] = {}


def variables() -> list[Variable]:
    """Every variable read so far, by name: import the settings first."""
    return [_registered[name] for name in sorted(_registered)]


@overload
def text(name: str, default: str, help: str = ..., choices: Sequence[str] | None = ...) -> str: ...
@overload
def text(
    name: str, default: None = ..., help: str = ..., choices: Sequence[str] | None = ...
) -> str | None: ...
def text(
    name: str, default: str | None = None, help: str = "", choices: Sequence[str] | None = None
) -> str | None:
    """Text without the blanks around it."""
    value = _read(name, "text", default, help)
    if value is None:
        return default
    if choices is not None and value not in choices:
        raise BadSetting(f"{name} must be one of {', '.join(choices)}, but it is {value!r}.")
    return value


def boolean(name: str, default: bool = False, help: str = "") -> bool:
    """True for 1, true, yes, on; False for 0, false, no, off; in any case of letters."""
    value = _read(name, "boolean", "1" if default else "0", help)
    if value is None:
        return default
    word = value.lower()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise BadSetting(f"{name} must be 1, true, yes or on, or else 0, false, no or off, but it is {value!r}.")


def integer(
    name: str, default: int, help: str = "", minimum: int | None = None, maximum: int | None = None
) -> int:
    """A whole number; the bounds are included."""
    value = _read(name, "integer", default, help)
    if value is None:
        return default
    expected = "a whole number"
    if minimum is not None and maximum is not None:
        expected += f" from {minimum} to {maximum}"
    elif minimum is not None:
        expected += f" of at least {minimum}"
    elif maximum is not None:
        expected += f" of at most {maximum}"
    try:
        # int() would also take "1_000", " 7" and digits of other scripts.
        number = int(value) if value.isascii() and "_" not in value else None
    except ValueError:
        number = None
    too_small = number is not None and minimum is not None and number < minimum
    too_large = number is not None and maximum is not None and number > maximum
    if number is None or too_small or too_large:
        raise BadSetting(f"{name} must be {expected}, but it is {value!r}.")
    return number


def comma_list(name: str, default: Sequence[str] = (), help: str = "") -> list[str]:
    """The parts between commas, without blanks and empty parts."""
    value = _read(name, "list with commas", ",".join(default), help)
    if value is None:
        return list(default)
    return [part.strip() for part in value.split(",") if part.strip()]


@overload
def path(name: str, default: str | Path, help: str = ...) -> Path: ...
@overload
def path(name: str, default: None = ..., help: str = ...) -> Path | None: ...
def path(name: str, default: str | Path | None = None, help: str = "") -> Path | None:
    """An absolute path; a leading ~ is the home folder. It need not exist."""
    value = _read(name, "path", default, help)
    if value is None:
        return None if default is None else Path(default).absolute()
    try:
        return Path(value).expanduser().absolute()
    except RuntimeError as error:
        raise BadSetting(f"{name} is {value!r}, but the home folder that it means is not known.") from error


def secret(name: str, default: str | None = None, help: str = "") -> str | None:
    """A secret from the variable itself, or from the file that `NAME_FILE` names.

    The value never appears in an error. Line ends around a secret in a file do not count.
    """
    file_name = f"{name}_FILE"
    value = _read(name, "secret", "", help)
    file = _read(file_name, "path", "", f"File that holds {name}.")
    if value is not None and file is not None:
        raise BadSetting(f"{name} and {file_name} are both set: set one of them.")
    if file is None:
        return value if value is not None else default
    try:
        kept = Path(file).read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise BadSetting(f"{file_name} names a file that cannot be read: {file} ({reason}).") from error
    if not kept:
        raise BadSetting(f"{file_name} names a file that is empty: {file}.")
    return kept


def url(name: str, default: str | None = None, help: str = "", schemes: Sequence[str] = ()) -> str | None:
    """A URL with one of `schemes`. A wrong one is not repeated in the error: it may hold a password."""
    value = _read(name, "URL", default, help)
    if value is None:
        return default
    parts = _split(value)
    if parts is None or not parts.scheme or (schemes and parts.scheme not in schemes):
        form = " or ".join(f"{scheme}://…" for scheme in schemes) or "scheme://…"
        raise BadSetting(f"{name} must be a URL of the form {form}.")
    return value


def postgres_parts(address: str) -> dict[str, str | dict[str, str]]:
    """Name, user, password, host, port and options of a `postgresql://` URL, by Django's setting names.

    A folder with a unix socket is given as `?host=/folder`, as libpq has it.
    """
    parts = _split(address)
    if parts is None or parts.scheme not in {"postgresql", "postgres"} or len(parts.path) < 2:
        raise BadSetting("A database URL must look like postgresql://user@host:5432/name.")
    options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    host = options.pop("host", None) or unquote(parts.hostname or "")
    port = options.pop("port", None) or (str(parts.port) if parts.port else "")
    return {
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": port,
        "OPTIONS": options,
    }


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        _ = parts.port  # only asking for it shows that it is no number
    except ValueError:
        return None
    return parts


def _read(name: str, kind: str, default: object, help: str) -> str | None:
    known = _registered.get(name)
    shown = "" if default is None else str(default)
    # Settings and the supervisor read some of the same variables; one of them says what it is for.
    if known is None or (help and not known.help):
        _registered[name] = Variable(name, kind, shown, help)
    value = os.environ.get(name, "").strip()
    return value or None
