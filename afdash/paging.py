"""Keyset pages: lists go on after a row, never from an offset, so page 3,000 costs what page 1 does."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.db.models import BooleanField, F, Func, Model, QuerySet, Value

PAGE_SIZE = 50
MAX_PAGE_SIZE = 500


class BadCursor(ValueError):
    """The cursor in the address was not made by us, or belongs to another order."""

    def __init__(self) -> None:
        super().__init__("This page address is not valid any more; start again from the first page.")


@dataclass(frozen=True, slots=True)
class Order:
    """An ordering by named columns without NULLs, ending in a unique one. ``-`` before all of them reverses it."""

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


class _RowAfter(Func):
    """``(a, b) > (x, y)``: one condition that an index on a and b serves, however many rows share an a."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, columns: Sequence[str], values: Sequence[Value], sign: str) -> None:
        super().__init__(*map(F, columns), *values)
        row = ", ".join(["%s"] * len(columns))
        self.template = f"({row}) {sign} ({row})"

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, list[Any]]:
        parts = [compiler.compile(each) for each in self.source_expressions]
        return self.template % tuple(sql for sql, _ in parts), [p for _, given in parts for p in given]


def rows_after(rows: QuerySet[Any], columns: Sequence[str], values: Sequence[Any]) -> QuerySet[Any]:
    """``rows`` that come after ``values`` in the order of ``columns``, which all go the same way.

    Raises ValueError, TypeError or ValidationError for values that the columns cannot have.
    """
    names = [column.lstrip("-") for column in columns]
    backwards = {column.startswith("-") for column in columns}
    if len(backwards) > 1:
        raise ValueError(f"A page cannot go on in an order of mixed directions: {columns}")
    fields = [_field_of(rows, name) for name in names]
    given = [
        Value(field.get_prep_value(value), output_field=field)
        for field, value in zip(fields, values, strict=True)
    ]
    return rows.filter(_RowAfter(names, given, "<" if True in backwards else ">"))


def _field_of(rows: QuerySet[Any], name: str) -> Any:
    annotated = rows.query.annotations.get(name)
    return annotated.output_field if annotated is not None else rows.model._meta.get_field(name)


def page_of(rows: QuerySet[Any], order: Order, cursor: str | None, size: int = PAGE_SIZE) -> Page:
    """One page of ``rows`` in ``order``; raises BadCursor."""
    size = max(1, min(size, MAX_PAGE_SIZE))
    direction, values = _decode(order, cursor) if cursor else ("next", None)
    columns = order.columns if direction == "next" else order.reversed()
    if values is not None:
        try:
            rows = rows_after(rows, columns, values)
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
