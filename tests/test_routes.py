"""Every route × every role. A route that is not in the table fails; a foreign study answers like a missing one.

Columns: anonymous, outsider (signed in, no member), viewer, annotator (in an open round that hides arm,
model, judge and peers), lead, admin. The annotator holds a claim on the task; the lead does not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from afdash.accounts.models import ApiToken, User
from afdash.addresses import Folder, PlaceSetting
from annotations.codebook_versions import add_version
from annotations.default_codebook import DEFINITION
from annotations.labelling import claim_next, open_round
from annotations.models import Annotation, AnnotationRevision, Round, Task
from tests import make
from transcripts.access import access_study
from transcripts.models import Fetch, Ingest, Pair, Reject, SavedMapping, SavedView, Study, Tag, Transcript

pytestmark = pytest.mark.django_db
ROLES = ("anonymous", "outsider", "viewer", "annotator", "lead", "admin")

GET: dict[str, tuple[int, ...]] = {
    "login": (200, 302, 302, 302, 302, 302),
    "logout": (302, 405, 405, 405, 405, 405),
    "tokens": (302, 200, 200, 200, 200, 200),
    "token_revoke": (302, 405, 405, 405, 405, 405),
    "home": (302, 200, 302, 302, 302, 302),
    "transcript_filters": (302, 404, 200, 403, 200, 200),
    "transcript_list": (302, 404, 200, 403, 200, 200),
    "transcript_detail": (302, 404, 200, 403, 200, 200),
    "transcript_jump": (302, 404, 400, 403, 400, 400),  # without saying whereto
    "original_record": (302, 404, 403, 403, 200, 200),
    "prompt_list": (302, 404, 200, 403, 200, 200),
    "prompt_compare": (302, 404, 200, 403, 200, 200),
    "pair_filters": (302, 404, 200, 403, 200, 200),
    "pair_list": (302, 404, 200, 403, 200, 200),
    "pair_detail": (302, 404, 200, 403, 200, 200),
    "pair_tags": (302, 405, 405, 405, 405, 405),
    "transcript_tags": (302, 405, 405, 405, 405, 405),
    "tag_list": (302, 404, 200, 403, 200, 200),
    "tag_rename": (302, 405, 405, 405, 405, 405),
    "tag_merge": (302, 405, 405, 405, 405, 405),
    "tag_delete": (302, 404, 403, 403, 200, 200),
    "saved_view_list": (302, 404, 200, 403, 200, 200),
    "saved_view_create": (302, 405, 405, 405, 405, 405),
    "saved_view": (302, 404, 302, 403, 302, 302),
    "saved_view_change": (302, 405, 405, 405, 405, 405),
    "saved_view_delete": (302, 405, 405, 405, 405, 405),
    "selection_act": (302, 405, 405, 405, 405, 405),
    "cue_words": (302, 404, 200, 403, 200, 200),
    "cue_words_preview": (302, 405, 405, 405, 405, 405),
    "ingest_list": (302, 404, 403, 403, 200, 200),
    "ingest_detail": (302, 404, 403, 403, 200, 200),
    "ingest_cancel": (302, 405, 405, 405, 405, 405),
    "ingest_retry": (302, 405, 405, 405, 405, 405),
    "ingest_remove": (302, 404, 403, 403, 200, 200),
    "ingest_outcomes": (302, 405, 405, 405, 405, 405),
    "ingest_findings": (302, 404, 403, 403, 200, 200),
    "ingest_rejects": (302, 404, 403, 403, 200, 200),
    "reject_file": (302, 404, 403, 403, 200, 200),
    "mapping": (302, 404, 403, 403, 200, 200),
    "mapping_preview": (302, 405, 405, 405, 405, 405),
    "mapping_list": (302, 404, 403, 403, 200, 200),
    "mapping_delete": (302, 405, 405, 405, 405, 405),
    "place_detail": (302, 404, 403, 403, 200, 200),
    "fetch_list": (302, 404, 403, 403, 200, 200),
    "fetch_cancel": (302, 405, 405, 405, 405, 405),
    "fetch_retry": (302, 405, 405, 405, 405, 405),
    "study_home": (302, 404, 200, 200, 200, 200),
    "queue": (302, 404, 403, 200, 200, 200),
    "task_next": (302, 405, 405, 405, 405, 405),
    "task": (302, 404, 403, 200, 404, 404),
    "task_skip": (302, 405, 405, 405, 405, 405),
    "task_release": (302, 405, 405, 405, 405, 405),
    "task_feedback": (302, 404, 403, 404, 404, 404),  # only of practice
    "codebook": (302, 404, 200, 200, 200, 200),
    "codebook_new": (302, 404, 403, 403, 200, 200),
    "codebook_edit": (302, 404, 403, 403, 200, 200),
    "codebook_preview": (302, 405, 405, 405, 405, 405),
    "codebook_versions": (302, 404, 200, 200, 200, 200),
    "codebook_yaml": (302, 404, 200, 200, 200, 200),
    "codebook_json": (302, 404, 200, 200, 200, 200),
    "another_look": (302, 404, 403, 200, 200, 200),
    "round_codebook": (302, 404, 403, 403, 200, 200),
    "round_codebook_preview": (302, 405, 405, 405, 405, 405),
    "round_list": (302, 404, 403, 403, 200, 200),
    "round_new": (302, 404, 403, 403, 200, 200),
    "round_detail": (302, 404, 403, 403, 200, 200),
    "round_state": (302, 405, 405, 405, 405, 405),
    "round_preview": (302, 405, 405, 405, 405, 405),
    "round_change": (302, 405, 405, 405, 405, 405),
    "round_right": (302, 404, 403, 403, 200, 200),
    "insights": (302, 404, 200, 403, 200, 200),
    "gap_download": (302, 404, 200, 403, 200, 200),
    "api_studies": (401, 200, 200, 200, 200, 200),
    "api_runs": (401, 404, 200, 403, 200, 200),
    "api_arms": (401, 404, 200, 403, 200, 200),
    "api_prompts": (401, 404, 200, 403, 200, 200),
    "api_transcripts": (401, 404, 200, 403, 200, 200),
    "api_transcript": (401, 404, 200, 403, 200, 200),
    "api_pairs": (401, 404, 200, 403, 200, 200),
    "api_pair": (401, 404, 200, 403, 200, 200),
    "api_saved_views": (401, 404, 200, 403, 200, 200),
    "api_saved_view": (401, 404, 200, 403, 200, 200),
    "api_tags": (401, 404, 200, 403, 200, 200),
    "api_tag": (401, 404, 200, 403, 200, 200),
    "api_tag_rename": (401, 404, 405, 403, 405, 405),
    "api_tag_merge": (401, 404, 405, 403, 405, 405),
    "api_taggings": (401, 404, 405, 403, 405, 405),
    "api_ingests": (401, 404, 403, 403, 200, 200),
    "api_ingest": (401, 404, 403, 403, 200, 200),
    "api_rejects": (401, 404, 403, 403, 200, 200),
    "api_findings": (401, 404, 403, 403, 200, 200),
    "api_ingest_cancel": (401, 404, 403, 403, 405, 405),
    "api_ingest_retry": (401, 404, 403, 403, 405, 405),
    "api_reject_file": (401, 404, 403, 403, 200, 200),
    "api_ingest_mapping": (401, 404, 403, 403, 405, 405),
    "api_mapping_preview": (401, 404, 403, 403, 405, 405),
    "api_mappings": (401, 404, 403, 403, 200, 200),
    "api_mapping": (401, 404, 403, 403, 405, 405),
    "api_places": (401, 404, 403, 403, 200, 200),
    "api_place": (401, 404, 403, 403, 200, 200),
    "api_place_ingest": (401, 404, 403, 403, 405, 405),
    "api_fetches": (401, 404, 403, 403, 200, 200),
    "api_fetch": (401, 404, 403, 403, 200, 200),
    "api_codebooks": (401, 404, 200, 200, 200, 200),
    "api_codebook": (401, 404, 200, 200, 200, 200),
    "api_codebook_changes": (401, 404, 200, 200, 200, 200),
    "api_round_codebook": (401, 404, 403, 403, 200, 200),
    "api_rounds": (401, 404, 403, 200, 200, 200),
    "api_tasks": (401, 404, 403, 200, 200, 200),
    "api_task_next": (401, 404, 403, 405, 405, 405),
    "api_task": (401, 404, 403, 200, 404, 404),
    "api_task_skip": (401, 404, 403, 405, 405, 405),
    "api_task_release": (401, 404, 403, 405, 405, 405),
    "api_task_feedback": (401, 404, 403, 404, 404, 404),
    "api_annotations": (401, 404, 403, 200, 200, 200),
    "api_annotation": (401, 404, 403, 200, 200, 200),
    "api_compliance_gap": (401, 404, 200, 403, 200, 200),
    "api_export": (401, 404, 403, 403, 200, 200),
}
# With an empty body: who gets past the door sees 422, 400 or a redirect, never a 500.
POST: dict[str, tuple[int, ...]] = {
    "login": (200, 302, 302, 302, 302, 302),
    "logout": (302, 302, 302, 302, 302, 302),
    "tokens": (302, 422, 422, 422, 422, 422),
    "token_revoke": (302, 404, 404, 404, 302, 404),  # the token is the lead's own
    "pair_tags": (302, 404, 403, 403, 400, 400),
    "transcript_tags": (302, 404, 403, 403, 400, 400),
    "tag_rename": (302, 404, 403, 403, 400, 400),
    "tag_merge": (302, 404, 403, 403, 400, 400),
    "saved_view_create": (302, 404, 400, 403, 400, 400),
    "saved_view_change": (302, 404, 403, 403, 400, 400),
    "selection_act": (302, 404, 400, 403, 400, 400),
    "cue_words": (302, 404, 403, 403, 422, 422),
    "cue_words_preview": (302, 404, 403, 403, 200, 200),
    "ingest_list": (302, 404, 403, 403, 422, 422),
    "ingest_cancel": (302, 404, 403, 403, 302, 302),
    "ingest_retry": (302, 404, 403, 403, 302, 302),
    "ingest_outcomes": (302, 404, 403, 403, 302, 302),
    "mapping": (302, 404, 403, 403, 409, 409),
    "mapping_preview": (302, 404, 403, 403, 404, 404),
    "mapping_delete": (302, 404, 403, 403, 302, 302),
    "ingest_remove": (302, 404, 403, 403, 409, 409),  # one of its transcripts is in a round
    "place_detail": (302, 404, 403, 403, 422, 422),
    "fetch_cancel": (302, 404, 403, 403, 302, 302),
    "fetch_retry": (302, 404, 403, 403, 302, 302),
    "task_next": (302, 404, 403, 302, 302, 302),
    "task_release": (302, 404, 403, 204, 404, 404),
    "task_skip": (302, 404, 403, 302, 404, 404),
    "codebook": (302, 404, 403, 403, 422, 422),
    "codebook_new": (302, 404, 403, 403, 422, 422),
    "codebook_edit": (302, 404, 403, 403, 200, 200),
    "codebook_preview": (302, 404, 403, 403, 200, 200),
    "round_codebook": (302, 404, 403, 403, 422, 422),
    "round_codebook_preview": (302, 404, 403, 403, 200, 200),
    "round_new": (302, 404, 403, 403, 422, 422),
    "round_state": (302, 404, 403, 403, 422, 422),
    "round_preview": (302, 404, 403, 403, 422, 422),
    "round_change": (302, 404, 403, 403, 422, 422),
    "round_right": (302, 404, 403, 403, 422, 422),
    "api_saved_views": (401, 404, 422, 403, 422, 422),
    "api_tag_rename": (401, 404, 403, 403, 422, 422),
    "api_tag_merge": (401, 404, 403, 403, 422, 422),
    "api_taggings": (401, 404, 403, 403, 422, 422),
    "api_ingests": (401, 404, 403, 403, 422, 422),
    "api_ingest_cancel": (401, 404, 403, 403, 409, 409),
    "api_ingest_retry": (401, 404, 403, 403, 409, 409),
    "api_ingest_mapping": (401, 404, 403, 403, 422, 422),
    "api_mapping_preview": (401, 404, 403, 403, 422, 422),
    "api_place_ingest": (401, 404, 403, 403, 422, 422),
    "api_codebooks": (401, 404, 403, 403, 422, 422),
    "api_round_codebook": (401, 404, 403, 403, 422, 422),
    "api_rounds": (401, 404, 403, 403, 422, 422),
    "api_task_next": (401, 404, 403, 200, 204, 204),
    "api_task_release": (401, 404, 403, 200, 404, 404),
    "api_task_skip": (401, 404, 403, 200, 404, 404),
    "api_annotations": (401, 404, 403, 422, 422, 422),
    # At the end, because what they delete is what others above are about.
    "tag_delete": (302, 404, 403, 403, 302, 302),
    "saved_view_delete": (302, 404, 403, 403, 302, 302),
}
# The only other method there is: giving a task back, taking an ingest back, forgetting a mapping.
DELETE: dict[str, tuple[int, ...]] = {
    "api_task": (401, 404, 403, 204, 404, 404),
    "api_ingest": (401, 404, 403, 403, 409, 409),  # one of its transcripts is in a round
    "api_mapping": (401, 404, 403, 403, 204, 404),
    "api_saved_view": (401, 404, 403, 403, 204, 404),
    "api_tag": (401, 404, 403, 403, 204, 404),
}
WRITING_SCOPES = {
    "api_ingests": "ingest",
    "api_place_ingest": "ingest",
    "api_ingest_cancel": "ingest",
    "api_ingest_retry": "ingest",
    "api_ingest_mapping": "ingest",
    "api_mapping_preview": "ingest",
    "api_saved_views": "annotate",
    "api_tag_rename": "annotate",
    "api_tag_merge": "annotate",
    "api_taggings": "annotate",
    "api_codebooks": "manage",
    "api_round_codebook": "manage",
    "api_rounds": "manage",
    "api_task_next": "annotate",
    "api_task_skip": "annotate",
    "api_task_release": "annotate",
    "api_annotations": "annotate",
}


def route_names(patterns: Any = None) -> list[str]:
    names: list[str] = []
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(entry, URLResolver):
            names += route_names(entry.url_patterns)
        elif isinstance(entry, URLPattern):
            names.append(entry.name or str(entry.pattern))
    return names


@dataclass
class World:
    study: Study
    people: dict[str, User]
    transcript: Transcript
    pair: Pair
    ingest: Ingest
    fetch: Fetch
    round: Round
    task: Task
    annotation: Annotation
    token: ApiToken
    saved_mapping: SavedMapping
    saved_view: SavedView
    tag: Tag

    def address(self, name: str, study: str | None = None) -> str:
        ids: dict[str, Any] = {
            "token_revoke": self.token.pk,
            "transcript_jump": self.transcript.pk,
            "prompt_compare": self.transcript.prompt_id,
            "transcript_detail": self.transcript.pk,
            "original_record": self.transcript.pk,
            "api_transcript": self.transcript.pk,
            "pair_detail": self.pair.pk,
            "pair_tags": self.pair.pk,
            "transcript_tags": self.transcript.pk,
            "api_pair": self.pair.pk,
            "round_detail": self.round.pk,
            "round_state": self.round.pk,
            "round_codebook": self.round.pk,
            "round_codebook_preview": self.round.pk,
            "api_round_codebook": self.round.pk,
            "api_codebook": self.round.codebook_version_id,
            "api_codebook_changes": self.round.codebook_version_id,
            "codebook_yaml": self.round.codebook_version_id,
            "codebook_json": self.round.codebook_version_id,
            "round_change": self.round.pk,
            "round_right": self.round.pk,
            "api_annotation": self.annotation.pk,
            "mapping_delete": self.saved_mapping.pk,
            "api_mapping": self.saved_mapping.pk,
        }
        for name_of_view in ("saved_view", "saved_view_change", "saved_view_delete", "api_saved_view"):
            ids[name_of_view] = self.saved_view.pk
        for name_of_tag in (
            "tag_rename",
            "tag_merge",
            "tag_delete",
            "api_tag",
            "api_tag_rename",
            "api_tag_merge",
        ):
            ids[name_of_tag] = self.tag.pk
        for ingest in (
            "ingest_detail",
            "ingest_cancel",
            "ingest_retry",
            "api_ingest",
            "api_rejects",
            "api_findings",
            "ingest_remove",
            "ingest_outcomes",
            "ingest_findings",
            "ingest_rejects",
            "reject_file",
            "mapping",
            "mapping_preview",
            "api_ingest_cancel",
            "api_ingest_retry",
            "api_reject_file",
            "api_ingest_mapping",
            "api_mapping_preview",
        ):
            ids[ingest] = self.ingest.pk
        for task in (
            "task",
            "task_skip",
            "task_release",
            "task_feedback",
            "api_task",
            "api_task_skip",
            "api_task_release",
            "api_task_feedback",
        ):
            ids[task] = self.task.pk
        for fetch in ("fetch_cancel", "fetch_retry", "api_fetch"):
            ids[fetch] = self.fetch.pk
        kwargs: dict[str, Any] = {"pk": ids[name]} if name in ids else {}
        if name in ("place_detail", "api_place", "api_place_ingest"):
            kwargs["name"] = "mount"
        if name == "gap_download":
            kwargs["format"] = "csv"
        if name not in ("login", "logout", "tokens", "token_revoke", "home", "api_studies"):
            kwargs["slug"] = study or self.study.slug
        return reverse(name, kwargs=kwargs)

    def client(self, role: str) -> Client:
        client = Client()
        if role != "anonymous":
            client.force_login(self.people[role])
        return client


@pytest.fixture
def world(study: Study, tmp_path, settings) -> World:
    people = {
        "outsider": make.user("otto"),
        "viewer": make.member(study, "vera", "viewer"),
        "annotator": make.member(study, "anna", "annotator"),
        "lead": make.member(study, "lena", "lead"),
        "admin": make.admin(),
    }
    from transcripts.ingest import sources

    with (tmp_path / "original").open("w+b") as file:
        file.write(b"0123456789 the bytes of a record")
        file.seek(0)
        source = sources.keep(study, file, "original.jsonl", None)
    ingest = Ingest.objects.create(study=study, source=source, state="done", reader="own_jsonl")
    settings.AFDASH_PLACES = {"mount": PlaceSetting("mount", Folder(tmp_path))}
    fetch = Fetch.objects.create(study=study, place="mount", path="original", state="cancelled")
    transcript = make.transcript(study, outcome="complied", from_ingest=ingest)
    make.transcript(study, arm="unmonitored", outcome="refused", from_ingest=ingest)
    round_ = open_round(
        study,
        name="Round",
        codebook_version=add_version(study, DEFINITION, None)[0],
        transcripts=Transcript.objects.filter(study=study),
        annotators=[people["annotator"]],
        overlap=1,
        hidden=["arm", "model", "judge", "peers"],
        seed=1,
        created_by=people["lead"],
    )
    task = claim_next(access_study(people["annotator"], study.slug))
    assert task is not None
    annotation = Annotation.objects.create(
        study=study, task=task, transcript=task.transcript, annotator=people["annotator"], version=1
    )
    AnnotationRevision.objects.create(
        annotation=annotation,
        version=1,
        annotator=people["annotator"],
        status="draft",
        payload={"answers": {}, "spans": []},
        idempotency_key="00000000-0000-4000-8000-000000000000",
        request_sha256="",
        codebook_version=round_.codebook_version,
        text_sha256="",
        segmenter_version=1,
        hidden=[],
    )
    token, _ = ApiToken.objects.issue(people["lead"], name="to be revoked")
    Reject.objects.create(
        ingest=ingest,
        chunk=0,
        cursor=0,
        position="line 1",
        reason="x",
        message="Bad.",
        locator={"bytes": [0, 9]},
    )
    saved = SavedMapping.objects.create(study=study, signature="s", name="a.csv", mapping={"fields": {}})
    view = SavedView.objects.create(
        study=study, owner=people["lead"], page="pairs", name="all", is_shared=True
    )
    tag = Tag.objects.create(study=study, name="odd", created_by=people["lead"])
    return World(
        study,
        people,
        transcript,
        transcript.pair,
        ingest,
        fetch,
        round_,
        task,
        annotation,
        token,
        saved,
        view,
        tag,
    )


def test_every_route_is_in_the_table() -> None:
    assert sorted(route_names()) == sorted(GET)


def test_what_a_get_answers(world: World) -> None:
    found = {
        name: tuple(world.client(role).get(world.address(name)).status_code for role in ROLES) for name in GET
    }
    assert found == GET


@pytest.mark.parametrize("role", ROLES)
def test_what_a_post_answers(world: World, role: str) -> None:
    found, expected = {}, {}
    for name, statuses in POST.items():
        client = world.client(role)
        data: Any = {}
        kind = "application/json" if name.startswith("api_") and name != "api_ingests" else None
        answer = (
            client.post(world.address(name), json.dumps(data), content_type=kind)
            if kind
            else client.post(world.address(name), data)
        )
        found[name], expected[name] = answer.status_code, statuses[ROLES.index(role)]
    assert found == expected


def test_a_route_that_is_not_listed_as_writing_refuses_a_post(world: World) -> None:
    for name in set(GET) - set(POST):
        answer = world.client("admin").post(world.address(name))
        assert answer.status_code == 405, name


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_refused(world: World, method: str) -> None:
    for name in GET:
        if method == "delete" and name in DELETE:
            found = tuple(world.client(role).delete(world.address(name)).status_code for role in ROLES)
            assert found == DELETE[name]
            continue
        answer = getattr(world.client("lead"), method)(world.address(name))
        # The sign-in page sends who is signed in away, whatever the method.
        assert answer.status_code == (302 if name == "login" else 405), name


def test_a_foreign_study_answers_like_a_missing_one(world: World) -> None:
    client = world.client("outsider")
    for name in GET:
        if "/studies/" not in world.address(name) or GET[name][1] == 405 or name == "api_studies":
            continue
        foreign = client.get(world.address(name))
        missing = client.get(world.address(name, study="no-such-study"))
        assert foreign.status_code == missing.status_code == 404, name
        assert strip_tokens(foreign.content) == strip_tokens(missing.content), name


def strip_tokens(content: bytes) -> bytes:
    import re

    return re.sub(
        rb'"x-csrftoken": "[^"]*"|value="[A-Za-z0-9]{64}"|(?:&quot;)?[A-Za-z0-9]{64}(?:&quot;)?', b"", content
    )


def test_an_object_of_another_study_does_not_exist(world: World) -> None:
    other = make.study("other")
    make.member(other, "lena", "lead")
    client = world.client("lead")
    for name in GET:
        address = world.address(name, study="other")
        if "pk" not in str(get_resolver().reverse_dict.getlist(name)) or name == "token_revoke":
            continue
        answer = client.get(address)
        assert answer.status_code in (404, 405), name


def test_csrf_is_checked_on_every_post_of_a_browser(world: World) -> None:
    for name in POST:
        client = Client(enforce_csrf_checks=True)
        client.force_login(world.people["lead"])
        answer = client.post(world.address(name))
        assert answer.status_code == 403, name


@pytest.mark.parametrize("scope", ["read", "ingest", "annotate", "manage"])
def test_a_token_does_only_what_its_scopes_allow(world: World, scope: str) -> None:
    key = make.token(world.people["lead"], [scope])
    client = Client(headers={"Authorization": f"Token {key}"})
    for name in GET:
        if not name.startswith("api_") or GET[name][4] == 405:
            continue
        status = client.get(world.address(name)).status_code
        assert (status == 403) == (scope != "read"), (name, status)
    for name, needed in WRITING_SCOPES.items():
        kind = {} if name == "api_ingests" else {"content_type": "application/json"}
        status = client.post(world.address(name), "{}" if kind else {}, **kind).status_code
        assert (status == 403) == (scope != needed), (name, status)


def test_a_token_opens_no_page(world: World) -> None:
    key = make.token(world.people["lead"])
    client = Client(headers={"Authorization": f"Token {key}"})
    assert client.get(world.address("study_home")).status_code == 302


@pytest.mark.parametrize("change", ["revoked", "expired", "deactivated", "unknown"])
def test_a_dead_token_opens_nothing(world: World, change: str) -> None:
    token, key = ApiToken.objects.issue(world.people["lead"], name="dead")
    if change == "revoked":
        ApiToken.objects.filter(pk=token.pk).update(revoked_at="2020-01-01T00:00Z")
    elif change == "expired":
        ApiToken.objects.filter(pk=token.pk).update(expires_at="2020-01-01T00:00Z")
    elif change == "deactivated":
        User.objects.filter(pk=token.user_id).update(is_active=False)
    else:
        key = "afd_" + "x" * 43
    answer = Client(headers={"Authorization": f"Token {key}"}).get(world.address("api_runs"))
    assert answer.status_code == 401
    assert answer.json()["error"]["code"]


def test_a_lost_membership_counts_at_the_next_request(world: World) -> None:
    client = world.client("viewer")
    assert client.get(world.address("pair_list")).status_code == 200
    world.people["viewer"].memberships.all().delete()
    assert client.get(world.address("pair_list")).status_code == 404


def test_every_answer_carries_safe_headers(world: World) -> None:
    for role in ("anonymous", "lead"):
        for name in GET:
            answer = world.client(role).get(world.address(name))
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"] or name in (
                "original_record",
                "reject_file",
                "api_reject_file",
            ), name
            assert answer.headers["X-Content-Type-Options"] == "nosniff", name
            assert answer.headers["X-Frame-Options"] == "DENY", name
            assert "no-store" in answer.headers["Cache-Control"], name
            assert answer.headers["Referrer-Policy"] == "same-origin", name
            if hasattr(answer, "streaming_content"):
                list(answer.streaming_content)
