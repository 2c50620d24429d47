"""Reading: one transcript in windows, ways through a long one, and the bytes that it came from."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from afdash.htmx import wants_fragment
from transcripts import layers, windows
from transcripts.access import StudyAccess, access_reading, access_transcript
from transcripts.facets import arm_words
from transcripts.filters import BadFilter
from transcripts.ingest.originals import RecordIsGone, open_original
from transcripts.label_history import history_of
from transcripts.layers import Looking, Marks
from transcripts.models import Transcript
from transcripts.provenance import anchor, place, verdicts_shown, whole_provenance
from transcripts.readers.json_values import pretty
from transcripts.records import Message
from transcripts.rendering import Mark, RenderedMessage, render_message, visible
from transcripts.search.query import BadQuery
from transcripts.search.query import parse as parse_query
from transcripts.views.refusals import refuse
from transcripts.windows import Window
from transcripts.wording import parse_state

logger = logging.getLogger(__name__)

MAX_NUMBER = 2**31 - 1
MAX_METADATA = 100_000  # characters on a page; the original record has all
FOLD_SYSTEM = 400  # characters of what stands before the first answer, beyond which it starts folded
OUTLINED = 6  # messages from which on there is an outline
NOT_QUITE = "This address is not quite right"

# What an htmx request of this page may be for: more text behind, before or in place of what asks, or one
# block of the outline.
PARTS = ("later", "earlier", "same", "outline")
MARKS = "mark"
KEYS = {"scratchpad": "d", "output": "e", "tool": "f"}


def number(given: Mapping[str, str], name: str, default: int = 0) -> int:
    """A whole number of the address, not negative; raises BadFilter."""
    text = given.get(name, "")
    if text == "":
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= MAX_NUMBER):
        raise BadFilter(name, f"“{name}” must be a whole number, not “{text[:60]}”.")
    return int(text)


# -- the page and its parts


@require_safe
def transcript_detail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """One transcript, a window of it at a time.

    In the address: ``from=<message>`` for the window that holds it (counted from 0), or ``message=<number>`` as
    people count; ``q``, ``layers`` and ``view`` for what is marked and how. ``part`` is for htmx.
    """
    access = access_reading(request.user, slug)
    transcript = access_transcript(access, pk)
    here = reverse("transcript_detail", args=[slug, pk])
    try:
        _known(request.GET, {"from", "message", "part", "q", *layers.PARAMETERS})
        first = number(request.GET, "from")
        asked = number(request.GET, "message")
        part = request.GET.get("part", "")
        if part and part not in PARTS:
            raise BadFilter("part", f"“part” must be one of {', '.join(PARTS)}.")
        keep = _keep(request.GET)
        if asked:
            at = min(asked, max(transcript.n_messages, 1)) - 1
            return HttpResponseRedirect(f"{here}?{urlencode({'from': at, **keep})}#message-{at}")
        if part == "outline" and wants_fragment(request):
            response = _outline_block(request, transcript, first, here, keep)
        else:
            fragment = part if wants_fragment(request) else ""
            response = _page(request, access, transcript, first, here, keep, fragment)
    except BadFilter as error:
        return refuse(request, access, 400, NOT_QUITE, str(error), here)
    patch_vary_headers(response, ("HX-Request",))
    return response


def _page(
    request: HttpRequest,
    access: StudyAccess,
    transcript: Transcript,
    first: int,
    here: str,
    keep: dict[str, str],
    part: str,
) -> HttpResponse:
    messages: Sequence[Message] = transcript.body.content.messages
    window = windows.window_at(messages, first)
    looking = Looking(keep.get("q", ""), within={transcript.pk: window.messages})
    marks = layers.marks_for(access, [transcript], looking)
    own = marks.get(transcript.pk, {})
    context = {
        "study": access.study,
        "role": access.role,
        "transcript": transcript,
        "here": here,
        "kept": urlencode(keep),
        "window": window,
        "turns": shown_messages(messages, window, own),
        "part": part,
        "view": layers.view_of(request.GET),
    }
    if part:
        return render(request, "transcripts/_transcript_part.html", context)
    blocks = windows.blocks(messages) if len(messages) >= OUTLINED else []
    jump = reverse("transcript_jump", args=[access.study.slug, transcript.pk])
    context |= {
        "active_nav": "read",
        "arm_words": arm_words(transcript.arm.name, transcript.arm.role),
        "pair_query": f"s{transcript.arm_id}={transcript.sample}&focus={transcript.arm_id}",
        "parse": parse_state(transcript.parse_state),
        "outcome": transcript.outcome if access.shows("judge") else "",
        "shows_judge": access.shows("judge"),
        "switches": layers.switches(access, looking, request.GET, marks, [transcript]),
        "blocks": blocks,
        "open_block": windows.entries(messages, _block_start(messages, first)) if blocks else [],
        "open_start": _block_start(messages, first),
        "first": first,
        "keep": list(keep.items()),
        "jumps": _jumps(messages, jump, keep, window),
        "jump_to_mark": _jump(jump, MARKS, keep, window),
        "jump_url": jump,
        "beyond": layers.beyond(own, window.messages),
        "groups": whole_provenance(transcript),
        "verdicts": verdicts_shown(access, transcript, here),
        "history": history_of(access, transcript),
        "metadata": _metadata(transcript) if access.is_lead else None,
    }
    return render(request, "transcripts/transcript_detail.html", context)


def _known(given: QueryDict, names: Iterable[str]) -> None:
    known = sorted(names)
    for name in given:
        if name not in known:
            raise BadFilter(name, f"There is no “{name[:60]}” here. There are: {', '.join(known)}.")
        if len(given.getlist(name)) > 1:
            raise BadFilter(name, f"“{name}” is given more than once.")


def _keep(given: QueryDict) -> dict[str, str]:
    """What every address of a transcript's page keeps: what is marked, and how text is shown."""
    layers.view_of(given)
    if q := given.get("q", ""):
        try:
            parse_query(q)
        except BadQuery as error:
            raise BadFilter("q", str(error)) from error
    return {name: given[name] for name in ("q", *sorted(layers.PARAMETERS)) if given.get(name)}


def shown_messages(
    messages: Sequence[Message], window: Window, marks: Mapping[int, Sequence[Mark]]
) -> list[dict[str, Any]]:
    """The messages of a window, with what starts folded, and which calls and results belong together."""
    results, callers = windows.answers(messages, window.messages)
    opening = next((at for at, message in enumerate(messages) if message.role == "assistant"), len(messages))
    shown = []
    for at in window.messages:
        message: RenderedMessage = render_message(at, messages[at], marks.get(at, ()))
        is_folded = at < opening and message.role == "system" and message.characters > FOLD_SYSTEM
        shown.append(
            {
                "message": message,
                "folded": is_folded,
                "results": results.get(at, ()),
                "caller": callers.get(at),
            }
        )
    return shown


def _metadata(transcript: Transcript) -> SafeString | None:
    """The source's other fields as indented JSON, escaped; None if there are none."""
    metadata = transcript.body.content.metadata
    if not metadata:
        return None
    text = pretty(dict(metadata))
    return visible(text[:MAX_METADATA] + ("\n…" if len(text) > MAX_METADATA else ""))


# -- the outline


def _block_start(messages: Sequence[Message], message: int) -> int:
    size = windows.block_size(len(messages))
    return min(message, max(len(messages) - 1, 0)) // size * size


def _outline_block(
    request: HttpRequest, transcript: Transcript, first: int, here: str, keep: dict[str, str]
) -> HttpResponse:
    messages = transcript.body.content.messages
    entries = windows.entries(messages, _block_start(messages, first))
    context = {"entries": entries, "here": here, "kept": urlencode(keep)}
    return render(request, "transcripts/_transcript_entries.html", context)


# -- jumps


def _jump(jump: str, to: str, keep: dict[str, str], window: Window) -> dict[str, str]:
    """The addresses that lead from a window to the next, and to the one before."""
    kept = urlencode({"to": to, **keep})
    return {
        "to": to,
        "key": KEYS.get(to, ""),
        "next": f"{jump}?{kept}&after={window.end - 1}" if window.next is not None else "",
        "previous": f"{jump}?{kept}&before={window.start}" if window.previous is not None else "",
    }


def _jumps(
    messages: Sequence[Message], jump: str, keep: dict[str, str], window: Window
) -> list[dict[str, str]]:
    """Of the kinds of segment that this transcript has at all."""
    there = {
        segment.kind for message in messages if message.role == "assistant" for segment in message.segments
    }
    return [_jump(jump, kind, keep, window) for kind in windows.JUMPS if kind in there]


@require_safe
def transcript_jump(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Leads on to the next place of a kind, wherever it is: ``to=mark`` (in the layers that are on), ``scratchpad``,
    ``output`` or ``tool``; ``after=<message>`` or ``before=<message>``."""
    access = access_reading(request.user, slug)
    transcript = access_transcript(access, pk)
    here = reverse("transcript_detail", args=[slug, pk])
    kinds = (MARKS, *windows.JUMPS)
    try:
        _known(request.GET, {"to", "after", "before", "q", *layers.PARAMETERS})
        keep = _keep(request.GET)
        to = request.GET.get("to", "")
        if to not in kinds:
            raise BadFilter("to", f"“to” must be one of {', '.join(kinds)}.")
        if "after" in request.GET and "before" in request.GET:
            raise BadFilter("after", "“after” and “before” exclude each other.")
        is_backwards = "before" in request.GET
        # Without either: from the very beginning.
        start = number(request.GET, "before") if is_backwards else number(request.GET, "after", -1)
        if to == MARKS:
            found = _next_mark(request.GET, access, transcript, start, is_backwards)
        else:
            segment = windows.next_segment(transcript.body.content.messages, to, start, is_backwards)
            found = (segment[0], segment[1].start, segment[1].end) if segment else None
    except BadFilter as error:
        return refuse(request, access, 400, NOT_QUITE, str(error), here)
    if found is None:
        words = "before" if is_backwards else "behind"
        back = f"{here}?{urlencode({'from': max(start, 0), **keep})}"
        return refuse(request, access, 404, f"No further {to}", f"There is no {to} {words} that place.", back)
    message, begin, end = found
    fragment = anchor(message, begin, end) if to == MARKS else f"segment-{message}-{begin}"
    return HttpResponseRedirect(f"{here}?{urlencode({'from': message, **keep})}#{fragment}")


def _next_mark(
    given: QueryDict, access: StudyAccess, transcript: Transcript, start: int, is_backwards: bool
) -> tuple[int, int, int] | None:
    """Message, start and end of the nearest mark in another message, in the layers that the address has on."""
    looking = Looking(given.get("q", ""))
    marks: Marks = layers.marks_for(access, [transcript], looking)
    on = {switch.name for switch in layers.switches(access, looking, given) if switch.is_on}
    order = sorted(marks.get(transcript.pk, {}), reverse=is_backwards)
    for message in order:
        if message < start if is_backwards else message > start:
            drawn = [mark for mark in marks[transcript.pk][message] if mark.layer in on]
            if drawn:
                mark = drawn[-1 if is_backwards else 0]
                return message, mark.start, mark.end
    return None


# -- the original


@require_safe
def original_record(request: HttpRequest, slug: str, pk: int) -> HttpResponse | StreamingHttpResponse:
    """The record that a transcript was read from, byte for byte.

    For leads: beside the transcript it may hold verdicts and labels, which rounds hide from annotators.
    """
    access = access_reading(request.user, slug)
    if not access.is_lead:
        raise PermissionDenied(
            "The original record may hold what rounds hide; a lead of the study can fetch it."
        )
    transcript = access_transcript(access, pk)
    source = transcript.ingest.source
    back = reverse("transcript_detail", args=[slug, pk])
    title = "The original record cannot be had"
    try:
        record = open_original(source, transcript.locator)
    except FileNotFoundError:
        logger.warning("The file of source %s is missing from storage.", source.pk)
        message = f"The file “{source.name}” is no longer in storage. It had the sha256 {source.sha256}."
        return refuse(request, access, 404, title, message, back)
    except RecordIsGone as error:
        logger.warning("The record of transcript %s cannot be cut out: %r", transcript.pk, error)
        message = f"“{source.name}” is there, but this record cannot be found in it: {place(transcript.locator)}. {error}"
        return refuse(request, access, 409, title, message, back)
    # A record is hostile bytes: it is saved, never shown, and would be inert if it were.
    return StreamingHttpResponse(
        record,
        content_type="application/octet-stream",
        headers={
            "Content-Length": str(record.length),
            "Content-Disposition": f'attachment; filename="{slug}-transcript-{pk}.bin"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )
