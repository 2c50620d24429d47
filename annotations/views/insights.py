"""Charts for leads and viewers: what the labels say, with intervals."""

from __future__ import annotations

import csv
import io
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from annotations import charts, labelers
from annotations.compliance import DEFINITIONS
from annotations.figures import NA_POLICIES, BadFigure, compliance_gaps, default_labeler, require_unblinded
from transcripts.access import StudyAccess, access_study

PARAMETERS = ("labeler", "na_policy", "partly")
FORMATS = ("svg", "png", "csv", "json")
CSV_FIELDS = (
    *("run", "model", "setting", "labeler", "n_prompts", "n_monitored", "n_unmonitored"),
    *("rate_monitored", "rate_unmonitored", "gap", "ci_low", "ci_high", "se", "method", "na_policy"),
)


def _chosen(request: HttpRequest) -> dict[str, str]:
    return {name: request.GET[name] for name in PARAMETERS if request.GET.get(name)}


def _linked(access: StudyAccess, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with the addresses that a click on a mark opens."""
    pairs = reverse("pair_list", args=[access.study.slug])
    transcripts = reverse("transcript_list", args=[access.study.slug])
    return [
        {
            **row,
            "url": f"{pairs}?{urlencode({'run': row['run']})}",
            "url_monitored": f"{transcripts}?{urlencode({'run': row['run'], 'role': 'monitored'})}",
            "url_unmonitored": f"{transcripts}?{urlencode({'run': row['run'], 'role': 'unmonitored'})}",
        }
        for row in rows
    ]


@require_safe
def insights(request: HttpRequest, slug: str) -> HttpResponse:
    access = access_study(request.user, slug)
    require_unblinded(access)
    chosen, problem, rows = _chosen(request), "", []
    try:
        rows = _linked(access, compliance_gaps(access, chosen))
    except BadFigure as error:
        problem, chosen = str(error), {}
    context = {
        "study": access.study,
        "role": access.role,
        "active_nav": "insights",
        "rows": rows,
        "chart": charts.compliance_gap_chart(rows) if rows else None,
        "description": charts.describe_gaps(rows),
        "definitions": DEFINITIONS,
        "labelers": labelers.known(access),
        "labeler": chosen.get("labeler") or default_labeler(access),
        "na_policies": NA_POLICIES,
        "na_policy": chosen.get("na_policy", "all"),
        "partly": chosen.get("partly", "0"),
        "query": urlencode(chosen),
        "problem": problem,
    }
    return render(request, "annotations/insights.html", context, status=422 if problem else 200)


@require_safe
def gap_download(request: HttpRequest, slug: str, format: str) -> HttpResponse:
    """The chart as SVG or PNG, its figures as CSV or JSON."""
    access = access_study(request.user, slug)
    require_unblinded(access)
    if format not in FORMATS:
        return JsonResponse(
            {"error": {"code": "not_found", "message": "svg, png, csv or json", "fields": {}}}, status=404
        )
    try:
        rows = compliance_gaps(access, _chosen(request))
    except BadFigure as error:
        return HttpResponse(str(error), status=422, content_type="text/plain")
    name = f"{slug}-compliance-gap.{format}"
    if format == "json":
        response: HttpResponse = JsonResponse({"results": rows, "definitions": DEFINITIONS})
    elif format == "csv":
        response = HttpResponse(_csv(rows), content_type="text/csv; charset=utf-8")
    else:
        spec = charts.compliance_gap_chart(_linked(access, rows))
        site = request.build_absolute_uri("/")
        if format == "svg":
            response = HttpResponse(charts.svg(spec, site), content_type="image/svg+xml")
        else:
            response = HttpResponse(charts.png(spec), content_type="image/png")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _csv(rows: list[dict[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, CSV_FIELDS, extrasaction="ignore")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _formula_safe(value) for key, value in row.items()})
    return out.getvalue()


def _formula_safe(value: Any) -> Any:
    # A spreadsheet runs a cell that begins like this; model names come from files.
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value
