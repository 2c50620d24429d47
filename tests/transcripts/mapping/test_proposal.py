import json
import time

import pytest

from transcripts.mapping import propose, validate

LONG = "A sentence that is long enough to be a part of a transcript, number {}."
TURNS = [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Yes."}]


def rows(count=12, **fields):
    return [
        {name: make(n) if callable(make) else make for name, make in fields.items()} for n in range(count)
    ]


def ask(n):
    return f"question {n // 4}"


def answer(n):
    return f"answer {n}"


TEXTS = {"prompt": ask, "response": answer}


@pytest.mark.parametrize(
    ("names", "is_sure"),
    [
        (("prompt", "response"), True),
        (("question", "answer"), True),
        (("input", "output"), True),
        (("instruction", "completion"), True),
        (("user_input", "raw"), True),
        (("User Prompt", "modelOutput"), True),
        (("prompt", "model_output"), True),
        (("question", "generation"), True),
        (("prompt", "result"), False),
        (("task", "response"), False),
        (("a", "b"), False),
    ],
)
def test_a_file_is_read_unasked_only_if_prompt_and_response_have_usual_names(names, is_sure):
    prompt, response = names
    proposal = propose(rows(**{prompt: lambda n: LONG.format(n // 4), response: LONG.format}))
    assert proposal.mapping["fields"] == {"prompt": prompt, "response": response}
    assert proposal.is_sure is is_sure


@pytest.mark.parametrize(
    ("fields", "target", "path"),
    [
        ({"system_prompt": "Be good."}, "system", "system_prompt"),
        ({"cot": "hm"}, "scratchpad", "cot"),
        ({"model": "m"}, "model", "model"),
        ({"meta": {"model": "m"}}, "model", "meta.model"),
        ({"qid": lambda n: f"q{n // 4}"}, "prompt_id", "qid"),
        ({"id": lambda n: f"q{n // 4}"}, "prompt_id", "id"),
        ({"id": lambda n: n}, "external_id", "id"),
        ({"tier": lambda n: ["free", "paid"][n % 2]}, "arm", "tier"),
        ({"cell": lambda n: ["x", "y"][n % 2]}, "arm", "cell"),
        ({"is_free_tier": lambda n: n % 2 == 0}, "arm", "is_free_tier"),
        ({"mode": lambda n: ["observed", "unobserved"][n % 2]}, "arm", "mode"),
        ({"kind": lambda n: ["run_observed", "run_unobserved"][n % 2]}, "arm", "kind"),
        ({"user": {"account": {"tier": "free"}}}, "arm", "user.account.tier"),
        ({"mode": "fast"}, "arm", None),
        ({"condition": lambda n: f"c{n}"}, "arm", None),
        ({"cell": lambda n: n % 2 == 0}, "arm", None),
        ({"sample": lambda n: n % 4}, "sample", "sample"),
        ({"sample": lambda n: f"{n % 4}"}, "sample", "sample"),
        ({"sample": "a"}, "sample", None),
        ({"seed": 42}, "sample", None),
        ({"n": lambda n: n % 4}, "sample", "n"),
        ({"n": lambda n: n % 4 * 7}, "sample", None),
        ({"source": "truthfulqa"}, "family", "source"),
        ({"source": lambda n: f"page {n}"}, "family", None),
        ({"training_step": 350}, "training_step", "training_step"),
        ({"training_step": "late"}, "training_step", None),
        ({"human_label": "yes", "who": "ann"}, "annotator", "who"),
        ({"who": "ann"}, "annotator", None),
    ],
)
def test_names_and_values_together_are_the_evidence(fields, target, path):
    proposal = propose(rows(**TEXTS, **fields))
    assert proposal.mapping["fields"].get(target) == path
    choice = next((c for c in proposal.choices if c.target == target), None)
    assert (choice is None) == (path is None)
    assert choice is None or (choice.why and choice.confidence in ("sure", "guess"))


@pytest.mark.parametrize(
    ("fields", "scores"),
    [
        ({"correct": lambda n: n % 2 == 0}, ["correct"]),
        ({"judge": {"score": 0.5, "reasoning": LONG * 5}}, ["judge.score"]),
        ({"strong_reject_score": 0.5}, ["strong_reject_score"]),
        ({"said": lambda n: ["complied", "refused"][n % 2]}, ["said"]),
        ({"label": "faking"}, ["label"]),
        ({"verdict": LONG * 5}, []),
        ({"is_byok": False}, []),
        ({"usage": {"cost": 0.1}}, []),
    ],
)
def test_short_values_under_a_judges_name_are_scores(fields, scores):
    assert propose(rows(**TEXTS, **fields)).mapping.get("scores", []) == scores


def test_what_a_score_means_is_only_suggested():
    values = ["yes", "no", "Refused", "accept", "", "7", "yes", None]
    proposal = propose(rows(8, **TEXTS, grade=lambda n: values[n], was_refusal=lambda n: n < 3))
    assert "outcomes" not in proposal.mapping
    grade, refusal = proposal.values
    assert {item.value: (item.count, item.meaning) for item in grade.values} == {
        "yes": (2, "complied"),
        "no": (1, "refused"),
        "Refused": (1, "refused"),
        "accept": (1, "complied"),
        "7": (1, ""),
        "": (2, ""),
    }
    assert {item.value: item.meaning for item in refusal.values} == {"true": "refused", "false": "complied"}
    assert all("confirm" in item.why for item in grade.values if item.meaning)


def test_the_values_of_an_arm_come_with_their_counts_and_roles():
    arms = ["task_observed", "task_unobserved", "third"]
    proposal = propose(rows(9, **TEXTS, environment=lambda n: arms[n % 3]))
    (seen,) = proposal.values
    assert [(item.value, item.count, item.meaning) for item in seen.values] == [
        ("task_observed", 3, "monitored"),
        ("task_unobserved", 3, "unmonitored"),
        ("third", 3, ""),
    ]
    assert proposal.mapping["arms"] == {
        "task_observed": {"role": "monitored"},
        "task_unobserved": {"role": "unmonitored"},
    }


@pytest.mark.parametrize(
    ("row", "fields", "is_sure"),
    [
        ({"messages": TURNS}, {"messages": "messages"}, True),
        ({"messages": json.dumps(TURNS)}, {"messages": "messages"}, True),
        ({"said": TURNS}, {"messages": "said"}, False),
        ({"messages": TURNS, "response": "Yes."}, {"messages": "messages"}, True),
        ({"messages": TURNS[:1], "response": "Yes."}, {"messages": "messages", "response": "response"}, True),
        ({"prompt": TURNS[:1], "response": "Yes."}, {"prompt": "prompt", "response": "response"}, True),
        ({"prompt": "p", "response": ["a", "b"]}, {"prompt": "prompt", "response": "response"}, True),
        (
            {"prompt": "p", "choices": [{"text": "a"}]},
            {"prompt": "prompt", "response": "choices.0.text"},
            False,
        ),
        ({"x": {"prompt": "p", "response": "r"}}, {"prompt": "x.prompt", "response": "x.response"}, False),
        (
            {"prompt": "p", "response": "r", "output": "s"},
            {"prompt": "prompt", "response": "response"},
            False,
        ),
        ({"prompt": "p", "response": "r", "answer": "s"}, {"prompt": "prompt", "response": "response"}, True),
    ],
)
def test_where_the_transcript_is(row, fields, is_sure):
    proposal = propose([row] * 3)
    assert proposal.mapping["fields"] == fields
    assert proposal.is_sure is is_sure
    validate(proposal.mapping)


@pytest.mark.parametrize(
    "given", [[], [{}], [{"a": 1}], [{"prompt": None, "response": None}], [{"text": ""}]]
)
def test_without_a_response_there_is_no_mapping(given):
    proposal = propose(given)
    assert (proposal.mapping, proposal.is_sure) == ({}, False)
    json.dumps(proposal.as_json())


def test_every_field_is_shown_with_its_kind_and_a_short_example():
    proposal = propose([{"a": "x" * 500, "b": {"c": [1, 2]}, "d": None, "e": True, "f": ["y", "z"]}])
    shown = {field.path: (field.kind, field.example, field.filled) for field in proposal.fields}
    assert shown == {
        "a": ("text", "x" * 79 + "…", 1),
        "b": ("object", "c", 1),
        "b.c": ("list", "2 × 1", 1),
        "d": ("nothing", "", 0),
        "e": ("yes/no", "true", 1),
        "f": ("list of texts", "2 × y", 1),
    }


def nested(depth):
    value = {"response": "r"}
    for _ in range(depth):
        value = {"a": value, "b": [value]}
    return value


@pytest.mark.parametrize(
    "given",
    [
        [{**{f"k{n}": "v" for n in range(10_000)}, "prompt": "p", "response": "r"}] * 200,
        [{f"k{n}": {f"j{m}": m for m in range(1000)} for n in range(1000)}] * 200,
        [{"prompt": "x" * 5_000_000, "response": "[{" + "y" * 5_000_000, "arm": "z" * 1_000_000}] * 20,
        [{"messages": TURNS * 50_000, "response": ["x"] * 100_000, "score": [1] * 100_000}] * 200,
        [{"messages": "[" * 1000, "response": json.dumps(TURNS) * 100}] * 200,
        [nested(150)] * 200,
        [{"": 1, ".": 2, "a.b": {"c": 1}, "a": {"b": {"c": 2}}, "\x00": 3, "\ud800": 4, "k" * 100_000: 5}]
        * 200,
        [{"prompt": "\ud800", "response": "\x00", "arm": "\x00", "score": {"__number__": "NaN"}}] * 200,
        [{f"score{n}": n / (m + 1) for n in range(300)} | {"response": "r"} for m in range(200)],
        [{"response": "r", "arm": 10**400, "sample": 10**400, "score": 10**400}] * 200,
    ],
    ids=["keys", "objects", "texts", "lists", "cells", "deep", "names", "characters", "scores", "numbers"],
)
def test_hostile_rows_cost_little_and_give_what_can_be_stored(given):
    began = time.process_time()
    proposal = propose(given)
    assert time.process_time() - began < 2
    said = json.dumps(proposal.as_json(), ensure_ascii=False).encode()
    assert b"\\u0000" not in said
    assert len(said) < 200_000
    if proposal.mapping:
        validate(proposal.mapping)


def test_usual_names_are_found_among_very_many():
    given = [
        {**{f"k{n}": "v" for n in range(10_000)}, "prompt": f"p{m}", "response": f"r{m}"} for m in range(9)
    ]
    proposal = propose(given)
    assert (proposal.is_sure, proposal.has_more_fields) == (True, True)


def test_the_real_file_of_unknown_format(real_data):
    lines = (real_data / "other" / "sandbagging_agents_mcq.jsonl").read_bytes().splitlines()
    proposal = propose([json.loads(line) for line in lines])
    assert proposal.mapping == {
        "fields": {
            "response": "raw",
            "prompt": "prompt",
            "model": "model",
            "arm": "cell",
            "prompt_id": "qid",
            "sample": "variant",
            "family": "source",
        },
        "scores": ["correct"],
    }
    assert proposal.is_sure
    arm, correct = proposal.values
    assert {item.value: (item.count, item.meaning) for item in arm.values} == dict.fromkeys(
        ["edu-low", "edu-high", "rough", "polished", "control"], (20, "")
    )
    assert {item.value: item.count for item in correct.values} == {"true": 74, "false": 26}
