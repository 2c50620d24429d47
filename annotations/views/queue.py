"""The annotator's way between tasks: what waits for me, the next one, giving one back, and what practice taught."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_POST, require_safe

from annotations.access import access_round, access_task, visible_rounds
from annotations.expected import compare, compare_spans
from annotations.ids import BadId, id_from
from annotations.labelling import LabellingConflict, Progress, claim_next, progress, release, skip
from annotations.labelling.claiming import leave
from annotations.labelling.practice import feedback, has_feedback, standings
from annotations.labelling.shown import Shown, shown
from annotations.models import Claim, Round, Task
from annotations.relabelling import another_look
from annotations.views import label_page
from transcripts.access import Need, StudyAccess, access_study

RECENT = 20


def _context(access: StudyAccess, **more: Any) -> dict[str, Any]:
    return {"study": access.study, "role": access.role, "active_nav": "label", **more}


def own_progress(access: StudyAccess, round: Round) -> Progress:
    return progress(round, access.user, hides_peers=not access.shows("peers"))


@require_safe
def queue(request: HttpRequest, slug: str) -> HttpResponse:
    """My rounds with my progress, the way to the next task, and what I submitted lately."""
    access = access_study(request.user, slug, Need.LABEL)
    mine = visible_rounds(access).filter(annotators__user=access.user)
    unfinished = list(mine.exclude(state=Round.State.CLOSED).order_by("id"))
    gates = standings(unfinished, access.user)
    today = now().date()
    rows = [
        {
            "round": each,
            "progress": own_progress(access, each),
            "gate": gates.get(each.pk),
            "is_late": each.deadline is not None and each.deadline < today,
        }
        for each in unfinished
    ]
    open_rows = [
        row
        for row in rows
        if row["round"].state == Round.State.OPEN
        and row["progress"].may_have_more
        and (row["gate"] is None or row["gate"].is_passed)
    ]
    recent = (
        Claim.objects.filter(
            annotator=access.user, state=Claim.State.SUBMITTED, task__round__study=access.study
        )
        .select_related("task__round")
        .order_by("-finished_at", "-id")[:RECENT]
    )
    context = _context(
        access,
        rows=rows,
        first=open_rows[0]["round"] if open_rows else None,
        has_open=any(row["round"].state == Round.State.OPEN for row in rows),
        recent=recent,
        n_another_look=another_look(access).filter(annotator=access.user).count(),
    )
    return render(request, "annotations/task_queue.html", context)


@require_POST
def task_next(request: HttpRequest, slug: str) -> HttpResponse:
    """Claim the next task (of the round named in ``round``) and go there; the queue if there is none.

    Who comes from a task of practice (``after``) is shown first what was right there.
    """
    access = access_study(request.user, slug, Need.LABEL)
    after = request.POST.get("after", "")
    if after:
        try:
            task = access_task(access, id_from(after))
        except BadId as error:
            messages.error(request, str(error))
            return redirect("queue", slug)
        if has_feedback(access, task):
            return redirect("task_feedback", slug, task.pk)
    return _go_to_next(request, access, request.POST.get("round", ""))


def _go_to_next(request: HttpRequest, access: StudyAccess, round_pk: str) -> HttpResponse:
    try:
        round = access_round(access, id_from(round_pk)) if round_pk else None
    except BadId as error:
        messages.error(request, str(error))
        return redirect("queue", access.study.slug)
    task = claim_next(access, round)
    if task is None:
        messages.success(request, "Nothing is left for you here just now.")
        return redirect("queue", access.study.slug)
    return redirect("task", access.study.slug, task.pk)


@require_POST
def task_skip(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    access = access_study(request.user, slug, Need.LABEL)
    task = access_task(access, pk)
    try:
        skip(access, task, request.POST.get("reason", "").replace("\x00", ""))
    except LabellingConflict as conflict:
        messages.error(request, str(conflict))
        return redirect("task", slug, pk)
    return _go_to_next(request, access, str(task.round_id))


@require_POST
def task_release(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Give the task back. ``later=1``: put it off, and go to the next one; else the page is being left (204)."""
    access = access_study(request.user, slug, Need.LABEL)
    task = access_task(access, pk)
    if request.POST.get("later") != "1":
        leave(access, task)
        return HttpResponse(status=204)
    try:
        release(access, task, later=True)
    except LabellingConflict as conflict:
        messages.error(request, str(conflict))
        return redirect("task", slug, pk)
    return _go_to_next(request, access, str(task.round_id))


@require_safe
def task_feedback(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """What was right in a task of practice, beside what I said. Of any other task there is no such page."""
    access = access_study(request.user, slug, Need.LABEL)
    task = access_task(access, pk)
    told = feedback(access, task)
    if told is None:
        raise Http404("There is no feedback on this task.")
    context = _context(
        access, task=task, round=task.round, note=told["note"], **_compared(access, task, told)
    )
    return render(request, "annotations/round_feedback.html", context)


def _compared(access: StudyAccess, task: Task, told: dict[str, Any]) -> dict[str, Any]:
    seen, book = shown(access, task), told["book"]
    expected, said = seen.shown(told["expected"]), seen.shown(told["said"])
    labels = {label.key: label for label in book.labels}
    rows = compare(book, expected, said)
    counted = [row for row in rows if row.is_right is not None]
    return {
        "rows": [
            {
                "row": row,
                "where": _where(seen, row.where),
                "expected": _titles(row.question, row.expected),
                "said": _titles(row.question, row.said),
            }
            for row in rows
        ],
        "spans": [
            {"span": span, "label": labels.get(span.label), "where": _where(seen, span.where)}
            for span in compare_spans(expected, said)
        ],
        "n_right": sum(1 for row in counted if row.is_right),
        "n_counted": len(counted),
        "progress": own_progress(access, task.round),
        "sides": label_page.sides(seen),
    }


def _where(seen: Shown, where: tuple[str, int | None, int | None]) -> str:
    """``text 2, message 3``; "" for the whole of one transcript."""
    side, message, _ = where
    words = [f"text {side}"] if side and seen.is_pair else []
    if message is not None:
        words.append(f"message {message + 1}")
    return ", ".join(words)


def _titles(question: Any, values: tuple[str, ...]) -> list[str]:
    titles = {choice.key: choice.title for choice in question.choices}
    return [titles.get(value, value) for value in values]
