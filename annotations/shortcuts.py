"""Which keys the labelling screen keeps for itself, and whether a codebook's keys collide. Pure."""

from __future__ import annotations

from annotations.codebook import Codebook

# As static/js/matchkey.js names keys. A test compares this with the keys in the page.
RESERVED = {
    "enter": "submit, next",
    "x": "skip",
    "shift+x": "come back later",
    "z": "undo",
    "shift+z": "redo",
    "v": "caret",
    "t": "the text answer",
    "i": "next span",
    "shift+i": "previous span",
    "delete": "remove the span",
    "backspace": "remove the span",
    "b": "guidelines",
    ".": "next message or segment to answer",
    ",": "previous message or segment to answer",
    ";": "next one that lacks an answer",
    "shift+t": "the text answer there",
    "shift+s": "the other side of the pair",
    "shift+e": "the chosen span’s attributes",
    "shift+n": "comment on the chosen span",
    "arrowleft": "end of the chosen span back",
    "arrowright": "end of the chosen span on",
    "shift+arrowleft": "start of the chosen span back",
    "shift+arrowright": "start of the chosen span on",
    "shift+c": "comment on the whole",
    "shift+f": "flag for the lead",
    "shift+j": "next suggestion",
    "+": "accept the suggestion",
    "-": "reject the suggestion",
    "?": "list of keys",
}


def collisions(book: Codebook) -> list[str]:
    """A sentence for each key that two things share; empty if all are apart."""
    taken = {key: f"the page ({what})" for key, what in RESERVED.items()}
    wanted = [(label.shortcut, f"the label {label.title!r}") for label in book.labels]
    wanted += [
        (choice.shortcut, f"{choice.title!r} of {question.key}")
        for question in book.questions
        for choice in question.choices
    ]
    found = []
    for shortcut, what in wanted:
        key = str(shortcut).lower()
        if not key:
            continue
        if len(key.split()) != 1:
            found.append(f"{what}: the shortcut {shortcut!r} must be one key.")
        elif key in taken:
            found.append(f"{what}: the key {shortcut!r} belongs to {taken[key]} already.")
        else:
            taken[key] = what
    return found
