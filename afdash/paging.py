"""Keyset pages: lists go on after a row, never from an offset, so page 3,000 costs what page 1 does."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet

PAGE_SIZE = 50
MAX_PAGE_SIZE = 500


class BadCursor(ValueError):
    """The cursor in the address was not made by us, or belongs to another order."""

    def __init__(self) -> None:
        super().__init__("This page address is not valid any more; start again from the first page.")


@dataclass(frozen=True, slots=True)
class Order:
    """An ordering by named columns without NULLs, ending in a unique one. ``-`` reverses a column."""

    name: str
    columns: tuple[str, ...]

    def reversed(self) -> tuple[str, ...]:
        return tuple(c[1:] if c.startswith("-") else f"-{c}" for c in self.columns)


@dataclass(frozen=True, slots=True)
class Page:
    items: list[Any]
    next: str | None
    previous: str | None


def _encode(order: Order, direction: str, row: Model) -> str:
    values = [getattr(row, column.lstrip("-")) for column in order.columns]
    raw = orjson.dumps([order.name, direction, values])
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(order: Order, cursor: str) -> tuple[str, list[Any]]:
    try:
        raw = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
        name, direction, values = orjson.loads(raw)
        if name != order.name or direction not in ("next", "previous") or len(values) != len(order.columns):
            raise ValueError
        if not all(_can_be_stored(value) for value in values):
            raise ValueError
    except (ValueError, TypeError, binascii.Error, UnicodeError) as error:
        raise BadCursor from error
    return direction, values


def _can_be_stored(value: Any) -> bool:
    """Whether a row could hold it: PostgreSQL fails on a NUL, and on a number beyond 64 bits."""
    if isinstance(value, str):
        return "\x00" not in value
    return isinstance(value, int | float) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _after(columns: Sequence[str], values: Sequence[Any]) -> Q:
    """Rows that come after ``values`` in the order of ``columns``."""
    condition = Q(pk__in=[])
    equal = Q()
    for column, value in zip(columns, values, strict=True):
        name = column.lstrip("-")
        side = "lt" if column.startswith("-") else "gt"
        condition |= equal & Q(**{f"{name}__{side}": value})
        equal &= Q(**{name: value})
    return condition


def page_of(rows: QuerySet[Any], order: Order, cursor: str | None, size: int = PAGE_SIZE) -> Page:
    """One page of ``rows`` in ``order``; raises BadCursor."""
    size = max(1, min(size, MAX_PAGE_SIZE))
    direction, values = _decode(order, cursor) if cursor else ("next", None)
    columns = order.columns if direction == "next" else order.reversed()
    if values is not None:
        try:
            rows = rows.filter(_after(columns, values))
        except (ValueError, TypeError, ValidationError) as error:
            raise BadCursor from error
    items = list(rows.order_by(*columns)[: size + 1])
    more = len(items) > size
    items = items[:size]
    if direction == "previous":
        items.reverse()
    return Page(
        items=items,
        next=_encode(order, "next", items[-1]) if items and (more or direction == "previous") else None,
        previous=(
            _encode(order, "previous", items[0])
            if items and ((direction == "next" and cursor) or (direction == "previous" and more))
            else None
        ),
    )
