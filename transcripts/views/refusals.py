"""A page that says in a sentence why an address cannot be answered, and where to go on."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from afdash.htmx import wants_fragment
from transcripts.access import StudyAccess


def refuse(
    request: HttpRequest, access: StudyAccess, status: int, title: str, message: str, back: str
) -> HttpResponse:
    """``back`` is the address of a page that works. htmx gets the sentence alone, for its notice."""
    if wants_fragment(request):
        return HttpResponse(message, status=status, content_type="text/plain; charset=utf-8")
    context = {
        "study": access.study,
        "role": access.role,
        "active_nav": "read",
        "status": status,
        "title": title,
        "message": message,
        "back": back,
    }
    return render(request, "transcripts/refusal.html", context, status=status)
