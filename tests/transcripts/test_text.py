from hypothesis import given
from hypothesis import strategies as st

from transcripts.text import is_escaped, original, storable

ANYTHING = st.text(
    st.one_of(
        st.characters(exclude_categories=()),
        st.sampled_from("\x00\ud800\udfff\U0010efff\U0010f000\U0010f7ff\U0010f800\U0010f801\U0010f802"),
    )
)


@given(ANYTHING)
def test_every_text_comes_back_and_can_be_stored_in_between(text):
    stored = storable(text)
    assert original(stored) == text
    assert "\x00" not in stored
    stored.encode("utf-8")
    assert is_escaped(stored) == (stored != text)


def test_plain_text_is_the_same_object():
    for text in ("plain", "é 💡 \u200b"):
        assert storable(text) is text


def test_nul_and_surrogates_keep_the_length():
    assert len(storable("a\x00\ud83db")) == 4
