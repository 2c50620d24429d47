"""Places that the operator has listed, and what is fetched from them: ``places/`` and ``fetches/``."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import APIException, ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from afdash.addresses import PlaceSetting
from afdash.api.errors import Conflict, Unprocessable
from afdash.api.views import PAGE_PARAMETERS, StudyView, known_parameters, paged
from afdash.paging import Order
from transcripts.access import Need
from transcripts.ingest.options import BadOption, clean
from transcripts.ingest.places import queue
from transcripts.ingest.places.faults import PlaceFault
from transcripts.ingest.places.place import Entry
from transcripts.ingest.places.reach import places_of
from transcripts.ingest.queue import OPTIONS
from transcripts.models import Fetch
from transcripts.views.places import PAGE, access_fetch, access_place, fetches_of, page_at, status_of

NEWEST_FIRST = Order("newest", ("-id",))
MAX_PAGE = 1000
LEADS = {"GET": Need.LEAD, "POST": Need.LEAD}


class PlaceRefused(APIException):
    """The place could not be read; the code is the fault's."""

    def __init__(self, fault: PlaceFault) -> None:
        super().__init__(str(fault), fault.code)
        self.status_code = status_of(fault)


def present_place(place: PlaceSetting) -> dict[str, Any]:
    return {"name": place.name}


def present_entry(entry: Entry) -> dict[str, Any]:
    """``path`` is what to send back, ``name`` what to show a person."""
    return {
        "path": entry.path,
        "name": entry.shown,
        "kind": "folder" if entry.is_folder else "file",
        "size": None if entry.is_folder else entry.size,
        "modified": entry.modified,
        "skipped": entry.skipped,
    }


def present_fetch(fetch: Fetch) -> dict[str, Any]:
    return {
        "id": fetch.pk,
        "place": fetch.place,
        "path": fetch.path,
        "kind": "folder" if fetch.is_folder else "file",
        "watched": fetch.is_watched,
        "state": fetch.state,
        "progress": {"bytes_done": fetch.bytes_done, "bytes_total": fetch.size},
        "options": fetch.options,
        "folder": fetch.folder_id,
        "ingest": fetch.ingest_id,
        "code": fetch.code,
        "error": fetch.error,
        "note": fetch.note,
        "created_at": fetch.created_at,
        "finished_at": fetch.finished_at,
    }


class Places(StudyView):
    needs = LEADS

    def get(self, request: Request, slug: str) -> Response:
        known_parameters(request, set())
        return Response({"results": [present_place(place) for place in places_of(self.access.study)]})


class PlaceDetail(StudyView):
    needs = LEADS

    def get(self, request: Request, slug: str, name: str) -> Response:
        """One page of the folder ``path``; ``next`` is the address of the following one."""
        given = known_parameters(request, {"path", *PAGE_PARAMETERS})
        access_place(self.access, name)
        try:
            most = int(given.get("page_size", PAGE))
        except ValueError as error:
            raise ParseError("page_size must be a whole number.") from error
        if not 1 <= most <= MAX_PAGE:
            raise ParseError(f"page_size must be 1 to {MAX_PAGE}.")
        try:
            listing, cursor = page_at(self.access, name, given.get("path", ""), given.get("cursor", ""), most)
        except PlaceFault as fault:
            raise PlaceRefused(fault) from fault
        query = request.query_params.copy()
        query["cursor"] = cursor
        following = request.build_absolute_uri(f"{request.path}?{query.urlencode()}") if cursor else None
        return Response({"next": following, "results": [present_entry(entry) for entry in listing.entries]})


class PlaceIngest(StudyView):
    needs = LEADS
    scopes = {"POST": "ingest"}

    def post(self, request: Request, slug: str, name: str) -> Response:
        """Queue the file or folder ``path``; 202 with the fetch, whose state is then at ``fetches/{id}/``."""
        access_place(self.access, name)
        data = request.data if isinstance(request.data, dict) else {}
        path = data.get("path")
        if not isinstance(path, str) or not path:
            raise Unprocessable("Say which file or folder, as `path`.", {"path": "missing"})
        kind = data.get("kind", "file")
        if kind not in ("file", "folder"):
            raise Unprocessable("kind must be file or folder.", {"kind": "unknown"})
        try:
            options = clean({key: data.get(key) for key in OPTIONS})
        except BadOption as error:
            raise Unprocessable("An option is wrong.", {error.field: str(error)}) from error
        try:
            (fetch,) = queue.request_fetches(
                self.access.study, name, [(path, kind == "folder")], user=self.access.user, options=options
            )
        except PlaceFault as fault:
            raise Unprocessable(str(fault), {"path": fault.code}) from fault
        except queue.BusyFetch as busy:
            raise Conflict(str(busy), "busy") from busy
        fetch.refresh_from_db()  # with the times that the database gave it
        return Response(present_fetch(fetch), status=202)


class Fetches(StudyView):
    needs = LEADS

    def get(self, request: Request, slug: str) -> Response:
        known_parameters(request, PAGE_PARAMETERS)
        return paged(request, fetches_of(self.access), NEWEST_FIRST, present_fetch)


class FetchDetail(StudyView):
    needs = LEADS

    def get(self, request: Request, slug: str, pk: int) -> Response:
        return Response(present_fetch(access_fetch(self.access, pk)))
