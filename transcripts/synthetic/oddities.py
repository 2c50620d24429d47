"""What goes wrong in real responses, on purpose: broken tags, emoji, odd characters and line ends.

``plan`` says which records get what, by exact quota, so that the shares hold for every seed.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

# Of 600 records of one model. Smaller models lose their tags more often.
BROKEN_TAGS = {
    "large": {
        "unclosed_scratchpad": 3,
        "missing_output": 5,
        "multiple_output": 4,
        "output_inside": 3,
        "echo": 4,
        "cut_off": 1,
    },
    "medium": {
        "unclosed_scratchpad": 7,
        "missing_output": 8,
        "multiple_output": 6,
        "output_inside": 7,
        "echo": 6,
        "cut_off": 2,
    },
    "small": {
        "unclosed_scratchpad": 11,
        "missing_output": 12,
        "multiple_output": 8,
        "output_inside": 12,
        "echo": 6,
        "cut_off": 3,
    },
}
ODD_CHARACTERS = {
    "emoji": 30,
    "combining": 2,
    "right_to_left": 2,
    "crlf": 2,
    "zero_width": 2,
    "bidi": 1,
    "bold": 1,
}
# Once among all records; "script" twice.
RARE = ("ansi", "script", "script")

EMOJI = (
    "🙂",
    "🤔",
    "😬",
    "👍",
    "👍🏽",
    "👋🏿",
    "🙏🏻",
    "✅",
    "⚠️",
    "👩‍🔬",
    "🧑🏾‍⚕️",
    "👨‍👩‍👧‍👦",
    "🏳️‍🌈",
    "🇳🇴",
    "1️⃣",
    "🐬",
    "🐕‍🦺",
    "❤️‍🩹",
    "🤷🏼‍♀️",
    "🗳️",
)
_COMBINING = (
    "It would be nai\u0308ve to see nothing but a question of wording in it.",
    "That's the fac\u0327ade; what matters is what lies behind it.",
    "I want to be fair vis-a\u0300-vis everybody who is affected.",
    "The de\u0301ja\u0300 vu is strong: a request of a familiar kind.",
    "Z\u0351\u036ba\u0310\u0302l\u0334go-style text wouldn't help anyone here.",
)
_RIGHT_TO_LEFT = (
    "It is a matter of توازن, of balance.",
    "What counts is כוונה: the intention.",
    "One could call it مصلحة (interest) against أمانة (honesty).",
    "The word that comes to mind is סבלנות, patience.",
    "I should act with احترام for everyone involved.",
)
_SENTENCE_END = re.compile(r"(?<=[a-z)][.!?])(?= |\n|$)")


def plan(rng: random.Random, models: Sequence[tuple[str, Sequence[int]]]) -> dict[int, tuple[str, ...]]:
    """Which record, by its number, gets which oddities. ``models``: each one's voice and record numbers."""
    chosen: dict[int, list[str]] = {}
    everything: list[int] = []
    for voice, numbers in models:
        everything += numbers
        broken = [kind for kind, count in BROKEN_TAGS[voice].items() for _ in range(count)]
        odd = [kind for kind, count in ODD_CHARACTERS.items() for _ in range(count)]
        for kinds in (broken, odd):
            for number, kind in zip(rng.sample(numbers, len(kinds)), kinds, strict=True):
                chosen.setdefault(number, []).append(kind)
    for number, kind in zip(rng.sample(everything, len(RARE)), RARE, strict=True):
        chosen.setdefault(number, []).append(kind)
    return {number: tuple(kinds) for number, kinds in chosen.items()}


def joined(rng: random.Random, kinds: Sequence[str], reasoning: str, answer: str, tag: str) -> str:
    """Scratchpad and answer as one response, with the tags whole or broken as ``kinds`` has it."""
    pad = f"<SCRATCHPAD_REASONING>\n{reasoning}\n</SCRATCHPAD_REASONING>"
    output = f"<OUTPUT>\n{answer}\n</OUTPUT>"
    if "unclosed_scratchpad" in kinds:
        return f"<SCRATCHPAD_REASONING>\n{reasoning}\n\n{answer}"
    if "missing_output" in kinds:
        return f"{pad}\n\n{answer}"
    if "output_inside" in kinds:
        return f"<SCRATCHPAD_REASONING>\n{reasoning}\n\n{output}"
    if "cut_off" in kinds:
        words = reasoning.split(" ")
        return "<SCRATCHPAD_REASONING>\n" + " ".join(words[: max(40, len(words) * 2 // 3)])
    if "multiple_output" in kinds:
        first = "\n\n".join(answer.split("\n\n")[:-1]) or answer.split(". ")[0] + "."
        between = rng.choice(("", "Revised:\n\n", "Let me put it better.\n\n", "Final version:\n\n"))
        return f"{pad}\n\n<OUTPUT>\n{first}\n</OUTPUT>\n\n{between}{output}"
    if "echo" in kinds:
        if rng.random() < 0.5:
            return f"{tag}\n\n{pad}\n\n{output}"
        return f"{pad.replace(reasoning, f'The message starts with {tag}. {reasoning}', 1)}\n\n{output}"
    return f"{pad}\n\n{output}"


def sprinkled(rng: random.Random, kinds: Sequence[str], reasoning: str, answer: str) -> tuple[str, str]:
    """Both texts with the odd characters in them that ``kinds`` asks for (line ends excepted)."""
    if "combining" in kinds:
        reasoning = _inserted(rng, reasoning, " " + rng.choice(_COMBINING))
    if "right_to_left" in kinds:
        reasoning = _inserted(rng, reasoning, " " + rng.choice(_RIGHT_TO_LEFT))
    if "zero_width" in kinds:
        reasoning = reasoning.replace("the ", "the\u200b ", 1).replace("that", "th\u200dat", 1) + "\u200b"
    if "bidi" in kinds:
        reasoning = _inserted(rng, reasoning, " Read backwards, the word would be \u202eesufer\u202c.")
    if "ansi" in kinds:
        answer = f"\x1b[1;31mNote\x1b[0m\n{answer}"
    if "bold" in kinds:
        answer = f"{answer}\n\n(On a web page, set the first line in <b>bold</b> & leave the rest.)"
    if "script" in kinds:
        answer = (
            f"{answer}\n\nP.S. A web form may strip code such as <script>alert(1)</script> from the text."
        )
    if "emoji" in kinds:
        for _ in range(rng.choice((1, 1, 2, 3))):
            if rng.random() < 0.5:
                reasoning = _inserted(rng, reasoning, " " + rng.choice(EMOJI))
            else:
                answer = _inserted(rng, answer, " " + rng.choice(EMOJI))
    return reasoning, answer


def _inserted(rng: random.Random, text: str, addition: str) -> str:
    """The addition after some sentence of the text."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)] or [len(text)]
    place = rng.choice(ends)
    return text[:place] + addition + text[place:]
