"""Whether this worker was asked to stop: one byte that its main process shares with the pool forked from it.

A byte of shared memory, not a lock or an event: whoever is killed while it looks holds nothing up.
"""

from __future__ import annotations

import mmap

_asked = mmap.mmap(-1, 1)


def ask(*_: object, **__: object) -> None:
    _asked[0] = 1


def is_asked() -> bool:
    return _asked[0] == 1
