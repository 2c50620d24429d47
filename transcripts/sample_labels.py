"""What people said of a sample, as one letter in a strip of samples. Other packages say it; pages show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from transcripts.access import StudyAccess


@dataclass(frozen=True, slots=True)
class SampleLabel:
    """``css`` is a class of ours for the colour, ``words`` what the letter stands for and who says so."""

    letter: str
    css: str
    words: str


Rule = Callable[[StudyAccess, Sequence[int]], Mapping[int, SampleLabel]]
_rules: list[Rule] = []


def register(rule: Rule) -> None:
    """Have ``rule(access, transcript ids)`` label the samples that it knows and this reader may know."""
    if rule not in _rules:
        _rules.append(rule)


def labels_of(access: StudyAccess, transcripts: Sequence[int]) -> dict[int, SampleLabel]:
    """By transcript id; a query for each rule, whatever the number of samples."""
    found: dict[int, SampleLabel] = {}
    for rule in _rules:
        found |= rule(access, transcripts)
    return found
