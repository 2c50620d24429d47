"""What happened to a transcript's labels, one event after the other. The annotations app registers who knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from transcripts.access import StudyAccess
from transcripts.models import Transcript


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that somebody did, for people. ``detail_url`` is "" where there is nothing more to see."""

    when: datetime
    who: str
    words: str  # "answered “alignment faking” in round 2", without a full stop
    detail_url: str = ""


# Gives the events that this reader may know of; must leave out what ``access.hidden`` hides.
Rule = Callable[[StudyAccess, Transcript], Iterable[Event]]
_rules: list[Rule] = []


def register(rule: Rule) -> None:
    if rule not in _rules:  # an application may start twice in one process
        _rules.append(rule)


def history_of(access: StudyAccess, transcript: Transcript) -> list[Event]:
    """All events that the reader may know of, the latest first. Each rule makes its own few queries."""
    found = [event for rule in _rules for event in rule(access, transcript)]
    return sorted(found, key=lambda event: event.when, reverse=True)
