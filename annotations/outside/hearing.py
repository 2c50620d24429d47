"""From a label as its file has it to what can be kept: answers, spans that fit, and what did not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from annotations.codebook import KEY_LENGTH, Codebook, SpanLabel
from annotations.labelling.saving import payload_of
from annotations.models import AnnotationRevision, CodebookVersion
from annotations.outside.people import UNNAMED
from annotations.outside.wording import answers_in
from annotations.spans import NEEDED, CheckedSpan, check_spans
from transcripts.models import Ingest, Transcript, TranscriptBody
from transcripts.readers.json_values import scalar_text
from transcripts.records import HumanLabel, Message

MAX_TOLD = 20  # spans and answers that one finding names


def place_of(*parts: str) -> str:
    """A hash that stands for where labels came from, in ``imported_from``."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(slots=True)
class Said:
    """One label. ``misfits`` are sentences by finding kind (``answer_misfit``, ``span_misfit``)."""

    transcript: Transcript
    label: HumanLabel
    messages: Sequence[Message]
    name: str  # of the annotator
    answers: dict[str, list[str]]
    spans: list[CheckedSpan]
    misfits: dict[str, list[str]] = field(default_factory=dict)
    version: CodebookVersion | None = None

    @property
    def round_there(self) -> str:
        """The round in which it was given, as the file names it; "" if it does not."""
        there = self.label.detail.get("round")
        return "" if there is None else scalar_text(there)

    @property
    def codebook_there(self) -> tuple[str, str]:
        """Slug and sha256 of the codebook as the file names it; "" for what it does not."""
        slug, _, rest = self.label.codebook.partition("@")
        return slug, rest.rpartition(":")[2]

    @property
    def payload(self) -> dict[str, Any]:
        return payload_of(self.answers, self.spans)

    @property
    def is_lost(self) -> bool:
        """It said something, and nothing of that could be kept."""
        return bool(self.misfits) and not self.answers and not self.spans

    def origin(self) -> Mapping[str, Any]:
        """What the file says of how the label was made. That of an earlier import is kept, not wrapped again."""
        earlier = self.label.detail.get("imported")
        if isinstance(earlier, Mapping):
            return earlier
        return {"codebook": self.label.codebook, "detail": dict(self.label.detail)}

    def says(self, payload: Mapping[str, Any]) -> bool:
        return {key: payload[key] for key in ("answers", "spans")} == self.payload

    def misfit(self, kind: str, sentences: Sequence[str]) -> None:
        if sentences:
            self.misfits.setdefault(kind, []).extend(sentences)


def hear(ingest: Ingest, labels: Sequence[tuple[int, Sequence[HumanLabel]]]) -> list[Said]:
    """The labels that are not this study's own, given back to it. Raises LookupError for a strange transcript."""
    wanted = {pk for pk, given in labels if given}
    transcripts = Transcript.objects.filter(study_id=ingest.study_id).in_bulk(wanted)
    with_spans = {pk for pk, given in labels if any(label.spans for label in given)}
    bodies = TranscriptBody.objects.in_bulk(with_spans)
    said = []
    for pk, given in labels:
        if given and pk not in transcripts:
            raise LookupError(f"transcript {pk} is not in study {ingest.study_id}")
        messages = bodies[pk].messages if pk in bodies else ()
        said += [_heard(transcripts[pk], label, messages) for label in given]
    ours = {id(each) for each in _ours(ingest.study_id, said)}
    return [each for each in said if id(each) not in ours]


def _heard(transcript: Transcript, label: HumanLabel, messages: Sequence[Message]) -> Said:
    answers, problems = answers_in(label.answers)
    spans, span_problems = _fitting(label.spans, messages)
    name = label.annotator if label.annotator.strip() else UNNAMED
    said = Said(transcript, label, messages, name, answers, spans)
    said.misfit("answer_misfit", problems)
    said.misfit("span_misfit", span_problems)
    return said


def _fitting(
    given: Sequence[Mapping[str, Any]], messages: Sequence[Message]
) -> tuple[list[CheckedSpan], list[str]]:
    """The spans whose quotes stand where they say, and a sentence for each of the others."""
    plain = [
        {name: span[name] for name in NEEDED if name in span} if isinstance(span, Mapping) else span
        for span in given
    ]
    words = {str(span["label"]) for span in plain if isinstance(span, Mapping) and "label" in span}
    labels = tuple(SpanLabel(word, word) for word in words if 0 < len(word) <= KEY_LENGTH)
    clean, problems = check_spans(Codebook("", "", (), labels), messages, plain)
    return clean, [f"Span {int(at) + 1}: {text}" if at else text for at, text in problems.items()]


def _ours(study_id: int, said: Sequence[Said]) -> Iterator[Said]:
    """Labels that this study's own people gave and its own export wrote: they are here already."""
    by_revision: dict[int, list[Said]] = {}
    for each in said:
        pk = each.label.detail.get("revision_id")
        if type(pk) is int and 0 < pk < 2**63:
            by_revision.setdefault(pk, []).append(each)
    if not by_revision:
        return
    rows = AnnotationRevision.objects.filter(pk__in=by_revision, annotation__study_id=study_id)
    for pk, head, transcript, payload in rows.values_list(
        "pk", "annotation_id", "annotation__transcript_id", "payload"
    ):
        for each in by_revision[pk]:
            is_same_place = (str(head), transcript) == (each.label.detail.get("id"), each.transcript.pk)
            if is_same_place and each.says(payload):
                yield each
