"""Error pages: a sentence each, the same in the API's shape; never a stack trace, never a path."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

SENTENCES = {
    400: ("bad_request", "This request could not be understood."),
    403: ("forbidden", "You may not do this."),
    404: ("not_found", "There is nothing here, or nothing that you may see."),
    500: ("server_error", "Something went wrong on our side. It has been logged; nothing was half-saved."),
    503: ("unavailable", "The database is away for a moment. Nothing was lost; please try again."),
}


def _answer(request: HttpRequest, status: int, detail: str = "") -> HttpResponse:
    code, sentence = SENTENCES[status]
    message = detail or sentence
    if request.path.startswith("/api/"):
        return JsonResponse({"error": {"code": code, "message": message, "fields": {}}}, status=status)
    template = f"{status}.html" if status != 503 else "500.html"
    return render(request, template, {"message": message, "status": status}, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(request, 403, str(exception or ""))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    # Never the exception's text: for an unknown path it would echo the address.
    return _answer(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    return _answer(request, 500)


def unavailable(request: HttpRequest) -> HttpResponse:
    response = _answer(request, 503)
    response.headers["Retry-After"] = "2"
    return response


def csrf_failure(request: HttpRequest, reason: str = "", **kwargs: Any) -> HttpResponse:
    return _answer(
        request, 403, "This form is too old or came from elsewhere. Reload the page and send it again."
    )
