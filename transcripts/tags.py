"""Tags: short words that people put on pairs and transcripts, to find them again. A pair's are not its transcripts'.

Names differ by more than their case. What others tagged is their word on a text, so tags do not exist for a
member from whom a round hides their peers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.db.models import BigIntegerField, Count, Q, QuerySet, Value
from django.db.models.functions import Now
from django.http import Http404

from transcripts.access import Need, StudyAccess, access_reading, access_study
from transcripts.filters import Field
from transcripts.models import Membership, Pair, SavedView, Study, Tag, Tagging, Transcript

MAX_NAME = 60
MAX_TAGS = 1000  # of a study
MAX_OFFERED = 200  # names that a page offers to choose from
MAX_COUNTED = 100  # values of the facet
ATTEMPTS = 3

Units = QuerySet[Pair] | QuerySet[Transcript]


class BadTag(ValueError):
    """It cannot be done so; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class ShownTag:
    name: str
    by: str  # "" if nobody knows
    at: datetime

    @property
    def query(self) -> str:
        """The list of all that have it."""
        return urlencode({"tag": self.name})


def shows_tags(access: StudyAccess) -> bool:
    return access.shows("peers")


def may_tag(access: StudyAccess) -> bool:
    """Viewers only read."""
    return access.role != Membership.Role.VIEWER and shows_tags(access)


def access_tags(user: Any, slug: str, need: Need = Need.MEMBER) -> StudyAccess:
    """For all pages of tags: closed with the reading pages, and to who may not know what peers say."""
    access = access_reading(user, slug)
    if need is not Need.MEMBER:
        access_study(user, slug, need)
    if not shows_tags(access):
        raise PermissionDenied(
            "You are labelling in a round that hides what others say. Tags open to you when it is closed."
        )
    return access


def access_tag(access: StudyAccess, pk: int) -> Tag:
    tag = Tag.objects.filter(study=access.study, pk=pk).first()
    if tag is None:
        raise Http404("No such tag in this study.")
    return tag


def checked_name(text: str) -> str:
    """The name with single spaces; raises BadTag."""
    name = " ".join(text.split())
    if not name or len(name) > MAX_NAME:
        raise BadTag(f"A tag has 1 to {MAX_NAME} characters.")
    if not name.isprintable() or "," in name:
        raise BadTag("A tag holds no commas and no control characters.")
    return name


def tags_of(
    access: StudyAccess, *, pairs: Iterable[int] = (), transcripts: Iterable[int] = ()
) -> dict[int, list[ShownTag]]:
    """The tags of some pairs or of some transcripts, by id: one query, none for a reader without tags."""
    ids, column = (list(pairs), "pair_id") if pairs else (list(transcripts), "transcript_id")
    if not ids or not shows_tags(access):
        return {}
    found: dict[int, list[ShownTag]] = {}
    rows = Tagging.objects.filter(tag__study=access.study, **{f"{column}__in": ids})
    for unit, name, by, at in rows.order_by("tag__name").values_list(
        column, "tag__name", "tagged_by__username", "created_at"
    ):
        found.setdefault(unit, []).append(ShownTag(name, by or "", at))
    return found


def tag_names(access: StudyAccess) -> list[str]:
    """The names to choose from. One query."""
    if not may_tag(access):
        return []
    return list(Tag.objects.filter(study=access.study).values_list("name", flat=True)[:MAX_OFFERED])


def counted_tags(study: Study) -> QuerySet[Tag]:
    """All tags, with ``n_pairs`` and ``n_transcripts``."""
    return (
        Tag.objects.filter(study=study)
        .select_related("created_by")
        .annotate(n_pairs=Count("taggings__pair"), n_transcripts=Count("taggings__transcript"))
    )


def tag_of_name(access: StudyAccess, text: str) -> Tag:
    """The tag of that name, made if it is not there; raises BadTag."""
    name = checked_name(text)
    found = _same(access.study, name)
    if found:
        return found
    with transaction.atomic():
        _lock(access.study)
        found = _same(access.study, name)
        if found:
            return found
        if Tag.objects.filter(study=access.study).count() >= MAX_TAGS:
            raise BadTag(f"A study may have {MAX_TAGS:,} tags; merge or delete some first.")
        return Tag.objects.create(study=access.study, name=name, created_by=access.user)


def named_tag(access: StudyAccess, text: str) -> Tag:
    """The tag of that name; raises BadTag if there is none."""
    name = checked_name(text)
    found = _same(access.study, name)
    if found is None:
        raise BadTag(f"There is no tag “{name}” in this study.")
    return found


def add_tag(access: StudyAccess, text: str, units: Units) -> int:
    """Put the tag on all of ``units``: how many did not have it. Raises BadTag."""
    for _ in range(ATTEMPTS):
        tag = tag_of_name(access, text)
        try:
            return _put(tag, units, access.user.pk)
        except IntegrityError:  # the tag or one of the rows went away in between
            continue
    raise BadTag("Some of these were removed at this very moment. Please try again.")


def remove_tag(access: StudyAccess, text: str, units: Units) -> int:
    """Take the tag off all of ``units``: how many had it."""
    tag = _same(access.study, checked_name(text))
    if tag is None:
        return 0
    column = _column(units)
    here = Tagging.objects.filter(tag=tag, **{f"{column}__in": units.order_by().values("pk")})
    return here.delete()[0]


def rename_tag(access: StudyAccess, tag: Tag, text: str) -> int:
    """Another name, also in saved views: how many of those name it. Raises BadTag."""
    name = checked_name(text)
    with transaction.atomic():
        _lock(access.study)
        other = _same(access.study, name)
        if other and other.pk != tag.pk:
            raise BadTag(f"There is a tag “{other.name}” already; merge this one into it instead.")
        if not Tag.objects.filter(pk=tag.pk).update(name=name):
            raise BadTag("Somebody deleted this tag just now.")
        return _rename_in_views(access.study, tag.name, name)


def merge_tag(access: StudyAccess, tag: Tag, into: Tag) -> int:
    """Put ``into`` wherever ``tag`` is, and delete ``tag``: how many did not have it. Raises BadTag."""
    if tag.pk == into.pk:
        raise BadTag("A tag cannot be merged into itself.")
    with transaction.atomic():
        _lock(access.study)
        # Locked as for deletion, so that nobody tags with one of the two while it is moved.
        locked = Tag.objects.filter(pk__in=[tag.pk, into.pk]).order_by("pk").select_for_update()
        if len(locked) < 2:
            raise BadTag("Somebody deleted one of these tags just now.")
        moved = 0
        for column in ("pair", "transcript"):
            moved += _moved(tag, into, column)
        tag.delete()
        _rename_in_views(access.study, tag.name, into.name)
    return moved


def delete_tag(access: StudyAccess, tag: Tag) -> None:
    """Leads delete any tag, others one that is on nothing; raises PermissionDenied."""
    with transaction.atomic():
        Tag.objects.filter(pk=tag.pk).select_for_update().first()
        if not access.is_lead and tag.taggings.exists():
            raise PermissionDenied("A tag that is in use is deleted by leads only.")
        tag.delete()


def views_with(study: Study, name: str) -> list[SavedView]:
    """The saved views that look for the tag."""
    views = SavedView.objects.filter(study=study, query__contains="tag=")
    return [view for view in views if ("tag", name) in parse_qsl(view.query, True)]


def _same(study: Study, name: str) -> Tag | None:
    """The tag of that name, whatever the case of its letters."""
    return Tag.objects.filter(study=study, name__iexact=name).first()


def _lock(study: Study) -> None:
    """One at a time may make or rename the study's tags; ingests, which refer to the study, go on."""
    Study.objects.select_for_update(no_key=True).get(pk=study.pk)


def _column(units: Units) -> str:
    return "pair" if units.model is Pair else "transcript"


def _put(tag: Tag, units: Units, user: int) -> int:
    """In one statement, whatever the number of units; those that have the tag stay as they are."""
    by = Value(user, output_field=BigIntegerField())
    return _inserted(_column(units), tag, units.order_by().values_list("pk", by, Now()))


def _moved(tag: Tag, into: Tag, column: str) -> int:
    there = Tagging.objects.filter(tag=tag, **{f"{column}__isnull": False})
    return _inserted(column, into, there.values_list(column, "tagged_by", "created_at"))


def _inserted(column: str, tag: Tag, rows: QuerySet[Any, Any]) -> int:
    """``rows`` are of a unit, who tagged it and when. Raises IntegrityError if one of the three is gone."""
    chosen, parameters = rows.query.sql_with_params()
    # The column is one of two of ours, the rest of the statement Django's own.
    statement = (
        f"INSERT INTO transcripts_tagging (tag_id, {column}_id, tagged_by_id, created_at) "  # noqa: S608
        f"SELECT %s, unit.* FROM ({chosen}) AS unit ON CONFLICT DO NOTHING"
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, [tag.pk, *parameters])
        return cursor.rowcount


def _rename_in_views(study: Study, old: str, new: str) -> int:
    views = views_with(study, old)
    for view in views:
        given = parse_qsl(view.query, True)
        renamed = [(key, new if (key, value) == ("tag", old) else value) for key, value in given]
        view.query = urlencode(list(dict.fromkeys(renamed)))  # a merge may name the tag twice
        view.save(update_fields=["query"])
    return len(views)


def _with_tag(access: StudyAccess, name: Any, column: str) -> Q:
    tagged = Tagging.objects.filter(tag__study=access.study, tag__name=name, **{f"{column}__isnull": False})
    return Q(pk__in=tagged.values(column))


def tag_counts(access: StudyAccess, rows: Units) -> Sequence[tuple[str, str, int]]:
    """The tags of ``rows``, transcripts or pairs, with how many of them have each. One query."""
    if not shows_tags(access):
        return []
    column = _column(rows)
    counted = (
        Tagging.objects.filter(tag__study=access.study, **{f"{column}__in": rows.order_by().values("pk")})
        .values("tag__name")
        .annotate(n=Count("pk"))
        .order_by("-n", "tag__name")
        .values_list("tag__name", "n")[:MAX_COUNTED]
    )
    return [(name, name, n) for name, n in counted]


FIELD = Field(
    "tag",
    "tag",
    "",
    "",
    "text",
    condition=lambda access, name: _with_tag(access, name, "transcript"),
    pair_condition=lambda access, name: _with_tag(access, name, "pair"),
    counts=tag_counts,
    offered=shows_tags,
)
