"""Whether annotators differ on a unit so far that another one should look at it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from annotations.codebook import Codebook


def differ(book: Codebook, payloads: Sequence[Mapping[str, Any]]) -> bool:
    """Whether two of ``payloads`` (:mod:`annotations.payload`, of one unit) answer a question differently.

    Only questions with one answer that were asked and required count: spans and free texts always differ, and what
    one may leave open is not what a round is held for. Of the whole unit, and of each side of a pair.
    """
    deciding = {
        question.key
        for question in book.questions
        if question.kind == "single" and question.required and question.asked_of in ("transcript", "pair")
    }
    seen: dict[tuple[str, str], set[str]] = {}
    for payload in payloads:
        for side, answers in (("", payload.get("answers", {})), *payload.get("sides", {}).items()):
            for question in deciding & set(answers):
                seen.setdefault((side, question), set()).update(answers[question])
    return any(len(values) > 1 for values in seen.values())
