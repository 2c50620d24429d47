"""What a lead changes in a round under way: more units, people, time; unblinding; what is right in a task."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from afdash.accounts.models import User
from annotations.access import access_round
from annotations.ids import BadId, id_from
from annotations.labelling import Invalid, LabellingConflict, extending, practice, unblinding
from annotations.labelling.practice import candidates
from annotations.models import Annotation, Expected, Round, Task
from annotations.units import units_of
from annotations.views.rounds import detail
from transcripts.access import Need, StudyAccess, access_study
from transcripts.filters import BadFilter
from transcripts.models import Transcript

PER_PAGE = 50
Given = QueryDict


def _context(access: StudyAccess, **more: Any) -> dict[str, Any]:
    return {"study": access.study, "role": access.role, "active_nav": "rounds", **more}


@require_POST
def round_change(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """``action`` says what, see ACTIONS; what is refused is told on the round's page (422)."""
    access = access_study(request.user, slug, Need.LEAD)
    round = access_round(access, pk)
    act = ACTIONS.get(request.POST.get("action", ""))
    if act is None:
        return detail(request, access, round, "There is no such change.")
    try:
        done = act(access, round, request.POST)
    except (BadFilter, BadId, LabellingConflict) as error:
        return detail(request, access, round, str(error))
    except Invalid as invalid:
        problem = next(iter(invalid.fields.values()), str(invalid))
        asks = request.POST if invalid.code == unblinding.UNBLINDED else None
        again = [(name, value) for name in asks for value in asks.getlist(name)] if asks else []
        shown = [pair for pair in again if pair[0] != "csrfmiddlewaretoken"]
        return detail(request, access, round, problem, again=shown)
    messages.success(request, done)
    return redirect("round_detail", slug, pk)


def _number(given: Given, name: str, words: str) -> int | None:
    text = given.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid(words, {name: words})
    return int(text)


def _people(access: StudyAccess, given: Given) -> list[User]:
    pks = {id_from(value) for value in given.getlist("user")}
    found = list(User.objects.filter(pk__in=pks, memberships__study=access.study).order_by("username"))
    if not found or len(found) != len(pks):
        raise Invalid("Choose people of this study.", {"user": "Choose people of this study."})
    return found


def _despite(given: Given) -> bool:
    return given.get("despite_unblinding") == "1"


def _units(access: StudyAccess, round: Round, given: Given) -> str:
    size = _number(given, "size", "How many more: a whole number, 1 or more.")
    try:
        units = units_of(access, QueryDict(given.get("from", "")[:8_000]))
    except Http404 as error:
        raise Invalid("There is no such view in this study.") from error
    made = extending.add_units(
        round,
        Transcript.objects.filter(study=access.study) if units is None else units.transcripts,
        size=size,
        selection=units.record() if units else None,
        despite_unblinding=_despite(given),
    )
    return f"{made:,} more task{'' if made == 1 else 's'}, behind the others."


def _deadline(access: StudyAccess, round: Round, given: Given) -> str:
    text = given.get("deadline", "").strip()
    try:
        deadline = date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Invalid("Give the deadline as a date, like 2027-01-31.") from error
    extending.set_deadline(round, deadline)
    return f"The deadline is {deadline}." if deadline else "There is no deadline any more."


def _overlap(access: StudyAccess, round: Round, given: Given) -> str:
    overlap = _number(given, "overlap", "Annotators per task: a whole number.")
    most = _number(given, "most_annotators", "Where they disagree: a whole number.")
    extending.raise_overlap(round, overlap or round.overlap, most or 0)
    return "The overlap is raised."


def _add(access: StudyAccess, round: Round, given: Given) -> str:
    people = _people(access, given)
    extending.add_annotators(round, people, despite_unblinding=_despite(given))
    return f"{', '.join(map(str, people))} may label in it now."


def _remove(access: StudyAccess, round: Round, given: Given) -> str:
    (person, *more) = _people(access, given)
    if more:
        raise Invalid("Take out one person at a time.")
    extending.remove_annotator(round, person)
    return f"{person} is in it no more. What they submitted stays."


def _pass_share(access: StudyAccess, round: Round, given: Given) -> str:
    percent = _number(given, "pass_percent", "Right answers to pass: 0 to 100.")
    extending.set_pass_share(round, (80 if percent is None else percent) / 100)
    return "The share of right answers that practice asks for is changed."


def _unblind(access: StudyAccess, round: Round, given: Given) -> str:
    (person, *more) = _people(access, given)
    if more:
        raise Invalid("Unblind one person at a time.")
    unblinding.unblind(access, round, person, given.get("reason", ""))
    return f"{person} sees from now on what this round hides. What they said before stays marked as blind."


ACTIONS: dict[str, Callable[[StudyAccess, Round, Given], str]] = {
    "units": _units,
    "deadline": _deadline,
    "overlap": _overlap,
    "add": _add,
    "remove": _remove,
    "pass_share": _pass_share,
    "unblind": _unblind,
}


@require_http_methods(["GET", "HEAD", "POST"])
def round_right(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """What is right in which task: of practice, or as gold. POST: a ``task``, and the ``annotation`` to take."""
    access = access_study(request.user, slug, Need.LEAD)
    round = access_round(access, pk)
    problem = ""
    if request.method == "POST":
        try:
            messages.success(request, _say_right(access, round, request.POST))
            return redirect(f"{request.path}?page={_page(request)}")
        except Invalid as invalid:
            problem = next(iter(invalid.fields.values()), str(invalid))
        except BadId as error:
            problem = str(error)
    page = Paginator(Task.objects.filter(round=round).order_by("position", "id"), PER_PAGE).get_page(
        _page(request)
    )
    context = _context(access, round=round, page=page, rows=_rows(round, list(page)), problem=problem)
    return render(request, "annotations/round_right.html", context, status=422 if problem else 200)


def _page(request: HttpRequest) -> int:
    text = request.GET.get("page", "1")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def _say_right(access: StudyAccess, round: Round, given: Given) -> str:
    task = Task.objects.filter(round=round, pk=id_from(given.get("task", ""))).select_related("round").first()
    if task is None:
        raise Invalid("There is no such task in this round.")
    if given.get("gold") == "0":
        practice.no_longer_gold(task)
        return f"Task {task.pk} is as the others again."
    try:
        annotation = candidates(task).filter(pk=uuid.UUID(given.get("annotation", ""))).first()
    except ValueError:
        annotation = None
    if annotation is None:
        raise Invalid("Choose a lead’s submitted answers to this very text.")
    practice.take_as_right(access, task, annotation, given.get("note", ""))
    kind = "gold" if round.kind == Round.Kind.LABELLING else "practice with feedback"
    return f"What is right in task {task.pk} is known now; it is {kind}."


def _rows(round: Round, tasks: list[Task]) -> list[dict[str, Any]]:
    """The tasks with their right answers and those that could be taken. Two queries, however many there are."""
    expected = (
        Expected.objects.filter(task__in=tasks).select_related("created_by").in_bulk(field_name="task_id")
    )
    by_unit: dict[tuple[int, ...], list[Annotation]] = {}
    for found in practice.candidates_in(round, tasks):
        unit = tuple(found.task.sides) if found.transcript_id is None else (found.transcript_id,)
        by_unit.setdefault(unit, []).append(found)
    return [
        {
            "task": task,
            "expected": expected.get(task.pk),
            "candidates": by_unit.get(
                tuple(task.sides) if task.transcript_id is None else (task.transcript_id,), []
            ),
        }
        for task in tasks
    ]
