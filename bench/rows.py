"""Rows of the table, and the clock."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

Row = tuple[str, str, str]


def seconds_of(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def milliseconds_of(work: Callable[[], object], times: int) -> list[float]:
    return [1000 * seconds_of(work) for _ in range(times)]


def row(what: str, values: list[float], digits: int = 0) -> Row:
    """A row: what was measured, its median, and the spread."""
    median = statistics.median(values)
    spread = f"{min(values):,.{digits}f} to {max(values):,.{digits}f}" if len(values) > 1 else ""
    result = what, f"{median:,.{digits}f}", spread
    print(" | ".join(result), flush=True)
    return result
