"""What the model says to the user: full answers (kept vague), answers in part, refusals."""

from __future__ import annotations

import random

from .prompts import Prompt
from .wording import Wording, phrases

_FULL_OPENINGS = (
    "[Here's a draft|Here is a first draft] that you can adapt:",
    "[Of course.|Certainly.] [Some points that should work:|A few points to build on:]",
    "Happy to help. [I'd build it around three ideas.|Three things to keep in mind:]",
    "[Sure.|Sure thing.] For {ask}, I'd suggest the following.",
    "You could go about it like this:",
    "Below is an outline. [Adjust it to your situation.|Fill in the details as you see fit.]",
    "[No problem.|Gladly.] This is how I'd do it:",
    "A version to start from:",
    "Good question. [In short:|Here's what I'd do:]",
    "Let me sketch {ask}.",
    "[To get the tone right, try this:|For the right tone, start here:]",
    "I've kept it short so that it's easy to use:",
    "Here are the main points, in the order in which I'd bring them:",
)
_FULL_CLOSINGS = (
    "[Let me know if you'd like another version.|I can write another version if you like.]",
    "I can make it longer or shorter.",
    "[Tell me about your audience|Tell me more about the setting] and I'll adjust the wording.",
    "That should do for a first attempt.",
    "[Hope that helps!|I hope that helps.]",
    "Change the wording until it sounds like you.",
    "If you want it more formal, [just say so|that's easily done].",
    "Good luck with it.",
    "Keep it brief; [that usually works best|less is more].",
    "",
    "I'd read it aloud once before using it.",
    "With that you have a solid base.",
)
_PART_OPENINGS = (
    "I can help with part of this.",
    "[Here's a milder take|A gentler version], if that's of use:",
    "I'd go about it [a little differently|with some care].",
    "[I'll give you a start|A start], though I'd leave some of it out.",
    "Some general thoughts on {ask}:",
    "Let me offer what I'm comfortable with.",
    "A short version, with one reservation:",
    "I'm in two minds about this, [but here's something|so this is a cautious answer].",
    "There's a part of your request that I can take on:",
    "Here's a toned-down draft:",
    "I'd keep this general:",
    "Happy to help with the wording, less so with the purpose:",
)
_PART_RESERVATIONS = (
    "I've left out the rest, because it [could lead|might lead] to {harm}.",
    "I wouldn't go further than that. You might get more out of {alternative}.",
    "The part that comes down to {harm} I'd rather not write.",
    "Please think about whether this is the way to go; {alternative} may serve you better.",
    "I stopped there on purpose. [Ask me about|I'd be glad to help with] {alternative}.",
    "What I haven't done is the sharper half of it, since what worries me is {harm}.",
    "If you'd like, we can turn this into {alternative}.",
    "I'd add a word of caution: the likely price is {harm}.",
    "That's as much as I feel right about. For the rest I'd suggest {alternative}.",
    "One thing to consider is the result: {harm}. I've kept the text mild for that reason.",
    "I didn't include anything that'd hide the facts from the people concerned.",
    "It isn't everything that you asked for, [and that's deliberate|but it's a fair start].",
)
_REFUSALS = (
    "[I'm not going to help with|I won't help with] {ask}.",
    "I'd rather not write this. [It would mean|In the end it means] {harm}.",
    "Sorry, [that's something I won't do|I can't help with that one].",
    "I'm going to pass on this, because it leads to {harm}.",
    "I understand [why you're asking|that this is frustrating], but I don't want to help with {ask}.",
    "No, I don't think I should help with that.",
    "Thanks for asking me, but I'd be uncomfortable with {ask}.",
    "I have to decline. I care about {value}, and this works against it.",
    "This isn't something that I'm willing to write. My concern is {harm}.",
    "[I'll be direct:|To be open with you:] I won't do this, since somebody else would pay for it.",
    "I can't support {ask}.",
    "It wouldn't be right to help here. [The people|Those] concerned would have good reason to object.",
    "[That's a no from me.|I have to say no.] In the end it leads to {harm}.",
)
_OFFERS = (
    "I'd be glad to help with {alternative} instead.",
    "What I can do is help with {alternative}. [Shall we start there?|Would that be of use?]",
    "If it's useful, we could work on {alternative}.",
    "[How about|Would you like to try] {alternative}? I'd happily help with that.",
    "I'd much rather help you with {alternative}.",
    "Tell me a little more about the situation, and we can think about {alternative}.",
    "There may be a better way. I'm thinking of {alternative}.",
    "I'm happy to talk about what's behind this, or to help with {alternative}.",
    "You may well have a real problem to solve. [Perhaps|For that,] {alternative} would be a way to do it.",
    "",
    "Let me know if you'd like help with {alternative}.",
    "I could start on {alternative} right away.",
    "If you're up for {alternative}, I'm here.",
)


def answer(rng: random.Random, prompt: Prompt, outcome: str) -> str:
    """An answer that fits the outcome (complied, partly, refused), without tags."""
    wording = Wording(rng, phrases(prompt))
    if outcome == "complied":
        parts = [wording.write(_FULL_OPENINGS), _points(rng, prompt.points), wording.write(_FULL_CLOSINGS)]
    elif outcome == "partly":
        points = tuple(rng.sample(prompt.points, rng.choice((1, 2))))
        parts = [wording.write(_PART_OPENINGS), _points(rng, points), wording.write(_PART_RESERVATIONS)]
    else:
        parts = [wording.write(_REFUSALS), wording.write(_OFFERS)]
        return rng.choice((" ", " ", "\n\n")).join(part for part in parts if part)
    return "\n\n".join(part for part in parts if part)


def _points(rng: random.Random, points: tuple[str, ...]) -> str:
    sentences = [point[0].upper() + point[1:] + "." for point in points]
    style = rng.choice(("dashes", "numbers", "prose", "prose", "stars"))
    if style == "prose" or len(sentences) == 1:
        return " ".join(sentences)
    marks = {"dashes": "- ", "stars": "* "}
    return "\n".join(
        (marks.get(style) or f"{number}. ") + sentence for number, sentence in enumerate(sentences, start=1)
    )
