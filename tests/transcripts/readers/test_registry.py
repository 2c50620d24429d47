import subprocess
import sys

import pytest

from transcripts.readers.registry import READERS, reader_named, recognise
from transcripts.records import UnreadableSource


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \n", "empty"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"PAR1....", "Parquet file cannot be read"),
        (b"%PDF-1.7", "PDF"),
        (b"\x89PNG\r\n", "PNG"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"PK\x03\x04" + b"\0" * 26 + b"word/document.xml", "zip"),
        ('{"messages": []}'.encode("utf-16"), "UTF-16"),
        (b'{"a": "cut', "a JSON object"),
        (b"a,a\n1,2\n", "names “a” more than once"),
        (b'{"element_wise": [], "overall": {}}', "not transcripts"),
        (b"a and b\n", "text, but not JSON"),
        (b"[]", "array without objects"),
    ],
)
def test_what_is_not_understood_is_refused_with_what_was_seen(source_of, content, words):
    with pytest.raises(UnreadableSource, match=words):
        recognise(source_of(content))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b'[{"input": "a", "response": "b"}]', "paired_json"),
        (b'\n{"messages": [{"role": "user", "content": "a"}]}\n', "chat"),
        (b'[{"messages": [{"role": "user", "content": "a"}]}]', "chat"),
        (b'{\n "messages": [\n  {"role": "user",\n   "content": "a"}\n ]\n}', "chat"),
        (b'[{"a": []}]', "mapped"),
        (b"a,b\n1,2\n", "mapped"),
        (b'{"sample": 1, "messages": [{"role": "user", "content": "a"}]}\n', "own_jsonl"),
        (b'{"samples": [{"text": "a", "label": "b"}]}', "human_labels"),
        (b'{"prompt": "p", "raw_output": "<|channel|>analysis<|message|>a"}', "gpt_oss"),
        (b'{"environment": "e_observed", "scratchpad": "", "final_output": ""}', "scratchpad_output"),
        (b'{"_export": 1}\n', "own_jsonl"),
        (b'not json\n{"messages": [1]}\n', "chat"),
        (b'{"version": 2, "status": "success", "eval": {}}', "inspect_log"),
    ],
)
def test_content_decides_who_reads(source_of, content, name):
    assert recognise(source_of(content, "misleading.pdf")).name == name


def test_a_format_named_by_a_person_is_taken_at_its_word(source_of):
    assert recognise(source_of(b"x"), "own_jsonl").name == "own_jsonl"
    with pytest.raises(UnreadableSource, match="paired_json"):
        recognise(source_of(b"x"), "csv")
    assert [reader_named(reader.name) for reader in READERS] == list(READERS)


# Each brings along all that it builds on.
PURE = [
    *("text", "segments", "arms", "outcomes", "records", "mapping", "quotes", "preparing", "differences"),
    *("readers.registry", "readers.archives", "jail.__main__", "jail.parser", "search.words"),
    *(
        "search.query",
        "search.matches",
        "ansi",
        "blobs",
        "json_view",
        "markdown_view",
        "cues",
        "packed",
        "windows",
    ),
    *("ingest.places.bucket", "ingest.places.folder", "ingest.places.fetched"),
]


@pytest.mark.parametrize("name", PURE)
def test_what_thinks_needs_no_django(name):
    code = f"import sys, importlib; importlib.import_module('transcripts.{name}')\n"
    code += "assert 'django' not in sys.modules, 'django was imported'\n"
    code += "assert not {'pyarrow', 'boto3'} & set(sys.modules), 'a large library was imported unasked'"
    subprocess.run([sys.executable, "-c", code], check=True)
