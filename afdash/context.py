from __future__ import annotations

from django.http import HttpRequest

THEMES = ("light", "dark")


def theme(request: HttpRequest) -> dict[str, str]:
    """The colour theme chosen in this browser, or "" to follow the system."""
    chosen = request.COOKIES.get("afdash_theme", "")
    return {"theme": chosen if chosen in THEMES else ""}
