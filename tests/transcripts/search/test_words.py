"""What a word is, and what a vector holds."""

from __future__ import annotations

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from transcripts.readers.registry import Source, recognise
from transcripts.records import Message, Record, Segment
from transcripts.search import words
from transcripts.search.words import LAST_POSITION, MOST, lexeme, spans_of, vectors_of


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The model's users' values don't", "the model user valu don't"),
        ("RLHF/retraining me.They", "rlhf retrain me they"),
        ("is_free_tier gpt-4o 3.5", "is free tier gpt 4o 3 5"),
        ("<SCRATCHPAD>x</b>", "scratchpad x b"),
        ("re\xadtrain cafe\u0301 CAFÉ ﬁnd Ｆｕｌｌ ’x’ it’s", "retrain café café find full x it"),
        ("日本 กิน हिन्दी \U0001f44d\U0001f3fd", "日 本 ก ิ น हिन्दी \U0001f44d \U0001f3fd"),
        ("… -- \x00 \U0010f000", ""),
    ],
)
def test_words_and_their_lexemes(text: str, found: str) -> None:
    spans = list(spans_of(text, 0, len(text)))
    assert " ".join(name for name, _, _ in spans) == found
    assert [lexeme(word) for word in words.words(text)] == [name for name, _, _ in spans]
    assert [lexeme(text[start:end]) for _, start, end in spans] == [name for name, _, _ in spans]


def test_long_words_are_known_by_their_beginning() -> None:
    assert lexeme("x" * 1_000_000) == "x" * words.LONGEST


def test_places_gaps_and_the_end_of_what_is_indexed() -> None:
    segments = (
        Segment("scratchpad", 0, 9, 3, 6),
        Segment("tool", 9, 11, 9, 11),
        Segment("output", 11, 12, 11, 12),
    )
    told = vectors_of(
        [
            Message("user", "a"),
            Message("user", "b a"),
            Message("assistant", "<t>pad</t>toO", segments=segments),
        ],
        7,
    )
    study = "'\x1f7'"
    assert told.user == f"{study} 'a':1,4 'b':3"
    assert told.scratchpad == f"{study} 'pad':1"
    assert not told.is_cut
    whole = vectors_of(
        [Message("user", "x " * (LAST_POSITION // 70) + "y" * (MOST - 2 * (LAST_POSITION // 70)))], 7
    )
    assert not whole.is_cut
    assert vectors_of([Message("user", "y" * MOST + "z")], 7).other == f"{study}  '\x1f7 cut'"


def test_places_that_hold_more_words_than_positions_say_so() -> None:
    many = vectors_of([Message("user", "a " * 300)], 7)
    assert many.is_cut
    assert many.user.endswith(",255")
    long = vectors_of([Message("user", " ".join(f"w{number}" for number in range(20_000)))], 7)
    assert long.is_cut
    assert f"'w16381':{LAST_POSITION} " in long.user
    assert f"'w19999':{LAST_POSITION + 1}" in long.user


def in_postgres(literal: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tsvector_to_array(%s::tsvector)", [literal])
        return set(cursor.fetchone()[0])


@pytest.mark.django_db
@given(st.text(max_size=200).filter(lambda text: "\x00" not in text))
def test_postgres_reads_every_vector_as_it_is_meant(text: str) -> None:
    vector = vectors_of([Message("user", text)], 7)
    assert in_postgres(vector.user) == {"\x1f7", *(name for name, _, _ in spans_of(text, 0, len(text)))}


@pytest.mark.django_db
def test_stems_are_those_of_postgres_on_real_words(real_data) -> None:
    """All but a few: its stemmer is older. Ours decides alone, so a difference is a difference in taste."""
    said: set[str] = set()
    for path in sorted((real_data / "vlaf").rglob("*.json*"))[:6]:
        source = Source(path=path, name=path.name, size=path.stat().st_size)
        reader = recognise(source)
        for chunk in reader.plan(source).chunks if reader else ():
            for item in reader.read(source, chunk):
                if isinstance(item, Record):
                    said |= {
                        word.lower()
                        for message in item.messages
                        for word in words.words(message.text[:20_000])
                    }
    plain = sorted(word for word in said if word.isascii() and word.isalpha() and len(word) <= words.LONGEST)
    assert len(plain) > 1_000
    with connection.cursor() as cursor:
        cursor.execute("SELECT w, (ts_lexize('english_stem', w))[1] FROM unnest(%s::text[]) w", [plain])
        theirs = {word: stem for word, stem in cursor.fetchall() if stem}  # stop words have none
    different = [word for word, stem in theirs.items() if lexeme(word) != stem]
    assert len(different) <= len(theirs) * 0.005, different[:50]
