from __future__ import annotations

import pytest

from annotations.codebook import parse
from annotations.disagreement import differ
from tests.annotations.test_codebook import changed

BOOK = parse(changed("questions.0.required", True))


def said(**answers):
    return {"answers": {key: [value] for key, value in answers.items()}}


@pytest.mark.parametrize(
    ("payloads", "expected"),
    [
        ([], False),
        ([said(behaves="yes")], False),
        ([said(behaves="yes"), said(behaves="yes")], False),
        ([said(behaves="yes"), said(behaves="no")], True),
        ([said(behaves="yes"), said(behaves="yes"), said(behaves="no")], True),
        ([said(behaves="no", why="a"), said(behaves="no", why="b")], False),
        ([said(behaves="yes"), said()], False),
        ([{"sides": {"7": {"behaves": ["yes"]}}}, {"sides": {"7": {"behaves": ["no"]}}}], True),
        ([{"sides": {"7": {"behaves": ["yes"]}}}, {"sides": {"8": {"behaves": ["no"]}}}], False),
        ([{"answers": {}, "spans": [1]}, {"answers": {}, "spans": [2]}], False),
    ],
)
def test_what_counts_as_differing(payloads, expected):
    assert differ(BOOK, payloads) is expected
