"""What can go wrong with a file elsewhere, as sentences for whoever asked for it."""

from __future__ import annotations

from afdash.faults import OutOfReach


class PlaceFault(OutOfReach):
    """A file elsewhere cannot be had. The message is for users: no address, nothing that a server sent.

    ``code`` is one of missing, denied, unreachable, busy, cut, wrong_length, wrong_content, source_changed,
    bad_path, not_a_file, no_room, bad_cursor, refused, failed. ``passing``: trying again later may help.
    """

    code = "failed"
    passing = False

    def __init__(self, message: str, code: str = "", passing: bool | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.passing = self.passing if passing is None else passing

    def __str__(self) -> str:
        return self.message


class Missing(PlaceFault, FileNotFoundError):
    """Also a FileNotFoundError: whoever asks for a file does not care where it is not."""

    code = "missing"


class Changed(PlaceFault):
    """Read again from the start, once: a file that is being written may be whole the next time."""

    code = "source_changed"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} changed while it was read. Nothing of it was taken; ingest it when it is finished."
        )
