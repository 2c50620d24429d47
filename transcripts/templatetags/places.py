"""Places in templates: which there are, and names as a person can read them."""

from __future__ import annotations

from django import template

from afdash.addresses import PlaceSetting
from transcripts.ingest.places.place import shown
from transcripts.ingest.places.reach import places_of
from transcripts.models import Study

register = template.Library()
register.filter("shown_name", shown)


@register.simple_tag
def places_for(study: Study) -> list[PlaceSetting]:
    return places_of(study)
