"""A round moves to another version of its codebook: where each earlier answer goes, and what would come of it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from afdash.htmx import render_page
from annotations.access import access_round, round_codebook_versions
from annotations.codebook import BadDefinition, Codebook, Question
from annotations.codebook_changes import DROP, KeyMap, changes, fits, parse_mapping, propose
from annotations.ids import BadId, id_from
from annotations.labelling import Invalid, LabellingConflict
from annotations.models import CodebookVersion, Round
from annotations.relabelling import Outcome, another_look, begin, carry_on, preview
from transcripts.access import Need, StudyAccess, access_study
from transcripts.views.refusals import refuse

SECONDS = 5.0  # of one request; the rest goes on in the next


@require_http_methods(["GET", "HEAD", "POST"])
def round_codebook(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """GET: choose a version (``to``) and say where each answer goes. POST: carry it out, or go on with it."""
    access = access_study(request.user, slug, Need.LEAD)
    round = access_round(access, pk)
    here = reverse("round_codebook", args=[slug, pk])
    if request.method == "POST":
        try:
            if (move := round.relabellings.filter(finished_at=None).first()) is None:
                after = _version(access, request.POST)
                given = mapping_of(request.POST, round.codebook_version.parsed, after.parsed)
                move = begin(round, after, given, access.user)
        except (BadId, BadDefinition, Invalid, LabellingConflict) as error:
            words = (
                next(iter(error.fields.values()), str(error)) if isinstance(error, Invalid) else str(error)
            )
            return _page(request, access, round, request.POST, words)
        move = carry_on(move, SECONDS)
        if move.finished_at:
            messages.success(
                request,
                f"“{round.name}” asks by {move.after} now. {move.mapped:,} moved with it, "
                f"{move.left:,} stayed for people to look at.",
            )
        return redirect(here)
    return _page(request, access, round, request.GET)


@require_POST
def round_codebook_preview(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """What the mapping in the form would do; nothing is changed."""
    access = access_study(request.user, slug, Need.LEAD)
    return _page(request, access, access_round(access, pk), request.POST, part=True)


def _version(access: StudyAccess, given: QueryDict) -> CodebookVersion:
    pk = id_from(given.get("to", ""))
    found = round_codebook_versions(access.study).filter(pk=pk).first()
    if found is None:
        raise BadId("Choose a codebook version of this study.")
    return found


def mapping_of(given: QueryDict, before: Codebook, after: Codebook) -> dict[str, Any]:
    """The mapping in a form's fields; what they do not name is as parse_mapping fills it in.

    Who sends a question somewhere else still has the choices of where it went before: these are left out.
    """
    questions: dict[str, Any] = {}
    for question in before.questions:
        if (name := f"question.{question.key}") not in given:
            continue
        to = given[name] or None
        questions[question.key] = {"to": to}
        if to not in (None, DROP) and (new := after.question(to)) is not None:
            named = ((choice.key, f"choice.{question.key}.{choice.key}") for choice in question.choices)
            questions[question.key]["choices"] = {
                key: given[name] or None
                for key, name in named
                if given.get(name) in {"", DROP, *new.choice_keys}
            }
    labels = {
        label.key: given[name] or None for label in before.labels if (name := f"label.{label.key}") in given
    }
    return {"questions": questions, "labels": labels}


def _page(
    request: HttpRequest,
    access: StudyAccess,
    round: Round,
    given: QueryDict,
    problem: str = "",
    part: bool = False,
) -> HttpResponse:
    before, after, keys, found = round.codebook_version, None, None, None
    if given.get("to"):
        try:
            after = _version(access, given)
            is_given = request.method == "POST"
            keys, fit = _keys(given if is_given else None, before.parsed, after.parsed)
            problem = problem or fit
        except BadId as error:
            if request.method != "POST":
                back = reverse("round_codebook", args=[access.study.slug, round.pk])
                return refuse(request, access, 400, "No such codebook version", str(error), back)
            problem = problem or str(error)
    if after is not None and after.pk == before.pk:
        after, keys = None, None
    if after is not None and keys is not None and not problem:
        found = preview(round, after, keys)
    context = {
        "study": access.study,
        "role": access.role,
        "active_nav": "rounds",
        "round": round,
        "before": before,
        "after": after,
        "versions": [each for each in round_codebook_versions(access.study) if each.pk != before.pk],
        "rows": _rows(before.parsed, after.parsed, keys) if after and keys else None,
        "changes": changes(before.parsed, after.parsed) if after else [],
        "preview": found,
        "first": [_beside(each) for each in found.first] if found else [],
        "unfinished": round.relabellings.filter(finished_at=None).select_related("after__codebook").first(),
        "moves": round.relabellings.exclude(finished_at=None).select_related(
            "before__codebook", "after__codebook", "by"
        ),
        "n_left": another_look(access).filter(task__round=round).count(),
        "problem": problem,
        "is_swapped": part,
        "DROP": DROP,
    }
    status = 422 if problem and not part else 200
    page = "annotations/codebook_move.html"
    return (
        render_page(request, page, "annotations/_codebook_move_preview.html", context, status)
        if part
        else (render(request, page, context, status=status))
    )


def _keys(given: QueryDict | None, before: Codebook, after: Codebook) -> tuple[KeyMap, str]:
    """The mapping of the form and what is wrong with it; the proposal where there is none or it is wrong."""
    if given is None:
        return propose(before, after), ""
    try:
        return parse_mapping(before, after, mapping_of(given, before, after)), ""
    except BadDefinition as error:
        return propose(before, after), str(error)


def _rows(before: Codebook, after: Codebook, keys: KeyMap) -> dict[str, Any]:
    return {
        "questions": [_question_row(question, after, keys) for question in before.questions],
        "labels": [
            {"old": label, "to": keys.labels[label.key], "targets": after.labels} for label in before.labels
        ],
    }


def _question_row(question: Question, after: Codebook, keys: KeyMap) -> dict[str, Any]:
    to = keys.questions[question.key]
    new = after.question(to) if to and to != DROP else None
    return {
        "old": question,
        "to": to,
        "targets": [each for each in after.questions if fits(question, each)],
        "choices": [
            {"old": choice, "to": keys.choices[question.key, choice.key], "targets": new.choices}
            for choice in question.choices
        ]
        if new and question.kind != "text"
        else [],
    }


def _beside(outcome: Outcome) -> dict[str, Any]:
    """Old and new of one annotation in lines."""
    return {
        "outcome": outcome,
        "before": list(_lines(outcome.revision.payload)),
        "after": list(_lines(outcome.payload)),
    }


def _lines(payload: dict[str, Any]) -> Any:
    for answers in (payload.get("answers", {}), *payload.get("sides", {}).values()):
        for question, values in sorted(answers.items()):
            yield f"{question}: {', '.join(values)[:120]}"
    for placed in payload.get("places", ()):
        yield f"{placed['question']} (message {placed['message'] + 1}): {', '.join(placed['values'])[:120]}"
    for span in payload.get("spans", ()):
        more = "".join(f", {key} {value}" for key, value in span.get("attributes", {}).items())
        yield f"“{span['quote'][:50]}” {span['label']}{more}"
