"""How much an archive may unpack to, counted while it is unpacked: what it claims is not believed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes. Of every ``window`` bytes that come out, one in ``ratio`` must have gone in."""

    members: int = 100_000
    member: int = 10 << 30  # one file, alone in a compressed source or among others
    total: int = 20 << 30
    ratio: int = 200  # real transcripts pack 3 to 50 times smaller; a bomb 1,000 to 30,000 times
    window: int = 64 << 20  # so a small file may pack as well as it likes


class TooMuch(Exception):
    """The archive unpacks to more than is allowed; the message is a sentence."""


class Meter:
    """What all layers of one archive took in and gave out together."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._taken = 0
        self._given = 0
        self._window_taken = 0
        self._window_given = 0

    def take(self, count: int) -> None:
        """``count`` bytes of the archive file were read."""
        self._taken += count

    def give(self, count: int) -> None:
        """``count`` bytes were decompressed. Raises TooMuch."""
        self._given += count
        if self._given > self.limits.total:
            raise TooMuch(total_sentence(self.limits))
        given = self._given - self._window_given
        if given < self.limits.window:
            return
        if given > self.limits.ratio * (self._taken - self._window_taken):
            raise TooMuch(
                f"The data unpack to more than {self.limits.ratio} times their size, as only a file made to do"
                " harm does. If yours is not, unpack it yourself and give the result."
            )
        self._window_taken, self._window_given = self._taken, self._given


def total_sentence(limits: Limits) -> str:
    return f"The archive unpacks to more than {amount(limits.total)}, which is the most. Give it in parts."


def amount(size: int) -> str:
    """A size for a person: “10 GB”, “300 bytes”."""
    for shift, unit in ((30, "GB"), (20, "MB"), (10, "KB")):
        if size >> shift:
            return f"{size >> shift} {unit}"
    return f"{size} bytes"
