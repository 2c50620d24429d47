"""One error shape for the whole API: ``{"error": {"code", "message", "fields"}}``."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DatabaseError, InterfaceError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from afdash.errors import SENTENCES
from afdash.faults import OutOfReach
from afdash.paging import BadCursor
from afdash.retry import is_transient
from afdash.uploads import TooLarge


class Conflict(exceptions.APIException):
    """409, with what is there now in ``current`` so that the caller can merge."""

    status_code = 409
    default_code = "conflict"

    def __init__(self, message: str, code: str = "conflict", **extra: Any) -> None:
        super().__init__(message, code)
        self.extra = extra


class Unprocessable(exceptions.APIException):
    """422: understood, but wrong; ``fields`` says what is wrong where."""

    status_code = 422
    default_code = "invalid"

    def __init__(self, message: str, fields: dict[str, Any] | None = None, code: str = "invalid") -> None:
        super().__init__(message, code)
        self.fields = fields or {}


def body(code: str, message: str, fields: dict[str, Any] | None = None, **extra: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "fields": fields or {}}, **extra}


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """The response for an exception in an API view, or None for one that is a fault of ours (500)."""
    set_rollback()
    if isinstance(error, Http404):
        return Response(body("not_found", "There is nothing here, or nothing that you may see."), 404)
    if isinstance(error, PermissionDenied):
        return Response(body("forbidden", str(error) or "You may not do this."), 403)
    if isinstance(error, BadCursor):
        return Response(body("bad_cursor", str(error)), 400)
    if isinstance(error, RequestDataTooBig):
        code, sentence = SENTENCES[413]
        return Response(body(code, str(error) if isinstance(error, TooLarge) else sentence), 413)
    if isinstance(error, DatabaseError | InterfaceError) and is_transient(error):
        return Response(
            body("unavailable", "The database is away for a moment. Nothing was lost; please try again."),
            503,
            headers={"Retry-After": "2"},
        )
    if isinstance(error, OutOfReach):
        return Response(body("unavailable", str(error)), 503, headers={"Retry-After": "30"})
    if not isinstance(error, exceptions.APIException):
        return None
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(int(error.wait) + 1)
    if isinstance(error, exceptions.ValidationError):
        fields = error.detail if isinstance(error.detail, dict) else {"": error.detail}
        return Response(body("invalid", "Some fields are wrong.", fields), 422, headers=headers)
    code = error.get_codes() if isinstance(error.detail, str) else error.default_code
    return Response(
        body(str(code), str(error.detail), getattr(error, "fields", None), **getattr(error, "extra", {})),
        error.status_code,
        headers=headers,
    )
