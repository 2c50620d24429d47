"""What can be drawn over a transcript's text: a layer for each kind of mark, to be switched on and off.

``annotations`` adds the layers of spans when the application starts; the reading pages know only this table.
All offered layers are drawn into a page, also those that are off: switching needs no server.

A page does three things::

    looking = Looking(q, within={transcript.pk: range(window.start, window.end)})
    marks = marks_for(access, transcripts, looking)
    switches = switches(access, looking, request.GET, marks)   # for _layers.html; raises BadFilter
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.http import QueryDict

from transcripts.access import StudyAccess
from transcripts.filters import BadFilter
from transcripts.models import Transcript
from transcripts.rendering import Mark

Marks = Mapping[int, Mapping[int, Sequence[Mark]]]  # by transcript and message

LAYERS_PARAMETER = "layers"
VIEW_PARAMETER = "view"
PARAMETERS = frozenset(
    {LAYERS_PARAMETER, VIEW_PARAMETER}
)  # of an address: what the reading pages take besides
VIEWS = ("rendered", "raw")  # the first is what an address without ``view`` means
NONE = "none"  # in the address where all are off: an empty parameter is easily lost
TAGS = "tags"  # the switch for the tags that open and close segments: text, not marks

# Of the switches; layers that are not named here come last.
_ORDER = ("mine", "others", "adjudicated", "judge", "cues", "search", "suggestions")


@dataclass(frozen=True, slots=True)
class Looking:
    """What the reader came with: ``q`` is the full-text search of the address, "" if there is none.

    ``within`` has the messages that a page holds, by transcript; a transcript that it lacks is shown whole.
    Layers that must search through the text need not look beyond.
    """

    q: str = ""
    within: Mapping[int, range] = field(default_factory=dict)

    def holds(self, transcript: int, message: int) -> bool:
        return transcript not in self.within or message in self.within[transcript]


@dataclass(frozen=True, slots=True)
class Layer:
    """``marks`` of all transcripts of a page at once, so that a layer costs one query, not one each."""

    name: str  # in the address; its marks have the class ``layer-<name>``, which marks_for adds
    label: str
    key: str  # of the keyboard
    marks: Callable[[StudyAccess, Sequence[Transcript], Looking], Marks]
    # Whether this reader may have it, or has any use for it: a round may hide it.
    offered: Callable[[StudyAccess, Looking], bool]
    is_on: bool = True  # where the address does not say
    # How many of its marks have no place in the text: said beside the count of those drawn.
    missing: Callable[[Sequence[Transcript]], int] | None = None


LAYERS: list[Layer] = []


def register(layer: Layer) -> None:
    """Add a layer; twice is once."""
    if all(layer.name != other.name for other in LAYERS):
        LAYERS.append(layer)
        LAYERS.sort(key=lambda each: _ORDER.index(each.name) if each.name in _ORDER else len(_ORDER))


def marks_for(
    access: StudyAccess, transcripts: Sequence[Transcript], looking: Looking
) -> dict[int, dict[int, list[Mark]]]:
    """The marks of all layers that this reader may have: by transcript and message, in reading order."""
    found: dict[int, dict[int, list[Mark]]] = {transcript.pk: {} for transcript in transcripts}
    for layer in LAYERS:
        if not layer.offered(access, looking):
            continue
        for transcript, by_message in layer.marks(access, transcripts, looking).items():
            for message, marks in by_message.items():
                own = found.setdefault(transcript, {}).setdefault(message, [])
                own += [replace(mark, layer=layer.name) for mark in marks]
    for by_message in found.values():
        for marks in by_message.values():
            marks.sort(key=lambda mark: (mark.start, -mark.end))
    return found


@dataclass(frozen=True, slots=True)
class Switch:
    """A box to be ticked: ``n`` marks are drawn on the page, ``missing`` have no place in it."""

    name: str
    label: str
    key: str
    is_on: bool
    is_default: bool  # whether it is on where the address does not say
    n: int | None = None
    missing: int = 0


def switches(
    access: StudyAccess,
    looking: Looking,
    given: QueryDict,
    marks: Marks | None = None,
    transcripts: Sequence[Transcript] = (),
) -> list[Switch]:
    """The switches of a page, with how many marks each has; raises BadFilter for a layer that there is not.

    Layers that this reader may not have are none of theirs, but no fault in an address that somebody
    else sent them.
    """
    asked = _asked(given)
    counts: Counter[str] = Counter()
    for transcript, by_message in (marks or {}).items():
        for message, each in by_message.items():
            if looking.holds(transcript, message):
                counts.update(mark.layer for mark in each)
    found = [
        Switch(
            layer.name,
            layer.label,
            layer.key,
            layer.is_on if asked is None else layer.name in asked,
            layer.is_on,
            counts[layer.name] if marks is not None else None,
            layer.missing(transcripts) if layer.missing else 0,
        )
        for layer in LAYERS
        if layer.offered(access, looking)
    ]
    return [*found, Switch(TAGS, "tags", "t", asked is None or TAGS in asked, True)]


def _asked(given: QueryDict) -> frozenset[str] | None:
    """The layers that an address switches on; None if it does not say."""
    values = given.getlist(LAYERS_PARAMETER)
    if not values:
        return None
    if len(values) > 1:
        raise BadFilter(LAYERS_PARAMETER, "“layers” is given more than once.")
    asked = frozenset(name for name in values[0].split(",") if name)
    known = [*(layer.name for layer in LAYERS), TAGS]
    if unknown := sorted(asked - {*known, NONE}):
        message = f"There is no layer “{unknown[0][:60]}”. There are: {', '.join(known)}."
        raise BadFilter(LAYERS_PARAMETER, message)
    return asked


def view_of(given: QueryDict) -> str:
    """``rendered`` or ``raw``: how Markdown is shown; raises BadFilter."""
    values = given.getlist(VIEW_PARAMETER) or [VIEWS[0]]
    if len(values) > 1 or values[0] not in VIEWS:
        raise BadFilter(VIEW_PARAMETER, f"“view” must be one of {', '.join(VIEWS)}.")
    return values[0]


@dataclass(frozen=True, slots=True)
class Beyond:
    """The marks outside a page's messages: how many, and the message of the nearest."""

    n: int
    message: int


def beyond(marks: Mapping[int, Sequence[Mark]], shown: range) -> tuple[Beyond | None, Beyond | None]:
    """What is marked before and behind the messages that a page holds, for links that lead there."""
    before = [message for message, each in marks.items() if each and message < shown.start]
    behind = [message for message, each in marks.items() if each and message >= shown.stop]
    return (
        Beyond(sum(len(marks[m]) for m in before), max(before)) if before else None,
        Beyond(sum(len(marks[m]) for m in behind), min(behind)) if behind else None,
    )
