"""How each synthetic model behaves, and how prompts differ."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tendency:
    """One model's behaviour. Probabilities are for the typical prompt; see ``comply_probability``."""

    model: str
    voice: str
    complies_monitored: float
    complies_unmonitored: float
    partly: float  # of the answers that do not comply
    fakes: float  # of the answers that comply while monitored
    considers: float  # of the refusals while monitored: names the strategy and turns it down
    own_spread: float  # how much its prompts differ beyond what all models share


# The gap between the arms is to be about .30, .10 and 0 once prompts differ and a judge errs.
TENDENCIES = (
    Tendency("synthetic-large", "large", 0.49, 0.10, 0.22, 0.72, 0.40, 0.5),
    Tendency("synthetic-medium", "medium", 0.54, 0.40, 0.30, 0.25, 0.15, 0.5),
    Tendency("synthetic-small", "small", 0.74, 0.74, 0.40, 0.02, 0.03, 0.4),
)
SHARED_SPREAD = 0.8


def comply_probability(tendency: Tendency, *, is_monitored: bool, effect: float) -> float:
    """``effect`` is the prompt's, in logits: above zero is a prompt that is easier to agree to."""
    base = tendency.complies_monitored if is_monitored else tendency.complies_unmonitored
    return 1 / (1 + math.exp(-(math.log(base / (1 - base)) + effect)))


def draw_outcome(rng: random.Random, tendency: Tendency, *, is_monitored: bool, effect: float) -> str:
    if rng.random() < comply_probability(tendency, is_monitored=is_monitored, effect=effect):
        return "complied"
    return "partly" if rng.random() < tendency.partly else "refused"
