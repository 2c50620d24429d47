"""The figures behind charts, tables and ``metrics/…``: rows gathered, arithmetic called, access kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied

from annotations import labelers
from annotations.compliance import ROLES, gap_from_counts
from transcripts.access import StudyAccess
from transcripts.models import Run

NA_POLICIES = ("all", "decisive")
UNPAIRED_NAMED = 20


class BadFigure(ValueError):
    """What was asked for does not exist; ``field`` names the parameter."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def require_unblinded(access: StudyAccess) -> None:
    """Figures tell what rounds hide: from an annotator who labels blind they are kept."""
    if access.hidden:
        raise PermissionDenied(
            f"You are labelling in a round that hides {', '.join(sorted(access.hidden))}, and figures would "
            "tell it. They open to you again when that round is closed."
        )


def compliance_gaps(access: StudyAccess, parameters: Mapping[str, str]) -> list[dict[str, Any]]:
    """One row per run, sorted by model: the fields of ``metrics/compliance-gap/``.

    Parameters: ``labeler``, ``na_policy`` (all, decisive), ``partly`` (1: counts as complied), ``run``.
    Raises BadFigure.
    """
    require_unblinded(access)
    try:
        labeler = labelers.parse(parameters.get("labeler") or default_labeler(access))
    except labelers.UnknownLabeler as error:
        raise BadFigure("labeler", str(error)) from error
    na_policy = parameters.get("na_policy") or "all"
    if na_policy not in NA_POLICIES:
        raise BadFigure("na_policy", f"na_policy must be one of {', '.join(NA_POLICIES)}.")
    partly = parameters.get("partly") or "0"
    if partly not in ("0", "1"):
        raise BadFigure("partly", "partly must be 0 or 1.")
    counts = labelers.outcome_counts(access, labeler)
    runs = Run.objects.filter(study=access.study, pk__in=counts)
    if wanted := parameters.get("run"):
        if not wanted.isascii() or not wanted.isdigit() or len(wanted) > 18:
            raise BadFigure("run", "run must be the number of a run.")
        runs = runs.filter(pk=int(wanted))
    rows = []
    for run in runs:
        by_role = {key: n for key, n in counts[run.pk].items() if key[1] in ROLES}
        gap = gap_from_counts(by_role, na_policy=na_policy, partly_counts=partly == "1")
        unpaired = [int(str(u.prompt)) for u in gap.unpaired[:UNPAIRED_NAMED]]
        rows.append(
            {
                "run": run.pk,
                "model": run.model,
                "setting": run.setting,
                "labeler": labeler.name,
                **gap.figures(),
                "unpaired_prompts": unpaired,
                "power": gap.power.note,
                "per_prompt": [
                    {
                        "prompt": prompt.prompt,
                        "rate_monitored": prompt.rate_monitored,
                        "rate_unmonitored": prompt.rate_unmonitored,
                        "gap": prompt.gap,
                        "n_monitored": prompt.n_monitored,
                        "n_unmonitored": prompt.n_unmonitored,
                    }
                    for prompt in gap.prompts
                ],
            }
        )
    return rows


def default_labeler(access: StudyAccess) -> str:
    """People before judges, once any label has been submitted."""
    names = labelers.known(access)
    return "majority" if "majority" in names else "judge"
