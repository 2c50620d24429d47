"""Places that the operator has listed: what lies there, what is being fetched from there. For leads."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from afdash.htmx import render_page
from afdash.paging import BadCursor, Order, page_of
from transcripts.access import Need, StudyAccess, access_study
from transcripts.ingest.options import ROLES, BadOption, clean
from transcripts.ingest.places import queue
from transcripts.ingest.places.faults import Missing, PlaceFault
from transcripts.ingest.places.place import Listing, parts_of, shown
from transcripts.ingest.places.reach import open_place, places_of
from transcripts.models import Fetch
from transcripts.readers.registry import READERS
from transcripts.text import original, storable
from transcripts.views.refusals import refuse

NEWEST_FIRST = Order("newest", ("-id",))
PAGE = 200
MAX_TICKED = 1000


def access_place(access: StudyAccess, name: str) -> None:
    if name not in [place.name for place in places_of(access.study)]:
        raise Http404("No such place for this study.")


def access_fetch(access: StudyAccess, pk: int) -> Fetch:
    fetch = Fetch.objects.filter(study=access.study, pk=pk).exclude(state=Fetch.State.SETTLING).first()
    if fetch is None:
        raise Http404("No such fetch in this study.")
    return fetch


def page_at(access: StudyAccess, name: str, path: str, cursor: str, most: int = PAGE) -> tuple[Listing, str]:
    """One page of a folder, and the next page's cursor as it stands in an address. Raises PlaceFault."""
    try:
        raw = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), b"-_", validate=True)
        after = storable(raw.decode("utf-8", "surrogateescape"))
    except (ValueError, binascii.Error) as error:
        raise PlaceFault("This page address is not valid any more; start again.", "bad_cursor") from error
    listing = open_place(access.study, name).listing(path, after, most)
    following = original(listing.next).encode("utf-8", "surrogateescape")
    return listing, base64.urlsafe_b64encode(following).rstrip(b"=").decode()


def status_of(fault: PlaceFault) -> int:
    """The HTTP status of a fault; 502 and 503 are about the place, not about us."""
    if isinstance(fault, Missing):
        return 404
    if fault.code in ("bad_path", "bad_cursor", "not_a_file"):
        return 400
    return 503 if fault.passing else 502


def fetches_of(access: StudyAccess) -> Any:
    """What was asked for or taken from a watched folder, without the files that may still be being written."""
    return (
        Fetch.objects.filter(study=access.study)
        .exclude(state=Fetch.State.SETTLING)
        .select_related("requested_by", "ingest")
    )


@require_http_methods(["GET", "HEAD", "POST"])
def place_detail(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    access = access_study(request.user, slug, Need.LEAD)
    access_place(access, name)
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            return _ingest(request, access, name)
        except BadOption as error:
            errors[error.field] = str(error)
        except PlaceFault as fault:
            errors["path"] = str(fault)
        except queue.BusyFetch as busy:
            errors["path"] = str(busy)
    path = request.GET.get("path", "")
    try:
        listing, following = page_at(access, name, path, request.GET.get("cursor", ""))
    except PlaceFault as fault:
        back = reverse("ingest_list", args=[slug])
        return refuse(request, access, status_of(fault), f"{name} cannot be shown", str(fault), back)
    context = {
        "study": access.study,
        "role": access.role,
        "active_nav": "ingests",
        "place": name,
        "path": path,
        "crumbs": _crumbs(path),
        "entries": listing.entries,
        "next": following,
        "errors": errors,
        "given": request.POST,
        "readers": READERS,
        "roles": ROLES,
    }
    return render(request, "transcripts/place_detail.html", context, status=422 if errors else 200)


def _crumbs(path: str) -> list[dict[str, str]]:
    parts = parts_of(path)
    return [{"path": "/".join(parts[: n + 1]), "shown": shown(part)} for n, part in enumerate(parts)]


def _ingest(request: HttpRequest, access: StudyAccess, name: str) -> HttpResponse:
    options = clean(request.POST.dict())
    ticked = [(path, False) for path in request.POST.getlist("file")]
    ticked += [(path, True) for path in request.POST.getlist("folder")]
    if not ticked:
        raise BadOption("path", "Tick one or more files or folders first.")
    if len(ticked) > MAX_TICKED:
        raise BadOption("path", f"At most {MAX_TICKED} can be ticked at once; tick their folder instead.")
    fetches = queue.request_fetches(access.study, name, ticked, user=access.user, options=options)
    what = "It is" if len(fetches) == 1 else f"{len(fetches)} are"
    messages.success(request, f"{what} queued: a worker fetches each and ingests it.")
    return redirect("fetch_list", access.study.slug)


@require_safe
def fetch_list(request: HttpRequest, slug: str) -> HttpResponse:
    access = access_study(request.user, slug, Need.LEAD)
    try:
        page = page_of(fetches_of(access), NEWEST_FIRST, request.GET.get("cursor"))
    except BadCursor as error:
        here = reverse("fetch_list", args=[slug])
        return refuse(request, access, 400, "This list cannot be shown", str(error), here)
    context = {
        "study": access.study,
        "role": access.role,
        "active_nav": "ingests",
        "page": page,
        "fetches": page.items,
        "places": places_of(access.study),
        "any_active": any(fetch.is_active for fetch in page.items),
    }
    return render_page(request, "transcripts/fetch_list.html", "transcripts/_fetch_table.html", context)


@require_POST
def fetch_cancel(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    access = access_study(request.user, slug, Need.LEAD)
    if queue.cancel(access_fetch(access, pk)):
        messages.success(request, "Cancelled. Nothing of what was not fetched whole is kept.")
    return redirect("fetch_list", slug)


@require_POST
def fetch_retry(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    access = access_study(request.user, slug, Need.LEAD)
    if queue.retry(access_fetch(access, pk)):
        messages.success(request, "It is queued again.")
    return redirect("fetch_list", slug)
