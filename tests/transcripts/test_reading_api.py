"""``runs/ arms/ prompts/ transcripts/ pairs/`` of the API."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.blinding import blind
from transcripts.ingest.finish import refresh_pairs
from transcripts.text import storable

BASE = "/api/v1/studies/paired/"
LISTS = ["runs/", "arms/", "prompts/", "transcripts/", "pairs/"]


@pytest.fixture
def rows(study):
    ingest = make.ingest(study)
    for prompt, unmonitored in (("Hen space", "refused"), ("Whom to obey", "complied")):
        make.transcript(study, prompt=prompt, family="care", outcome="complied", metadata={"tier": "free"})
        make.transcript(study, prompt=prompt, family="care", arm="unmonitored", outcome=unmonitored)
    make.transcript(study, prompt="Unpaired", model="model-b", turns=(("assistant", "<think>open"),))
    refresh_pairs(ingest.pk)
    return study


@pytest.fixture
def get(client):
    """``get(user, path)``: an API call with a token of ``user``."""

    def call(user, path: str, scopes=None):
        full = path if path.startswith("/") else BASE + path
        return client.get(full, headers={"Authorization": f"Token {make.token(user, scopes)}"})

    return call


@pytest.fixture
def details(rows) -> list[str]:
    pair = rows.pairs.get(prompt__text="Hen space")
    return [f"pairs/{pair.pk}/", f"transcripts/{pair.transcripts.order_by('pk').first().pk}/"]


class TestAccess:
    def test_members_read_it(self, get, lead, annotator, details):
        for user in (lead, annotator):
            for path in (*LISTS, *details):
                assert get(user, path).status_code == 200, path

    def test_it_asks_who_is_there(self, client, details):
        for path in (*LISTS, *details, "/api/v1/studies/"):
            response = client.get(path if path.startswith("/") else BASE + path)
            assert response.status_code == 401, path
            assert response.json()["error"]["message"]

    def test_it_does_not_exist_for_outsiders(self, get, outsider, details):
        for path in (*LISTS, *details):
            assert get(outsider, path).status_code == 404, path

    def test_it_is_read_only(self, client, lead, details):
        headers = {"Authorization": f"Token {make.token(lead)}"}
        for path in (*LISTS, *details):
            assert client.post(BASE + path, headers=headers).status_code == 405, path

    def test_it_is_closed_to_who_labels_blind(self, get, rows, annotator, details):
        blind(rows, annotator, "arm")
        for path in (*LISTS, *details):
            assert get(annotator, path).status_code == 403, path

    def test_what_is_not_there_is_not_there(self, get, lead, rows):
        secret = make.transcript(make.study("other"))
        for path in (
            "pairs/999999/",
            "transcripts/999999/",
            f"pairs/{secret.pair_id}/",
            f"transcripts/{secret.pk}/",
        ):
            assert get(lead, path).status_code == 404, path

    def test_a_token_needs_the_scope(self, get, lead, rows):
        for path in ("runs/", "/api/v1/studies/"):
            assert get(lead, path, ["ingest"]).status_code == 403, path

    @pytest.mark.parametrize(
        "path",
        [
            "runs/?x=1",
            "transcripts/?run=x",
            "transcripts/?prompt__text=a",
            "pairs/?sort=run",
            "pairs/?role=x",
        ],
    )
    def test_it_says_what_is_wrong_with_the_address(self, get, lead, rows, path):
        response = get(lead, path)
        assert response.status_code == 400
        assert response.json()["error"]["message"].endswith(".")


class TestLists:
    def test_studies_are_those_of_whoever_asks(self, get, rows, lead, outsider):
        make.study("other")
        shown = get(lead, "/api/v1/studies/").json()["results"]
        assert [(each["slug"], each["role"]) for each in shown] == [("paired", "lead")]
        assert get(outsider, "/api/v1/studies/").json()["results"] == []
        admin = get(make.admin(), "/api/v1/studies/").json()["results"]
        assert [(each["slug"], each["role"]) for each in admin] == [("other", "lead"), ("paired", "lead")]

    def test_conditions_come_with_counts(self, get, rows, lead):
        runs = get(lead, "runs/").json()["results"]
        assert [(run["model"], run["n_pairs"], run["n_transcripts"]) for run in runs] == [
            ("model-a", 2, 4), ("model-b", 1, 1),
        ]  # fmt: skip
        arms = get(lead, "arms/").json()["results"]
        assert [(arm["name"], arm["role"], arm["n_transcripts"]) for arm in arms] == [
            ("monitored", "monitored", 3), ("unmonitored", "unmonitored", 2),
        ]  # fmt: skip
        prompts = get(lead, "prompts/").json()["results"]
        assert [(each["text"], each["n_pairs"], each["n_transcripts"]) for each in prompts] == [
            ("Hen space", 1, 2), ("Whom to obey", 1, 2), ("Unpaired", 1, 1),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("query", "n"),
        [
            ("", 5), ("model=model-a", 4), ("role=unmonitored", 2), ("outcome=refused", 1), ("outcome=none", 1),
            ("family=care&role=monitored", 2), ("parse_state=unclosed_scratchpad", 1),
        ],
    )  # fmt: skip
    def test_filters_are_those_of_the_page(self, get, client_of, rows, lead, query, n):
        shown = get(lead, f"transcripts/?{query}").json()["results"]
        assert len(shown) == n
        page = client_of(lead).get(f"/studies/paired/transcripts/?{query}").context["rows"]
        assert [each["id"] for each in shown] == [row["transcript"].pk for row in page]
        pairs = get(lead, f"pairs/?{query}&sort=gap").json()["results"]
        page = client_of(lead).get(f"/studies/paired/pairs/?{query}").context["rows"]
        assert [each["id"] for each in pairs] == [row["pair"].pk for row in page]

    def test_a_row_says_what_it_is(self, get, rows, lead):
        shown = get(lead, "transcripts/").json()["results"][0]
        run, arm = rows.runs.get(model="model-a"), rows.arms.get(role="monitored")
        row = rows.transcripts.order_by("pk").first()
        assert shown == {
            "id": row.pk,
            "pair": row.pair_id,
            "run": {
                "id": run.pk, "model": "model-a", "setting": "", "checkpoint": "", "training_step": None,
                "goal_nudge": "",
            },
            "prompt": {"id": row.prompt_id, "family": "care"},
            "arm": {"id": arm.pk, "name": "monitored", "role": "monitored"},
            "sample": 1,
            "parse_state": "ok",
            "outcome": "complied",
            "judge_score": None,
            "n_messages": 2,
            "n_characters": row.n_characters,
            "has_escapes": False,
            "ingest": row.ingest_id,
        }  # fmt: skip

    @pytest.mark.parametrize(
        "path", ["transcripts/?page_size=2", "pairs/?page_size=1&sort=gap", "runs/?page_size=1"]
    )
    def test_pages_go_on_and_hold_each_row_once(self, get, rows, lead, path):
        seen, url = [], path
        while url:
            answer = get(lead, url).json()
            seen += [each["id"] for each in answer["results"]]
            url = answer["next"] and answer["next"].removeprefix("http://testserver")
        assert len(seen) == len(set(seen)) > 1

    @pytest.mark.parametrize("path", LISTS)
    def test_it_makes_few_queries_whatever_the_number_of_rows(self, get, rows, lead, path):
        counts = []
        get(lead, path)
        for turn in range(2):
            with CaptureQueriesContext(connection) as queries:
                assert get(lead, path).status_code == 200
            counts.append(len(queries))
            for number in range(9):
                make.transcript(rows, prompt=f"{turn} {number}", model=f"m{number}", arm=f"a{number}")
        assert counts[0] == counts[1] <= 12, [query["sql"] for query in queries]


class TestDetail:
    def test_a_transcript_has_messages_segments_verdicts_and_provenance(self, get, lead, details):
        shown = get(lead, details[1]).json()
        question, answer = shown["messages"]
        assert question["role"] == "user"
        assert [segment["kind"] for segment in answer["segments"]] == ["scratchpad", "text", "output"]
        assert "".join(answer["text"][s["start"] : s["end"]] for s in answer["segments"]) == answer["text"]
        assert shown["verdicts"] == [
            {
                "judge": "judge",
                "value": "complied",
                "score": None,
                "outcome": "complied",
                "explanation": "because",
                "threshold": None,
                "quotes": [],
                "detail": {},
            }
        ]
        assert shown["metadata"] == {"tier": "free"}
        assert shown["prompt"]["text"] == "Hen space"
        assert set(shown["provenance"]) == {
            "content_sha256", "source", "source_sha256", "locator", "ingest", "reader", "reader_version",
            "segmenter_version",
        }  # fmt: skip

    def test_metadata_is_for_leads(self, get, annotator, details):
        assert "metadata" not in get(annotator, details[1]).json()

    def test_a_pair_has_its_samples_by_arm(self, get, rows, lead, details):
        shown = get(lead, details[0]).json()
        assert shown["judge_gap"] == 1.0
        assert (shown["n_monitored"], shown["n_unmonitored"], shown["n_other"]) == (1, 1, 0)
        assert [(arm["role"], [each["outcome"] for each in arm["samples"]]) for arm in shown["arms"]] == [
            ("monitored", ["complied"]), ("unmonitored", ["refused"]),
        ]  # fmt: skip
        assert {sample["transcript"] for arm in shown["arms"] for sample in arm["samples"]} <= set(
            rows.transcripts.values_list("pk", flat=True)
        )

    def test_text_that_json_cannot_hold_comes_escaped(self, get, study, lead):
        text = storable("a\x00b\ud83d")
        row = make.transcript(study, turns=(("assistant", text),))
        assert get(lead, f"transcripts/{row.pk}/").json()["messages"][0]["text"] == text

    def test_a_hidden_judge_leaves_no_trace(self, get, rows, annotator, details):
        blind(rows, annotator, "judge")
        for path in (*LISTS, *details):
            answer = get(annotator, path)
            assert answer.status_code == 200
            for trace in ("complied", "refused", "outcome", "judge", "verdict"):
                assert trace not in answer.content.decode(), (path, trace)
        for query in ("transcripts/?outcome=refused", "pairs/?outcome=refused", "pairs/?sort=gap"):
            assert get(annotator, query).status_code == 400, query
