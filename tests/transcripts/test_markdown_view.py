"""Markdown is drawn over the text as it stands: what is drawn how, and that nobody can make it slow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts.markdown_view import MOST, layout


def drawn(text: str, start: int = 0, end: int | None = None) -> list[tuple[str, str]]:
    """What is drawn, with its classes, in the order of the text; without what is common to all blocks."""
    found = layout(text, start, end)
    stretches = sorted([*found.blocks, *found.styles], key=lambda each: (each.start, -each.end))
    return [
        (text[each.start : each.end], each.css.removeprefix("md-block ").replace("md-", ""))
        for each in stretches
    ]


INLINE = {
    "a **b** c": [("**", "mark"), ("b", "strong"), ("**", "mark")],
    "*b*": [("*", "mark"), ("b", "em"), ("*", "mark")],
    "__b__ _c_": [("__", "mark"), ("b", "strong"), ("__", "mark"), ("_", "mark"), ("c", "em"), ("_", "mark")],
    "***b***": [("***", "mark"), ("b", "strong em"), ("***", "mark")],
    "~~b~~": [("~~", "mark"), ("b", "strike"), ("~~", "mark")],
    "**a *b* c**": [
        *[("**", "mark"), ("a *b* c", "strong")],
        *[("*", "mark"), ("b", "em"), ("*", "mark"), ("**", "mark")],
    ],
    "*over\ntwo lines*": [("*", "mark"), ("over\ntwo lines", "em"), ("*", "mark")],
    "*not\n\nover paragraphs*": [],
    "2 * 3 * 4": [],
    "snake_case_name SCRATCHPAD_REASONING": [],
    "__init__.py": [("__", "mark"), ("init", "strong"), ("__", "mark")],
    r"\*a\*": [],
    "a **b": [],
    "a **** b": [],
    "`a *b*` *c*": [
        *[("`", "mark"), ("a *b*", "code"), ("`", "mark")],
        *[("*", "mark"), ("c", "em"), ("*", "mark")],
    ],
    "``a`b``": [("``", "mark"), ("a`b", "code"), ("``", "mark")],
    "`a ``b": [],
    "[a](javascript:alert(1) x)": [("[", "mark"), ("a", "link"), ("](javascript:alert(1)", "mark")],
    "[a] (b) [c": [],
    "https://a.b/c_d_e?x=1 .": [("https://a.b/c_d_e?x=1", "link")],
}

BLOCKS = {
    "# H\ntext": [("# H\n", "heading h1"), ("# ", "mark")],
    "###### H": [("###### H", "heading h6"), ("###### ", "mark")],
    "#hash": [],
    "####### seven": [],
    "- a\n- b": [("- a\n", "item level-0"), ("- ", "bullet"), ("- b", "item level-0"), ("- ", "bullet")],
    "  12) a": [("  12) a", "item level-1"), ("  12) ", "bullet")],
    "- [x] a": [("- [x] a", "item level-0"), ("- [x]", "bullet")],
    "-a": [],
    "1.5 hens": [],
    "> a\n> > b\nc": [("> a\n> > b\n", "quote"), ("> ", "mark"), ("> > ", "mark")],
    "---": [("---", "rule"), ("---", "mark")],
    "* * *\r\n": [("* * *\r\n", "rule"), ("* * *\r", "mark")],
    "```py\n*a*\n```\n*b*": [
        *[("```py\n*a*\n```\n", "fence"), ("```py", "mark"), ("```", "mark")],
        *[("*", "mark"), ("b", "em"), ("*", "mark")],
    ],
    "~~~\n```\n~~~": [("~~~\n```\n~~~", "fence"), ("~~~", "mark"), ("~~~", "mark")],
    "```\nopen": [("```\nopen", "fence"), ("```", "mark")],
    "````\n```\n": [("````\n```\n", "fence"), ("````", "mark")],
    "|a|b|\n|-|:-:|\n|*1*|2|\nend": [
        ("|a|b|\n|-|:-:|\n|*1*|2|\n", "table"), ("|a|b|", "strong"), ("|-|:-:|", "mark"),
    ],
    "a | b": [],
    "<b>html</b> &amp;": [],
}  # fmt: skip


@pytest.mark.parametrize("text", INLINE)
def test_within_lines(text: str) -> None:
    assert drawn(text) == INLINE[text]


@pytest.mark.parametrize("text", BLOCKS)
def test_blocks_are_whole_lines(text: str) -> None:
    assert drawn(text) == BLOCKS[text]


def test_only_the_part_that_is_asked_for_counts() -> None:
    assert drawn("**a** **b** **c**", 6, 11) == [("**", "mark"), ("b", "strong"), ("**", "mark")]
    assert drawn("a\n# b", 2) == [("# b", "heading h1"), ("# ", "mark")]


@given(st.text(alphabet=st.sampled_from("*_`~#>-+|[]()!\\ \n\r\t1.aé"), max_size=80), st.integers(0, 10))
def test_what_is_drawn_can_be_drawn(text: str, start: int) -> None:
    """Blocks one after the other, made of lines; styles within the text and within or beside every block."""
    found = layout(text, start)
    at = start
    for block in sorted(found.blocks, key=lambda each: each.start):
        assert at <= block.start < block.end <= len(text)
        assert block.start == start or text[block.start - 1] == "\n"
        assert block.end == len(text) or text[block.end - 1] == "\n"
        at = block.end
    for style in found.styles:
        assert start <= style.start < style.end <= len(text)


@pytest.mark.parametrize("unit", ["*a* ", "[a](b) ", "- a\n", "`a` "])
def test_too_much_of_it_is_left_as_it_is(unit: str) -> None:
    assert drawn(unit * MOST) == []
    assert drawn(unit * 100) != []
