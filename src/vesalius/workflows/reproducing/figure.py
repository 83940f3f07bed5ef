"""The figure of a claim, a panel a measure: a dot a seed, mean and interval of each arm in the expected order; then controls."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

ARM, CONTROL = "#00728a", "#5b6770"
APART = 0.6  # free space between arms and controls


def draw(row: Mapping[str, Any], path: Path) -> None:
    """Write a row of the ledger as SVG; the same row gives the same file.

    Seeds are joined by thin lines where arms are compared: the claim is about each line's slope.
    """
    panels = {row["measure"]: {**row["arms"], **row["control"]}, **row.get("also", {})}
    figure = Figure(figsize=((1.8 + 1.3 * len(row["arms"] | row["control"])) * len(panels), 3.8), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (measure, found) in zip(axes, panels.items(), strict=True):
        arms, controls = ({name: found[name] for name in row[kind]} for kind in ("arms", "control"))
        pairs = [pair for pair in row["pairs"] if pair.get("measure", row["measure"]) == measure and pair["worse"] in arms]
        _panel(axis, measure, arms, controls, [(pair["worse"], pair["better"]) for pair in pairs])
    axes[0].set_title(row["verdict"], loc="left", fontsize=10)
    stream = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "ledger", "svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n", encoding="utf-8")


def _panel(
    axis: Axes, measure: str, arms: Mapping[str, Any], controls: Mapping[str, Any], pairs: Sequence[tuple[str, str]]
) -> None:
    """What one measure says; arms that are compared by it are joined."""
    places = {name: float(place) for place, name in enumerate(arms)}
    places |= {name: len(arms) + APART + place for place, name in enumerate(controls)}
    for ends in pairs:
        for values in zip(*(arms[name]["values"] for name in ends), strict=True):
            heights = [float("nan") if value is None else value for value in values]
            axis.plot([places[name] - 0.12 for name in ends], heights, color=ARM, alpha=0.25, linewidth=0.8)
    for name, arm in {**arms, **controls}.items():
        _draw(axis, places[name], arm, ARM if name in arms else CONTROL)
    if controls:
        axis.axvline(len(arms) - 0.5 + APART / 2, color="#d5dbe0", linewidth=1)
    axis.set_xticks(list(places.values()), [name.replace("_", " ") for name in places])
    axis.set_xlim(-0.5, max(places.values()) + 0.5)
    axis.set_ylabel(measure.replace("_", " "))
    axis.grid(axis="y", alpha=0.3)


def _draw(axis: Axes, place: float, arm: Mapping[str, Any], color: str) -> None:
    known = [value for value in arm["values"] if value is not None]
    axis.plot([place - 0.12] * len(known), known, "o", color=color, alpha=0.55, markersize=5, markeredgewidth=0)
    if arm["mean"] is not None:
        axis.plot([place + 0.1], [arm["mean"]], "D", color=color, markersize=6)
    if arm["interval"] is not None:
        axis.plot([place + 0.1] * 2, arm["interval"], "-", color=color, linewidth=2)
