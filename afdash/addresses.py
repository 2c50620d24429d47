"""Where files lie, as the operator writes it: one bucket, one folder, a list of named places. No Django here.

Users never give an address: what these settings name is all that afdash ever opens.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from afdash.env import BadSetting

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,49}")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_OPTIONS = {"s3": {"endpoint", "region", "studies"}, "file": {"studies"}}


@dataclass(frozen=True, slots=True)
class Bucket:
    """A part of an S3-compatible store: everything below ``prefix``, which is empty or ends in a slash.

    Without ``endpoint`` it is Amazon's. Without keys, Amazon is asked with the machine's own role, another
    store with no signature.
    """

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = "us-east-1"
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Folder:
    path: Path


@dataclass(frozen=True, slots=True)
class PlaceSetting:
    """A place that leads may ingest from; ``studies`` are slugs, and an empty set means every study."""

    name: str
    address: Bucket | Folder
    studies: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Watched:
    """A folder of a place whose files are ingested into a study as they come."""

    study: str
    place: str
    path: str


def storage(url: str | None, access_key: str | None, secret_key: str | None) -> Bucket | None:
    """The bucket for sources, or None for the folder of this machine. Raises BadSetting."""
    if not url:
        return None
    if bool(access_key) != bool(secret_key):
        raise BadSetting(
            "AFDASH_STORAGE_ACCESS_KEY and AFDASH_STORAGE_SECRET_KEY belong together: set both or neither."
        )
    address, options = _address(url, "AFDASH_STORAGE_URL")
    if not isinstance(address, Bucket) or "studies" in options:
        raise BadSetting("AFDASH_STORAGE_URL must look like s3://bucket/prefix?endpoint=https://…&region=….")
    if address.access_key:
        raise BadSetting("AFDASH_STORAGE_URL holds a key: set AFDASH_STORAGE_ACCESS_KEY and _SECRET_KEY.")
    keys = {"access_key": access_key or "", "secret_key": secret_key or ""}
    return Bucket(address.bucket, address.prefix, address.endpoint, address.region, **keys)


def places(listed: str | None) -> dict[str, PlaceSetting]:
    """The places of ``AFDASH_PLACES`` by name. Raises BadSetting, which never repeats an address: it may hold keys."""
    found: dict[str, PlaceSetting] = {}
    for name, url in _pairs(listed or "", "AFDASH_PLACES"):
        if not _NAME.fullmatch(name):
            raise BadSetting(
                f"AFDASH_PLACES: the name {name!r} must be small letters, digits and hyphens, at most 50."
            )
        if name in found:
            raise BadSetting(f"AFDASH_PLACES names {name!r} twice.")
        address, options = _address(url, f"AFDASH_PLACES: {name}")
        studies = frozenset(slug.strip() for slug in options.get("studies", "").split(",") if slug.strip())
        found[name] = PlaceSetting(name, address, studies)
    return found


def watched(listed: str | None, known: dict[str, PlaceSetting]) -> list[Watched]:
    """The folders of ``AFDASH_WATCHED``. Raises BadSetting."""
    found = []
    for study, folder in _pairs(listed or "", "AFDASH_WATCHED"):
        place, _, path = folder.partition("/")
        if place not in known:
            raise BadSetting(f"AFDASH_WATCHED: {place!r} is not a place that AFDASH_PLACES names.")
        if known[place].studies and study not in known[place].studies:
            raise BadSetting(f"AFDASH_WATCHED: the place {place!r} is not open to the study {study!r}.")
        parts = path.strip("/").split("/") if path.strip("/") else []
        if any(part in ("", ".", "..") for part in parts):
            raise BadSetting(f"AFDASH_WATCHED: {folder!r} is not a plain path below its place.")
        found.append(Watched(study, place, "/".join(parts)))
    return found


def _pairs(listed: str, variable: str) -> list[tuple[str, str]]:
    """``name=value`` by line or semicolon, or a JSON object of names with a value or a list of values."""
    listed = listed.strip()
    if listed.startswith("{"):
        try:
            given = json.loads(listed, object_pairs_hook=list)
        except json.JSONDecodeError as error:
            raise BadSetting(f"{variable} begins like JSON, but is not: {error.msg}.") from None
        pairs = [
            (name, each) for name, value in given for each in (value if isinstance(value, list) else [value])
        ]
        if not all(isinstance(value, str) for _, value in pairs):
            raise BadSetting(f"{variable}: every value must be a text.")
        return [(name.strip(), value.strip()) for name, value in pairs]
    found = []
    for entry in re.split(r"[;\n]", listed):
        if entry.strip():
            name, equals, value = entry.partition("=")
            if not equals or not name.strip() or not value.strip():
                raise BadSetting(f"{variable} must be a list of name=value, by line or with semicolons.")
            found.append((name.strip(), value.strip()))
    return found


def _address(url: str, where: str) -> tuple[Bucket | Folder, dict[str, str]]:
    try:
        parts = urlsplit(url)
        _ = parts.port  # only asking for it shows that it is no number
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        parts, options = SplitResult("", "", "", "", ""), {}
    if parts.scheme not in _OPTIONS or parts.fragment:
        raise BadSetting(f"{where} must be s3://bucket/prefix?endpoint=… or file:///folder.")
    if unknown := sorted(set(options) - _OPTIONS[parts.scheme]):
        raise BadSetting(f"{where} has the unknown option {unknown[0]!r}.")
    if parts.scheme == "file":
        path = unquote(parts.path)
        if parts.netloc or not path.startswith("/") or "\x00" in path:
            raise BadSetting(f"{where} must be file:/// and an absolute path.")
        return Folder(Path(path)), options
    # Not parts.hostname, which makes small letters of it.
    bucket = parts.netloc.rpartition("@")[2]
    endpoint = options.get("endpoint", "")
    if not _BUCKET.fullmatch(bucket):
        raise BadSetting(f"{where}: the bucket's name is not one.")
    if "endpoint" in options and (
        urlsplit(endpoint).scheme not in ("http", "https") or not urlsplit(endpoint).netloc
    ):
        raise BadSetting(f"{where}: endpoint must be http:// or https:// and a host.")
    if bool(parts.username) != bool(parts.password):
        raise BadSetting(f"{where}: give both keys, as s3://access-key:secret-key@bucket/prefix, or none.")
    prefix = unquote(parts.path).strip("/")
    return (
        Bucket(
            bucket,
            f"{prefix}/" if prefix else "",
            endpoint,
            options.get("region", "us-east-1"),
            unquote(parts.username or ""),
            unquote(parts.password or ""),
        ),
        options,
    )
