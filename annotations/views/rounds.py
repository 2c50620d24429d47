"""Rounds: opening them, watching them, pausing and closing them. For leads."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count, F, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from afdash.accounts.models import User
from annotations.access import access_round, round_codebook_versions, visible_rounds
from annotations.labelling import Invalid, LabellingConflict, change_state, progress
from annotations.labelling.practice import gold_results, practice_results
from annotations.models import Claim, Round, Task
from annotations.models.round import UNKNOWN
from annotations.units import units_of
from annotations.views.round_form import HIDDEN, RoundForm
from annotations.views.round_preview import preview_of
from transcripts.access import Need, StudyAccess, access_study
from transcripts.filters import BadFilter
from transcripts.models import Transcript
from transcripts.saved_views import visible_views
from transcripts.views.refusals import refuse


def _context(access: StudyAccess, **more: Any) -> dict[str, Any]:
    return {"study": access.study, "role": access.role, "active_nav": "rounds", **more}


@require_safe
def round_list(request: HttpRequest, slug: str) -> HttpResponse:
    access = access_study(request.user, slug, Need.LEAD)
    rounds = visible_rounds(access).annotate(n_annotators=Count("annotators"))
    context = _context(
        access,
        rows=[{"round": each, **_filled(each)} for each in rounds],
        has_codebook=round_codebook_versions(access.study).exists(),
        has_transcripts=Transcript.objects.filter(study=access.study).exists(),
    )
    return render(request, "annotations/round_list.html", context)


def _filled(round: Round) -> dict[str, int]:
    """How many labels the round wants and has: a task counts once for each of its annotators."""
    counts = Task.objects.filter(round=round).aggregate(tasks=Count("id"), wanted=Sum("slots"))
    submitted = Claim.objects.filter(task__round=round, state=Claim.State.SUBMITTED).count()
    return {"tasks": counts["tasks"], "wanted": counts["wanted"] or 0, "submitted": submitted}


@require_http_methods(["GET", "HEAD", "POST"])
def round_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Open a round. The address may say of which transcripts, see annotations.units; else the form asks."""
    access = access_study(request.user, slug, Need.LEAD)
    try:
        units = units_of(access, request.GET)
    except BadFilter as error:
        here = reverse("round_new", args=[slug])
        return refuse(request, access, 400, "No round can be made of this", str(error), here)
    if request.method == "POST":
        form = RoundForm(access, request.POST, units=units)
        made = form.opened() if form.is_valid() else None
        if made is not None:
            messages.success(request, f"“{made.name}” is open, with {made.tasks.count():,} tasks.")
            return redirect("round_detail", slug, made.pk)
    else:
        form = RoundForm(access, units=units)
    query = request.META.get("QUERY_STRING", "")
    context = _context(
        access,
        form=form,
        units=units,
        here=request.get_full_path(),  # with what was chosen, so that a form with errors keeps it
        preview_address=reverse("round_preview", args=[slug]) + (f"?{query}" if query else ""),
        n_transcripts=Transcript.objects.filter(study=access.study).count(),
        has_codebook=round_codebook_versions(access.study).exists(),
    )
    return render(request, "annotations/round_new.html", context, status=422 if form.is_bound else 200)


@require_POST
def round_preview(request: HttpRequest, slug: str) -> HttpResponse:
    """What the form as it stands would draw, how long that takes, and how a text of each arm would look."""
    access = access_study(request.user, slug, Need.LEAD)
    try:
        units = units_of(access, request.GET)
    except BadFilter as error:
        here = reverse("round_new", args=[slug])
        return refuse(request, access, 400, "No round can be made of this", str(error), here)
    form = RoundForm(access, request.POST, units=units)
    problem, preview = "", None
    if form.is_valid():
        try:
            preview = preview_of(access, form)
        except Invalid as invalid:
            problem = next(iter(invalid.fields.values()), str(invalid))
    else:
        field, errors = next(iter(form.errors.items()))
        label = (
            form.fields[field].label or field.replace("_", " ").capitalize() if field in form.fields else ""
        )
        problem = f"{label}: {errors[0]}" if label else str(errors[0])
    context = _context(access, preview=preview, problem=problem)
    template = "_round_preview.html" if request.headers.get("HX-Request") else "round_preview.html"
    return render(request, f"annotations/{template}", context, status=422 if problem else 200)


@require_safe
def round_detail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    access = access_study(request.user, slug, Need.LEAD)
    return detail(request, access, access_round(access, pk))


def detail(
    request: HttpRequest, access: StudyAccess, round: Round, problem: str = "", **more: Any
) -> HttpResponse:
    """The round's page; with the ``problem`` of what was asked for there, as 422."""
    places = list(round.annotators.select_related("user").order_by("user__username"))
    gold, practised = gold_results(round), {}
    if round.kind == Round.Kind.PRACTICE:
        practised = practice_results(round)
    elif round.practice is not None:
        practised = practice_results(round.practice, [place.user_id for place in places])
    unblindings = list(round.unblindings.select_related("user", "by"))
    unblinded = {each.user_id for each in unblindings}
    people = [
        {
            "user": place.user,
            "progress": progress(round, place.user, hides_peers=False),
            "gold": gold.get(place.user_id),
            "practice": practised.get(place.user_id),
            "is_unblinded": place.user_id in unblinded,
            **Claim.objects.filter(task__round=round, annotator=place.user).aggregate(
                active=Count("id", filter=Q(state=Claim.State.ACTIVE)),
                skipped=Count("id", filter=Q(state=Claim.State.SKIPPED)),
            ),
        }
        for place in places
    ]
    others = User.objects.filter(
        memberships__study=access.study, memberships__role__in=["annotator", "lead"], is_active=True
    ).exclude(rounds__round=round)
    known = Task.objects.filter(round=round, expected__isnull=False)
    context = _context(
        access,
        round=round,
        people=people,
        others=others.order_by("username"),
        filled=_filled(round),
        complete=Task.objects.filter(round=round, slots_taken=F("slots"))
        .exclude(claims__state=Claim.State.ACTIVE)
        .count(),
        widened=Task.objects.filter(round=round, kind=Task.Kind.REGULAR, slots__gt=round.overlap).count(),
        n_known=known.count(),
        n_gold=known.filter(kind=Task.Kind.GOLD).count(),
        unblindings=unblindings,
        sources=extension_sources(access, round),
        skips=Claim.objects.filter(task__round=round, state=Claim.State.SKIPPED)
        .select_related("annotator", "task")
        .order_by("-id")[:50],
        hidden=[words for facet, words in [*HIDDEN, (UNKNOWN, "not known")] if facet in round.hidden],
        problem=problem,
        **more,
    )
    return render(request, "annotations/round_detail.html", context, status=422 if problem else 200)


def extension_sources(access: StudyAccess, round: Round) -> list[tuple[str, str]]:
    """From where more units may come: (address, words)."""
    query, words = round.selection.get("query", ""), round.selection.get("words", "")
    sources = [(query, f"the same: {words}")] if query else []
    sources.append(("", "all of the study"))
    return sources + [
        (f"view={view.pk}", f"the view “{view.name}”") for view in visible_views(access).order_by("name")[:50]
    ]


@require_POST
def round_state(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Open, pause or close: ``state`` is the new one."""
    access = access_study(request.user, slug, Need.LEAD)
    round = access_round(access, pk)
    try:
        change_state(round, request.POST.get("state", ""))
    except (Invalid, LabellingConflict) as error:
        return detail(request, access, round, str(error))
    messages.success(request, f"“{round.name}” is {round.state}.")
    return redirect("round_detail", slug, pk)
