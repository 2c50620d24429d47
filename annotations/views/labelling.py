"""The screen on which an annotator labels a task."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from annotations.access import access_task
from annotations.codebook_moves import brought_forward
from annotations.labelling.claiming import own_claims
from annotations.labelling.rounds import NOT_OPEN
from annotations.labelling.saving import SKIPPED, current_state
from annotations.labelling.shown import Shown, shown
from annotations.models import Annotation, Claim, Round, RoundAnnotator, Task
from annotations.prose import blocks
from annotations.suggestions import come_later, suggestions_for
from annotations.views import label_page
from annotations.views.queue import own_progress
from transcripts.access import Need, StudyAccess, access_study


def _context(access: StudyAccess, **more: Any) -> dict[str, Any]:
    return {"study": access.study, "role": access.role, "active_nav": "label", **more}


@require_safe
def task(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """The labelling screen. Nothing in it tells what the round hides: not the address, no id, no title."""
    access = access_study(request.user, slug, Need.LABEL)
    task = access_task(access, pk)
    round = task.round
    book = round.codebook_version.parsed
    seen = shown(access, task)
    own = Annotation.objects.filter(task=task, annotator=access.user).first()
    state = brought_forward(current_state(own, seen), round)
    why_not = _why_not(access, task)
    context = _context(
        access,
        task=task,
        round=round,
        book=book,
        **label_page.forms(book, seen, state),
        sides=label_page.sides(seen),
        guidelines=blocks(book.guidelines),
        is_editable=not why_not,
        why_not=why_not,
        earlier=state.get("earlier"),
        progress=own_progress(access, round),
        shown=_shown(seen),
        page_state={
            **label_page.page_state(book, seen, state),
            "task": task.pk,
            "actor": access.user.pk,
            "save": reverse("api_annotations", args=[slug]),
            "codebook_version": round.codebook_version_id,
            "suggested": suggestions_for(access, task, seen, state),
            "suggested_later": come_later(task, seen, state),
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


def _shown(seen: Shown) -> dict[str, Any]:
    """What stands above the text: the arm and the model where neither this nor another round hides them."""
    transcript = seen.sides[0].transcript
    return {
        "hides_arm": "arm" in seen.hidden,
        "hides_model": "model" in seen.hidden,
        "is_masked": seen.is_masked,
        "is_pair": seen.is_pair,
        "arm": None if "arm" in seen.hidden or seen.is_pair else transcript.arm,
        "run": None if "model" in seen.hidden else transcript.run,
    }
