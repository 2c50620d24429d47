"""The annotator's pages: what waits for me, and the screen on which I label it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from annotations.access import access_round, access_task, visible_rounds
from annotations.codebook import Codebook
from annotations.ids import BadId, id_from
from annotations.labelling import LabellingConflict, Progress, claim_next, progress, skip
from annotations.labelling.claiming import own_claims
from annotations.labelling.rounds import NOT_OPEN
from annotations.labelling.saving import SKIPPED, current_state
from annotations.models import Annotation, Claim, Round, RoundAnnotator, Task
from annotations.prose import blocks
from transcripts.access import Need, StudyAccess, access_study
from transcripts.models import Transcript, TranscriptBody
from transcripts.rendering import render_messages

RECENT = 20


def _context(access: StudyAccess, **more: Any) -> dict[str, Any]:
    return {"study": access.study, "role": access.role, "active_nav": "label", **more}


def _progress(access: StudyAccess, round: Round) -> Progress:
    return progress(round, access.user, hides_peers=not access.shows("peers"))


@require_safe
def queue(request: HttpRequest, slug: str) -> HttpResponse:
    """My rounds with my progress, the way to the next task, and what I submitted lately."""
    access = access_study(request.user, slug, Need.LABEL)
    mine = visible_rounds(access).filter(annotators__user=access.user)
    rows = [
        {"round": each, "progress": _progress(access, each)}
        for each in mine.exclude(state=Round.State.CLOSED).order_by("id")
    ]
    open_rows = [
        row for row in rows if row["round"].state == Round.State.OPEN and row["progress"].may_have_more
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
    )
    return render(request, "annotations/task_queue.html", context)


@require_POST
def task_next(request: HttpRequest, slug: str) -> HttpResponse:
    """Claim the next task (of the round named in ``round``) and go there; the queue if there is none."""
    access = access_study(request.user, slug, Need.LABEL)
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


@require_safe
def task(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """The labelling screen. Nothing in it tells what the round hides: not the address, no id, no title."""
    access = access_study(request.user, slug, Need.LABEL)
    task = access_task(access, pk)
    if task.transcript_id is None:
        raise Http404("Pairs cannot be labelled as one unit yet.")
    round = task.round
    book = round.codebook_version.parsed
    body = TranscriptBody.objects.select_related("transcript__run", "transcript__arm").get(
        transcript_id=task.transcript_id
    )
    own = Annotation.objects.filter(task=task, annotator=access.user).first()
    state = current_state(own)
    why_not = _why_not(access, task)
    context = _context(
        access,
        task=task,
        round=round,
        book=book,
        questions=_questions(book, state["answers"]),
        guidelines=blocks(book.guidelines),
        rendered=render_messages(body.messages),
        is_long=len(body.messages) > 60,
        is_editable=not why_not,
        why_not=why_not,
        progress=_progress(access, round),
        shown=_shown(access, task, body.transcript),
        page_state={
            "task": task.pk,
            "actor": access.user.pk,
            "text_sha256": bytes(body.transcript.content_sha256).hex(),
            "save": reverse("api_annotations", args=[slug]),
            "version": state["version"],
            "status": state["status"],
            "answers": state["answers"],
            "spans": state["spans"],
            "lengths": [len(message.text) for message in body.messages],
        },
    )
    return render(request, "annotations/task_label.html", context)


def _why_not(access: StudyAccess, task: Task) -> str:
    """Why nothing can be saved in this task, in a sentence; "" where it can."""
    if not RoundAnnotator.objects.filter(round=task.round, user=access.user).exists():
        return "You are not an annotator of this round any more, so nothing can be saved in it."
    if task.round.state in NOT_OPEN:
        return NOT_OPEN[Round.State(task.round.state)][1]
    if own_claims(task, access).latest("id").state == Claim.State.SKIPPED:
        return SKIPPED
    return ""


def _shown(access: StudyAccess, task: Task, transcript: Transcript) -> dict[str, Any]:
    """What stands above the text: the arm and the model where neither this nor another round hides them."""
    hidden = access.hidden.union(task.round.hidden)
    return {
        "hides_arm": "arm" in hidden,
        "hides_model": "model" in hidden,
        "arm": None if "arm" in hidden else transcript.arm,
        "run": None if "model" in hidden else transcript.run,
    }


def _questions(book: Codebook, answers: dict[str, list[str]]) -> list[dict[str, Any]]:
    """The form's questions with the answers that are stored, so that the page shows them from the start."""
    return [
        {
            "question": question,
            "choices": [
                {"choice": choice, "is_chosen": choice.key in answers.get(question.key, ())}
                for choice in question.choices
            ],
            "text": "".join(answers.get(question.key, ())) if question.kind == "text" else "",
            "layout": _layout(question.kind, [choice.title for choice in question.choices]),
        }
        for question in book.questions
    ]


def _layout(kind: str, titles: list[str]) -> str:
    """How the choices stand: a scale in a row, short ones two by two, else one under the other."""
    if kind == "scale":
        return "options-scale"
    longest = max((len(title) for title in titles), default=0)
    return "options-2" if longest <= (24 if kind == "single" else 16) else ""
