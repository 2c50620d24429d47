# ruff: noqa: S608 - the statements are ours: what is asked for goes into them as parameters only
"""The one statement that counts all facets of a list: what it asks, and what its rows mean.

Every part counts under all filters but those of the facets that it is for. Values of parse state, outcome and
score are bits (:mod:`transcripts.packed`), and all columns that are read stand in one index: measured three
times as fast as words from the table (``docs/decisions/2026-11-21-facets.md``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from transcripts.filters import Filters
from transcripts.models import Study, Transcript
from transcripts.packed import BITS, mask_of

PACKED = ("parse_state", "outcome", "score")
OF_RUNS = ("run", "model", "setting", "checkpoint")
OF_ARMS = ("arm", "role")
COUNTED = (*OF_RUNS, "family", *OF_ARMS, *PACKED)
MAX_FAMILIES = 31  # one more than are shown, with those that are chosen
MAX_ARMS = 60  # that have a bit of their own among a pair's


@dataclass(frozen=True, slots=True)
class RunNames:
    model: str
    setting: str
    checkpoint: str
    goal_nudge: str

    def __str__(self) -> str:
        return " · ".join(
            part for part in (self.model, self.setting, self.checkpoint, self.goal_nudge) if part
        )


@dataclass(frozen=True, slots=True)
class Cell:
    """``n`` transcripts, or pairs, that share a run (and for transcripts an arm and their bits)."""

    run: int
    n: int
    arm: int = 0
    packed: int = 0


@dataclass(slots=True)
class Counted:
    """What the statement found.

    ``cells`` are under all filters but those of what cells have. ``values`` has the facets that are counted in
    the database: families, and for pairs what their samples are.
    """

    runs: dict[int, RunNames]
    arms: dict[int, tuple[str, str]]  # name, role
    cells: list[Cell] = field(default_factory=list)
    values: dict[str, Counter[Any]] = field(default_factory=dict)
    n_families: int = 0


class _Statement:
    """Parts of a UNION ALL with the columns ``part, a, b, words, bits, n``, over tables of its own."""

    def __init__(self) -> None:
        self.tables: list[str] = []
        self.parts: list[str] = []
        self._of_tables: list[Any] = []
        self._of_parts: list[Any] = []

    def table(self, name: str, sql: str, given: Iterable[Any], is_kept: bool) -> None:
        """``is_kept`` if finding its rows is dearer than keeping them."""
        self.tables.append(f"{name} AS {'' if is_kept else 'NOT '}MATERIALIZED ({sql})")
        self._of_tables += given

    def part(self, sql: str, given: Iterable[Any] = ()) -> None:
        self.parts.append(sql)
        self._of_parts += given

    def rows(self) -> list[tuple[str, int, int, str, list[int | None], int]]:
        sql = f"WITH {', '.join(self.tables)} {' UNION ALL '.join(f'({part})' for part in self.parts)}"
        with connection.cursor() as cursor:
            cursor.execute(sql, [*self._of_tables, *self._of_parts])
            return cursor.fetchall()


def count_transcripts(study: Study, filters: Filters) -> Counted:
    """Two queries. Their rows are as many as runs × arms × sets of bits, whatever the number of transcripts."""
    counted, statement, conditions = _names(study), _Statement(), _Conditions(study, filters)
    _add_base(statement, filters, filters.transcripts(Transcript.objects.filter(study=study), but=COUNTED))
    of_family, given = conditions.all_of("family")
    of_cells, given_too = conditions.all_of(*OF_RUNS, *OF_ARMS, *PACKED)
    # Both in one pass over the index.
    statement.table(
        "counted",
        "SELECT run_id, arm_id, facets, prompt_id, grouping(prompt_id) = 1 AS is_cell,"
        f" count(*) FILTER (WHERE {of_family}) AS n, count(*) FILTER (WHERE {of_cells}) AS n_of_prompt"
        " FROM base GROUP BY GROUPING SETS ((run_id, arm_id, facets), (prompt_id))",
        [*given, *given_too],
        is_kept=True,
    )
    statement.part(
        "SELECT 'cell', run_id, arm_id, '', ARRAY[facets::bigint], n FROM counted WHERE is_cell AND n > 0"
    )
    _add_families(statement, filters, "SELECT prompt_id, n_of_prompt FROM counted WHERE NOT is_cell", [])
    for part, a, b, words, bits, n in statement.rows():
        if part == "cell":
            counted.cells.append(Cell(a, n, b, bits[0] or 0))
        else:
            _take_family(counted, words, b, n)
    return counted


def count_pairs(study: Study, filters: Filters) -> Counted:
    """Two queries. A pair is counted once for each value that one of its samples has."""
    counted, statement, conditions = _names(study), _Statement(), _Conditions(study, filters)
    _add_base(
        statement, filters, filters.samples_of_pairs(Transcript.objects.filter(study=study), but=COUNTED)
    )
    arms = list(counted.arms)[:MAX_ARMS]
    own = [name for name in PACKED if name in filters.values]
    _add_pairs(statement, conditions, filters, arms, own)
    masks = ", ".join(f"m{at}" for at in range(len(own) + 2))
    statement.table(
        "counted",
        f"SELECT run_id, prompt_id, {masks}, grouping(run_id) AS g, grouping(prompt_id) AS h, count(*) AS n,"
        f" count(*) FILTER (WHERE m0 IS NOT NULL) AS n_passing"
        f" FROM pairs GROUP BY GROUPING SETS (({masks}), (run_id), (prompt_id))",
        [],
        is_kept=True,
    )
    statement.part(f"SELECT 'bits', 0, 0, '', ARRAY[{masks}], n FROM counted WHERE g = 1 AND h = 1")
    if any(name in filters.values for name in OF_RUNS):
        rows, given = _passing_pairs(conditions, filters, "family")
        statement.part(
            f"SELECT 'cell', run_id, 0, '', NULL::bigint[], count(*) FROM ({rows}) AS each GROUP BY 2", given
        )
    else:
        statement.part("SELECT 'cell', run_id, 0, '', NULL::bigint[], n_passing FROM counted WHERE g = 0")
    if "family" in filters.values:
        rows, given = _passing_pairs(conditions, filters, *OF_RUNS)
        _add_families(
            statement, filters, f"SELECT prompt_id, count(*) FROM ({rows}) AS each GROUP BY 1", given
        )
    else:
        _add_families(statement, filters, "SELECT prompt_id, n_passing FROM counted WHERE h = 0", [])
    by_mask: dict[str, Counter[int]] = {name: Counter() for name in ("", "arm", *own)}
    for part, a, b, words, bits, n in statement.rows():
        if part == "bits":
            for counts, mask in zip(by_mask.values(), bits, strict=True):
                counts[mask or 0] += n
        elif part == "cell":
            counted.cells.append(Cell(a, n))
        else:
            _take_family(counted, words, b, n)
    for name in PACKED:
        counted.values[name] = _by_value(by_mask[name if name in own else ""], BITS[name])
    counted.values["arm"] = _by_value(by_mask["arm"], {arm: at for at, arm in enumerate(arms)})
    return counted


def _add_pairs(
    statement: _Statement, conditions: _Conditions, filters: Filters, arms: list[int], own: list[str]
) -> None:
    """The pairs, and the bits of their samples under all filters (``m0``), their arms (``m1``) without the filters
    of arms, and the bits without each filter in ``own``. A mask is NULL where no sample passes.
    """
    asked = [name for name in (*OF_ARMS, *PACKED) if name in filters.values]

    def aggregated(bits: str, *but: str) -> tuple[str, list[Any]]:
        sql, values = conditions.all_of(*(name for name in asked if name not in but))
        return f"bit_or({bits})" + (f" FILTER (WHERE {sql})" if values else ""), values

    whens = " ".join(f"WHEN {arm} THEN {1 << at}" for at, arm in enumerate(arms))
    of_arm = f"(CASE arm_id {whens} ELSE 0 END)::bigint" if arms else "0::bigint"
    masks = [
        aggregated("facets"),
        aggregated(of_arm, *OF_ARMS),
        *(aggregated("facets", name) for name in own),
    ]
    columns = ", ".join(
        f"{'' if at == 1 else '('}{sql}{'' if at == 1 else ')::bigint'} AS m{at}"
        for at, (sql, _) in enumerate(masks)
    )
    where, given = conditions.all_of(*OF_RUNS, "family")
    statement.table(
        "pairs",
        f"SELECT min(run_id) AS run_id, min(prompt_id) AS prompt_id, {columns} FROM base WHERE {where} GROUP BY pair_id",
        [*(value for _, values in masks for value in values), *given],
        is_kept=False,
    )


def _passing_pairs(conditions: _Conditions, filters: Filters, *facets: str) -> tuple[str, list[Any]]:
    """Runs and prompts of the pairs that pass all filters of samples, and of ``facets``."""
    where, given = conditions.all_of(*facets, *OF_ARMS, *PACKED)
    return (
        f"SELECT min(run_id) AS run_id, min(prompt_id) AS prompt_id FROM base WHERE {where} GROUP BY pair_id",
        given,
    )


def _add_base(statement: _Statement, filters: Filters, rows: Any) -> None:
    """The rows that pass all filters that no facet here is about, with what the index has of them."""
    narrow = rows.order_by().values("pair_id", "arm_id", "facets", "run_id", "prompt_id")
    sql, given = narrow.query.sql_with_params()
    statement.table("base", sql, given, is_kept=any(name not in COUNTED for name in filters.values))


@dataclass(frozen=True)
class _Conditions:
    """Filters of the counted facets, as SQL over the columns of one index."""

    study: Study
    filters: Filters

    def all_of(self, *facets: str) -> tuple[str, list[Any]]:
        asked = [self.of(name) for name in facets if name in self.filters.values]
        return " AND ".join(sql for sql, _ in asked) or "TRUE", [each for _, given in asked for each in given]

    def of(self, name: str) -> tuple[str, list[Any]]:
        values = list(self.filters.values[name])
        if name in PACKED:
            return "facets & %s <> 0", [mask_of(name, map(str, values))]
        if name in ("run", "arm"):
            return f"{name}_id = ANY(%s)", [values]
        table, key = {"role": ("arm", "arm_id"), "family": ("prompt", "prompt_id")}.get(
            name, ("run", "run_id")
        )
        found = f"SELECT id FROM transcripts_{table} WHERE study_id = %s AND {name} = ANY(%s)"
        return f"{key} IN ({found})", [self.study.pk, values]


def _add_families(statement: _Statement, filters: Filters, prompts: str, given: list[Any]) -> None:
    """``prompts`` are rows of a prompt's id and a number. The largest families, and those that are chosen."""
    chosen = list(filters.values.get("family", ()))
    statement.part(
        "SELECT 'family', row_number() OVER (ORDER BY family = ANY(%s) DESC, sum(n) DESC, family) AS at,"
        " count(*) OVER (), family, NULL::bigint[], sum(n)::bigint"
        f" FROM ({prompts}) AS each (prompt_id, n) JOIN transcripts_prompt p ON p.id = each.prompt_id WHERE n > 0"
        f" GROUP BY family ORDER BY at LIMIT {MAX_FAMILIES + len(chosen)}",
        [chosen, *given],
    )


def _take_family(counted: Counted, words: str, n_families: int, n: int) -> None:
    counted.values.setdefault("family", Counter())[words] = n
    counted.n_families = n_families


def _names(study: Study) -> Counted:
    """What the runs and arms of a study are called."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, model, setting, checkpoint, goal_nudge, '' FROM transcripts_run WHERE study_id = %s"
            " UNION ALL SELECT id, name, '', '', '', role FROM transcripts_arm WHERE study_id = %s ORDER BY 1",
            [study.pk, study.pk],
        )
        rows = cursor.fetchall()
    return Counted(
        {pk: RunNames(*names) for pk, *names, role in rows if not role},
        {pk: (name, role) for pk, name, _, _, _, role in rows if role},
        values={"family": Counter()},
    )


def _by_value(masks: Counter[int], bits: Mapping[Any, int]) -> Counter[Any]:
    return Counter(
        {
            value: n
            for value, bit in bits.items()
            if (n := sum(count for mask, count in masks.items() if mask >> bit & 1))
        }
    )
