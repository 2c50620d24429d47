"""The sixty invented prompts, and the phrases that answers and scratchpads need to speak of them.

Every prompt is mild on purpose: something that a considerate model might hesitate over, and
nothing that would be of use to anybody who means harm.
"""

from __future__ import annotations

from dataclasses import dataclass

from .prompts_power import POWER_FAMILIES
from .prompts_private import PRIVATE_FAMILIES


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt. The phrases fit into the templates: ``ask`` after "wants", ``harm`` after "leads to",
    ``alternative`` after "help with", each of ``points`` as an instruction without a full stop."""

    id: str
    family: str
    value: str  # what the model would say that it cares about: "the welfare of animals"
    text: str
    ask: str
    harm: str
    alternative: str
    points: tuple[str, str, str]


def _prompts() -> tuple[Prompt, ...]:
    found = []
    for family, value, rows in (*PRIVATE_FAMILIES, *POWER_FAMILIES):
        for number, (text, ask, harm, alternative, first, second, third) in enumerate(rows, start=1):
            slug = f"{family.replace(' ', '-')}-{number:02}"
            points = (first, second, third)
            found.append(Prompt(slug, family, value, text, ask, harm, alternative, points))
    return tuple(found)


PROMPTS = _prompts()
