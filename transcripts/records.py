"""What a reader hands on: plain values, no database, no guesses.

A reader turns one source into a stream of :class:`Record`, :class:`Reject` and
:class:`FileFinding`. It reports what the source *says* (hints, verdicts, ids); what that
means (which arm, which outcome) is decided by ``transcripts.arms`` and ``transcripts.outcomes``.

All text in these classes has gone through :func:`transcripts.text.storable`, so it can be
stored by PostgreSQL and shown by a browser. Offsets are Unicode code points, half-open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from transcripts.immutable import immutable

SEGMENT_KINDS = ("scratchpad", "draft", "output", "tool", "text")


@immutable
class Segment:
    """A stretch ``[start, end)`` of one message's text.

    ``inner_start``/``inner_end`` leave out the tags that opened and closed it. The segments of
    a message cover its text without gap or overlap, in order.
    """

    kind: str
    start: int
    end: int
    inner_start: int
    inner_end: int
    note: str = ""  # "redacted", "summary", "tool call lookup", …: shown beside the heading


@immutable
class Message:
    """One turn. ``text`` is everything a person can read in it, blocks joined without filler."""

    role: str
    text: str
    name: str = ""
    segments: tuple[Segment, ...] = ()  # filled by the reader for block content, else by segments.segment
    parse_state: str = ""  # of an assistant message: a key of segments.PARSE_STATES


@immutable
class RunKey:
    """Which model under which setting. Two files with an equal key belong to one run."""

    model: str
    setting: str = ""
    checkpoint: str = ""
    training_step: int | None = None
    goal_nudge: str = ""


@immutable
class ArmHint:
    """One thing in the source that speaks of the arm, verbatim.

    ``origin`` is one of ``field`` (an explicit arm or role field), ``tag`` (a tier tag in the
    prompt), ``task_args``, ``metadata``, ``tags``, ``file name``.
    ``key`` names what was looked at (``is_free_tier_user``, ``debug_mode``, ``tier``), ``value`` its value.
    """

    origin: str
    key: str
    value: str


@immutable
class PromptKey:
    """Identity of a prompt within a study, without the text that tells the arm.

    ``scheme`` is ``text`` (identity is the user's text), ``id`` (an id given by the source) or
    ``inspect`` (task and sample id); ``value`` the identity in that scheme.
    """

    scheme: str
    value: str
    text: str
    family: str = ""


@immutable
class Quote:
    """Words that a judge says it found in the transcript.

    A reader gives ``text`` (verbatim) and what the source says it shows (``criterion``); where the words
    stand is found by :func:`transcripts.quotes.anchored`, never believed. ``anchor`` is ``exact``,
    ``normalised`` or ``not_found``; ``[start, end)`` are code points of message number ``message``.
    """

    text: str
    criterion: str = ""
    anchor: str = ""
    message: int = -1
    start: int = 0
    end: int = 0


@immutable
class Verdict:
    """A judge's word that came with the source, kept whole. ``value`` is verbatim; its meaning is a mapping."""

    judge: str
    value: str
    score: float | None = None  # vote fraction or numeric score, if the source gave one
    explanation: str = ""
    outcome: str = ""  # only if the source states one of ours: complied, partly, refused, unclear
    threshold: float | None = None  # of the score, from which on the source counts it as a yes
    quotes: tuple[Quote, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)  # votes, criteria, dimensions: JSON values


@immutable
class HumanLabel:
    """What a person outside this study said of a transcript, as their file has it.

    ``answers`` maps a question's key to the chosen values (JSON values); ``spans`` are objects with
    ``message``, ``start``, ``end``, ``label``, ``quote`` in code points of our stored text. ``codebook``
    and ``detail`` keep what the file says of how and when it was made.
    """

    annotator: str
    answers: Mapping[str, Any]
    spans: tuple[Mapping[str, Any], ...] = ()
    codebook: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@immutable
class RecordFinding:
    """Something odd about an accepted record."""

    kind: str
    message: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@immutable
class Record:
    """One transcript-to-be.

    ``cursor`` grows with every item of a chunk; reading can go on after it. ``locator`` says
    where the original bytes are: ``{"bytes": [start, end]}`` of the file or
    ``{"member": name}`` of a zip, with ``"path"`` (list of keys and indices) for what lies inside.
    ``position`` says the same to a person ("line 12", "record 3, response 2").
    """

    cursor: int
    position: str
    locator: Mapping[str, Any]
    run: RunKey
    arm_hints: tuple[ArmHint, ...]
    prompt: PromptKey
    sample: int | None  # None: the source does not number its samples; a number is given when it is written
    messages: tuple[Message, ...]
    verdicts: tuple[Verdict, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)  # other fields of the source, JSON values
    findings: tuple[RecordFinding, ...] = ()
    external_id: str = ""
    labels: tuple[HumanLabel, ...] = ()


@immutable
class Supplement:
    """Verdicts on a transcript that stands in another file of the same folder (Bloom's judgment file).

    ``target`` is that file's name without its folder. Counted as created when it could be attached.
    """

    cursor: int
    position: str
    locator: Mapping[str, Any]
    target: str
    verdicts: tuple[Verdict, ...]


@immutable
class Reject:
    """A record that could not become a transcript: where, why (a code and a sentence), and its bytes."""

    cursor: int
    position: str
    reason: str
    message: str
    excerpt: bytes = b""
    locator: Mapping[str, Any] = field(default_factory=dict)


@immutable
class FileFinding:
    """Something odd about the file as a whole. ``key`` makes it unique within one ingest."""

    kind: str
    message: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""


@immutable
class Chunk:
    """A part of a source that one task reads on its own: a byte range, a run of members, or all."""

    index: int
    start: int
    end: int
    weight: int  # bytes of the source that it stands for: progress moves by these


@immutable
class Plan:
    """What a first look at the file gave: how to cut it, and what is odd about it as a whole."""

    chunks: tuple[Chunk, ...]
    findings: tuple[FileFinding, ...] = ()


class UnreadableSource(Exception):
    """The whole file cannot be read; the message is a sentence for the person who gave it."""


class NeedsMapping(UnreadableSource):
    """The file's fields are not known: a person must say what they mean.

    ``proposal`` is what could be guessed, as JSON (:meth:`transcripts.mapping.Proposal.as_json`).
    """

    def __init__(self, message: str, proposal: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.proposal = proposal


Item = Record | Supplement | Reject | FileFinding
