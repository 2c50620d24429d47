"""People and their API tokens. What a person may do in a study is a ``Membership`` (transcripts)."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

TOKEN_PREFIX = "afd_"
OUTSIDE_MARK = " (outside)"  # behind the name of an outside annotator, wherever one is shown
SCOPES = {
    "read": "read studies, transcripts, figures and exports",
    "ingest": "send files to be ingested",
    "annotate": "claim tasks and save annotations",
    "manage": "open rounds and change codebooks",
}


class User(AbstractUser):
    """A person or a service account. Deactivated, never deleted, once they have labelled.

    An outside annotator is known only by the name in a label file. The row carries their labels; nobody
    can sign in as them, whatever password or flag the row is given later: the database refuses.
    """

    outside_name = models.TextField(blank=True)  # as the file has it; "" for everybody who may sign in

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(
                condition=Q(outside_name="") | Q(is_active=False, is_staff=False, is_superuser=False),
                name="user_outside_cannot_sign_in",
            )
        ]

    def __str__(self) -> str:
        return f"{self.outside_name}{OUTSIDE_MARK}" if self.is_outside else self.get_username()

    @property
    def is_admin(self) -> bool:
        return self.is_superuser

    @property
    def is_outside(self) -> bool:
        return self.outside_name != ""


def token_digest(key: str) -> bytes:
    # Keys carry 256 random bits, so a plain hash is enough; a slow one would tax every request.
    return hashlib.sha256(key.encode()).digest()


class ApiTokenManager(models.Manager["ApiToken"]):
    def issue(
        self, user: User, *, name: str, scopes: list[str] | None = None, days: int | None = 90
    ) -> tuple[ApiToken, str]:
        """Make a token; returns it with its key, which is never stored and never shown again."""
        key = TOKEN_PREFIX + secrets.token_urlsafe(32)
        token = self.create(
            user=user,
            name=name,
            prefix=key[: len(TOKEN_PREFIX) + 6],
            digest=token_digest(key),
            scopes=sorted(scopes if scopes is not None else SCOPES),
            expires_at=timezone.now() + timedelta(days=days) if days else None,
        )
        return token, key

    def find(self, key: str) -> ApiToken | None:
        """The live token with this key, with its user, or None."""
        token = self.select_related("user").filter(digest=token_digest(key)).first()
        return token if token and token.is_live else None


class ApiToken(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16)
    digest = models.BinaryField(unique=True, max_length=32)
    scopes = ArrayField(models.CharField(max_length=20))
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenManager()

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def is_live(self) -> bool:
        now = timezone.now()
        return (
            self.revoked_at is None
            and (self.expires_at is None or self.expires_at > now)
            and self.user.is_active
        )
