"""Codebooks for programs: read, write, compare; and a round's move to another version."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from afdash.api.errors import Unprocessable
from afdash.api.views import PAGE_PARAMETERS, StudyView, known_parameters, paged
from afdash.paging import Order
from annotations import codebook_yaml
from annotations.access import access_codebook_version, access_round, visible_codebook_versions
from annotations.api.fields import Fields, id_parameter
from annotations.api.told import told
from annotations.codebook import BadDefinition
from annotations.codebook_changes import changes, parse_mapping, propose
from annotations.codebook_versions import add_version
from annotations.models import CodebookVersion, Relabelling
from annotations.relabelling import Outcome, Preview, another_look, begin, carry_on, preview
from transcripts.access import Need

NEWEST_FIRST = Order("newest", ("-id",))
MANAGE = {"POST": "manage"}


class Codebooks(StudyView):
    needs = {"GET": Need.MEMBER, "POST": Need.LEAD}
    scopes = MANAGE

    def get(self, request: Request, slug: str) -> Response:
        known_parameters(request, PAGE_PARAMETERS)
        return paged(request, visible_codebook_versions(self.access), NEWEST_FIRST, present_codebook)

    def post(self, request: Request, slug: str) -> Response:
        """Save a definition as the codebook's next version; 200 if the newest says it already, else 201.

        ``definition`` is an object, or ``yaml`` the same as a text.
        """
        fields = Fields(request.data, {"slug", "definition", "yaml"})
        name = fields.get("slug", str, "")
        said = "yaml" if "yaml" in fields.data else "definition"
        if {"yaml", "definition"} <= set(fields.data):
            fields.problems["yaml"] = "Give definition or yaml, not both."
        definition = fields.get(said, str if said == "yaml" else dict)
        fields.check()
        try:
            if said == "yaml":
                definition = codebook_yaml.load(definition)
            version, is_new = add_version(self.access.study, definition, self.access.user, name)
        except BadDefinition as error:
            raise Unprocessable(str(error), {said: str(error)}) from error
        return Response(present_codebook(version), 201 if is_new else 200)


def present_codebook(version: CodebookVersion) -> dict[str, Any]:
    return {
        "id": version.pk,
        "codebook": version.codebook.slug,
        "version": version.number,
        "sha256": version.sha256,
        "definition": version.definition,
        "created_at": version.created_at,
    }


class CodebookDetail(StudyView):
    needs = {"GET": Need.MEMBER}

    def get(self, request: Request, slug: str, pk: int) -> Response:
        known_parameters(request, set())
        version = access_codebook_version(self.access, pk)
        return Response({**present_codebook(version), "yaml": codebook_yaml.dump(version.definition)})


class CodebookChanges(StudyView):
    needs = {"GET": Need.MEMBER}

    def get(self, request: Request, slug: str, pk: int) -> Response:
        """What this version changes against ``since``, another one's id; without it, against the one before it."""
        chosen = known_parameters(request, {"since"})
        after = access_codebook_version(self.access, pk)
        if "since" in chosen:
            before: CodebookVersion | None = access_codebook_version(
                self.access, id_parameter(chosen, "since")
            )
        else:
            before = after.codebook.versions.filter(number__lt=after.number).order_by("-number").first()
        found = changes(before.parsed, after.parsed) if before else []
        return Response(
            {
                "before": before and before.pk,
                "after": after.pk,
                "changes": [asdict(change) for change in found],
            }
        )


class RoundCodebook(StudyView):
    needs = {"GET": Need.LEAD, "POST": Need.LEAD}
    scopes = MANAGE
    FIELDS = frozenset({"codebook_version", "mapping", "dry_run"})

    def get(self, request: Request, slug: str, pk: int) -> Response:
        """By which version the round asks, how it came there, and how many labels stayed behind."""
        known_parameters(request, set())
        round = access_round(self.access, pk)
        return Response(
            {
                "codebook_version": round.codebook_version_id,
                "another_look": another_look(self.access).filter(task__round=round).count(),
                "moves": [_present_move(each) for each in round.relabellings.order_by("id")],
            }
        )

    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Move the round to ``codebook_version`` by ``mapping``; only say what would happen if ``dry_run``.

        Without a mapping, what has an equal key or title is taken over and people decide the rest. Asked again, it
        goes on where it was stopped; 202 if it is not finished yet.
        """
        fields = Fields(request.data, self.FIELDS)
        round = access_round(self.access, pk)
        version = (
            visible_codebook_versions(self.access).filter(pk=fields.get("codebook_version", int, 0)).first()
        )
        if version is None or version.codebook.imported_from:
            fields.problems.setdefault(
                "codebook_version", "This study has no such codebook version for rounds."
            )
        is_dry = fields.data.get("dry_run", False)
        if not isinstance(is_dry, bool):
            fields.problems["dry_run"] = "Give true or false."
        given = fields.get("mapping", dict) if "mapping" in fields.data else None
        fields.check()
        assert version is not None
        try:
            before, after = round.codebook_version.parsed, version.parsed
            keys = propose(before, after) if given is None else parse_mapping(before, after, given)
            if is_dry:
                found = preview(round, version, keys)
                return Response({"mapping": keys.as_json(), **_present_preview(found)})
            move = told(lambda: begin(round, version, keys.as_json(), self.access.user))
        except BadDefinition as error:
            raise Unprocessable(str(error), {"mapping": str(error)}) from error
        move = carry_on(move, seconds=10)
        return Response(_present_move(move), 200 if move.finished_at else 202)


def _present_move(move: Relabelling) -> dict[str, Any]:
    return {
        "before": move.before_id,
        "after": move.after_id,
        "mapping": move.mapping,
        "mapped": move.mapped,
        "left": move.left,
        "is_finished": move.finished_at is not None,
        "created_at": move.created_at,
    }


def _present_preview(found: Preview) -> dict[str, Any]:
    counts = {name: value for name, value in vars(found).items() if isinstance(value, int)}
    return {
        **counts,
        "reasons": dict(found.reasons),
        "first": [_present_outcome(each) for each in found.first],
    }


def _present_outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "task": outcome.head.task_id,
        "annotator": str(outcome.head.annotator),
        "before": outcome.revision.payload,
        "after": outcome.payload,
        "lost": outcome.mapped.lost,
        "dropped": outcome.mapped.dropped,
        "problem": outcome.problem,
    }
