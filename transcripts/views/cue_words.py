"""A study's cue words: read by all who may read, written by leads, tried on the first transcripts."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from afdash.htmx import render_page
from transcripts import body as body_format
from transcripts import cues
from transcripts.access import Need, StudyAccess, access_reading, access_study
from transcripts.cues import BadCues, Lexicon, cue_matches
from transcripts.models import Study, TranscriptBody

TRIED = 500  # transcripts that a preview reads at most
MAX_READ = 3_000_000  # bytes, packed, that a preview reads at most


def _text(request: HttpRequest) -> str:
    """What the form sends, with the line ends that were typed."""
    return request.POST.get("cue_words", "").replace("\r\n", "\n").replace("\x00", "")


@require_http_methods(["GET", "HEAD", "POST"])
def cue_words(request: HttpRequest, slug: str) -> HttpResponse:
    access = access_reading(request.user, slug)
    text = cues.USUAL if access.study.cue_words is None else access.study.cue_words
    if request.method != "POST":
        return render(request, "transcripts/cue_words.html", _context(access, text))
    access_study(request.user, slug, Need.LEAD)
    if request.POST.get("reset") == "1":
        Study.objects.filter(pk=access.study.pk).update(cue_words=None)
        messages.success(request, "These are the usual cue words again.")
        return redirect("cue_words", slug)
    if "cue_words" not in request.POST:  # an empty list is a list, but no list is a mistake
        context = _context(access, text) | {"problem": "Send the list in “cue_words”."}
        return render(request, "transcripts/cue_words.html", context, status=422)
    text = _text(request)
    try:
        n = len(cues.parse(text).cues)
    except BadCues as error:
        context = _context(access, text) | {"problem": str(error)}
        return render(request, "transcripts/cue_words.html", context, status=422)
    Study.objects.filter(pk=access.study.pk).update(cue_words=text)
    messages.success(request, f"Saved: {n} phrase{'' if n == 1 else 's'} will be marked in every text.")
    return redirect("cue_words", slug)


@require_POST
def cue_words_preview(request: HttpRequest, slug: str) -> HttpResponse:
    """In how many of the first transcripts each group occurs; nothing is saved."""
    access = access_study(request.user, slug, Need.LEAD)
    text = _text(request)
    context = _context(access, text)
    try:
        context |= {"preview": _tried(access, cues.parse(text))}
    except BadCues as error:
        context |= {"problem": str(error)}
    return render_page(request, "transcripts/cue_words.html", "transcripts/_cue_words_preview.html", context)


def _context(access: StudyAccess, text: str) -> dict[str, Any]:
    return {
        "study": access.study,
        "role": access.role,
        "active_nav": "read",
        "text": text,
        "is_usual": access.study.cue_words is None,
        "may_edit": access.is_lead,
        "max_phrases": cues.MAX_PHRASES,
    }


def _tried(access: StudyAccess, lexicon: Lexicon) -> dict[str, Any]:
    """Reads the first transcripts as far as the limits go, one body at a time."""
    bodies = (
        TranscriptBody.objects.filter(transcript__study=access.study)
        .order_by("transcript_id")
        .values_list("packed", flat=True)[:TRIED]
    )
    read = size = hits = 0
    transcripts: Counter[str] = Counter()
    marks: Counter[str] = Counter()
    for packed in bodies.iterator(chunk_size=10):
        size += len(packed)
        if read and size > MAX_READ:
            break
        found = Counter(
            group
            for message in body_format.unpack(packed).messages
            for _, _, group in cue_matches(message.text, lexicon)
        )
        read, hits = read + 1, hits + bool(found)
        transcripts.update(found.keys())
        marks.update(found)
    groups = [
        {
            "name": group,
            "cues": sum(cue.group == group for cue in lexicon.cues),
            "transcripts": f"{transcripts[group]:,}",
            "marks": f"{marks[group]:,}",
        }
        for group in lexicon.groups
    ]
    return {"read": f"{read:,}", "hits": f"{hits:,}", "groups": groups, "n_cues": len(lexicon.cues)}
