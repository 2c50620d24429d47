"""Terminal control sequences in a text, and what they mean. A page shows them by name; it never obeys them."""

from __future__ import annotations

# ESC [ … letter. Others (titles, links) hold text, which must not hide behind a name: they are shown as the
# characters that they are, as is what is cut off or too long.
SEQUENCE = r"\x1b\[[0-?]{0,60}[ -/]{0,4}[@-~]"

_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_STYLES = {
    0: "reset",
    1: "bold",
    2: "faint",
    3: "italic",
    4: "underline",
    5: "blink",
    7: "reverse",
    8: "conceal",
    9: "strike",
    22: "not bold",
    23: "not italic",
    24: "not underlined",
    25: "not blinking",
    27: "not reversed",
    28: "revealed",
    29: "not struck",
    39: "usual colour",
    49: "usual ground",
}
_OTHERS = {
    "A": "cursor up",
    "B": "cursor down",
    "C": "cursor forward",
    "D": "cursor back",
    "G": "to column",
    "H": "move cursor",
    "f": "move cursor",
    "J": "clear screen",
    "K": "clear line",
    "s": "keep cursor",
    "u": "restore cursor",
    "h": "set mode",
    "l": "reset mode",
}


def meaning(sequence: str) -> str:
    """A sequence in a few words: ``red``, ``bold, bright blue ground``, ``clear line``; "" if unknown."""
    if not sequence.endswith("m"):
        return _OTHERS.get(sequence[-1], "")
    codes = sequence[2:-1].replace(":", ";").split(";")
    if not all(code == "" or code.isdigit() for code in codes):
        return ""
    return ", ".join(_styles([int(code or 0) for code in codes]))


def _styles(codes: list[int]) -> list[str]:
    words = []
    at = 0
    while at < len(codes):
        code = codes[at]
        place = " ground" if code // 10 in (4, 10) else ""
        if code in (38, 48):  # one of 256 colours, or red, green and blue
            is_of_256 = at + 1 < len(codes) and codes[at + 1] == 5
            words.append(f"colour {'.'.join(map(str, codes[at + 2 : at + (3 if is_of_256 else 5)]))}{place}")
            at += 3 if is_of_256 else 5
            continue
        if code in _STYLES:
            words.append(_STYLES[code])
        elif code % 10 < 8 and code // 10 in (3, 4):
            words.append(_COLOURS[code % 10] + place)
        elif code % 10 < 8 and code // 10 in (9, 10):
            words.append(f"bright {_COLOURS[code % 10]}{place}")
        at += 1
    return words
