"""Rows that are single messages of conversations, put together: consecutive rows with one id are one row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from transcripts.readers.json_stream import MAX_RECORD
from transcripts.readers.json_values import BadRecord
from transcripts.readers.rows.row import EXCERPT, Row
from transcripts.records import FileFinding

MOST_IDS = 500_000  # remembered, to notice a conversation that comes back

Key = Callable[[Any], str | None]


def grouped(
    rows: Iterable[Row | FileFinding], key_of: Key, of_a_message: Collection[str]
) -> Iterator[Row | FileFinding]:
    """Rows with a value ``{"messages": [rows]}``; a row without an id, or with a problem, stays as it is.

    Fields that are not ``of_a_message`` stand beside the messages: once if all agree, else as a list.
    An id that comes back after another is a row with a problem: its messages belong to a conversation that
    is finished. ``rows`` begin at the beginning of the file, else that could not be seen.
    """
    known: set[int] = set()
    group: _Group | None = None
    for row in rows:
        key = key_of(row.value) if isinstance(row, Row) and row.problem is None else None
        if group and (key is None or key != group.key):
            yield group.row(of_a_message)
            group = None
        if key is None or isinstance(row, FileFinding):
            yield row
        elif group:
            group.add(row)
        else:
            group = _Group(key, row, has_come_back=hash(key) in known)
            known.add(hash(key))
            if len(known) == MOST_IDS:
                text = f"Only the first {MOST_IDS:,} conversations were checked for coming back later in the file."
                yield FileFinding("conversations_unchecked", text, {}, "conversations_unchecked")
            elif len(known) > MOST_IDS:
                known.discard(hash(key))
    if group:
        yield group.row(of_a_message)


class _Group:
    def __init__(self, key: str, row: Row, has_come_back: bool) -> None:
        self.key = key
        self.first = self.last = row
        self.has_come_back = has_come_back
        self.size = 0
        self.values: list[Any] = []
        self.add(row)

    def add(self, row: Row) -> None:
        self.last = row
        self.size += len(row.raw)
        if self.size <= MAX_RECORD and not self.has_come_back:
            self.values.append(row.value)

    def row(self, of_a_message: Collection[str]) -> Row:
        first, last = self.first, self.last
        problem = None
        if self.has_come_back:
            name = self.key[:100]
            text = (
                f"The conversation “{name}” comes back after another: keep its messages together in the file."
            )
            problem = BadRecord("scattered_conversation", text)
        elif self.size > MAX_RECORD:
            problem = BadRecord("too_long", f"The conversation has more than {MAX_RECORD >> 20} MB.")
        locator = first.locator
        if "bytes" in first.locator:
            locator = {"bytes": [first.locator["bytes"][0], last.locator["bytes"][1]]}
        elif first is not last:
            locator = {**first.locator, "to": last.locator}
        return Row(
            cursor=first.cursor,
            room=1,
            position=first.position if first is last else f"{first.position} to {last.position}",
            locator=locator,
            value=None if problem else {**self._beside(of_a_message), "messages": self.values},
            raw=first.raw[:EXCERPT],
            problem=problem,
            around=first.around,
        )

    def _beside(self, of_a_message: Collection[str]) -> dict[str, Any]:
        said: dict[str, list[Any]] = {}
        for value in self.values:
            for key, item in value.items():
                if key not in of_a_message:
                    said.setdefault(key, []).append(item)
        return {key: items[0] if all(i == items[0] for i in items) else items for key, items in said.items()}
