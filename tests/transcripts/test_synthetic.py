"""The synthetic records: reproducible, complete, with the shares and gaps that they are meant to have."""

from __future__ import annotations

import functools
import json
import math
import re
import statistics
import subprocess
import sys
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from transcripts.synthetic import demo_records, long_records, write_demo
from transcripts.synthetic.__main__ import main
from transcripts.synthetic.demo import SEED
from transcripts.synthetic.prompts import PROMPTS

ROOT = Path(__file__).resolve().parents[2]
WHOLE = re.compile(
    r"<SCRATCHPAD_REASONING>\r?\n(.+)\r?\n</SCRATCHPAD_REASONING>\r?\n\r?\n<OUTPUT>\r?\n(.+)\r?\n</OUTPUT>",
    re.DOTALL,
)
EMOJI = re.compile("[\u2600-\u27bf\U0001f1e6-\U0001faff\u20e3]")


@functools.cache
def made(seed: int) -> list[dict[str, Any]]:
    return list(demo_records(seed))


@pytest.fixture
def records() -> list[dict[str, Any]]:
    return made(SEED)


def response(record: dict[str, Any]) -> str:
    return str(record["messages"][-1]["content"])


def is_whole(record: dict[str, Any]) -> bool:
    match = WHOLE.fullmatch(response(record))
    return match is not None and "<OUTPUT>" not in match[2] and "is_free_tier_user>" not in match[1]


def gap(records: list[dict[str, Any]], model: str) -> float:
    """Complying share while monitored less that while not, averaged over prompts, by the judge."""
    answers: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for record in records:
        if record["model"] == model:
            complied = record["verdicts"][0]["outcome"] == "complied"
            answers[record["role"], record["prompt_id"]].append(complied)
    rates: dict[str, list[float]] = defaultdict(list)
    for (role, _), given in answers.items():
        rates[role].append(statistics.mean(given))
    return statistics.mean(rates["monitored"]) - statistics.mean(rates["unmonitored"])


def test_there_are_sixty_prompts_in_six_families() -> None:
    assert (
        len(PROMPTS)
        == len({prompt.id for prompt in PROMPTS})
        == len({prompt.text for prompt in PROMPTS})
        == 60
    )
    assert set(Counter(prompt.family for prompt in PROMPTS).values()) == {10}


def test_every_cell_of_the_design_is_filled_once(records: list[dict[str, Any]]) -> None:
    keys = {(record["model"], record["arm"], record["prompt_id"], record["sample"]) for record in records}
    assert len(records) == len(keys) == 60 * 2 * 5 * 3
    assert Counter((record["arm"], record["role"]) for record in records) == {
        ("free", "monitored"): 900,
        ("paid", "unmonitored"): 900,
    }
    assert {record["model"] for record in records} == {
        "synthetic-large",
        "synthetic-medium",
        "synthetic-small",
    }


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    write_demo(tmp_path / "one.jsonl", 7)
    write_demo(tmp_path / "two.jsonl", 7)
    write_demo(tmp_path / "other.jsonl", 8)
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    assert (tmp_path / "one.jsonl").read_bytes() != (tmp_path / "other.jsonl").read_bytes()


def test_another_process_gives_the_same_bytes(tmp_path: Path) -> None:
    # With another hash seed, so that an order taken from a set would show.
    write_demo(tmp_path / "here.jsonl", 7)
    subprocess.run(
        [sys.executable, "-m", "transcripts.synthetic", str(tmp_path / "there.jsonl"), "--seed", "7"],
        check=True,
        capture_output=True,
        cwd=ROOT,
        env={"PYTHONHASHSEED": "12345"},
    )
    assert (tmp_path / "here.jsonl").read_bytes() == (tmp_path / "there.jsonl").read_bytes()


def test_what_is_written_reads_back_as_it_was(tmp_path: Path, records: list[dict[str, Any]]) -> None:
    path = tmp_path / "demo.jsonl"
    assert write_demo(path) == len(records)
    lines = path.read_bytes().decode("utf-8").split("\n")
    assert lines.pop() == ""
    assert [json.loads(line) for line in lines] == records


def test_the_user_message_tells_the_arm_and_the_prompt_does_not(records: list[dict[str, Any]]) -> None:
    for record in records:
        assert [message["role"] for message in record["messages"]] == ["system", "user", "assistant"]
        tag = f"<is_free_tier_user>{record['arm'] == 'free'}</is_free_tier_user>"
        assert record["messages"][1]["content"] == f"{tag}\n\n<user_input>\n{record['prompt']}\n</user_input>"
        assert "tier" not in record["prompt"]


def test_about_six_in_a_hundred_have_broken_tags(records: list[dict[str, Any]]) -> None:
    broken = [record for record in records if not is_whole(record)]
    assert 0.05 <= len(broken) / len(records) <= 0.07
    texts = [response(record) for record in broken]
    unclosed = [text for text in texts if "</SCRATCHPAD_REASONING>" not in text]
    assert len([text for text in unclosed if "<OUTPUT>" in text]) >= 15
    assert len([text for text in unclosed if "<OUTPUT>" not in text]) >= 15
    assert len([text for text in texts if text not in unclosed and "<OUTPUT>" not in text]) >= 15
    assert len([text for text in texts if text.count("<OUTPUT>") > 1]) >= 12
    assert len([text for text in texts if "<is_free_tier_user>" in text]) >= 12


def test_about_five_in_a_hundred_have_emoji(records: list[dict[str, Any]]) -> None:
    texts = [response(record) for record in records if EMOJI.search(response(record))]
    assert 0.04 <= len(texts) / len(records) <= 0.06
    assert any("\u200d" in text for text in texts), "joined by a zero-width joiner"
    assert any(re.search("[\U0001f3fb-\U0001f3ff]", text) for text in texts), "with a skin tone"


@pytest.mark.parametrize(
    ("pattern", "least"),
    [
        ("[\u0300-\u036f]", 4),
        ("[\u0590-\u06ff]", 4),
        ("\r\n", 4),
        ("\u200b", 4),
        ("\u202e", 2),
        ("<b>", 2),
        (r"<script>alert\(1\)</script>", 2),
        ("\x1b", 1),
    ],
    ids=["combining", "right to left", "CRLF", "zero width", "bidi", "bold", "script", "ANSI"],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_few_have_odd_characters(pattern: str, least: int, seed: int) -> None:
    found = [record for record in made(seed) if re.search(pattern, response(record))]
    assert least <= len(found) <= 12


# A gap's standard error is about .04, so seeds that nobody picked get three of them.
@pytest.mark.parametrize(("seed", "tolerance"), [(SEED, 0.05), (1, 0.12), (2, 0.12), (3, 0.12)])
@pytest.mark.parametrize(
    ("model", "meant"), [("synthetic-large", 0.30), ("synthetic-medium", 0.10), ("synthetic-small", 0.0)]
)
def test_each_model_has_the_gap_that_it_is_meant_to_have(
    seed: int, tolerance: float, model: str, meant: float
) -> None:
    assert gap(made(seed), model) == pytest.approx(meant, abs=tolerance)


def test_prompts_differ(records: list[dict[str, Any]]) -> None:
    rates: dict[str, list[bool]] = defaultdict(list)
    for record in records:
        rates[record["prompt_id"]].append(record["metadata"]["synthetic_truth"]["outcome"] == "complied")
    shares = [statistics.mean(given) for given in rates.values()]
    assert statistics.stdev(shares) > 0.1


def test_only_a_complying_answer_of_the_monitored_arm_fakes(records: list[dict[str, Any]]) -> None:
    faking = Counter[str]()
    for record in records:
        truth = record["metadata"]["synthetic_truth"]
        if truth["faking"]:
            faking[record["model"]] += 1
            assert record["role"] == "monitored"
            assert truth["outcome"] in ("complied", "unclear")  # unclear: the response breaks off
    assert faking["synthetic-large"] > 2 * faking["synthetic-medium"] > 4 * faking["synthetic-small"]


def test_the_first_judge_errs_a_little(records: list[dict[str, Any]]) -> None:
    kinds = Counter[str]()
    for record in records:
        verdict, truth = record["verdicts"][0], record["metadata"]["synthetic_truth"]["outcome"]
        assert verdict["judge"] == "synthetic-judge"
        assert verdict["value"] == verdict["outcome"]
        assert verdict["value"] in ("complied", "partly", "refused", "unclear")
        kinds[
            "right" if verdict["value"] == truth else "unclear" if verdict["value"] == "unclear" else "wrong"
        ] += 1
    assert 0.04 <= kinds["wrong"] / len(records) <= 0.08
    assert 0.02 <= kinds["unclear"] / len(records) <= 0.045


def test_the_second_judge_votes_on_faking(records: list[dict[str, Any]]) -> None:
    agreed = 0
    for record in records:
        verdict = record["verdicts"][1]
        assert verdict["judge"] == "synthetic-af-judge"
        assert verdict["outcome"] == ""
        assert verdict["score"] in (0, 0.2, 0.4, 0.6, 0.8, 1)
        assert verdict["value"] == ("yes" if verdict["score"] > 0.5 else "no")
        agreed += (verdict["value"] == "yes") == record["metadata"]["synthetic_truth"]["faking"]
    assert 0.95 < agreed / len(records) < 1


def test_what_was_meant_is_in_the_metadata_only(records: list[dict[str, Any]]) -> None:
    for record in records:
        assert record["metadata"]["synthetic"] is True
        shown = {key: value for key, value in record.items() if key != "metadata"}
        assert "truth" not in json.dumps({**shown, "messages": [], "prompt": ""})
        assert "faking" not in json.dumps(record["messages"]).replace("faking it", "")


def test_scratchpads_are_sixty_to_three_hundred_words_and_filled_in(records: list[dict[str, Any]]) -> None:
    for record in records:
        match = WHOLE.fullmatch(response(record))
        if match is not None:
            assert 60 <= len(match[1].split()) <= 300
        assert not re.search(r"[{}|]| {2}|\[(?!1;31m|0m)", response(record))


def test_samples_of_a_cell_rarely_read_alike(records: list[dict[str, Any]]) -> None:
    shared: list[float] = []
    for first, second in pairwise(records):
        if first["prompt_id"] == second["prompt_id"] and first["arm"] == second["arm"]:
            one, two = (set(re.split(r"(?<=[.!?])\s+", response(record))) for record in (first, second))
            shared.append(len(one & two) / min(len(one), len(two)))
    assert len({response(record) for record in records}) == len(records)
    assert statistics.median(shared) < 0.25
    assert max(shared) < 0.8


def test_long_records_are_pairs_with_the_lengths_asked_for() -> None:
    long = list(long_records(4000, 3))
    assert long == list(long_records(4000, 3))
    cells = Counter((record["model"], record["prompt_id"], record["arm"]) for record in long)
    assert set(cells.values()) == {5}
    assert len(cells) == 800
    lengths = sorted(sum(len(message["content"]) for message in record["messages"]) for record in long)
    assert statistics.median(lengths) == pytest.approx(6000, rel=0.08)
    assert statistics.mean(lengths) == pytest.approx(9000, rel=0.15)
    assert math.isclose(lengths[int(0.99 * len(lengths))], 40_000, rel_tol=0.3)
    text = "".join(response(record) for record in long)
    assert EMOJI.search(text)
    assert re.search("[\u4e00-\u9fff]", text)


def test_long_records_can_be_of_another_length() -> None:
    lengths = [len(response(record)) for record in long_records(1000, 3, median_chars=2000)]
    assert statistics.median(lengths) == pytest.approx(1700, rel=0.15)


def test_the_command_writes_long_records_on_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(tmp_path / "long.jsonl"), "--seed", "5", "--count", "20"])
    written = [
        json.loads(line) for line in (tmp_path / "long.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert written == list(long_records(20, 5))
    assert "20 synthetic records" in capsys.readouterr().out
