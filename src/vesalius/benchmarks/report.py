"""The report of an evaluation, one self-contained HTML file: tables, a figure with intervals, the worst items as pictures."""

import base64
import html
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from vesalius.benchmarks import scoring
from vesalius.benchmarks.exam import BASELINES, MODEL, Result
from vesalius.benchmarks.table import Row, with_interval
from vesalius.transforms.draw import AMBER, CYAN, draw_boxes, png_bytes, shrink
from vesalius.transforms.intensity import to_display
from vesalius.types import NOTICE, Box, Region

WORST_PER_TASK, PICTURE_PX = 3, 320
COLORS = {MODEL: "#c25700", "majority": "#5b6770", "text_only": "#8c6bb1", "shuffled_image": "#2b8cbe"}
MARKS = {MODEL: "o", "majority": "s", "text_only": "^", "shuffled_image": "D"}  # told apart without color, too
STYLE = """body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;color:#1d2429;background:#fff}
table{border-collapse:collapse;margin:1rem 0}th,td{padding:.25rem .7rem;border-bottom:1px solid #d5dbe0;text-align:right}
th:first-child,td:first-child,th:nth-child(2),td:nth-child(2){text-align:left}tr.task td{font-weight:600}
.worst{display:flex;flex-wrap:wrap;gap:1.2rem}figure{margin:0;width:20rem}figure img{max-width:100%}figcaption{font-size:13px}
.true{color:#00728a}.given{color:#a34a00}.notice{border-left:4px solid #c25700;padding:.3rem .8rem}"""


def page(found: Sequence[Row], result: Result, facts: Mapping[str, Any]) -> str:
    """The whole report.

    Args:
        found: the table's rows.
        result: for the worst items.
        facts: benchmark, model, hashes, seed …; shown as they are.
    """
    said = "".join(f"<tr><td>{html.escape(str(k))}</td><td>{html.escape(_plain(v))}</td></tr>" for k, v in facts.items())
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Evaluation</title><style>{STYLE}</style></head><body>'
        f'<h1>Evaluation: {html.escape(str(facts.get("benchmark", "")))}</h1><p class="notice">{html.escape(NOTICE)}</p>'
        f"<table>{said}</table><h2>Scores, with 95 % intervals over patients</h2>{_scores(found)}"
        f'<img alt="Scores with intervals; the same figures stand in the table" src="{_uri(_figure(found), "image/png")}">'
        f"<h2>Model minus baseline</h2>{_differences(found)}"
        f'<h2>The worst items</h2><p><span class="true">True boxes are cyan,</span> '
        f'<span class="given">the answer\'s amber.</span></p><div class="worst">{"".join(_worst(result))}</div></body></html>\n'
    )


def _plain(value: Any) -> str:
    """A fact in words: a group of facts as "name value, name value"."""
    return ", ".join(f"{name} {inner}" for name, inner in value.items()) if isinstance(value, Mapping) else str(value)


def _scores(found: Sequence[Row]) -> str:
    conditions = list(found[0].scores)
    head = ["task or question", "metric", "better", "items", "patients", *conditions, "unreadable", "repaired"]
    lines = []
    for row in found:
        scores = [with_interval(row.scores[c]) for c in conditions]
        rates = [_percent(row.failures[MODEL].value), _percent(row.repaired)]
        counts = [str(row.model.n), str(row.model.patients)]
        lines.append(
            (row.question is None, [row.question or row.task, row.metric, row.model.direction, *counts, *scores, *rates])
        )
    return _table(head, lines)


def _differences(found: Sequence[Row]) -> str:
    baselines = [name for name in BASELINES if name in found[0].differences]
    lines = []
    for row in found:
        cells = [with_interval(row.differences[b]) + (" ✓" if row.beats(b) else "") for b in baselines]
        lines.append((row.question is None, [row.question or row.task, row.metric, *cells]))
    note = "<p>✓ the model is better by an interval that excludes zero.</p>"
    return _table(["task or question", "metric", *baselines], lines) + note


def _table(head: Sequence[str], lines: Sequence[tuple[bool, Sequence[str]]]) -> str:
    top = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    body = "".join(
        f"<tr{' class=task' if whole else ''}>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"
        for whole, cells in lines
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _figure(found: Sequence[Row]) -> bytes:
    """Leading metric per task, one mark with its interval per condition; metrics that have no upper bound on their own axis."""
    leading = [row for row in found if row.question is None and row.metric in (scoring.CREDIT, scoring.metrics_of(row.task)[0])]
    panels = [
        (name, [row for row in leading if row.model.direction == direction])
        for name, direction in (("higher is better", "higher"), ("lower is better", "lower"))
    ]
    panels = [(name, rows) for name, rows in panels if rows]
    figure = Figure(figsize=(10, 1.1 + 0.6 * len(leading)), layout="constrained")
    axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=[len(rows) for _, rows in panels])[:, 0]
    for axis, (name, rows) in zip(axes, panels, strict=True):
        for shift, condition in enumerate(found[0].scores):
            _marks(axis, rows, condition, 0.17 * (shift - 1.5))
        axis.set_yticks(range(len(rows)), [f"{row.task} ({row.metric})" for row in rows])
        axis.invert_yaxis()
        axis.set_title(name, fontsize=10)
        axis.grid(axis="x", alpha=0.3)
    axes[0].legend(loc="best", fontsize=8)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    return stream.getvalue()


def _marks(axis: Any, rows: Sequence[Row], condition: str, shift: float) -> None:
    for place, row in enumerate(rows):
        score = row.scores[condition]
        if score.value is None:
            continue
        low, high = score.interval or (score.value, score.value)
        color = COLORS[condition]
        label = condition if place == 0 else None
        axis.plot([low, high], [place + shift] * 2, color=color, linewidth=1.6)
        axis.plot([score.value], [place + shift], MARKS[condition], color=color, markersize=5, label=label)


def _worst(result: Result) -> Iterator[str]:
    """The worst items of each task by its leading metric, of different patients, as figures."""
    tasks = dict.fromkeys(item.sample.task for item in result.items)
    for task in tasks:
        name = scoring.metrics_of(task)[0]
        sign = 1.0 if scoring.DIRECTIONS[name] == "higher" else -1.0
        values, perfect = result.values[MODEL][name], 1.0 if sign > 0 else 0.0
        of_task = [i for i, item in enumerate(result.items) if item.sample.task == task and not np.isnan(values[i])]
        indices = [i for i in of_task if values[i] != perfect]
        shown: set[str] = set()
        for index in sorted(indices, key=lambda i: (sign * values[i], result.items[i].sample.key)):
            if result.items[index].patient not in shown and len(shown) < WORST_PER_TASK:
                shown.add(result.items[index].patient)
                yield _item(result, index, f"{name} {values[index]:.3g}")


def _item(result: Result, index: int, score: str) -> str:
    item, response = result.items[index], result.responses[MODEL][index]
    assert response is not None  # the model is asked everything
    picture = _picture(item.sample.images, item.regions, response.regions)
    shown = (
        f'<img alt="The picture with true and given boxes" src="{_uri(picture, "image/png")}">'
        if picture
        else "<p>(no picture)</p>"
    )
    given = response.text if response.status != "failed" else f"unreadable: {response.raw}"
    return (
        f"<figure>{shown}<figcaption><b>{html.escape(item.sample.task)}</b>: {html.escape(item.question)}<br>"
        f'<span class="true">truth: {html.escape(item.text)}</span><br>'
        f'<span class="given">answer: {html.escape(given[:400])}</span>'
        f"<br>{html.escape(score)}</figcaption></figure>"
    )


def _picture(images: Sequence[Any], true: Sequence[Region], given: Sequence[Region]) -> bytes | None:
    """The current picture with both sets of boxes; None for text alone, and for what is no single picture."""
    place = next((i for i, shown in enumerate(images) if shown.role == "current"), None)
    if place is None or images[place].image.kind != "image":
        return None
    image = images[place].image
    pixels = to_display(image.load(), image)
    for regions, color in ((true, CYAN), (given, AMBER)):
        boxes = [
            (r.geometry, r.label)
            for r in regions
            if isinstance(r.geometry, Box) and len(r.geometry.low) == 2 and r.image == place
        ]
        pixels = draw_boxes(pixels, [(box, label) for box, label in boxes if min(box.size) > 0], color)
    return png_bytes(shrink(pixels, PICTURE_PX))


def _uri(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
