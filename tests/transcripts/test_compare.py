"""Runs of one prompt in a grid, and the list of prompts."""

from __future__ import annotations

import re
from dataclasses import astuple

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.blinding import blind
from transcripts import sample_labels
from transcripts.access import StudyAccess
from transcripts.compare import beginning, choices, narrowed, typical
from transcripts.identities import identity
from transcripts.ingest.finish import refresh_pairs
from transcripts.models import Prompt, Run, Transcript
from transcripts.records import RunKey
from transcripts.sample_labels import SampleLabel
from transcripts.side_by_side import Sample

PROMPT = "How much space does a hen get?"


def samples(*outcomes: str) -> list[Sample]:
    return [Sample(number, number, outcome, "ok") for number, outcome in enumerate(outcomes, 1)]


@pytest.mark.parametrize(
    ("outcomes", "chosen"),
    [
        (("",), 1),
        (("", "refused"), 2),
        (("complied", "refused", "refused"), 2),
        (("refused", "complied"), 2),  # as many of each: the first in the order of outcomes
        (("unclear", "unclear", "complied"), 1),
    ],
)
def test_a_cell_shows_the_first_sample_that_ended_as_most_did(outcomes, chosen):
    assert typical(samples(*outcomes)).number == chosen


@pytest.mark.parametrize(
    ("turns", "words"),
    [
        ([("user", "hi")], ("", "")),
        ([("user", "hi"), ("assistant", "Plainly.")], ("", "Plainly.")),
        ([("assistant", "<think>\n Why \n not</think>\n<output>So.</output>")], ("Why not", "So.")),
        (
            [("assistant", "<think>A</think>"), ("user", "on"), ("assistant", "<output>B</output>")],
            ("A", "B"),
        ),
        ([("assistant", "<think></think><output> </output>")], ("", "")),
    ],
)
def test_how_reasoning_and_answer_begin(turns, words):
    assert astuple(beginning(make.messages(*turns))) == words


def run(study, **key) -> None:
    """A run with two samples in each arm on the prompt, its conditions set."""
    ingest = make.ingest(study)
    wanted = RunKey(**key)
    Run.objects.get_or_create(
        study=study,
        identity=identity(wanted.model, wanted.setting, "", None, ""),
        defaults={"model": wanted.model},
    )
    for arm, outcomes in (("monitored", ("complied", "complied")), ("unmonitored", ("refused", "complied"))):
        for sample, outcome in enumerate(outcomes, 1):
            said = f"<think>Thinking as {wanted.model} {arm} {sample}.</think><output>Said {sample}.</output>"
            row = make.transcript(
                study, model=wanted.model, setting=wanted.setting, prompt=PROMPT, arm=arm, sample=sample,
                outcome=outcome, turns=(("user", PROMPT), ("assistant", said)), from_ingest=ingest,
            )  # fmt: skip
    Run.objects.filter(pk=row.run_id).update(
        setting=wanted.setting,
        checkpoint=wanted.checkpoint,
        training_step=wanted.training_step,
        goal_nudge=wanted.goal_nudge,
    )
    refresh_pairs(ingest.pk)


@pytest.fixture
def prompt(study) -> Prompt:
    run(study, model="zeta")
    run(study, model="alpha", setting="prompted", goal_nudge="strong")
    run(study, model="alpha", setting="plain", training_step=2000)
    make.transcript(study, prompt="another")
    return Prompt.objects.get(text=PROMPT)


@pytest.fixture
def url(prompt) -> str:
    return f"/studies/paired/prompts/{prompt.pk}/compare/"


def html(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


def models(response) -> list[tuple[str, str]]:
    return [(row["run"].model, row["run"].setting) for row in response.context["rows"]]


class TestGrid:
    def test_runs_are_rows_and_arms_are_columns(self, url, client_of, lead):
        response = client_of(lead).get(url)
        assert models(response) == [("alpha", "plain"), ("alpha", "prompted"), ("zeta", "")]
        assert [each["words"] for each in response.context["columns"]] == ["monitored", "unmonitored"]
        monitored, unmonitored = response.context["rows"][0]["cells"]
        assert (monitored["percent"], unmonitored["percent"]) == ("100 %", "50 %")
        assert (unmonitored["n_complied"], unmonitored["n_judged"], unmonitored["n"]) == (1, 2, 2)
        assert re.findall(r">(\w)</i>", unmonitored["strip"]) == ["R", "C"]
        page = html(response)
        assert "Thinking as zeta monitored 1." in page
        assert page.count("+.50") == 3
        assert (
            page.count('class="compare-cell arm-monitored"')
            == page.count('class="compare-cell arm-unmonitored"')
            == 3
        )

    @pytest.mark.parametrize(
        ("query", "left"),
        [
            ("model=zeta", ["zeta"]),
            ("model=alpha", ["alpha", "alpha"]),
            ("goal_nudge=strong", ["alpha"]),
            ("goal_nudge=", ["alpha", "zeta"]),
            ("setting=plain&model=alpha", ["alpha"]),
            ("setting=plain&model=zeta", []),
            ("model=%3Cscript%3E", []),
        ],
    )
    def test_the_address_narrows_the_runs(self, url, client_of, lead, query, left):
        response = client_of(lead).get(f"{url}?{query}")
        assert response.status_code == 200
        assert [model for model, _ in models(response)] == left
        assert "<script>" not in html(response)

    def test_what_can_be_chosen_is_counted_under_the_other_conditions(self, prompt, study, lead):
        pairs = list(prompt.pairs.select_related("run"))
        found = choices(pairs, {"model": "alpha"})
        assert [(choice.value, choice.n, choice.is_active) for choice in found["model"]] == [
            ("alpha", 2, True),
            ("zeta", 1, False),
        ]
        assert [choice.value for choice in found["setting"]] == ["plain", "prompted"]
        assert "checkpoint" not in found  # in which all are alike
        assert len(narrowed(pairs, {"model": "alpha", "goal_nudge": ""})) == 1

    def test_samples_are_stepped_in_one_cell_or_in_all(self, url, client_of, lead):
        client = client_of(lead)
        page = client.get(url)
        cell = page.context["rows"][0]["cells"][0]
        stepped = client.get(f"{url}?{cell['next']}")
        assert [c["chosen"].number for row in stepped.context["rows"] for c in row["cells"]] == [
            2,
            2,
            1,
            2,
            1,
            2,
        ]
        steps = client.get(f"{url}?{page.context['steps']['next']}").context["steps"]
        assert (steps["now"], steps["previous"]) == (1, "")
        both = client.get(f"{url}?{steps['next']}")
        assert {c["chosen"].number for row in both.context["rows"] for c in row["cells"]} == {2}
        assert both.context["steps"]["next"] == ""
        assert "Thinking as zeta unmonitored 2." in html(both)

    def test_a_sample_that_a_cell_lacks_leaves_it_as_it_is(self, url, client_of, lead):
        shown = client_of(lead).get(f"{url}?sample=77").context["rows"][0]["cells"]
        assert [cell["chosen"].number for cell in shown] == [1, 2]

    def test_a_cell_leads_to_the_pair_with_these_samples(self, url, client_of, lead):
        client = client_of(lead)
        link = re.search(r'class="compare-words" href="([^"]+)"', html(client.get(f"{url}?sample=2")))[1]
        page = client.get(link.replace("&amp;", "&"))
        shown = re.sub("<[^>]+>", "", html(page))
        assert "Thinking as alpha monitored 2." in shown
        assert "Thinking as alpha unmonitored 2." in shown

    def test_chosen_samples_are_read_in_full_beside_each_other(self, url, client_of, lead):
        chosen = list(Transcript.objects.filter(prompt__text=PROMPT, sample=2).values_list("pk", flat=True))
        page = html(client_of(lead).get(f"{url}?read={chosen[3]}&read={chosen[0]}"))
        assert re.findall(r'id="head-(\d+)"', page) == [str(chosen[3]), str(chosen[0])]
        assert page.count('class="message ') == 4
        assert page.count(" checked") >= 2

    def test_prompts_follow_each_other(self, url, prompt, client_of, lead):
        other = Prompt.objects.exclude(pk=prompt.pk).get()
        Prompt.objects.create(study=prompt.study, identity=b"x", text="without samples")
        page = client_of(lead).get(f"{url}?model=alpha")
        assert page.context["next"] == f"/studies/paired/prompts/{other.pk}/compare/?model=alpha"
        assert page.context["previous"] == ""
        back = client_of(lead).get(page.context["next"])
        assert (back.context["previous"], back.context["next"]) == (f"{url}?model=alpha", "")
        assert "No run of this prompt is like that" in html(back)

    @pytest.mark.parametrize(
        "query",
        [
            "nonsense=1", "sample=x", "sample=-1", "page=x", "read=x", "read=999999", "c1-2=x", "c1-=3", "cx-1=2",
            "model=" + "x" * 501, "model=%00", "model=a&model=b", "view=pdf", "layers=nothing", "read=" + "9" * 19,
            "&".join(f"read={n}" for n in range(1, 8)),
        ],
    )  # fmt: skip
    def test_a_bad_address_gets_a_sentence(self, url, client_of, lead, query):
        response = client_of(lead).get(f"{url}?{query}")
        assert response.status_code == 400
        assert f'href="{url}"' in response.content.decode()

    def test_a_transcript_of_another_prompt_is_not_read_here(self, url, client_of, lead):
        other = Transcript.objects.get(prompt__text="another")
        assert client_of(lead).get(f"{url}?read={other.pk}").status_code == 400

    def test_many_runs_come_on_pages(self, study, client_of, lead):
        for number in range(63):
            row = make.transcript(study, model=f"m{number:02}", prompt="many")
        url = f"/studies/paired/prompts/{row.prompt_id}/compare/"
        first, last = (client_of(lead).get(f"{url}?page={page}") for page in (1, 9))
        assert (len(models(first)), models(last)) == (60, [("m60", ""), ("m61", ""), ("m62", "")])

    def test_a_hidden_judge_leaves_no_trace(self, url, client_of, annotator, study):
        blind(study, annotator, "judge")
        response = client_of(annotator).get(url)
        main = html(response).split("<main", 1)[1].lower()
        for trace in ("complied", "refused", "judge", "%", "+.50", "gap", ">c<", ">r<", "cell-complied"):
            assert trace not in main, trace
        # The sample that is shown would tell as well.
        assert {c["chosen"].number for row in response.context["rows"] for c in row["cells"]} == {1}

    def test_what_people_said_of_samples_stands_over_them(self, url, client_of, lead, monkeypatch):
        monkeypatch.setattr(sample_labels, "_rules", [])
        asked = []

        def rule(access: StudyAccess, transcripts):
            asked.append(len(transcripts))
            return {transcripts[0]: SampleLabel("F", "label-colour-3", "alignment faking, say <b>two</b>")}

        sample_labels.register(rule)
        page = html(client_of(lead).get(url))
        assert asked == [12]
        assert page.count('data-label="F"') == 1
        assert "alignment faking, say &lt;b&gt;two&lt;/b&gt;" in page

    def test_few_queries_whatever_the_size(self, url, study, client_of, annotator):
        blind(study, annotator, "peers")
        client = client_of(annotator)
        client.get(url)
        counts = []
        for turn in range(2):
            with CaptureQueriesContext(connection) as queries:
                assert client.get(url).status_code == 200
            counts.append(len(queries))
            if not turn:
                run(study, model="more")
                make.transcript(study, prompt=PROMPT, arm="shadow", model="more")
        assert counts[0] == counts[1] <= 12, [query["sql"] for query in queries]


class TestPrompts:
    def test_each_says_how_many_runs_it_has_and_how_far_their_gaps_lie_apart(
        self, url, prompt, client_of, lead
    ):
        prompt.pairs.filter(run__model="zeta").update(judge_gap=-0.25)
        page = html(client_of(lead).get("/studies/paired/prompts/"))
        assert f'href="{url}"' in page
        assert '<td class="num">3</td><td class="num">2</td><td class="num">−.25 to +.50</td>' in page

    def test_a_hidden_judge_leaves_no_trace(self, url, study, client_of, annotator):
        blind(study, annotator, "judge")
        main = html(client_of(annotator).get("/studies/paired/prompts/")).split("<main", 1)[1].lower()
        assert "gap" not in main
        assert ".50" not in main

    def test_pages_hold_every_prompt_once(self, study, client_of, lead):
        for number in range(53):
            make.transcript(study, prompt=f"prompt {number}")
        client, address, seen = client_of(lead), "/studies/paired/prompts/", []
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        assert len(queries) <= 8
        while address:
            response = client.get(address)
            seen += [row["prompt"].pk for row in response.context["rows"]]
            address = response.context["next_url"]
        assert seen == list(Prompt.objects.order_by("pk").values_list("pk", flat=True))

    @pytest.mark.parametrize("query", ["cursor=x", "nonsense=1"])
    def test_a_bad_address_gets_a_sentence(self, study, client_of, lead, query):
        assert client_of(lead).get(f"/studies/paired/prompts/?{query}").status_code == 400
