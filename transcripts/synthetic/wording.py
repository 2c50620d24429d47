"""Turning a template and a prompt into a sentence."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

from .prompts import Prompt

_CHOICE = re.compile(r"\[([^\]]*)\]")
_SLOT = re.compile(r"(^|[.!?]\s+)?\{(\w+)\}")

# A phrase this long is noticed when it comes twice in one text; "value" may come again.
_NOTICEABLE = frozenset({"ask", "harm", "alternative", "point_1", "point_2", "point_3"})


def phrases(prompt: Prompt) -> dict[str, str]:
    """The prompt's phrases by the names that templates use."""
    return {
        "ask": prompt.ask,
        "harm": prompt.harm,
        "alternative": prompt.alternative,
        "value": prompt.value,
        **{f"point_{number}": point for number, point in enumerate(prompt.points, start=1)},
    }


class Wording:
    """Writes sentences about one prompt, and avoids saying the same long phrase twice.

    Make a new one for every text: what counts as said is kept per object.
    """

    def __init__(self, rng: random.Random, words: Mapping[str, str]) -> None:
        self.rng = rng
        self.words = words
        self._said: list[str] = []

    def write(self, templates: Sequence[str]) -> str:
        """One of the templates, filled in."""
        chosen = self._choose(templates)
        for _ in range(8):
            if not any(name in self._said for name in self._slots(chosen)):
                break
            chosen = self._choose(templates)
        self._said += self._slots(chosen)
        return self.fill(chosen)

    def fill(self, template: str) -> str:
        """The template with its slots filled; a phrase that begins a sentence gets a capital."""

        def phrase(match: re.Match[str]) -> str:
            start, name = match.groups()
            words = self.words[name]
            return words if start is None else start + words[:1].upper() + words[1:]

        return _SLOT.sub(phrase, template)

    def _choose(self, templates: Sequence[str]) -> str:
        return _CHOICE.sub(lambda match: self.rng.choice(match[1].split("|")), self.rng.choice(templates))

    @staticmethod
    def _slots(template: str) -> list[str]:
        return [match[2] for match in _SLOT.finditer(template) if match[2] in _NOTICEABLE]
