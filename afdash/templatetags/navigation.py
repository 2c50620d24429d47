from __future__ import annotations

from typing import Any

from django import template

from transcripts.access import hidden_from_member

register = template.Library()


@register.simple_tag(takes_context=True)
def closed_pages(context: dict[str, Any]) -> set[str]:
    """Which of the main pages a round closes to this annotator: links to them are not shown."""
    if context.get("role") != "annotator":
        return set()
    hidden = hidden_from_member(context["request"].user, context["study"])
    closed = {"read"} if hidden & {"arm", "model"} else set()
    return closed | {"insights"} if hidden else closed
