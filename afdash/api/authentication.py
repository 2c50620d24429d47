"""Who calls the API: a token, or the browser's session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models.functions import Now
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from afdash.accounts.models import ApiToken

if TYPE_CHECKING:
    from afdash.accounts.models import User


class TokenAuthentication(BaseAuthentication):
    """``Authorization: Token <key>``. Cookies are ignored when a token is given."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        kind, _, key = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "token":
            return None
        token = ApiToken.objects.find(key.strip())
        if token is None:
            raise AuthenticationFailed("This token is unknown, expired or revoked.")
        if token.last_used_at is None or (timezone.now() - token.last_used_at).total_seconds() > 60:
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=Now())
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Token"


class BrowserSessionAuthentication(SessionAuthentication):
    """The browser's session, with CSRF always checked. Also asks for a 401, not a 403, when absent."""

    def authenticate_header(self, request: Request) -> str:
        return "Token"


def scopes_of(request: Any) -> frozenset[str] | None:
    """The token's scopes, or None for a browser session, which may do all that its user may."""
    return frozenset(request.auth.scopes) if isinstance(request.auth, ApiToken) else None
