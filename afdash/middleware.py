"""What holds for every response: signed in unless said otherwise, safe headers, honest 503s."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers

from afdash import errors
from afdash.faults import OutOfReach
from afdash.retry import is_transient, sqlstate

Handler = Callable[[HttpRequest], HttpResponse]


class SignInRequiredMiddleware(LoginRequiredMiddleware):
    """Every view needs a signed-in person unless it is marked ``login_not_required``.

    The API answers for itself (401 in its own shape). An htmx request gets a 401, not the sign-in
    page: swapped into the work area, that page would look as if the work had been saved.
    """

    def process_view(self, request, view_func, view_args, view_kwargs):  # type: ignore[no-untyped-def]
        if request.path.startswith("/api/"):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)

    def handle_no_permission(self, request, view_func):  # type: ignore[no-untyped-def]
        if request.headers.get("HX-Request"):
            return HttpResponse("You are signed out. Sign in again to go on.", status=401)
        return super().handle_no_permission(request, view_func)


class SafeHeadersMiddleware:
    """Headers for responses that show people's data: kept by no cache, readable by no other site."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
        )
        if not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        return response


class TransientFaultMiddleware:
    """A database or storage that is away for a moment gives 503 with Retry-After; whoever asked may try again."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, DatabaseError | InterfaceError) and (
            is_transient(error) or sqlstate(error) in ("57014", "53100", "25006")
        ):
            return errors.unavailable(request)
        return errors.unavailable(request) if isinstance(error, OutOfReach) else None
