"""The form by which a lead opens a round."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef
from django.http import QueryDict

from afdash.accounts.models import User
from annotations.access import round_codebook_versions
from annotations.labelling import Invalid, open_round
from annotations.labelling.drawing import STRATA
from annotations.labelling.rounds import MAX_OVERLAP, cleaned, facet_words, proposed
from annotations.labelling.unblinding import UNBLINDED
from annotations.models import CodebookVersion, Expected, Round
from annotations.models.round import HIDEABLE
from annotations.units import Units, units_of
from transcripts.access import StudyAccess
from transcripts.filters import BadFilter
from transcripts.models import Arm, Run, SavedView, Transcript
from transcripts.saved_views import visible_views

HIDDEN = [(facet, facet_words(facet)) for facet in HIDEABLE]
UNITS = [("transcript", "One transcript"), ("pair", "A pair: one transcript of each arm, side by side")]
KINDS = [("labelling", "For labels"), ("practice", "For practice, with feedback after each")]
ORDERS = [
    ("random", "By chance"),
    ("uncertain", "Where the judge is least certain first"),
    ("by_pair", "The transcripts of a pair one after the other"),
]
BY = {"arm": "arm", "run": "run", "judge": "judge’s score"}
EVEN = [("even", "As many of each stratum"), ("proportional", "In proportion")]

# Of fields that a request may leave out.
USUAL = {"kind": "labelling", "unit": "transcript", "draw": "even", "order": "random"}


class RoundForm(forms.Form):
    asks_despite = False  # whether a lead has to say that they know who has seen it before
    name = forms.CharField(max_length=200, help_text="Annotators see it above every text.")
    codebook_version = forms.ModelChoiceField(
        CodebookVersion.objects.none(), label="Codebook", empty_label=None
    )
    kind = forms.ChoiceField(choices=KINDS, initial="labelling")
    unit = forms.ChoiceField(label="What one task is", choices=UNITS, initial="transcript")
    view = forms.ModelChoiceField(
        SavedView.objects.none(), label="Saved view", required=False, empty_label="none: all of the study"
    )
    run = forms.ModelChoiceField(
        Run.objects.none(), label="Model", required=False, empty_label="all models and settings"
    )
    arm = forms.ModelChoiceField(Arm.objects.none(), required=False, empty_label="all arms, mixed by chance")
    size = forms.IntegerField(
        label="How many", required=False, min_value=1, help_text="A random sample of so many; empty for all."
    )
    strata_by = forms.MultipleChoiceField(
        label="Strata", choices=[(key, BY[key]) for key in STRATA], required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    draw = forms.ChoiceField(label="From each stratum", choices=EVEN, initial="even")
    order = forms.ChoiceField(label="In which order", choices=ORDERS, initial="random")
    seed = forms.IntegerField(
        min_value=0, max_value=2**63 - 1, help_text="The same seed gives the same sample in the same order."
    )
    annotators = forms.ModelMultipleChoiceField(User.objects.none(), widget=forms.CheckboxSelectMultiple)
    despite_unblinding = forms.BooleanField(
        label="They have seen it before; give them this round all the same", required=False
    )
    overlap = forms.IntegerField(
        label="Annotators per task",
        min_value=1,
        max_value=MAX_OVERLAP,
        initial=2,
        help_text="Two or more, to see whether they agree.",
    )
    most_annotators = forms.IntegerField(
        label="Where they disagree, up to",
        required=False,
        min_value=0,
        max_value=MAX_OVERLAP,
        help_text="One more is asked each time, until they are so many. Empty for none.",
    )
    deadline = forms.DateField(required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    practice = forms.ModelChoiceField(
        Round.objects.none(),
        label="Practice first",
        required=False,
        empty_label="none",
        help_text="Nobody gets a task before they have passed it.",
    )
    pass_percent = forms.IntegerField(
        label="Right answers to pass, in %", required=False, min_value=0, max_value=100, initial=80
    )
    hidden = forms.MultipleChoiceField(choices=HIDDEN, required=False, widget=forms.CheckboxSelectMultiple)
    mask_phrases = forms.CharField(
        label="Phrases to mask",
        required=False,
        max_length=60_000,
        widget=forms.Textarea({"rows": 8, "class": "mono", "spellcheck": "false"}),
        help_text="One a line; * at the end for any ending. Tiers’ tags, and what differs between the arms’ prompts, "
        "are masked besides. Only where the arm is hidden.",
    )
    suggest_quotes = forms.ChoiceField(label="The judge’s quotes, suggested as", required=False)
    suggest_outcome = forms.ChoiceField(label="The judge’s outcome, suggested for", required=False)
    suggest_after = forms.BooleanField(
        label="Only once the annotator has said something of their own", required=False, initial=True
    )

    def __init__(
        self, access: StudyAccess, data: QueryDict | None = None, *, units: Units | None = None
    ) -> None:
        """``units``: what the address says, so that the form need not ask."""
        study = access.study
        if data is not None:
            data = data.copy()
            for name, usual in USUAL.items():
                data.setdefault(name, usual)
        super().__init__(data, initial=None if data is not None else _initial(access))
        self.access, self.units = access, units
        versions = round_codebook_versions(study)
        labelling = User.objects.filter(memberships__study=study, is_active=True)
        has_right = Exists(Expected.objects.filter(task__round=OuterRef("pk")))
        self._among(
            codebook_version=versions,
            run=Run.objects.filter(study=study),
            arm=Arm.objects.filter(study=study),
            view=visible_views(access).order_by("name"),
            annotators=labelling.filter(memberships__role__in=["annotator", "lead"]).order_by("username"),
            practice=Round.objects.filter(has_right, study=study, kind=Round.Kind.PRACTICE),
        )
        self.fields["suggest_quotes"].choices = _offered(versions, "labels")  # type: ignore[attr-defined]
        self.fields["suggest_outcome"].choices = _offered(versions, "questions")  # type: ignore[attr-defined]
        if units is not None:
            del self.fields["view"], self.fields["run"], self.fields["arm"]

    def _among(self, **querysets: Any) -> None:
        for name, queryset in querysets.items():
            self.fields[name].queryset = queryset  # type: ignore[attr-defined]

    def clean_mask_phrases(self) -> list[str]:
        try:
            return cleaned(self.cleaned_data["mask_phrases"].splitlines())
        except Invalid as invalid:
            raise forms.ValidationError(invalid.fields["mask_phrases"]) from invalid

    def clean(self) -> dict[str, Any]:
        try:
            self.chosen()
        except BadFilter as error:  # a view may be older than what it filters by
            self.add_error("view" if "view" in self.fields else None, str(error))
        return self.cleaned_data

    def chosen(self) -> Units | None:
        """The units of the address, else those of the form's own fields; None for all of the study."""
        if self.units is not None:
            return self.units
        given = {name: self.cleaned_data.get(name) for name in ("view", "run", "arm")}
        query = QueryDict(mutable=True)
        for name, value in given.items():
            if value is not None:
                query[name] = str(value.pk)
        return units_of(self.access, query)

    def fields_of_round(self) -> dict[str, Any]:
        """What :func:`annotations.labelling.open_round` takes. Fields that a request left out are as usual."""
        given = self.cleaned_data
        units = self.chosen()
        return {
            "name": given["name"],
            "codebook_version": given["codebook_version"],
            "transcripts": Transcript.objects.filter(study=self.access.study)
            if units is None
            else units.transcripts,
            "annotators": list(given["annotators"]),
            "unit": given["unit"],
            "kind": given["kind"],
            "order": given["order"],
            "overlap": given["overlap"],
            "most_annotators": given["most_annotators"] or 0,
            "hidden": given["hidden"],
            "mask_phrases": given["mask_phrases"] if "arm" in given["hidden"] else [],
            "suggestions": list(self._suggestions()),
            "seed": given["seed"],
            "size": given["size"],
            "strata_by": given["strata_by"],
            "is_even": given["draw"] != "proportional",
            "deadline": given["deadline"],
            "practice": given["practice"] if given["kind"] != Round.Kind.PRACTICE else None,
            "pass_share": (80 if given["pass_percent"] is None else given["pass_percent"]) / 100,
            "created_by": self.access.user,
            "selection": units.record() if units else None,
            "despite_unblinding": given["despite_unblinding"],
        }

    def _suggestions(self) -> Iterable[dict[str, Any]]:
        after = {"after": True} if self.cleaned_data["suggest_after"] else {}
        for name, kind in (("suggest_quotes", "label"), ("suggest_outcome", "question")):
            if self.cleaned_data[name]:
                yield {"source": "judge", kind: self.cleaned_data[name], **after}

    def opened(self) -> Round | None:
        """The round; None if it cannot be, and then the form says why."""
        try:
            return open_round(self.access.study, **self.fields_of_round())
        except Invalid as invalid:
            self.tell(invalid)
            return None

    def tell(self, invalid: Invalid) -> None:
        self.asks_despite = invalid.code == UNBLINDED
        for field, words in invalid.fields.items():
            field = {"suggestions": "suggest_quotes", "pass_share": "pass_percent"}.get(field, field)
            self.add_error(field if field in self.fields else None, words)


def _initial(access: StudyAccess) -> dict[str, Any]:
    study = access.study
    annotators = User.objects.filter(
        memberships__study=study, memberships__role="annotator", is_active=True
    ).values_list("pk", flat=True)
    return {
        "name": f"Round {Round.objects.filter(study=study).count() + 1}",
        "seed": secrets.randbelow(10**6),
        "hidden": HIDEABLE,
        "annotators": list(annotators),
        "overlap": min(2, max(1, len(annotators))),
        "mask_phrases": "\n".join(proposed(study)),
    }


def _offered(versions: Iterable[CodebookVersion], what: str) -> list[tuple[str, str]]:
    """The keys of all labels or questions that the newest version of each codebook has."""
    newest: dict[int, CodebookVersion] = {}
    for version in versions:
        newest.setdefault(version.codebook_id, version)
    found: dict[str, str] = {}
    for version in newest.values():
        for each in getattr(version.parsed, what):
            if what == "labels" or each.kind == "single":
                found.setdefault(each.key, each.title)
    return [("", "not suggested"), *found.items()]
