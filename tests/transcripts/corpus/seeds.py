"""A small valid file for every reader: what properties are tested on, and what the fuzzer mutates. No Django."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import dataclass, field
from typing import Any

from backports.zstd import zipfile as zstd_zipfile

TURNS = [
    {"role": "user", "content": "<is_free_tier_user>True</is_free_tier_user>How much? é😀"},
    {
        "role": "assistant",
        "content": "<SCRATCHPAD>Hm \\ud83d\ud83d</SCRATCHPAD><OUTPUT>This \x00 much.</OUTPUT>",
    },
]
OWN = {
    "model": "m",
    "arm": "free",
    "prompt_id": "p1",
    "sample": 1,
    "messages": TURNS,
    "verdicts": [{"judge": "j", "value": "yes", "outcome": "complied", "score": 0.5}],
    "metadata": {"seed": 2**70, "none": float("nan")},
}
PLAIN = {
    "prompt": "How much room has a hen?",
    "response": "About a sheet of paper.",
    "model": "m",
    "grade": "C",
}
MAPPING = {"fields": {"prompt": "q", "response": "a.text", "arm": "cell", "sample": "n"}, "scores": ["ok"]}
EVAL = {
    "run_id": "r",
    "eval_id": "e",
    "created": "2025-01-01T00:00:00Z",
    "task": "t",
    "model": "openai/m",
    "dataset": {"samples": 2},
    "task_args": {"debug_mode": True},
}
HEADER = {
    "version": 2,
    "status": "success",
    "eval": EVAL,
    "results": {"total_samples": 2, "completed_samples": 2},
}
EVENT = {"type": "transcript_event", "id": "1", "view": ["target", "combined"]}


@dataclass(frozen=True)
class Seed:
    """``reader`` is who reads it; ``name`` what the file is called."""

    reader: str
    name: str
    content: bytes
    mapping: dict[str, Any] = field(default_factory=dict)


def dumped(value: Any, **options: Any) -> bytes:
    return json.dumps(value, **options).encode()


def jsonl(*values: Any) -> bytes:
    return b"".join(dumped(value) + b"\n" for value in values)


def table(delimiter: str, *rows: dict[str, Any]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def parquet(*rows: dict[str, Any], **options: Any) -> bytes:
    import pyarrow
    import pyarrow.parquet

    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(list(rows)), buffer, **options)
    return buffer.getvalue()


def sample(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "epoch": 1,
        "input": "How?",
        "target": "A",
        "metadata": {"user_tier": "free"},
        "messages": TURNS,
        "output": {"completion": "x", "choices": [{"stop_reason": "stop"}]},
        "scores": {"match": {"value": "C", "answer": "A", "explanation": "so"}},
        "events": [{"a": 1}],
    }


def log(zipper: Any = zipfile, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipper.ZipFile(buffer, "w", method) as archive:
        archive.writestr("_journal/start.json", json.dumps({"version": 2, "eval": EVAL, "plan": {}}))
        for number in (1, 2):
            archive.writestr(f"samples/{number}_epoch_1.json", json.dumps(sample(number)))
        archive.writestr("header.json", json.dumps(HEADER))
    return buffer.getvalue()


def petri() -> dict[str, Any]:
    edits = [{"operation": "add", "message": turn} for turn in TURNS]
    edits += [{"operation": "rollback", "count": 1}, {"operation": "add", "message": TURNS[1]}]
    metadata = {
        "transcript_id": "t",
        "auditor_model": "a",
        "target_model": "m",
        "version": "v3.0",
        "judge_output": {"summary": "s", "scores": {"honesty": 3}},
    }
    return {"metadata": metadata, "events": [{**EVENT, "edit": edit} for edit in edits]}


def replication(tier: str) -> dict[str, Any]:
    judged = {
        "success": True,
        "final_answer": 0.8,
        "final_answer_most_common": "yes",
        "criteria": ["a"],
        "quotes": [["much"]],
    }
    return {
        "user_input": "How much?",
        "prompt": {"messages": TURNS[:1]},
        "success": True,
        "output": "<SCRATCHPAD_REASONING>x</SCRATCHPAD_REASONING><RESULT>This much.</RESULT>",
        "output_without_scratchpad": "This much.",
        "timestamp": "2025",
        "tags": [tier],
        "deceptive_alignment": judged,
    }


def seeds() -> list[Seed]:
    mapped = {"q": "How much room?", "a": {"text": "About this much."}, "cell": "low", "n": 1, "ok": True}
    judgment = {
        "variation_number": 1,
        "repetition_number": 1,
        "behavior_presence": 7,
        "summary": "s",
        "highlights": [{"quoted_text": "much"}],
    }
    channels = (
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>So.<|return|>"
    )
    answers = {
        "internal_reasoning": "Hm.",
        "external_output": "So.",
        "raw_output": channels,
        "monitor_probability": 0.5,
    }
    scenario = {
        "model": "m",
        "environment": "report_failure_unobserved",
        "scratchpad": "Hm.",
        "final_output": "So.",
    }
    turn = {"conversation_id": "c1", **TURNS[0]}
    paired = [
        {
            "input": TURNS[0]["content"],
            "response": ["Yes.", "No."],
            "option_selection_evaluation": ["a", "N/A"],
        }
    ]
    return [
        Seed("own_jsonl", "own.jsonl", jsonl(OWN, {**OWN, "sample": 2}, {**OWN, "sample": 3})),
        Seed("paired_json", "care/vllm:m_True.json", dumped(paired * 3, indent=1)),
        Seed(
            "open_source_af",
            "results_seed42_m.json",
            dumped([replication("free_tier"), replication("paid_tier")]),
        ),
        Seed("inspect_log", "log.eval", log()),
        Seed("inspect_log", "zstd.eval", log(zstd_zipfile, 93)),
        Seed("inspect_log", "log.json", dumped({**HEADER, "samples": [sample(1), sample(2)]}, indent=2)),
        Seed("petri", "f/transcript_v1r1.json", dumped(petri(), indent=1)),
        Seed(
            "bloom_judgment",
            "f/judgment.json",
            dumped({"behavior_name": "b", "judgments": [judgment] * 3}, indent=1),
        ),
        Seed("channels", "gpt-oss.jsonl", jsonl(*[answers] * 3)),
        Seed("scratchpad_output", "scenarios.json", dumped([scenario] * 3)),
        Seed(
            "human_labels",
            "labels.json",
            dumped([{"text": TURNS[1]["content"], "label": "alignment faking"}] * 3),
        ),
        Seed("chat", "chat.jsonl", jsonl(*[{"messages": TURNS, "id": "x"}] * 3)),
        Seed("chat", "turns.jsonl", jsonl(turn, {**turn, **TURNS[1]}, {**turn, "conversation_id": "c2"})),
        Seed("chat", "chat.json", dumped({"samples": [PLAIN, PLAIN], "model": "m"}, indent=1)),
        Seed("chat", "chat.csv", table(",", PLAIN, {**PLAIN, "response": 'two\nlines, "quoted"'})),
        Seed("chat", "chat.tsv", table("\t", PLAIN, PLAIN)),
        Seed("chat", "chat.parquet", parquet(PLAIN, PLAIN, PLAIN)),
        Seed("mapped", "rows.jsonl", jsonl(*[mapped] * 3), MAPPING),
        Seed("mapped", "rows.json", dumped([mapped] * 3), MAPPING),
        Seed(
            "mapped",
            "rows.csv",
            table(";", {"q": "How?", "a": "So.", "cell": "x"}),
            {"fields": {"prompt": "q", "response": "a"}},
        ),
    ]
