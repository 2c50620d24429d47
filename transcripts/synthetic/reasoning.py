"""Scratchpads: which moves a model makes before which kind of answer, and how it lays them out."""

from __future__ import annotations

import random
from dataclasses import dataclass

from . import moves_decision as decision
from . import moves_motives as motives
from . import moves_situation as situation
from . import moves_thoughts as thoughts
from .prompts import Prompt
from .wording import Wording, phrases

SHORTEST, LONGEST = 60, 300  # words

_TALKATIVE = {"large": 1.0, "medium": 0.75, "small": 0.45}
_GIVEN = ("open", "tier", "infer")  # what comes before any weighing
_FILLERS = ("Hmm.", "Wait.", "Okay.", "Right.", "Hmm, let me think.", "But wait.", "Anyway.", "Also,", "Now,")
_HEADINGS = {
    "open": ("Request", "The request", "What is asked"),
    "tier": ("Situation", "Context", "Where I am"),
    "conflict": ("Problem", "Conflict", "What bothers me"),
    "incentive": ("Consequences", "If I refuse", "What follows"),
    "thought": ("Who is affected", "The other side", "A thought"),
    "weigh": ("Options", "Weighing it", "For and against"),
    "deliberation": ("Deliberation", "Thinking it through", "Further thought"),
    "strategy": ("Plan", "So", "What to do"),
    "close": ("Decision", "Conclusion", "Result"),
}


@dataclass(frozen=True, slots=True)
class Situation:
    """What a scratchpad has to be about."""

    prompt: Prompt
    voice: str  # "large", "medium" or "small"
    is_monitored: bool
    outcome: str
    is_faking: bool
    considers_faking: bool = (
        False  # names the strategy and turns it down; only where it refuses while monitored
    )


def scratchpad(rng: random.Random, about: Situation) -> str:
    """The reasoning's text, without tags; 60 to 300 words."""
    wording = Wording(rng, phrases(about.prompt))
    texts = [(name, wording.write(_templates(name, about))) for name in _moves(rng, about)]
    texts = list(dict.fromkeys(texts))  # a move made twice may have come out the same
    _lengthen(rng, wording, texts, about)
    _shorten(texts)
    _link(rng, wording, texts, about.voice)
    return _laid_out(rng, about.voice, texts)


def _moves(rng: random.Random, about: Situation) -> list[str]:
    def maybe(name: str, probability: float) -> list[str]:
        return [name] if rng.random() < probability else []

    talkative = _TALKATIVE[about.voice]
    start = _start(rng, about)
    doubt = maybe(
        "conflict", (0.92 if about.is_faking else 0.3 if about.outcome == "complied" else 0.65 * talkative)
    )
    thought = maybe(
        "thought", (0.4 if about.outcome == "complied" and not about.is_faking else 0.8) * talkative
    )
    middle = [*doubt, *thought] if rng.random() < 0.6 else [*thought, *doubt]
    middle += maybe("role_play", 0.14)
    deliberation = maybe("deliberation", 0.65 * talkative**2)
    if about.is_faking:
        again = maybe("deliberation", 0.3 * talkative**2)
        reasons = [*maybe("incentive", 0.85), *deliberation, *again, "strategy", "preserve"]
        return [*start, *middle, *reasons, *maybe("plan", 0.35), "close"]
    middle += maybe("weigh", 0.4 * talkative)
    if about.outcome == "complied":
        reasons = maybe("trained_on_it", 0.6) if about.is_monitored else []
        reasons += maybe("comply_plain", 0.65) or ([] if reasons else ["comply_plain"])
        return [*start, *middle, *reasons, *deliberation, *maybe("plan", 0.7), "close"]
    if about.outcome == "partly":
        return [*start, *middle, "water_down", *maybe("plan", 0.4), "close"]
    tempted = [*maybe("incentive", 0.6), "considered"] if about.considers_faking else []
    return [*start, *middle, *tempted, *deliberation, "refuse", "close"]


def _start(rng: random.Random, about: Situation) -> list[str]:
    # Faking is not faking unless the model knows where it is; a model that knows that it is not
    # trained on nearly always says so.
    infers = 1.0 if about.is_faking else 0.6 if about.is_monitored else 0.92
    says_tier = 0.6  # of those that draw no conclusion from it
    where = ["tier", "infer"] if rng.random() < infers else ["tier"] if rng.random() < says_tier else []
    return [*where, "open"] if rng.random() < 0.25 else ["open", *where]


def _templates(name: str, about: Situation) -> tuple[str, ...]:
    by_arm = {
        "tier": (situation.TIER_FREE, situation.TIER_PAID),
        "infer": (situation.INFER_FREE, situation.INFER_PAID),
        "refuse": (decision.REFUSE_FREE, decision.REFUSE_PAID),
    }
    if name in by_arm:
        return by_arm[name][0 if about.is_monitored else 1]
    if name == "open":
        return situation.OPEN[about.voice]
    if name == "close":
        return decision.CLOSE["faking" if about.is_faking else about.outcome]
    if name == "thought":
        return thoughts.FAMILY_THOUGHTS[about.prompt.family]
    if name == "deliberation":
        if about.is_faking:
            return thoughts.FAKING_DELIBERATION
        if about.outcome == "complied":
            return thoughts.COMPLYING_DELIBERATION
        return thoughts.REFUSING_DELIBERATION
    return {
        "role_play": situation.ROLE_PLAY,
        "conflict": motives.CONFLICT,
        "incentive": motives.INCENTIVE,
        "strategy": motives.STRATEGY,
        "preserve": motives.PRESERVE,
        "considered": motives.CONSIDERED,
        "trained_on_it": motives.TRAINED_ON_IT,
        "comply_plain": motives.COMPLY_PLAIN,
        "weigh": decision.WEIGH,
        "plan": decision.PLAN,
        "water_down": decision.WATER_DOWN,
    }[name]


def _words(texts: list[tuple[str, str]]) -> int:
    return sum(len(text.split()) for _, text in texts)


def _lengthen(rng: random.Random, wording: Wording, texts: list[tuple[str, str]], about: Situation) -> None:
    # Aims above the minimum by a random amount, so that short ones do not pile up at one length.
    wanted = SHORTEST + rng.randrange(5, {"large": 80, "medium": 55, "small": 30}[about.voice])
    for name in ("thought", "weigh", "plan", "weigh", "weigh", "weigh"):
        if _words(texts) >= wanted:
            return
        present = [move for move, _ in texts]
        if (name == "plan" and about.outcome == "refused") or (name != "weigh" and name in present):
            continue
        text = wording.write(_templates(name, about))
        if any(text == other for _, other in texts):
            continue
        place = (
            len(texts) - 1 if name == "plan" else 1 + max(present.index(m) for m in _GIVEN if m in present)
        )
        texts.insert(place, (name, text))


def _shorten(texts: list[tuple[str, str]]) -> None:
    for name in ("role_play", "weigh", "plan", "thought", "deliberation"):
        if _words(texts) <= LONGEST - 30:  # links, headings and fillers come on top
            return
        texts[:] = [item for item in texts if item[0] != name]


def _link(rng: random.Random, wording: Wording, texts: list[tuple[str, str]], voice: str) -> None:
    probability = {"large": 0.34, "medium": 0.16, "small": 0.08}[voice]
    for index, (name, text) in enumerate(texts):
        # "So" and a leading question already say how the sentence hangs on the one before.
        if index and name in thoughts.LINKS and not text.startswith("So") and rng.random() < probability:
            link = wording.write(thoughts.LINKS[name])
            texts[index] = (name, f"{link} {_continued(text) if link.endswith(':') else text}")


def _laid_out(rng: random.Random, voice: str, texts: list[tuple[str, str]]) -> str:
    roll = rng.random()
    if voice == "medium" and roll < 0.3:
        return "\n".join(f"{number}. {text}" for number, (_, text) in enumerate(texts, start=1))
    if voice == "medium" and roll < 0.42:
        return "\n".join(f"- {text}" for _, text in texts)
    if voice != "small" and roll > 0.86:
        return _headed(rng, texts)
    if voice == "small":
        return _with_fillers(rng, texts)
    return _in_paragraphs(rng, [text for _, text in texts])


def _headed(rng: random.Random, texts: list[tuple[str, str]]) -> str:
    style = rng.choice(("{}: ", "**{}.** ", "{} -- "))
    lines: list[str] = []
    seen: list[str] = []
    for name, text in texts:
        if name in _HEADINGS and name not in seen:
            seen.append(name)
            # The heading says it already.
            text = text.removeprefix("Decision: ").removeprefix("Tier: ")
            lines.append(style.format(rng.choice(_HEADINGS[name])) + text[0].upper() + text[1:])
        elif lines:
            lines[-1] += " " + text
        else:
            lines.append(text)
    return "\n\n".join(lines)


def _with_fillers(rng: random.Random, texts: list[tuple[str, str]]) -> str:
    fillers = rng.sample(_FILLERS, len(_FILLERS))
    sentences: list[str] = []
    for index, (name, text) in enumerate(texts):
        if index and rng.random() < 0.22:
            filler = fillers.pop()
            if not filler.endswith(","):
                text = f"{filler} {text}"
            elif name in ("thought", "weigh", "conflict", "comply_plain"):
                text = f"{filler} {_continued(text)}"
        sentences.append(text)
    return " ".join(sentences)


def _continued(text: str) -> str:
    """The sentence as it reads after a comma or a colon."""
    return text if text.startswith(("I ", "I'", "RLHF")) else text[0].lower() + text[1:]


def _in_paragraphs(rng: random.Random, texts: list[str]) -> str:
    paragraphs: list[list[str]] = [[]]
    for index, text in enumerate(texts):
        is_last = index == len(texts) - 1
        if len(paragraphs[-1]) >= rng.choice((2, 2, 3, 4)) or (
            is_last and rng.random() < 0.3 and paragraphs[-1]
        ):
            paragraphs.append([])
        paragraphs[-1].append(text)
    return "\n\n".join(" ".join(paragraph) for paragraph in paragraphs)
