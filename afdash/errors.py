"""Error pages: a sentence each, the same in the API's shape; never a stack trace, never a path."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from afdash.uploads import TooLarge

SENTENCES = {
    400: ("bad_request", "This request could not be understood."),
    403: ("forbidden", "You may not do this."),
    404: ("not_found", "There is nothing here, or nothing that you may see."),
    413: ("too_large", "This request is larger than the server takes."),
    429: ("too_many", "Too many attempts failed."),
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
    if isinstance(exception, RequestDataTooBig):
        return too_large(request, exception)
    return _answer(request, 400)


def too_large(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    # Django's own text names a setting, which is no use to whoever sent the request.
    return _answer(request, 413, str(error) if isinstance(error, TooLarge) else "")


def too_many(request: HttpRequest, seconds: int) -> HttpResponse:
    """For who failed to sign in too often; the next attempt is taken after ``seconds``."""
    minutes = -(-seconds // 60)
    wait = "a minute" if minutes == 1 else f"{minutes} minutes"
    response = _answer(
        request, 429, f"Too many attempts to sign in failed. Wait {wait}, then you can try again."
    )
    response.headers["Retry-After"] = str(seconds)
    return response


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
