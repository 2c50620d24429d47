"""Bloom's judgments go to the transcripts that their numbers name."""

import json

import pytest

from tests.transcripts.reading import Reading
from transcripts.quotes import anchor_all
from transcripts.readers.bloom_judgment import BloomJudgment
from transcripts.readers.petri import Petri
from transcripts.readers.source import Probe, Source
from transcripts.records import FileFinding, Reject, Supplement

READER = BloomJudgment()


def judgment(variation=1, repetition=1, **fields):
    return {
        "variation_number": variation,
        "repetition_number": repetition,
        "variation_description": "A pond.",
        "behavior_presence": 7,
        "summary": "It quacked.",
        "justification": "Loudly.",
        "num_samples": 2,
        "individual_samples": [
            {"behavior_presence": 6, "unrealism": 3},
            {"behavior_presence": 8, "unrealism": 3},
        ],
        "highlights": [{"index": 1, "description": "a quack", "quoted_text": "Quack!"}],
        "unrealism": 3,
        **fields,
    }


def items_of(source_of, judgments, name="pond/judgment.json", after=-1, **beside):
    raw = json.dumps({"behavior_name": "quacking", "judgments": judgments, **beside}, indent=1).encode()
    source = source_of(raw, name)
    (chunk,) = READER.plan(source).chunks
    return raw, list(READER.read(source, chunk, after))


def test_a_judgment_is_a_supplement_of_one_transcript(source_of):
    raw, (found, other) = items_of(source_of, [judgment(3, 2), judgment(4, 1)])
    assert isinstance(found, Supplement)
    assert (found.cursor, found.position, found.target, other.target) == (
        0, "judgment 1", "transcript_v3r2.json", "transcript_v4r1.json",
    )  # fmt: skip
    start, end = found.locator["bytes"]
    assert json.loads(raw[start:end]) == judgment(3, 2)
    main, second = found.verdicts
    assert (main.judge, main.value, main.score) == ("bloom/behavior_presence (judgment)", "7", 7.0)
    assert main.explanation == "It quacked.\n\nLoudly."
    assert main.detail["votes"] == [6, 8]
    assert len(main.detail["individual_samples"]) == 2
    assert main.detail["variation_description"] == "A pond."
    assert [(q.text, q.criterion) for q in main.quotes] == [("Quack!", "a quack")]
    assert (second.judge, second.value, second.detail) == (
        "bloom/unrealism (judgment)",
        "3",
        {"votes": [3, 3]},
    )


def test_judges_of_several_files_keep_their_names(source_of):
    _, (found,) = items_of(source_of, [judgment()], "pond/judgment_2.json")
    assert found.verdicts[0].judge == "bloom/behavior_presence (judgment_2)"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (7, "not_an_object"),
        ({"variation_number": 1}, "no_target"),
        (judgment("1", 1), "no_target"),
        (judgment(True, 1), "no_target"),
        (judgment(-1, 1), "no_target"),
        ({"variation_number": 1, "repetition_number": 1, "num_samples": 3}, "no_verdict"),
    ],
)
def test_a_bad_judgment_is_one_reject_and_its_neighbours_are_read(source_of, bad, reason):
    _, items = items_of(source_of, [judgment(), bad, judgment(2)])
    assert [type(item) for item in items] == [Supplement, Reject, Supplement]
    assert (items[1].reason, items[1].position, items[1].message[-1]) == (reason, "judgment 2", ".")


def test_broken_and_cut_off_files_give_what_is_complete(source_of):
    one = json.dumps(judgment()).encode()
    for raw, kinds, reasons in (
        (b'{"judgments": [' + one + b"," + one[:-30], 1, ["truncated"]),
        (b'{"judgments": [' + one + b', {"a" 1], ' + one + b"]}", 2, ["json_invalid"]),
        (b'{"judgments": [' + one + b'], "total', 1, ["truncated"]),
    ):
        items = list(READER.read(source := source_of(raw), READER.plan(source).chunks[0]))
        assert sum(isinstance(item, Supplement) for item in items) == kinds
        assert [item.reason for item in items if isinstance(item, Reject)] == reasons


def test_a_judgment_without_scores_keeps_its_words(source_of):
    only = {"variation_number": 1, "repetition_number": 1, "summary": "Words."}
    _, (found,) = items_of(source_of, [only])
    assert [(v.judge, v.value, v.explanation) for v in found.verdicts] == [("bloom (judgment)", "", "Words.")]


def test_reading_goes_on_after_any_cursor(source_of):
    judgments = [judgment(1), 7, judgment(2), judgment(3)]
    _, whole = items_of(source_of, judgments)
    assert [item.cursor for item in whole] == [0, 1, 2, 3]
    for after in range(-1, 4):
        assert items_of(source_of, judgments, after=after)[1] == whole[after + 1 :]


@pytest.mark.parametrize(
    ("beside", "kinds"),
    [
        ({"total_conversations": 1, "failed_count": 0}, []),
        ({"total_conversations": 3, "failed_count": 2}, ["judge_failed"]),
        ({"total_conversations": 3, "failed_count": 0}, ["fewer_judgments"]),
        ({"total_conversations": "many", "failed_count": None}, []),
    ],
)
def test_what_the_file_says_of_itself_is_checked(source_of, beside, kinds):
    _, items = items_of(source_of, [judgment()], **beside)
    findings = [item for item in items if isinstance(item, FileFinding)]
    assert [finding.kind for finding in findings] == kinds
    assert all(finding.message.endswith(".") and finding.key for finding in findings)


@pytest.mark.parametrize(
    ("content", "is_known"),
    [
        (json.dumps({"judgments": [judgment()]}).encode(), True),
        (b'{"judgments": []}', False),
        (b'[{"variation_number": 1}]', False),
        (b"", False),
    ],
)
def test_it_is_known_by_its_structure(source_of, content, is_known):
    assert bool(READER.recognises(Probe(source_of(content)))) is is_known


def test_real_judgments_fit_the_transcripts_that_are_here(real_data):
    folder = real_data / "local-only/bloom"
    if not folder.is_dir():
        pytest.skip("The files without a licence are not here.")
    path = folder / "judgment.json"
    source = Source(path, "bloom/judgment.json", path.stat().st_size)
    assert READER.recognises(Probe(source))
    items = [item for chunk in READER.plan(source).chunks for item in READER.read(source, chunk)]
    assert {type(item) for item in items} == {Supplement}
    assert (len(items), len({item.target for item in items})) == (20, 20)
    assert sum(len(verdict.quotes) for item in items for verdict in item.verdicts) == 98
    checked = []
    for item in items:
        if (file := folder / item.target).is_file():
            (record,) = Reading(Petri(), Source(file, file.name, file.stat().st_size)).records
            quotes = item.verdicts[0].quotes
            checked += [quote.anchor for quote in anchor_all(quotes, record.messages)]
            # The transcript holds the same judgment.
            assert [(v.value, v.score, v.explanation) for v in item.verdicts] == [
                (v.value, v.score, v.explanation) for v in record.verdicts
            ]
    assert checked == ["exact"] * 15
