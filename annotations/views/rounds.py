"""Rounds: opening them, watching them, pausing and closing them. For leads."""

from __future__ import annotations

import secrets
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, F, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from afdash.accounts.models import User
from annotations.access import access_round, round_codebook_versions, visible_rounds
from annotations.labelling import Invalid, LabellingConflict, change_state, open_round, progress
from annotations.labelling.rounds import MAX_OVERLAP, facet_words
from annotations.models import Claim, CodebookVersion, Round, Task
from annotations.models.round import HIDEABLE, UNKNOWN
from transcripts.access import Need, StudyAccess, access_study
from transcripts.models import Arm, Run, Study, Transcript

HIDDEN = [(facet, facet_words(facet)) for facet in HIDEABLE]


def _context(access: StudyAccess, **more: Any) -> dict[str, Any]:
    return {"study": access.study, "role": access.role, "active_nav": "rounds", **more}


class RoundForm(forms.Form):
    name = forms.CharField(max_length=200, help_text="Annotators see it above every text.")
    codebook_version = forms.ModelChoiceField(
        CodebookVersion.objects.none(), label="Codebook", empty_label=None
    )
    run = forms.ModelChoiceField(
        Run.objects.none(), label="Model", required=False, empty_label="all models and settings"
    )
    arm = forms.ModelChoiceField(Arm.objects.none(), required=False, empty_label="all arms, mixed by chance")
    size = forms.IntegerField(
        label="How many", required=False, min_value=1, help_text="A random sample of so many; empty for all."
    )
    seed = forms.IntegerField(
        min_value=0, max_value=2**63 - 1, help_text="The same seed gives the same sample in the same order."
    )
    overlap = forms.IntegerField(
        label="Annotators per transcript",
        min_value=1,
        max_value=MAX_OVERLAP,
        initial=2,
        help_text="Two or more, to see whether they agree.",
    )
    annotators = forms.ModelMultipleChoiceField(User.objects.none(), widget=forms.CheckboxSelectMultiple)
    hidden = forms.MultipleChoiceField(choices=HIDDEN, required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, study: Study, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["codebook_version"].queryset = round_codebook_versions(study)  # type: ignore[attr-defined]
        self.fields["run"].queryset = Run.objects.filter(study=study)  # type: ignore[attr-defined]
        self.fields["arm"].queryset = Arm.objects.filter(study=study)  # type: ignore[attr-defined]
        self.fields["annotators"].queryset = User.objects.filter(  # type: ignore[attr-defined]
            memberships__study=study, memberships__role__in=["annotator", "lead"], is_active=True
        ).order_by("username")


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
    access = access_study(request.user, slug, Need.LEAD)
    if request.method == "POST":
        form = RoundForm(access.study, request.POST)
        made = _opened(access, form) if form.is_valid() else None
        if made is not None:
            messages.success(request, f"“{made.name}” is open, with {made.tasks.count():,} tasks.")
            return redirect("round_detail", slug, made.pk)
    else:
        form = RoundForm(
            access.study,
            initial={
                "name": f"Round {Round.objects.filter(study=access.study).count() + 1}",
                "seed": secrets.randbelow(10**6),
                "hidden": HIDEABLE,
            },
        )
        form.fields["annotators"].initial = list(
            form.fields["annotators"].queryset.filter(  # type: ignore[attr-defined]
                memberships__study=access.study, memberships__role="annotator"
            )
        )
    context = _context(
        access,
        form=form,
        n_transcripts=Transcript.objects.filter(study=access.study).count(),
        has_codebook=round_codebook_versions(access.study).exists(),
    )
    return render(request, "annotations/round_new.html", context, status=422 if form.is_bound else 200)


def _opened(access: StudyAccess, form: RoundForm) -> Round | None:
    given = form.cleaned_data
    transcripts = Transcript.objects.filter(study=access.study)
    for name in ("run", "arm"):
        if given[name] is not None:
            transcripts = transcripts.filter(**{name: given[name]})
    try:
        return open_round(
            access.study,
            name=given["name"],
            codebook_version=given["codebook_version"],
            transcripts=transcripts,
            annotators=list(given["annotators"]),
            overlap=given["overlap"],
            hidden=given["hidden"],
            seed=given["seed"],
            size=given["size"],
            created_by=access.user,
        )
    except Invalid as invalid:
        for field, words in invalid.fields.items():
            form.add_error(field if field in form.fields else None, words)
        return None


@require_safe
def round_detail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    access = access_study(request.user, slug, Need.LEAD)
    return _detail(request, access, access_round(access, pk))


def _detail(request: HttpRequest, access: StudyAccess, round: Round, problem: str = "") -> HttpResponse:
    people = [
        {
            "user": place.user,
            "progress": progress(round, place.user, hides_peers=False),
            **Claim.objects.filter(task__round=round, annotator=place.user).aggregate(
                active=Count("id", filter=Q(state=Claim.State.ACTIVE)),
                skipped=Count("id", filter=Q(state=Claim.State.SKIPPED)),
            ),
        }
        for place in round.annotators.select_related("user").order_by("user__username")
    ]
    context = _context(
        access,
        round=round,
        people=people,
        filled=_filled(round),
        complete=Task.objects.filter(round=round, slots_taken=F("slots"))
        .exclude(claims__state=Claim.State.ACTIVE)
        .count(),
        skips=Claim.objects.filter(task__round=round, state=Claim.State.SKIPPED)
        .select_related("annotator", "task")
        .order_by("-id")[:50],
        hidden=[words for facet, words in [*HIDDEN, (UNKNOWN, "not known")] if facet in round.hidden],
        problem=problem,
    )
    return render(request, "annotations/round_detail.html", context, status=422 if problem else 200)


@require_POST
def round_state(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Open, pause or close: ``state`` is the new one."""
    access = access_study(request.user, slug, Need.LEAD)
    round = access_round(access, pk)
    try:
        change_state(round, request.POST.get("state", ""))
    except (Invalid, LabellingConflict) as error:
        return _detail(request, access, round, str(error))
    messages.success(request, f"“{round.name}” is {round.state}.")
    return redirect("round_detail", slug, pk)
