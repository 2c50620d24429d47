"""The short words and letters that pages use for states and figures; the long ones stay with their owners."""

from __future__ import annotations

from dataclasses import dataclass

from transcripts.outcomes import LETTERS
from transcripts.segments import PARSE_STATES

ROLE_ORDER = ("monitored", "unmonitored", "other")

_PARSE_WORDS = {
    "ok": "parse ok",
    "unclosed_scratchpad": "scratchpad not closed",
    "output_inside_scratchpad": "output inside scratchpad",
    "unopened_scratchpad": "scratchpad not opened",
    "missing_output": "no output",
    "unclosed_output": "output not closed",
    "multiple_output": "several outputs",
    "implicit_output": "output without tag",
    "no_scratchpad": "no scratchpad",
    "empty": "empty",
}
# Of a judge's quote: see transcripts.quotes.
ANCHOR_WORDS = {
    "exact": "word for word",
    "normalised": "but for case and punctuation",
    "not_found": "not in the transcript",
    "": "not looked for",
}
# In these the border between reasoning and answer, or the extent of the answer, is in doubt.
_TROUBLE = frozenset(_PARSE_WORDS) - {"ok", "implicit_output", "no_scratchpad"}


@dataclass(frozen=True, slots=True)
class ParseState:
    """A parse state as a page says it: a few words, the sentence behind them, and whether to warn."""

    state: str
    words: str
    meaning: str
    is_trouble: bool


def parse_state(state: str) -> ParseState:
    words = _PARSE_WORDS.get(state, state.replace("_", " "))
    return ParseState(state, words, PARSE_STATES.get(state, ""), state in _TROUBLE)


def outcome_letter(outcome: str) -> str:
    return LETTERS.get(outcome, "–")


def outcome_words(outcome: str) -> str:
    return outcome or "no verdict"


_BAND_WORDS = {"none": "no score", "below-0": "below 0", "above-10": "above 10", "1-3": "above 1, below 3"}


def band_words(band: str) -> str:
    """Of ``transcripts.packed.BANDS``: ``.2 to .4`` for ``0.2-0.4``, where the upper border is not in it."""
    if band in _BAND_WORDS:
        return _BAND_WORDS[band]
    return " to ".join(part.removeprefix("0") if "." in part else part for part in band.split("-"))


def score_words(score: float | None) -> str:
    """``.40``, ``1``, ``7.5``; "" where there is none."""
    if score is None:
        return ""
    if 0 < score < 1:
        return f"{score:.2f}".removeprefix("0") if 0.005 <= score < 0.995 else f"{score:.1g}"
    return f"{score:.4g}"


def gap_words(gap: float | None) -> str:
    """``+.70``, ``−.10``, ``.00``; "" where there is none."""
    if gap is None:
        return ""
    figure = f"{abs(gap):.2f}".removeprefix("0")
    if figure == ".00":
        return figure
    return ("+" if gap > 0 else "−") + figure
