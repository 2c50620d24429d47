"""Fields of a round beyond the first ones, as a program gives and gets them."""

from __future__ import annotations

from datetime import date
from typing import Any

from annotations.api.fields import Fields
from annotations.labelling.rounds import proposed
from annotations.models import Round
from transcripts.models import Study

TEXTS = {"unit": Round.Unit.TRANSCRIPT, "kind": Round.Kind.LABELLING, "order": Round.OrderOfTasks.RANDOM}
FIELDS = frozenset(
    {
        *TEXTS,
        "most_annotators",
        "strata_by",
        "draw",
        "deadline",
        "mask_phrases",
        "suggestions",
        "practice",
        "pass_share",
        "despite_unblinding",
    }
)
DRAWS = ("even", "proportional")


def read(fields: Fields, study: Study, *, hides_arm: bool) -> dict[str, Any]:
    """What :func:`annotations.labelling.open_round` takes; problems are left with ``fields``.

    ``mask_phrases`` that are not given, where the arm is hidden, are those that the form would propose.
    """
    found: dict[str, Any] = {name: fields.get(name, str, str(usual)) for name, usual in TEXTS.items()}
    found["most_annotators"] = fields.get("most_annotators", int, 0)
    found["strata_by"] = _texts(fields, "strata_by")
    draw = fields.get("draw", str, "even")
    if draw not in DRAWS:
        fields.problems["draw"] = f"One of {', '.join(DRAWS)}."
    found["is_even"] = draw == "even"
    found["deadline"] = _date(fields)
    if "mask_phrases" in fields.data or not hides_arm:
        found["mask_phrases"] = _texts(fields, "mask_phrases")
    else:
        found["mask_phrases"] = proposed(study)
    found["suggestions"] = fields.get("suggestions", list, [])
    found["practice"] = _practice(fields, study)
    share = fields.data.get("pass_share", 0.8)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        fields.problems["pass_share"] = "Give a share from 0 to 1."
    found["pass_share"] = share
    found["despite_unblinding"] = fields.data.get("despite_unblinding", False)
    if not isinstance(found["despite_unblinding"], bool):
        fields.problems["despite_unblinding"] = "Give true or false."
    return found


def _texts(fields: Fields, name: str) -> list[str]:
    values = fields.get(name, list, [])
    if not all(isinstance(value, str) and "\x00" not in value for value in values):
        fields.problems[name] = "Give a list of texts."
        return []
    return values


def _date(fields: Fields) -> date | None:
    given = fields.data.get("deadline")
    if given is None:
        return None
    try:
        return date.fromisoformat(given if isinstance(given, str) else "")
    except ValueError:
        fields.problems["deadline"] = "Give a date, like 2027-01-31."
        return None


def _practice(fields: Fields, study: Study) -> Round | None:
    if fields.data.get("practice") is None:
        return None
    pk = fields.get("practice", int, 0)
    round = Round.objects.filter(study=study, pk=pk, kind=Round.Kind.PRACTICE).first()
    if round is None:
        fields.problems.setdefault("practice", "This study has no such practice round.")
    return round


def present(round: Round) -> dict[str, Any]:
    """For leads."""
    return {
        "order": round.order,
        "most_annotators": round.most_annotators,
        "strata": round.strata,
        "mask_phrases": round.mask_phrases,
        "suggestions": round.suggestions,
        "practice": round.practice_id,
        "pass_share": round.pass_share,
    }
