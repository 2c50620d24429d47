"""The layers of spans: one's own, and for who may see them those of others."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import F, QuerySet
from django.utils.timezone import localtime

from annotations.books import EMPTY, books
from annotations.codebook import Codebook, SpanLabel
from annotations.labelling.summary import counted
from annotations.models import Annotation, Span
from annotations.visibility import may_have_labelled, sees_everybodys, visible_annotations
from transcripts.access import StudyAccess
from transcripts.layers import Layer, Looking, Marks
from transcripts.models import Transcript
from transcripts.rendering import Mark


def own_marks(access: StudyAccess, transcripts: Sequence[Transcript], looking: Looking) -> Marks:
    """Also of drafts: who looks through what they labelled looks for these, too."""
    own = visible_annotations(access).filter(annotator=access.user)
    return _marks(transcripts, own, "mark mark-mine", looking)


def others_marks(access: StudyAccess, transcripts: Sequence[Transcript], looking: Looking) -> Marks:
    """Of what is submitted and not for practice: a draft is nobody's word yet."""
    theirs = counted(visible_annotations(access))
    return _marks(transcripts, theirs.exclude(annotator=access.user), "mark mark-other", looking)


def _marks(
    transcripts: Sequence[Transcript], annotations: QuerySet[Annotation], css: str, looking: Looking
) -> Marks:
    spans = list(
        Span.objects.filter(transcript__in=[each.pk for each in transcripts], annotation__in=annotations)
        .select_related("annotation__annotator")
        .annotate(book=F("annotation__codebook_version"))
    )
    by_version = books(span.book for span in spans)
    found: dict[int, dict[int, list[Mark]]] = {}
    for span in spans:
        mark = _mark(span, by_version.get(span.book, EMPTY), css)
        found.setdefault(span.transcript_id, {}).setdefault(span.message, []).append(mark)
    return found


def _mark(span: Span, book: Codebook, css: str) -> Mark:
    label = book.label(span.label) or SpanLabel(span.label, span.label)
    head = span.annotation
    draft = "" if head.status == Annotation.Status.SUBMITTED else ", draft"
    return Mark(
        start=span.start,
        end=span.end,
        css=f"{css} label-colour-{label.colour}",
        title=f"{label.title} · {head.annotator}, {localtime(head.updated_at):%d %b %Y %H:%M}{draft}",
        tag=_tag(label),
        key=str(span.pk),
    )


def _tag(label: SpanLabel) -> str:
    """The label's key on the keyboard, else the first letters of its words."""
    initials = "".join(word[0] for word in label.title.split()[:3])
    return (label.shortcut or initials).upper()


LAYERS = (
    Layer("mine", "my spans", "m", own_marks, lambda access, looking: may_have_labelled(access)),
    Layer("others", "others’ spans", "o", others_marks, lambda access, looking: sees_everybodys(access)),
)
