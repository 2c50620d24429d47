"""A bucket of an S3-compatible store. boto3 is loaded when one is first used, never before. No Django here."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from functools import lru_cache
from typing import IO, TYPE_CHECKING, Any

from afdash.addresses import Bucket
from transcripts.ingest.places.faults import Changed, Missing, PlaceFault
from transcripts.ingest.places.place import Entry, Listing, parts_of, shown
from transcripts.text import original, storable

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

logger = logging.getLogger(__name__)

BLOCK = 1 << 20
PART = 32 << 20  # of an upload; two are under way at once
# Together below the lease of a fetch: (4 + 10) s twice.
CONNECT_SECONDS = 4
READ_SECONDS = 10
ATTEMPTS = 2
PAGE = 1000
_DENIED = {401, 403}
_CHANGED = {412, 416}
_MODIFIED = {"PreconditionFailed", "InvalidRange"}
_BUSY = {"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests"}


@lru_cache(maxsize=32)
def _client(address: Bucket) -> Any:
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    keys: dict[str, Any] = {}
    if address.access_key:
        keys = {"aws_access_key_id": address.access_key, "aws_secret_access_key": address.secret_key}
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        max_pool_connections=8,
        # Other stores than Amazon's are addressed by path, and many do not know the newer checksums;
        # length and sha256 are checked here.
        s3={"addressing_style": "path" if address.endpoint else "auto"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        **({} if keys or not address.endpoint else {"signature_version": UNSIGNED}),
    )
    session = boto3.session.Session(region_name=address.region)
    return session.client("s3", endpoint_url=address.endpoint or None, config=config, **keys)


class BucketPlace:
    """Everything below the address's prefix, as a place, and as a store that can be written to."""

    def __init__(self, address: Bucket) -> None:
        self.address = address

    def listing(self, path: str, cursor: str = "", most: int = 200) -> Listing:
        prefix = self._prefix(path)
        after = {"ContinuationToken": cursor} if cursor else {}
        with _typed("The folder"):
            answer = _client(self.address).list_objects_v2(
                Bucket=self.address.bucket, Prefix=prefix, Delimiter="/", MaxKeys=min(most, PAGE), **after
            )
        folders = [self._entry(each["Prefix"].rstrip("/"), None) for each in answer.get("CommonPrefixes", ())]
        files = [
            self._entry(each["Key"], each) for each in answer.get("Contents", ()) if each["Key"] != prefix
        ]
        entries = [entry for entry in (*folders, *files) if entry]
        if not entries and path and not cursor:
            raise Missing(f"There is no folder {shown(path)} in this place.")
        more = answer.get("NextContinuationToken", "") if answer.get("IsTruncated") else ""
        return Listing(tuple(entries), more)

    def files(self, path: str) -> Iterator[Entry]:
        prefix = self._prefix(path)
        after: dict[str, str] = {}
        while True:
            with _typed("The folder"):
                answer = _client(self.address).list_objects_v2(
                    Bucket=self.address.bucket, Prefix=prefix, MaxKeys=PAGE, **after
                )
            for each in answer.get("Contents", ()):
                # A key that ends in a slash is how some tools make an empty folder.
                if not each["Key"].endswith("/") and (entry := self._entry(each["Key"], each)):
                    yield entry
            if not answer.get("IsTruncated"):
                return
            after = {"ContinuationToken": answer["NextContinuationToken"]}

    def entry(self, path: str) -> Entry:
        with _typed(shown(path)):
            head = _client(self.address).head_object(Bucket=self.address.bucket, Key=self._key(path))
        return Entry(path, False, head["ContentLength"], _mark(head), head.get("LastModified"))

    def blocks(self, entry: Entry, offset: int) -> Iterator[bytes]:
        if offset >= entry.size:  # a range that begins at the end is an error
            return
        part = {"Range": f"bytes={offset}-"} if offset else {}
        with _typed(entry.shown):
            answer = _client(self.address).get_object(
                Bucket=self.address.bucket, Key=self._key(entry.path), IfMatch=f'"{entry.mark}"', **part
            )
            # Some stores know neither If-Match nor Range.
            whole = answer["ContentLength"] + (offset if "ContentRange" in answer else 0)
        with contextlib.closing(answer["Body"]) as body:
            if _mark(answer) != entry.mark or whole != entry.size:
                raise Changed(entry.shown)
            skip = 0 if "ContentRange" in answer else offset
            while block := _read(body, entry.shown):
                if skip < len(block):
                    yield block[skip:]
                skip = max(skip - len(block), 0)

    def has(self, path: str, size: int) -> bool:
        try:
            return self.entry(path).size == size
        except Missing:
            return False

    def put(self, path: str, file: IO[bytes], size: int) -> None:
        """Store a file of ours; the store shows it when all of it is there, or not at all."""
        from boto3.s3.transfer import TransferConfig

        config = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=2)
        with _typed("The file"):
            _client(self.address).upload_fileobj(
                _Unclosed(file), self.address.bucket, self._key(path), Config=config
            )
        if not self.has(path, size):
            raise PlaceFault("The storage did not keep all of the file.", "wrong_length", passing=True)

    def _key(self, path: str) -> str:
        return self.address.prefix + original("/".join(parts_of(path)))

    def _prefix(self, path: str) -> str:
        return self._key(path) + ("/" if path else "")

    def _entry(self, key: str, found: dict[str, Any] | None) -> Entry | None:
        """``found`` is None for a folder. None for what a store should not have said."""
        if not key.startswith(self.address.prefix):
            return None
        path = storable(key.removeprefix(self.address.prefix))
        try:
            parts_of(path)
            skipped = ""
        except PlaceFault:
            skipped = "its name is no plain path"
        if found is None:
            return Entry(path, True, skipped=skipped)
        return Entry(path, False, found["Size"], _mark(found), found.get("LastModified"), skipped)


def _read(body: Any, name: str) -> bytes:
    try:
        with _typed(name):
            return bytes(body.read(BLOCK))
    except PlaceFault as fault:
        if not fault.passing:
            raise
        raise PlaceFault(f"The connection was cut while {name} was read.", "cut", passing=True) from fault


class _Unclosed:
    """The transfer closes what it is given; the caller still needs the file."""

    def __init__(self, file: IO[bytes]) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell

    def close(self) -> None:
        pass


def _mark(answer: dict[str, Any]) -> str:
    """Of parts, an ETag is no hash of the content; it only tells versions apart, which is enough here."""
    return str(answer.get("ETag", "")).strip('"')


@contextlib.contextmanager
def _typed(name: str) -> Iterator[None]:
    """Turn what the library raises into a PlaceFault. What the server said goes to the log only."""
    from botocore import exceptions as errors

    try:
        yield
    except errors.ClientError as error:
        logger.warning("object store: %s", error)
        raise _refusal(error, name) from error
    except (errors.NoCredentialsError, errors.PartialCredentialsError) as error:
        raise PlaceFault("The operator has set no keys for this place.", "denied") from error
    except (
        errors.IncompleteReadError,
        errors.ResponseStreamingError,
        errors.ConnectionError,
        errors.HTTPClientError,
        OSError,
    ) as error:
        logger.warning("object store: %s", error)
        raise PlaceFault(
            "The object store cannot be reached. Try again later; if it stays so, tell the operator.",
            "unreachable",
            passing=True,
        ) from error
    except errors.BotoCoreError as error:
        logger.warning("object store: %s", error)
        raise PlaceFault("The object store's answer could not be understood.", "failed") from error


def _refusal(error: ClientError, name: str) -> PlaceFault:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code == "NoSuchBucket":
        return Missing("The bucket that the operator named does not exist.")
    if status == 404:
        return Missing(f"{name} is not there any more.")
    if status in _DENIED:
        return PlaceFault(
            f"{name} may not be read with the keys that the operator set (status {status}).", "denied"
        )
    if status in _CHANGED or code in _MODIFIED:
        return Changed(name)
    if status == 429 or status >= 500 or code in _BUSY:
        return PlaceFault("The object store is too busy to answer. Try again later.", "busy", passing=True)
    return PlaceFault(f"The object store refused the request (status {status}).", "refused")
