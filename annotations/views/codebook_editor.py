"""The codebook editor: a form and YAML of the same definition, a preview, and saving as the next version.

Nothing is stored while one edits: every step posts the whole form and gets it back, changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_http_methods, require_POST

from afdash.htmx import wants_fragment
from annotations import codebook_yaml
from annotations.access import access_codebook_version, visible_codebook_versions
from annotations.codebook import (
    ASKED_OF,
    COLOURS,
    KINDS,
    BadDefinition,
    Codebook,
    parse,
)
from annotations.codebook_changes import changes
from annotations.codebook_form import NoSuchStep, check_known, from_fields, step, tidy
from annotations.codebook_versions import ChangedMeanwhile, add_version, newest_version, slug_of
from annotations.ids import BadId, id_from
from annotations.models import CodebookVersion
from annotations.prose import blocks
from annotations.shipped_codebooks import SHIPPED
from annotations.shortcuts import collisions
from transcripts.access import ALLOWED, Need, StudyAccess, access_study
from transcripts.models import Membership, Study
from transcripts.records import SEGMENT_KINDS
from transcripts.views.refusals import refuse

MAX_FILE = 1 << 20  # bytes
ROLES = ("system", "user", "assistant", "tool")
OPTIONS = {
    "kinds": [
        ("single", "one choice"),
        ("multiple", "several choices"),
        ("scale", "scale"),
        ("text", "text"),
    ],
    "asked_of": [
        ("transcript", "the transcript"),
        ("message", "each message"),
        ("segment", "each segment"),
        ("pair", "the pair"),
    ],
    "looks_at": [("", "everything"), ("scratchpad", "scratchpad"), ("output", "output")],
    "roles": ROLES,
    "segments": SEGMENT_KINDS,
    "colours": list(COLOURS),
}
assert {key for key, _ in OPTIONS["kinds"]} == set(KINDS)
assert {key for key, _ in OPTIONS["asked_of"]} == set(ASKED_OF)
STEPS = [("up", "↑", "Up"), ("down", "↓", "Down"), ("remove", "✕", "Remove")]
EMPTY: dict[str, Any] = {"name": "", "questions": [], "labels": []}


@dataclass
class Draft:
    """What the editor holds. ``definition`` is None where the YAML cannot be read."""

    definition: dict[str, Any] | None
    mode: str = "form"  # or "yaml"
    yaml: str = ""
    codebook: str = ""  # slug; "" makes a codebook of its own
    since: int | None = None  # number of the newest version that the author knew; 0: there was none
    problem: str = ""  # why this is no codebook yet
    focus: str = ""

    @property
    def book(self) -> Codebook | None:
        try:
            return parse(self.definition) if self.definition is not None else None
        except BadDefinition:
            return None


def draft_of(fields: QueryDict) -> Draft:
    """What was posted, as far as it can be read."""
    since = fields.get("since", "")
    draft = Draft(
        None,
        mode="yaml" if fields.get("mode") == "yaml" else "form",
        codebook=fields.get("codebook", "")[:63],
        since=int(since) if since.isascii() and since.isdigit() and len(since) < 9 else None,
    )
    if draft.mode == "form":
        draft.definition = from_fields(dict(fields.lists()))
        draft.problem = problem_of(draft.definition)
    else:
        draft.yaml = fields.get("yaml", "").replace("\r\n", "\n")
        try:
            draft.definition = _read(draft.yaml)
            draft.problem = problem_of(draft.definition, draft.yaml)
        except BadDefinition as error:
            draft.problem = str(error)
    return draft


def _read(text: str) -> dict[str, Any]:
    """The definition in YAML, or in JSON, which begins with a brace."""
    if not text.lstrip().startswith("{"):
        return codebook_yaml.load(text)
    try:
        # Not json.loads, which takes NaN and Infinity: they are no JSON, and no database column holds them.
        found: dict[str, Any] = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadDefinition(f"This is not JSON: {error}") from error
    return found


def problem_of(definition: dict[str, Any], yaml: str = "") -> str:
    """Why this is no codebook, with the line where there is YAML; "" if it is one."""
    try:
        parse(definition)
        check_known(definition)
    except TypeError:
        return "A key, title or shortcut is not a text."
    except BadDefinition as error:
        is_yaml = yaml and not yaml.lstrip().startswith("{")
        line = codebook_yaml.line_of(yaml, str(error).split(":")[0]) if is_yaml else 0
        return f"Line {line}: {error}" if line else str(error)
    return ""


@require_http_methods(["GET", "HEAD", "POST"])
def codebook_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """The editor. GET: with what the address names; POST: one step (``do``), the whole form sent along."""
    access = access_study(request.user, slug, Need.LEAD)
    if request.method != "POST":
        try:
            draft = _started(access, request.GET)
        except BadId as error:
            back = reverse("codebook_new", args=[slug])
            return refuse(request, access, 400, "There is nothing to begin with", str(error), back)
        return render(request, "annotations/codebook_edit.html", _context(access, draft))
    draft = _stepped(draft_of(request.POST), request.POST.get("do", ""))
    template = "_codebook_editor" if wants_fragment(request) else "codebook_edit"
    context = _context(access, draft, is_swapped=wants_fragment(request))
    response = render(request, f"annotations/{template}.html", context)
    patch_vary_headers(response, ("HX-Request",))
    return response


def _started(access: StudyAccess, given: QueryDict) -> Draft:
    """From a version of this study (the newest unless it names one), what is shipped, or another study's."""
    if "shipped" in given:
        if (definition := SHIPPED.get(given["shipped"])) is None:
            raise BadId(f"“shipped” must be one of {', '.join(SHIPPED)}.")
        return _new_draft(access, definition)
    if "study" in given:
        found = others_versions(access).filter(pk=id_from(given["study"])).first()
        if found is None:
            raise Http404("No such codebook version.")
        return _new_draft(access, found.definition)
    if "empty" in given:
        return Draft(EMPTY, since=0)
    if "version" in given:
        version = access_codebook_version(access, id_from(given["version"]))
    else:
        own = visible_codebook_versions(access).filter(codebook__imported_from="")
        newest = own.order_by("-id").first()
        if newest is None:
            return _new_draft(access, next(iter(SHIPPED.values())))
        version = newest
    if version.codebook.imported_from:
        return _new_draft(access, {**version.definition, "name": f"{version.definition['name']}, ours"})
    latest = newest_version(access.study, version.codebook.slug)
    return Draft(
        tidy(version.definition), codebook=version.codebook.slug, since=latest.number if latest else 0
    )


def _new_draft(access: StudyAccess, definition: dict[str, Any]) -> Draft:
    own = tidy({key: value for key, value in definition.items() if key != "imported"})
    latest = newest_version(access.study, slug_of(own["name"]))
    return Draft(own, since=latest.number if latest else 0)


def _stepped(draft: Draft, do: str) -> Draft:
    """One step done; where it cannot be, the problem says why and all stays."""
    if do == "yaml" and draft.mode == "form":
        assert draft.definition is not None
        draft.yaml, draft.mode, draft.focus = codebook_yaml.dump(draft.definition), "yaml", "yaml"
    elif do == "form" and draft.mode == "yaml":
        if not draft.problem and draft.definition is not None:
            draft.definition, draft.mode, draft.focus = tidy(draft.definition), "form", "name"
    elif ":" in do and draft.mode == "form" and draft.definition is not None:
        try:
            draft.definition, draft.focus = step(draft.definition, do)
        except NoSuchStep as error:
            draft.problem = str(error)
        else:
            draft.problem = problem_of(draft.definition)
            kept = do.partition(":")[0]
            draft.focus = f"{kept}-{draft.focus}" if kept in ("up", "down") else draft.focus
    return draft


@require_POST
def codebook_preview(request: HttpRequest, slug: str) -> HttpResponse:
    """The part that shows what the form or the YAML would be."""
    access = access_study(request.user, slug, Need.LEAD)
    return render(request, "annotations/_codebook_preview.html", _context(access, draft_of(request.POST)))


def save(request: HttpRequest, access: StudyAccess) -> HttpResponse:
    """Save as the next version and show it; the editor again, with the reason, if it cannot be saved."""
    draft = draft_of(request.POST)
    try:
        if draft.problem or draft.definition is None:
            raise BadDefinition(draft.problem or "There is nothing to save.")
        version, is_new = add_version(
            access.study, draft.definition, access.user, draft.codebook, since=draft.since
        )
    except BadDefinition as error:
        draft.problem = str(error)
        if isinstance(error, ChangedMeanwhile):
            draft.since = error.newest.number
        return render(request, "annotations/codebook_edit.html", _context(access, draft), status=422)
    messages.success(request, f"{version} is saved." if is_new else f"{version} says exactly that already.")
    return redirect(f"{reverse('codebook', args=[access.study.slug])}?version={version.pk}")


def _context(access: StudyAccess, draft: Draft, **more: Any) -> dict[str, Any]:
    book = draft.book if not draft.problem or draft.mode == "form" else None
    name = (draft.definition or {}).get("name", "")
    slug = draft.codebook or slug_of(name if isinstance(name, str) else "")
    newest = newest_version(access.study, slug)
    found = changes(newest.parsed, book) if newest and book else []
    return {
        "study": access.study,
        "role": access.role,
        "active_nav": "codebook",
        "draft": draft,
        "book": book,
        "questions": [_preview_question(question) for question in book.questions] if book else [],
        "guidelines": blocks(book.guidelines) if book else [],
        "collisions": collisions(book) if book else [],
        "newest": newest,
        "number": newest.number + 1 if newest else 1,
        "changes": found,
        "n_matter": sum(change.matters for change in found),
        "options": OPTIONS,
        "steps": STEPS,
        "entries": _entries(draft.definition or EMPTY) if draft.mode == "form" else {},
        **more,
    }


def _preview_question(question: Any) -> dict[str, Any]:
    longest = max((len(choice.title) for choice in question.choices), default=0)
    two = longest <= (24 if question.kind == "single" else 16)
    layout = "options-scale" if question.kind == "scale" else "options-2" if two else ""
    return {"question": question, "layout": layout}


def _entries(definition: dict[str, Any]) -> dict[str, Any]:
    """Questions and labels with their paths, as the form's template walks through them."""
    questions = definition.get("questions", [])
    return {
        "questions": [
            {**_entry(each, f"questions-{n}"), "before": _could_lead(questions, n)}
            for n, each in enumerate(questions)
        ],
        "labels": [_entry(each, f"labels-{n}") for n, each in enumerate(definition.get("labels", []))],
    }


def _entry(given: dict[str, Any], path: str) -> dict[str, Any]:
    lists = {
        name: [_entry(each, f"{path}-{name}-{n}") for n, each in enumerate(given.get(name, []))]
        for name in ("choices", "attributes", "examples")
    }
    return {"path": path, "given": given, "title": given.get("title") or given.get("key") or "new", **lists}


def _could_lead(questions: list[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    """The questions before this one whose answers can decide whether it is asked."""
    what = questions[number].get("asked_of", "transcript")
    return [
        each
        for each in questions[:number]
        if each.get("choices")
        and each.get("key")
        and (
            each.get("asked_of", "transcript") == what
            or (each.get("asked_of", "transcript") == "transcript" and what in ("message", "segment"))
        )
    ]


def others_versions(access: StudyAccess) -> Any:
    """The versions of other studies that this person leads."""
    studies = Study.objects.exclude(pk=access.study.pk)
    if not access.user.is_admin:
        led = Membership.objects.filter(user=access.user, role__in=ALLOWED[Need.LEAD])
        studies = studies.filter(pk__in=led.values("study"))
    versions = CodebookVersion.objects.filter(codebook__study__in=studies, codebook__imported_from="")
    return versions.select_related("codebook__study")


@require_http_methods(["GET", "HEAD", "POST"])
def codebook_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Where to begin: what is shipped, another study's, nothing, or a file, which opens in the editor."""
    access = access_study(request.user, slug, Need.LEAD)
    problem = ""
    if request.method == "POST":
        try:
            draft = _from_file(access, request.FILES.get("file"))
        except BadDefinition as error:
            problem = str(error)
        else:
            return render(request, "annotations/codebook_edit.html", _context(access, draft))
    context = {
        "study": access.study,
        "role": access.role,
        "active_nav": "codebook",
        "problem": problem,
        "shipped": [(key, parse(definition)) for key, definition in SHIPPED.items()],
        "others": _newest(others_versions(access).order_by("codebook__study__name", "-number")),
        "own": _newest(
            visible_codebook_versions(access).filter(codebook__imported_from="").order_by("-number")
        ),
    }
    return render(request, "annotations/codebook_new.html", context, status=422 if problem else 200)


def _newest(versions: Iterable[CodebookVersion]) -> list[CodebookVersion]:
    """The first of each codebook."""
    by_codebook: dict[int, CodebookVersion] = {}
    for version in versions:
        by_codebook.setdefault(version.codebook_id, version)
    return list(by_codebook.values())


def _from_file(access: StudyAccess, file: Any) -> Draft:
    if file is None:
        raise BadDefinition("Choose a file.")
    if file.size > MAX_FILE:
        raise BadDefinition("A codebook’s file has at most 1 MiB.")
    raw = file.read()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadDefinition("The file is no text in UTF-8.") from error
    definition = _read(text)
    if problem := problem_of(definition):
        raise BadDefinition(problem)
    return _new_draft(access, definition)
