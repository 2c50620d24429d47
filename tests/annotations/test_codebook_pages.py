"""The codebook's pages: the editor and its steps, versions, files; what is written in one form is the same in another."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotations import codebook_yaml
from annotations.codebook import parse
from annotations.codebook_form import from_fields, tidy, to_fields
from annotations.codebook_versions import add_version
from annotations.default_codebook import DEFINITION
from annotations.models import CodebookVersion
from annotations.shipped_codebooks import SHIPPED
from tests import make
from tests.annotations.campaign import person

pytestmark = pytest.mark.django_db
FULL: dict[str, Any] = {
    "name": "Everything",
    "guidelines": "## Look\n\nat *this* <b>now</b>\n",
    "questions": [
        {
            "key": "done",
            "kind": "single",
            "title": "Done?",
            "required": True,
            "choices": [
                {"key": "y", "title": "yes", "shortcut": "y", "help": "…"},
                {"key": "n", "title": "no"},
            ],
            "examples": [{"text": "\nI did “it”\nhere", "answer": "y", "note": "says so"}],
        },
        {
            "key": "tone",
            "kind": "scale",
            "title": "Tone",
            "asked_of": "message",
            "roles": ["assistant"],
            "when": {"question": "done", "is": ["y"]},
            "choices": [{"key": "1", "title": "1"}, {"key": "2", "title": "2"}],
        },
        {
            "key": "kinds",
            "kind": "multiple",
            "title": "Kinds",
            "asked_of": "segment",
            "segments": ["scratchpad", "draft"],
            "choices": [{"key": "a", "title": "a"}, {"key": "b", "title": "b"}],
        },
        {
            "key": "which",
            "kind": "text",
            "title": "Which of the two?",
            "asked_of": "pair",
            "looks_at": "output",
        },
    ],
    "labels": [
        {"key": "plan", "title": "plan", "shortcut": "1", "colour": 3, "help": "a plan"},
        {
            "key": "step",
            "title": "step",
            "shortcut": "2",
            "colour": 12,
            "parent": "plan",
            "segments": ["scratchpad"],
            "attributes": [
                {
                    "key": "stance",
                    "title": "stance",
                    "required": True,
                    "choices": [{"key": "stated", "title": "stated"}, {"key": "meant", "title": "meant"}],
                }
            ],
            "examples": [{"text": "first this"}],
        },
    ],
}
BOOKS = {**SHIPPED, "everything": FULL}


@pytest.fixture
def lena() -> Client:
    study = make.study("paired")
    client = Client()
    client.force_login(person(study, "lena", "lead"))
    return client


def at(name: str, *args: Any) -> str:
    return reverse(name, args=["paired", *args])


def fields_on(html: str) -> dict[str, list[str]]:
    """What a browser would post of the editor's form."""
    form = html[
        html.index('id="codebook-editor"') : html.index("</form>", html.index('id="codebook-editor"'))
    ]
    found: dict[str, list[str]] = {}
    pattern = r"<input ([^>]*)>|<textarea ([^>]*)>(.*?)</textarea>|<select ([^>]*)>(.*?)</select>"
    for match in re.finditer(pattern, form, re.DOTALL):
        given, area, text, select, options = match.groups()
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', given or area or select))
        if "name" not in attributes:
            continue
        value = attributes.get("value", "on")
        if area is not None:
            value = text.removeprefix("\n").replace("\n", "\r\n")
        elif select is not None:
            chosen = re.search(r'value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
            value = chosen[1] if chosen else ""
        elif attributes.get("type") in ("checkbox", "radio") and not re.search(r"\bchecked\b", given):
            continue
        found.setdefault(attributes["name"], []).append(unescape(value))
    return found


@pytest.mark.parametrize("name", BOOKS)
def test_form_yaml_and_definition_say_the_same(name: str) -> None:
    given = tidy(BOOKS[name])
    assert parse(given) == parse(BOOKS[name])
    assert from_fields(to_fields(given)) == given
    assert tidy(codebook_yaml.load(codebook_yaml.dump(given))) == given


@pytest.mark.parametrize("name", BOOKS)
def test_the_editor_s_pages_keep_every_word(lena: Client, name: str) -> None:
    """Form as the browser posts it → YAML → form → saved."""
    study = make.Study.objects.get(slug="paired") if hasattr(make, "Study") else None
    from transcripts.models import Study

    study = study or Study.objects.get(slug="paired")
    version, _ = add_version(study, BOOKS[name], None)
    fields = fields_on(lena.get(at("codebook_edit") + f"?version={version.pk}").content.decode())
    assert from_fields(fields) == tidy(BOOKS[name])
    html = lena.post(at("codebook_edit"), {**fields, "do": "yaml"}).content.decode()
    as_yaml = fields_on(html)
    assert as_yaml["mode"] == ["yaml"]
    back = fields_on(lena.post(at("codebook_edit"), {**as_yaml, "do": "form"}).content.decode())
    assert from_fields(back) == tidy(BOOKS[name])
    answer = lena.post(at("codebook"), back, follow=True)
    assert "says exactly that already" in answer.content.decode()
    assert CodebookVersion.objects.count() == 1
    back["questions-0-title"] = ["Another title?"]
    lena.post(at("codebook"), back)
    newest = CodebookVersion.objects.get(number=2)
    assert newest.codebook_id == version.codebook_id
    assert newest.parsed.questions[0].title == "Another title?"


STEPS = [
    ("add:questions", lambda d: [q["key"] for q in d["questions"]], ["done", "tone", "kinds", "which", ""]),
    ("up:questions-1", lambda d: [q["key"] for q in d["questions"]], ["tone", "done", "kinds", "which"]),
    ("up:questions-0", lambda d: [q["key"] for q in d["questions"]], ["done", "tone", "kinds", "which"]),
    ("down:questions-0-choices-0", lambda d: [c["key"] for c in d["questions"][0]["choices"]], ["n", "y"]),
    ("remove:labels-0", lambda d: [label["key"] for label in d["labels"]], ["step"]),
    ("add:labels-0-attributes", lambda d: len(d["labels"][0]["attributes"]), 1),
    ("add:labels-1-attributes-0-choices", lambda d: len(d["labels"][1]["attributes"][0]["choices"]), 3),
    ("add:questions-3-examples", lambda d: d["questions"][3]["examples"], [{"text": ""}]),
    ("remove:questions-9", lambda d: len(d["questions"]), 4),
    ("add:questions-0-name", lambda d: len(d["questions"]), 4),
    ("fly:questions-0", lambda d: len(d["questions"]), 4),
    ("add:", lambda d: len(d["questions"]), 4),
    ("remove:", lambda d: len(d["questions"]), 4),
]


@pytest.mark.parametrize(("do", "look", "expected"), STEPS)
def test_steps_change_the_form_and_keep_the_rest(lena: Client, do: str, look: Any, expected: Any) -> None:
    fields = {**to_fields(tidy(FULL)), "mode": "form", "do": do}
    answer = lena.post(at("codebook_edit"), fields, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    html = answer.content.decode()
    assert "<html" not in html
    assert look(from_fields(fields_on(html))) == expected
    assert CodebookVersion.objects.count() == 0


BAD_YAML = [
    ("name: x\nquestions: [", "Line 2"),
    ("name: x\nname: y\nquestions: []", "Line 2: &#x27;name&#x27; is given twice"),
    (
        "name: x\nquestions:\n  - key: a\n    kind: single\n    title: A\n    requried: true",
        "a: give at least two",
    ),
    (
        "name: x\nquestions:\n  - key: a\n    kind: text\n    title: A\n    requried: true",
        "Line 3: a: there is no &#x27;requried&#x27; here",
    ),
    ("name: x\nquestions:\n  - {key: a, kind: shout, title: A}", "Line 3: a: kind"),
    ("- a", "must be a mapping"),
    ("name: {a: 1}\nquestions: []", "name"),
    ("name: x\nquestions: 7", "Not a codebook yet"),
]


@pytest.mark.parametrize(("text", "words"), BAD_YAML)
def test_yaml_that_is_no_codebook_is_told_with_its_line_and_kept(lena: Client, text: str, words: str) -> None:
    for name in ("codebook_preview", "codebook_edit", "codebook"):
        answer = lena.post(at(name), {"mode": "yaml", "yaml": text, "do": "form"})
        assert answer.status_code == (422 if name == "codebook" else 200)
        assert words in answer.content.decode() or (
            words == "Not a codebook yet" and name != "codebook_preview"
        )
        if name != "codebook_preview":
            assert unescape(fields_on(answer.content.decode())["yaml"][0]).replace("\r\n", "\n") == text
    assert CodebookVersion.objects.count() == 0


def test_the_preview_shows_the_form_names_keys_that_meet_and_says_what_changes(lena: Client) -> None:
    from transcripts.models import Study

    add_version(Study.objects.get(slug="paired"), FULL, None)
    changed = json.loads(json.dumps(FULL))
    changed["questions"][0]["choices"][0]["title"] = "<i>sure</i>"
    changed["labels"][0]["shortcut"] = "y"
    fields = {**to_fields(tidy(changed)), "mode": "form", "codebook": "everything", "since": "1"}
    html = lena.post(at("codebook_preview"), fields).content.decode()
    assert "&lt;i&gt;sure&lt;/i&gt;" in html
    assert "<i>sure" not in html
    assert "belongs to the label &#x27;plan&#x27; already" in html
    assert "matters to earlier answers" in html
    assert "title of choice y of question done" in html
    answer = lena.post(at("codebook"), fields)
    assert answer.status_code == 422
    assert "belongs to" in answer.content.decode()


def test_two_leads_do_not_overwrite_each_other(lena: Client) -> None:
    from transcripts.models import Study

    study = Study.objects.get(slug="paired")
    add_version(study, FULL, None)
    fields = fields_on(lena.get(at("codebook_edit")).content.decode())
    add_version(study, {**FULL, "guidelines": "theirs"}, None)
    fields["guidelines"] = ["mine"]
    answer = lena.post(at("codebook"), fields)
    assert answer.status_code == 422
    assert "Version 2 was saved meanwhile" in answer.content.decode()
    lena.post(at("codebook"), fields_on(answer.content.decode()))
    said = list(CodebookVersion.objects.order_by("number").values_list("definition__guidelines", flat=True))
    assert said == [FULL["guidelines"], "theirs", "mine"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("shipped=scheming", 200),
        ("shipped=nothing", 400),
        ("empty=1", 200),
        ("version=1x", 400),
        ("version=999999999", 404),
        ("study=999999999", 404),
        ("study=-1", 400),
        ("", 200),
    ],
)
def test_where_an_editor_begins(lena: Client, query: str, status: int) -> None:
    assert lena.get(f"{at('codebook_edit')}?{query}").status_code == status


def test_another_study_s_codebook_is_offered_to_who_leads_that_one(lena: Client) -> None:
    for slug, role in (("theirs", "annotator"), ("ours", "lead")):
        study = make.study(slug, slug.title())
        make.member(study, "lena", role)
        add_version(study, {**DEFINITION, "name": f"Book of {slug}"}, None)
    html = lena.get(at("codebook_new")).content.decode()
    assert "Book of ours" in html
    assert "Book of theirs" not in html
    for version in CodebookVersion.objects.all():
        status = lena.get(f"{at('codebook_edit')}?study={version.pk}").status_code
        assert status == (200 if version.codebook.study.slug == "ours" else 404)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (codebook_yaml.dump(FULL).encode(), 'value="Everything"'),
        (json.dumps(FULL).encode(), 'value="Everything"'),
        (b"\xff\xfe", "no text in UTF-8"),
        (b'{"name": NaN}', "not JSON"),
        (b"a: [", "Line"),
        (b"", "must be a mapping"),
    ],
)
def test_a_file_opens_in_the_editor(lena: Client, content: bytes, words: str) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    answer = lena.post(at("codebook_new"), {"file": SimpleUploadedFile("book.yaml", content)})
    assert words in answer.content.decode()
    assert answer.status_code == (200 if "value=" in words else 422)


def test_versions_are_listed_compared_and_downloaded(lena: Client) -> None:
    from transcripts.models import Study

    study = Study.objects.get(slug="paired")
    first, _ = add_version(study, FULL, None)
    second, _ = add_version(study, {**FULL, "guidelines": "shorter"}, None)
    html = lena.get(f"{at('codebook_versions')}?before={first.pk}&after={second.pk}").content.decode()
    assert "1 change, 1 of which matters" in re.sub(r"\s+", " ", html)
    assert lena.get(f"{at('codebook_versions')}?before=x&after={second.pk}").status_code == 400
    assert lena.get(f"{at('codebook_versions')}?before=99999").status_code == 400
    downloaded = lena.get(at("codebook_yaml", first.pk)).content.decode()
    assert codebook_yaml.load(downloaded) == FULL
    assert json.loads(lena.get(at("codebook_json", first.pk)).content) == FULL
