"""A round moves while its annotators save, over real connections."""

from __future__ import annotations

from typing import Any

from annotations.labelling import LabellingConflict
from annotations.models import Annotation, Relabelling
from annotations.relabelling import another_look, begin, carry_on
from tests.annotations.campaign import ANSWERS, campaign, claim, together
from tests.annotations.test_relabelling import MAPPING, lead_of, next_version


def test_moving_and_saving_at_once_leaves_every_label_under_the_new_version_or_on_the_list(
    committed: None,
) -> None:
    of = campaign(tasks=6, people=3, slug="races")
    tasks = [claim(of, number) for number in range(3)]
    old, after, lena = of.round.codebook_version, next_version(of), lead_of(of)

    def submit(number: int) -> Any:
        return lambda: of.submit(tasks[number], number, codebook_version=old.pk)

    results = together(
        [*(submit(n) for n in range(3)), lambda: carry_on(begin(of.round, after, MAPPING, lena))]
    )
    assert isinstance(results[3], Relabelling), results
    for number, result in enumerate(results[:3]):
        head = Annotation.objects.get(annotator=of.people[number])
        newest = head.revisions.get(version=head.version)
        first = head.revisions.get(version=1)
        assert first.payload["answers"] == ANSWERS  # nothing is lost, whoever came first
        if isinstance(result, LabellingConflict):
            assert result.code == "codebook_changed"
            assert head.status == "draft"
            assert first.codebook_version == old
        else:
            assert newest.codebook_version == after
            assert newest.mapped_from == first
    assert not another_look(of.access(0)).exists()
