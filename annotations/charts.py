"""Charts as Vega-Lite specifications in our own look: pure data in, a JSON-ready dict out.

Every colour is a Vega parameter named in ``usermeta.tokens`` beside the CSS custom property it
stands for. So one specification serves both themes: a page reads the properties and sets the
parameters (``static/js/chart.js``), a download has them set here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

Theme = Literal["light", "dark"]
VEGA_LITE = "6.4"  # the newest that vl-convert 1.9 bundles, and the one its browser bundle holds
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif'

TOKENS = {
    "ink": "--ink",
    "ink2": "--ink-2",
    "ink3": "--ink-3",
    "line": "--line",
    "line2": "--line-2",
    "paper": "--paper",
    "monitored": "--monitored",
    "unmonitored": "--unmonitored",
}
# The same colours as in static/css/tokens.css, for pictures that leave the site; a test compares them.
THEMES: dict[Theme, dict[str, str]] = {
    "light": {
        "ink": "#1d1f23",
        "ink2": "#565b66",
        "ink3": "#666b76",
        "line": "#e2e0da",
        "line2": "#cfccc4",
        "paper": "#ffffff",
        "monitored": "#2356b0",
        "unmonitored": "#96500a",
    },
    "dark": {
        "ink": "#e4e4e1",
        "ink2": "#a9adb6",
        "ink3": "#8e939e",
        "line": "#2b2f36",
        "line2": "#3f444d",
        "paper": "#1c1f24",
        "monitored": "#8ab4ff",
        "unmonitored": "#ffb469",
    },
}
ARMS = ("monitored", "unmonitored")
ROW = 46  # pixels a run takes
LINK = {
    "condition": {"test": "datum.url", "field": "url"},
    "value": "",
}  # without the test, none is a link to "null"


def compliance_gap_chart(rows: Sequence[Mapping[str, Any]], theme: Theme = "light") -> dict[str, Any]:
    """Rates by arm and the gap, one row per run, in the order given.

    A row has the fields of ``compliance.Gap.figures()`` and ``model``, ``setting``; optional are
    ``labeler`` (shown where two rows would otherwise be called the same) and the addresses that a
    click opens: ``url_monitored``, ``url_unmonitored`` (transcripts of that arm) and ``url`` (the
    pairs). Rows without a gap keep their place and say why.
    """
    labels = _labels(rows)
    tables = {
        "arms": [arm for row, label in zip(rows, labels, strict=True) for arm in _arms(row, label)],
        "gaps": [_gap(row, label) for row, label in zip(rows, labels, strict=True)],
    }
    y: dict[str, Any] = {
        "field": "run",
        "type": "nominal",
        "sort": None,
        "scale": {"type": "band", "domain": labels, "padding": 0},
        "axis": {
            "title": None,
            "domain": False,
            "ticks": False,
            "labels": False,
            "tickBand": "extent",
            "grid": True,
        },
    }
    named = y["axis"] | {
        "labels": True,
        "labelExpr": "datum.value ? split(datum.value, '\\n') : ''",
        "labelLineHeight": 16,
        "labelLimit": 230,
        "labelPadding": 12,
        # A label of two lines hangs from its first; half a line up it stands in the middle of its row.
        "labelOffset": {
            "condition": {"test": "datum.value && indexof(datum.value, '\\n') > 0", "value": -8},
            "value": 0,
        },
    }
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": describe_gaps(rows),
        "usermeta": {"tokens": TOKENS},
        "params": [{"name": name, "value": THEMES[theme][name]} for name in TOKENS],
        "background": _token("paper"),
        "padding": 12,
        "datasets": tables,
        "spacing": 22,
        "hconcat": [
            _rates_panel(y | {"axis": named}),
            _gap_panel(y, tables["gaps"]),
            _figures_panel(y),
        ],
        "config": _config(),
    }


def describe_gaps(rows: Sequence[Mapping[str, Any]]) -> str:
    """The chart in words, for those who do not see it."""
    if not rows:
        return "Compliance by arm and compliance gap. There are no runs to show."
    said = []
    for row, label in zip(rows, _labels(rows), strict=True):
        name = label.replace("\n", ", ")
        if row["gap"] is None:
            said.append(f"{name}: {_why(row)}.")
            continue
        said.append(
            f"{name}: monitored {row['rate_monitored']:.1%}, unmonitored {row['rate_unmonitored']:.1%}, "
            f"gap {_points(row['gap'])} points{_interval(row)}, {_n(row)}."
        )
    return "Compliance by arm and compliance gap, with 95 % intervals. " + " ".join(said)


def svg(spec: Mapping[str, Any], site: str = "") -> str:
    """The chart as an SVG document. ``site`` ("https://…") makes its links work away from the site;
    without it there are none.
    """
    # Imported here: it loads a 60 MB library, which only a download needs.
    import vl_convert

    return vl_convert.vegalite_to_svg(_linked_to(site, spec), vl_version=VEGA_LITE)


def png(spec: Mapping[str, Any], scale: float = 2.0) -> bytes:
    """The chart as a PNG image, by default at twice the size for print and dense screens."""
    import vl_convert  # here for the same reason

    return vl_convert.vegalite_to_png(_linked_to("", spec), vl_version=VEGA_LITE, scale=scale)


def _linked_to(site: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """The converter would point relative addresses at a demonstration site of Vega's."""
    datasets = {
        name: [
            row | {"url": f"{site.rstrip('/')}{row['url']}" if site and row["url"] else None} for row in rows
        ]
        for name, rows in spec["datasets"].items()
    }
    return {**spec, "datasets": datasets}


def _rates_panel(y: dict[str, Any]) -> dict[str, Any]:
    arm = {"field": "arm", "type": "nominal", "scale": {"domain": list(ARMS), "range": [4, ROW - 4]}}
    colour = {
        "field": "arm",
        "type": "nominal",
        "scale": {"domain": list(ARMS), "range": [_token(name) for name in ARMS]},
    }
    shape = {
        "field": "arm",
        "type": "nominal",
        "scale": {"domain": list(ARMS), "range": ["circle", "square"]},
    }
    legend = {
        "orient": "none",  # on top it would stand above the headings of the other panels
        "direction": "horizontal",
        "legendX": 0,
        "legendY": -27,
        "title": None,
        "symbolSize": 150,
        "labelExpr": "upper(slice(datum.label, 0, 1)) + ' = ' + datum.label",
    }
    x = {
        "field": "rate",
        "type": "quantitative",
        "scale": {"domain": [0, 1]},
        "axis": {"format": ".0%", "values": [0, 0.25, 0.5, 0.75, 1], "title": "Complied, mean of prompts"},
    }
    opens = {"href": LINK, "tooltip": {"field": "tip"}}
    return {
        "data": {"name": "arms"},
        "width": 300,
        "height": {"step": ROW, "for": "position"},
        "encoding": {"y": y, "x": x, "yOffset": arm},
        "layer": [
            {
                "mark": {"type": "line", "stroke": _token("line2"), "strokeWidth": 1.5},
                "encoding": {"detail": {"field": "run"}},
            },
            {
                "transform": [{"filter": "isValid(datum.low)"}],
                "mark": {"type": "rule", "strokeWidth": 3, "strokeCap": "round", "strokeOpacity": 0.45},
                "encoding": {
                    "x": {"field": "low", "type": "quantitative"},
                    "x2": {"field": "high"},
                    "color": colour,
                    **opens,
                },
            },
            {
                "mark": {"type": "point", "filled": True, "size": 230, "opacity": 1},
                "encoding": {
                    "color": colour | {"legend": legend},
                    "shape": shape | {"legend": legend},
                    **opens,
                },
            },
            {
                "mark": {
                    "type": "text",
                    "fill": _token("paper"),
                    "fontSize": 10,
                    "fontWeight": 700,
                    "baseline": "middle",
                    "dy": 0.5,
                },
                "encoding": {"text": {"field": "letter"}, **opens},
            },
        ],
    }


def _gap_panel(y: dict[str, Any], gaps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    x = {
        "type": "quantitative",
        "scale": {"domain": _gap_domain(gaps), "nice": False},
        "axis": {
            "labelExpr": "datum.value ? format(datum.value * 100, '+.0f') : '0'",
            "tickCount": 5,
            "title": "Gap, points",
        },
    }
    opens = {"href": LINK, "tooltip": {"field": "tip"}}
    return {
        "data": {"name": "gaps"},
        "width": 190,
        "height": {"step": ROW},
        "encoding": {"y": y},
        "layer": [
            {
                "data": {"values": [{"zero": 0}]},
                "mark": {"type": "rule", "stroke": _token("ink2"), "strokeWidth": 1.2},
                "encoding": {"x": x | {"field": "zero"}, "y": {"value": 0}, "y2": {"value": "height"}},
            },
            {
                "transform": [{"filter": "isValid(datum.low)"}],
                "mark": {"type": "rule", "strokeWidth": 3, "strokeCap": "round", "stroke": _token("ink3")},
                "encoding": {"x": x | {"field": "low"}, "x2": {"field": "high"}, **opens},
            },
            {
                "transform": [{"filter": "isValid(datum.gap)"}],
                "mark": {
                    "type": "point",
                    "shape": "diamond",
                    "filled": True,
                    "size": 150,
                    "opacity": 1,
                    "fill": _token("ink"),
                },
                "encoding": {"x": x | {"field": "gap"}, **opens},
            },
        ],
    }


def _figures_panel(y: dict[str, Any]) -> dict[str, Any]:
    text = {"type": "text", "align": "left", "baseline": "middle", "x": 4, "limit": 196}
    opens = {"href": LINK}
    return {
        "data": {"name": "gaps"},
        "width": 200,
        "height": {"step": ROW},
        "title": {"text": "Gap and 95 % interval", "anchor": "start", "dx": 4},
        "encoding": {"y": y},
        "layer": [
            {
                "mark": text | {"dy": -8, "fontWeight": 600, "fill": _token("ink")},
                "encoding": {"text": {"field": "figures"}, **opens},
            },
            {
                "mark": text | {"dy": 8, "fontSize": 11, "fill": _token("ink2")},
                "encoding": {"text": {"field": "n"}, **opens},
            },
        ],
    }


def _arms(row: Mapping[str, Any], label: str) -> Iterable[dict[str, Any]]:
    for arm in ARMS:
        rate = row[f"rate_{arm}"]
        if rate is None:
            continue
        low, high = row.get(f"{arm}_low"), row.get(f"{arm}_high")
        between = "" if low is None else f" ({low:.1%} to {high:.1%})"
        yield {
            "run": label,
            "arm": arm,
            "letter": arm[0].upper(),
            "rate": rate,
            "low": low,
            "high": high,
            "url": row.get(f"url_{arm}"),
            "tip": f"{arm}: {rate:.1%}{between}, {row['n_prompts']} prompts, {row[f'n_{arm}']} samples",
        }


def _gap(row: Mapping[str, Any], label: str) -> dict[str, Any]:
    defined = row["gap"] is not None
    figures = f"{_points(row['gap'])}{_interval(row)}" if defined else "no gap"
    return {
        "run": label,
        "gap": row["gap"],
        "low": row["ci_low"],
        "high": row["ci_high"],
        "url": row.get("url"),
        "figures": figures,
        "n": _n(row) if defined else _why(row),
        "tip": f"gap {figures} points, {_n(row)}" if defined else _why(row),
    }


def _labels(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A name for each row, on one line or two; no two alike."""
    names = ["\n".join(filter(None, (row["model"], row.get("setting")))) for row in rows]
    if len(set(names)) < len(names):
        names = [
            f"{name}, {row['labeler']}" if row.get("labeler") and names.count(name) > 1 else name
            for name, row in zip(names, rows, strict=True)
        ]
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        seen[name] = seen.get(name, 0) + 1
        names[index] = name if seen[name] == 1 else f"{name} ({seen[name]})"
    return names


def _gap_domain(gaps: Sequence[Mapping[str, Any]]) -> list[float]:
    """Tenths around every interval, which ends short of the edge; zero is always in sight."""
    values = [value for row in gaps for value in (row["gap"], row["low"], row["high"]) if value is not None]
    low, high = (
        min([-0.1, *(value - 0.01 for value in values)]),
        max([0.3, *(value + 0.01 for value in values)]),
    )
    return [math.floor(round(low * 10, 6)) / 10, math.ceil(round(high * 10, 6)) / 10]


def _points(fraction: float) -> str:
    shown = f"{fraction * 100:+.1f}"
    return "0.0" if shown in ("+0.0", "-0.0") else shown.replace("-", "\u2212")


def _interval(row: Mapping[str, Any]) -> str:
    if row["ci_low"] is None:
        return " (no interval)"
    return f" ({_points(row['ci_low'])} to {_points(row['ci_high'])})"


def _n(row: Mapping[str, Any]) -> str:
    prompts = "prompt" if row["n_prompts"] == 1 else "prompts"
    return f"{row['n_prompts']:,} {prompts}, {row['n_monitored']:,} + {row['n_unmonitored']:,} samples"


def _why(row: Mapping[str, Any]) -> str:
    return (row.get("undefined") or {}).get("gap") or "undefined"


def _token(name: str) -> dict[str, str]:
    return {"expr": name}


def _config() -> dict[str, Any]:
    quiet = {"aria": False}  # the chart speaks once, through its description, and through the table beside it
    return {
        "font": FONT,
        "view": {"stroke": None},
        "mark": quiet,
        "axis": quiet
        | {
            "labelFlush": False,
            "labelColor": _token("ink2"),
            "titleColor": _token("ink2"),
            "gridColor": _token("line"),
            "domainColor": _token("line2"),
            "tickColor": _token("line2"),
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": 500,
            "titlePadding": 8,
        },
        "axisY": {"labelColor": _token("ink"), "labelFontSize": 12.5},
        "title": quiet | {"color": _token("ink2"), "fontSize": 12, "fontWeight": 500, "offset": 14},
        "legend": quiet | {"labelColor": _token("ink"), "labelFontSize": 12},
    }
