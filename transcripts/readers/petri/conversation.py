"""What the target saw: the edits of a transcript, applied in order.

Every event edits one or several views (``target``, ``combined``, the auditor's own); only edits of the
``target`` view count here, the others are counted. What cannot be applied is a finding, and the rest goes on.

``add``         one message at the end
``rollback``    takes back the last ``count`` messages, or all behind a message (``to_id`` and its like: the id
                of a message, or of the event that added it); that message stays
``reset``       begins again with ``new_messages``
``json_patch``  changes the list of messages (see :mod:`transcripts.readers.petri.patch`)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from transcripts.readers.content import message
from transcripts.readers.json_values import storable_value
from transcripts.readers.petri.patch import BadPatch, patched
from transcripts.records import Message, RecordFinding
from transcripts.text import storable

_BACK_TO = ("to_id", "to_message_id", "message_id", "to_event_id", "event_id")
_MOST_FINDINGS = 20  # of one transcript; all are counted
_MOST_COUNTS = 50


class Conversation:
    """The target's messages so far."""

    def __init__(self) -> None:
        self.sources: list[Any] = []
        self.added_by: dict[str, Any] = {}  # event id → the message that it added
        self.counts: Counter[str] = Counter()
        self.findings: list[RecordFinding] = []
        self.number = 0

    def apply(self, event: Any) -> bool:
        """Apply one event. Whether it was of the target's view."""
        self.number += 1
        if not isinstance(event, Mapping):
            self.odd("event_not_read", "is not an object")
            return False
        edit = event.get("edit")
        if not isinstance(edit, Mapping):
            self.count(f"without an edit: {str(event.get('type') or 'no type')[:60]}")
            return False
        view = event.get("view")
        if view is None:
            self.odd("event_not_read", "does not say whose view it changes")
        elif "target" not in (view if isinstance(view, list) else [view]):
            self.count("of other views")
        else:
            self.edit(edit, event.get("id"))
            return True
        return False

    def count(self, what: str, number: int = 1) -> None:
        is_known = what in self.counts or len(self.counts) < _MOST_COUNTS
        self.counts[what if is_known else "of other kinds"] += number

    def edit(self, edit: Mapping[str, Any], event_id: Any) -> None:
        operation = edit.get("operation")
        if operation == "add" and isinstance(edit.get("message"), Mapping):
            self.sources.append(edit["message"])
            if isinstance(event_id, str):
                self.added_by[event_id] = edit["message"]
        elif operation == "rollback":
            self.roll_back(edit)
        elif operation == "reset":
            self.reset(edit)
        elif operation == "json_patch":
            try:
                self.sources = patched(self.sources, edit.get("patch", edit.get("operations")))
            except BadPatch as bad:
                self.odd("edit_not_applied", f"holds a patch that was not applied: {bad}")
        else:
            shown = storable(str(operation)[:60])
            text = "adds no message" if operation == "add" else f"has the unknown operation “{shown}”"
            self.odd("edit_not_applied", text)
        self.count(f"{str(operation)[:60]} in the target's view")

    def roll_back(self, edit: Mapping[str, Any]) -> None:
        keep = self.kept_by(edit)
        if keep is None:
            self.odd("edit_not_applied", "takes back messages, but does not say which")
            return
        self.count("messages taken back", len(self.sources) - keep)
        del self.sources[keep:]

    def kept_by(self, edit: Mapping[str, Any]) -> int | None:
        """How many messages a rollback keeps; None if it cannot be told."""
        for key in _BACK_TO:
            wanted = edit.get(key)
            if isinstance(wanted, str) and wanted:
                added = self.added_by.get(wanted)
                for number in range(len(self.sources) - 1, -1, -1):
                    source = self.sources[number]
                    if source is added or (isinstance(source, Mapping) and source.get("id") == wanted):
                        return number + 1
                return None
        count = edit.get("count")
        if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= len(self.sources):
            return None
        return len(self.sources) - count

    def reset(self, edit: Mapping[str, Any]) -> None:
        new = edit.get("new_messages", edit.get("messages"))
        if new is not None and not isinstance(new, list):
            self.odd("edit_not_applied", "begins again with something that is no list of messages")
            return
        self.count("messages taken back", len(self.sources))
        self.sources = list(new or [])

    def odd(self, kind: str, text: str) -> None:
        if len(self.findings) < _MOST_FINDINGS:
            sentence = f"Event {self.number} {text}; it was left out, and what follows may not fit."
            self.findings.append(RecordFinding(kind, sentence, {"event": self.number}))
        self.count("left out")

    def messages(self) -> tuple[Message, ...]:
        """The messages as they are at the end. Raises BadRecord if one is none."""
        odd: list[RecordFinding] = []
        messages = tuple(message(source, odd) for source in self.sources)
        self.findings += {(finding.kind, finding.message): finding for finding in odd}.values()
        return messages

    def places(self) -> dict[str, int]:
        """The number of each message that has an id."""
        ids = (source.get("id") if isinstance(source, Mapping) else None for source in self.sources)
        return {name: number for number, name in enumerate(ids) if isinstance(name, str)}

    def summary(self) -> dict[str, Any]:
        """How many events there were, and of what kinds."""
        found: dict[str, Any] = storable_value({"events": self.number, **self.counts})
        return found
