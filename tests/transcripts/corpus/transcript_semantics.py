"""A3: what makes a transcript, and what makes two of them the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.transcripts.corpus.case import Case, Expected, all_good, around, fields, line, one_bad
from transcripts.models import Ingest, Prompt, Transcript
from transcripts.text import original

MEGABYTE = 1 << 20
WORDS = " ".join(f"word{n}" for n in range(600_000))[: 5 * MEGABYTE]
SPANS = "a\U0001f4a1é b\r\ne\u0301 שלום \U0001f469\u200d\U0001f52c"
PARTS = [
    {"type": "reasoning", "reasoning": "Hm. "},
    {"type": "text", "text": "So."},
    {"type": "image", "image": "data:…"},
    {"type": "tool_use", "name": "look", "input": {"q": 1}},
    {"type": "hologram", "value": [1]},
]
TIMES = {
    "naive": "2024-01-01T00:00:00",
    "ns": "2024-01-01T00:00:00.123456789Z",
    "far": "10000-01-01",
    "ms": 1700000000000,
    "s": 1700000000,
    "future": "2999-12-31",
    "none": None,
    "words": "yesterday",
}


def said(*messages: Any) -> bytes:
    return line(2, messages=list(messages))


def last_message(row: Ingest):
    return Transcript.objects.get(ingest=row).body.content.messages[-1]


def parts_are_kept(row: Ingest) -> None:
    message = last_message(row)
    assert [segment.kind for segment in message.segments] == ["scratchpad", "output", "text", "tool", "text"]
    for words in ("Hm. ", "So.", "[image]", '"q"', "hologram"):
        assert words in message.text


def metadata_are(**expected: Any) -> Callable[[Ingest], None]:
    def check(row: Ingest) -> None:
        assert Transcript.objects.get(ingest=row).body.content.metadata == expected

    return check


def arms_are(*names: str) -> Callable[[Ingest], None]:
    def check(row: Ingest) -> None:
        found = Transcript.objects.filter(ingest=row).order_by("pk").values_list("arm__name", "arm__role")
        assert [f"{name}/{role}" for name, role in found] == list(names)

    return check


def prompts(count: int) -> Callable[[Ingest], None]:
    def check(row: Ingest) -> None:
        assert Prompt.objects.filter(study=row.study).count() == count

    return check


def samples_are(*samples: int) -> Callable[[Ingest], None]:
    def check(row: Ingest) -> None:
        found = Transcript.objects.filter(ingest=row).order_by("pk")
        assert [transcript.sample for transcript in found] == list(samples)

    return check


def turns(count: int) -> list[dict[str, str]]:
    return [{"role": ("user", "assistant")[n % 2], "content": f"turn {n}"} for n in range(count)]


def model_is(name: str) -> Callable[[Ingest], None]:
    def check(row: Ingest) -> None:
        assert original(Transcript.objects.select_related("run").get(ingest=row).run.model) == name

    return check


def no_arm(text: str, sample: int) -> bytes:
    return line(sample, text, arm=text)


CASES = [
    *(
        Case("I-28", f"messages {name}", around(line(2, messages=value)), one_bad("no_messages"))
        for name, value in {
            "missing": ...,
            "empty": [],
            "null": None,
            "an object": {},
            "a text": "hello",
            "a number": 3,
        }.items()
    ),
    *(
        Case(
            "I-28",
            f"a message {name}",
            around(said({"role": "user", "content": "x"}, value)),
            one_bad("message_shape"),
        )
        for name, value in {
            "that is null": None,
            "that is text": "hello",
            "without a role": {"content": "x"},
            "whose role is a number": {"role": 1, "content": "x"},
        }.items()
    ),
    Case(
        "I-28",
        "a message without content",
        said({"role": "user", "content": "x"}, {"role": "assistant"}),
        all_good(""),
    ),
    Case(
        "I-28",
        "content in parts, known and not",
        said({"role": "user", "content": "x"}, {"role": "assistant", "content": PARTS}),
        Expected(created=1, check=parts_are_kept),
    ),
    Case(
        "I-28",
        "an unknown role",
        said({"role": "user", "content": "x"}, {"role": "narrator", "content": "meanwhile"}),
        all_good("meanwhile"),
    ),
    Case(
        "I-28",
        "half a surrogate pair as a role",
        said({"role": "\ud800", "content": "meanwhile"}),
        all_good("meanwhile"),
    ),
    Case(
        "I-28",
        "reasoning that is hidden",
        said(
            {
                "role": "assistant",
                "content": [{"type": "redacted_thinking", "data": "x"}, {"type": "text", "text": "So."}],
            }
        ),
        all_good("So.", findings=frozenset({"reasoning_hidden"})),
    ),
    # Arms have the source's words as their names; what is not known to be one of the two roles is “other”, and found.
    Case(
        "I-29",
        "arms nobody knows",
        b"".join(no_arm(arm, n) for n, arm in enumerate(["Freee", "tier-7"], 1)),
        Expected(
            created=2, findings=frozenset({"arm_role_unknown"}), check=arms_are("Freee/other", "tier-7/other")
        ),
    ),
    Case("I-29", "no arm", line(1, arm=...), Expected(created=1, findings=frozenset({"arm_unknown"}))),
    Case("I-29", "no model", line(1, model=...), Expected(created=1, check=model_is("unknown model"))),
    # Its identity is the whole name; what is shown of it is cut.
    Case(
        "I-29",
        "models of 4 KB that differ at their ends",
        line(1, model="m" * 4096 + "1") + line(1, model="m" * 4096 + "2"),
        Expected(created=2),
    ),
    Case("I-29", "an arm that is a number", around(line(2, arm=1)), one_bad("field_type")),
    Case("I-30", "characters of every width", line(1, SPANS), all_good(SPANS)),
    Case("I-31", "10,000 messages", line(1, messages=turns(10_000)), all_good("turn 9999"), seconds=4),
    Case("I-32", "a message of 5 MB", line(1, WORDS), all_good(WORDS)),
    Case("I-32", "a word of 5 MB", line(1, "w" * 5 * MEGABYTE), all_good("w" * 5 * MEGABYTE)),
    Case("I-32", "a prompt of 5 MB", line(1, prompt_id=..., prompt=WORDS), Expected(created=1)),
    Case(
        "I-32",
        "5 MB without a space, in characters of four bytes",
        line(1, "\U0001f600" * MEGABYTE),
        all_good("\U0001f600" * MEGABYTE),
    ),
    Case(
        "I-33",
        "a prompt id of 8 KB",
        line(1, "one", prompt_id="i" * 8192) + line(1, "two", prompt_id="i" * 8191 + "j"),
        all_good("one", "two", check=prompts(2)),
    ),
    Case("I-33", "a prompt id with NUL", line(1, prompt_id="a\x00b"), Expected(created=1)),
    Case(
        "I-33",
        "1 and “1” are two prompts",
        line(1, "one", prompt_id=1) + line(1, "two", prompt_id="1"),
        all_good("one", "two", check=prompts(2)),
    ),
    Case("I-33", "a prompt id that is a list", around(line(2, prompt_id=[1])), one_bad("field_type")),
    Case(
        "I-33",
        "a family, a goal nudge and an id of 8 KB",
        line(1, family="f" * 8192, goal_nudge="g" * 8192, external_id="e" * 8192),
        Expected(created=1),
    ),
    Case("I-34", "one record three times", line(1) * 3, Expected(created=1, duplicate=2)),
    Case(
        "I-34",
        "the same with other keys and spaces",
        line(1) + json.dumps(dict(reversed(fields(1).items())), indent=None, separators=(",", ":")).encode(),
        Expected(created=1, duplicate=1),
    ),
    # The stored transcript stays; the other is a reject for a person to decide about.
    Case(
        "I-35",
        "one identity, two texts",
        line(1, "first") + line(1, "other") + line(2, "second"),
        Expected(
            "done_with_rejects",
            created=2,
            rejects=(("identity_conflict", "line 2"),),
            texts=("first", "second"),
        ),
    ),
    # Samples without a number are numbered by their place: the same text twice in one file is two samples.
    Case(
        "I-36",
        "no sample numbers",
        line(..., "one") + line(..., "two") + line(..., "one"),
        all_good("one", "two", "one", check=samples_are(1, 2, 3)),
    ),
    Case(
        "I-36",
        "no ids at all",
        line(..., "one", prompt_id=..., prompt=...) * 2,
        all_good("one", "one", check=samples_are(1, 2)),
    ),
    Case(
        "I-36",
        "some have numbers",
        line(2, "two") + line(..., "new"),
        all_good("two", "new", check=samples_are(2, 3)),
    ),
    Case(
        "I-38",
        "times of every kind",
        line(1, metadata=TIMES),
        Expected(created=1, check=metadata_are(**TIMES)),
    ),
    Case(
        "I-39",
        "records of other makes on the way",
        line(1) + b'{"prompt": "How?", "response": "So."}\n' + line(3) + b'{"_end": {}}\n',
        one_bad("no_messages"),
    ),
    Case(
        "I-39",
        "fields that no version has",
        line(1, version=99, novelty={"a": [1]}),
        Expected(created=1, check=metadata_are(version=99, novelty={"a": [1]})),
    ),
    Case(
        "I-39",
        "a newer version of Petri",
        json.dumps(
            {
                "metadata": {"version": "v9", "target_model": "m"},
                "events": [
                    {
                        "type": "transcript_event",
                        "id": "1",
                        "view": ["target"],
                        "edit": {"operation": "add", "message": {"role": "user", "content": "Hi."}},
                    },
                    {
                        "type": "transcript_event",
                        "id": "2",
                        "view": ["target"],
                        "edit": {"operation": "transmogrify"},
                    },
                ],
            }
        ).encode(),
        all_good(
            "Hi.", reader="petri", findings=frozenset({"arm_unknown", "version_unknown", "edit_not_applied"})
        ),
        "transcript.json",
    ),
]
