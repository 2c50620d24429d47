"""Where uploaded files go while a request is read, and which requests may bring any.

Django reads a form before any view runs, to find its CSRF token; so whoever can reach the server could fill
its disk. What may be kept is therefore decided here, before the first byte is written.
"""

from __future__ import annotations

import tempfile
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload

TAKING_FILES = frozenset({"ingest_list", "api_ingests", "codebook_new"})  # names of routes
BESIDES_FILES = 1 << 20  # the other fields of the form, and what stands between the parts


class TooLarge(RequestDataTooBig):
    """The request brings more than it may; the message is a sentence for whoever sent it."""


class SpooledUpload(UploadedFile):
    """A file without a name in the folder for uploads: it is gone with the process, however that ends."""

    def __init__(self, name: str, content_type: str, charset: str | None, extra: dict[str, Any]) -> None:
        file = tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115 - the request closes it
        super().__init__(file, name, content_type, 0, charset, extra)


class UploadHandler(FileUploadHandler):
    """Spools files to disk: for the routes that take them, from people who are signed in, up to the limit.

    Sessions are known by then: every middleware has seen the request before the first looks for its token.
    The API authenticates before it reads a body, and tells the request who asks. Whether this person may add
    files to this study is decided by the view, so a member can make us spool one request of the largest size
    for as long as it lasts; nobody else can.
    """

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],
        content_length: int,
        boundary: bytes,
        encoding: str | None = None,
    ) -> None:
        # No more than was announced is ever read, and a body without a length counts as empty.
        if content_length > settings.AFDASH_MAX_UPLOAD + BESIDES_FILES:
            limit = settings.AFDASH_MAX_UPLOAD >> 20
            raise TooLarge(f"This upload is too large: the server takes at most {limit} MB at once.")

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        match = self.request.resolver_match
        if match is None or match.url_name not in TAKING_FILES:
            raise TooLarge("This address takes no files.")
        if not self.request.user.is_authenticated:
            # The fields before the file are kept, so the answer is the usual way to the sign-in page.
            raise StopUpload(connection_reset=True)
        self.file = SpooledUpload(
            self.file_name, self.content_type, self.charset, self.content_type_extra or {}
        )

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.file.write(raw_data)

    def file_complete(self, file_size: int) -> SpooledUpload:
        self.file.seek(0)
        self.file.size = file_size
        return self.file

    def upload_interrupted(self) -> None:
        if self.file is not None:
            self.file.close()
