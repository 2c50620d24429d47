"""What a workflow refuses, in the API's shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from afdash.api.errors import Conflict, Unprocessable
from annotations.labelling.conflicts import Invalid, LabellingConflict

T = TypeVar("T")


def told(work: Callable[[], T]) -> T:
    """Run a workflow; what it refuses becomes 409 or 422."""
    try:
        return work()
    except LabellingConflict as conflict:
        extra = {} if conflict.current is None else {"current": conflict.current}
        raise Conflict(str(conflict), conflict.code, **extra) from conflict
    except Invalid as invalid:
        raise Unprocessable(str(invalid), invalid.fields, invalid.code) from invalid
