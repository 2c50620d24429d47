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
        (b"PAR1....", "Parquet"),
        (b"%PDF-1.7", "PDF"),
        (b"\x89PNG\r\n", "PNG"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"PK\x03\x04" + b"\0" * 26 + b"word/document.xml", "zip"),
        ('{"messages": []}'.encode("utf-16"), "UTF-16"),
        (b'{"a": 1}', "a JSON object"),
        (b'[{"messages": []}]', "one transcript a line"),
        (b'{\n "messages": []\n}', "one transcript a line"),
        (b'{"element_wise": [], "overall": {}}', "not transcripts"),
        (b"a,b\n1,2\n", "text, but not JSON"),
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
        (b'\n{"messages": [{"role": "user", "content": "a"}]}\n', "own_jsonl"),
        (b'{"_export": 1}\n', "own_jsonl"),
        (b'not json\n{"messages": [1]}\n', "own_jsonl"),
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


def test_the_reading_layer_needs_no_django():
    modules = [
        "text",
        "segments",
        "arms",
        "outcomes",
        "records",
        "readers.registry",
        "readers.inspect_log.sample",
    ]
    code = "".join(f"import transcripts.{module}\n" for module in modules)
    code += "import sys\nassert 'django' not in sys.modules, 'django was imported'"
    subprocess.run([sys.executable, "-c", code], check=True)
