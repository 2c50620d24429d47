from __future__ import annotations

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from transcripts.access import studies_of


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The studies of whoever is signed in; straight into it where there is only one."""
    studies = list(studies_of(request.user).annotate(n_runs=Count("runs")))  # type: ignore[arg-type]
    if len(studies) == 1 and "all" not in request.GET:
        return redirect("study_home", studies[0].slug)
    return render(request, "transcripts/study_list.html", {"studies": studies})
