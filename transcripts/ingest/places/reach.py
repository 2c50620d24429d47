"""The places that a study's leads may reach, opened by name."""

from __future__ import annotations

from django.conf import settings

from afdash.addresses import Bucket, PlaceSetting
from transcripts.ingest.places.bucket import BucketPlace
from transcripts.ingest.places.faults import Missing
from transcripts.ingest.places.folder import FolderPlace
from transcripts.ingest.places.place import Place
from transcripts.models import Study


def places_of(study: Study) -> list[PlaceSetting]:
    return [place for place in settings.AFDASH_PLACES.values() if _is_open(place, study)]


def open_place(study: Study, name: str) -> Place:
    """Raises Missing for a place that is not listed, or not for this study."""
    found = settings.AFDASH_PLACES.get(name)
    if found is None or not _is_open(found, study):
        raise Missing("The operator lists no place of this name for this study.")
    if isinstance(found.address, Bucket):
        return BucketPlace(found.address)
    return FolderPlace(found.address.path)


def _is_open(place: PlaceSetting, study: Study) -> bool:
    return not place.studies or study.slug in place.studies
