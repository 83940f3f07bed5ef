import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vesalius.errors import InputRefused
from vesalius.recipe import Claim
from vesalius.workflows.reproducing import figure, ledger
from vesalius.workflows.reproducing.verdict import judge

ROOT = Path(__file__).resolve().parents[3]
CLAIM = Claim("b beats a | always", "accuracy", {"a": (), "b": ("train.steps=2",)}, {"c": ("data.shuffled=true",)})
VALUES = {"a": [0.1, 0.2, 0.1, 0.2, 0.1], "b": [0.5, 0.6, 0.5, 0.6, 0.5], "c": [0.1, 0.1, 0.1, 0.2, 0.1]}


def row(sha256: str = "x", values: dict[str, list[float]] = VALUES, device: str = "CPU") -> dict[str, Any]:
    facts = {"device": device, "commit": "abc", "seconds": 12.0, "sha256": sha256}
    seconds = dict.fromkeys(values, 1.0)
    data = {"use": "datasets.pairs.made.made"}
    return ledger.row(
        CLAIM,
        judge(CLAIM, {"accuracy": values}),
        {"accuracy": values},
        seconds=seconds,
        data=data,
        overrides=["data.n=3"],
        facts=facts,
    )


def test_rows_are_appended_and_the_verdict_on_top_is_that_of_the_newest(tmp_path: Path) -> None:
    assert ledger.append(tmp_path, "mine", row("x"))
    assert ledger.append(tmp_path, "mine", row("y", {**VALUES, "b": VALUES["a"]}))
    found = json.loads((tmp_path / "mine.json").read_text())
    assert (found["slug"], found["verdict"]) == ("mine", "undecided")
    assert [of["verdict"] for of in found["rows"]] == ["holds", "undecided"]
    assert list(ledger.faults(found, "mine")) == []
    arm = found["rows"][0]["arms"]["b"]
    assert arm["seeds"] == [0, 1, 2, 3, 4]
    assert arm["mean"] == pytest.approx(0.54)
    assert arm["interval"][0] < 0.54 < arm["interval"][1]
    assert list(found["rows"][0]["control"]) == ["c"]


def test_the_same_row_is_not_written_twice_but_one_of_another_device_is(tmp_path: Path) -> None:
    assert ledger.append(tmp_path, "mine", row())
    assert not ledger.append(tmp_path, "mine", row())
    assert ledger.append(tmp_path, "mine", row(device="GPU"))


def test_undefined_values_are_null(tmp_path: Path) -> None:
    ledger.append(tmp_path, "mine", row(values={**VALUES, "b": [*VALUES["b"][:4], math.nan]}))
    found = ledger.read(tmp_path / "mine.json")
    assert found["verdict"] == "undecided"
    assert found["rows"][0]["arms"]["b"] == {
        "seeds": [0, 1, 2, 3, 4],
        "values": [0.5, 0.6, 0.5, 0.6, None],
        "mean": None,
        "interval": None,
        "seconds": 1.0,
    }


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda of: of.update(slug="other"), "slug"),
        (lambda of: of.update(verdict="undecided"), "newest row"),
        (lambda of: of.update(rows=[]), "no rows"),
        (lambda of: of["rows"][0].pop("commit"), "lacks commit"),
        (lambda of: of["rows"][0]["arms"]["a"]["seeds"].pop(), "5 or more seeds"),
        (lambda of: of["rows"][0]["control"]["c"].pop("interval"), "an interval"),
        (lambda of: (of.update(verdict="maybe"), of["rows"][0].update(verdict="maybe")), "verdict of its own"),
    ],
)
def test_another_shape_is_seen_and_nothing_is_added_to_it(tmp_path: Path, change: Any, wrong: str) -> None:
    ledger.append(tmp_path, "mine", row())
    place = tmp_path / "mine.json"
    document = json.loads(place.read_text())
    change(document)
    place.write_text(json.dumps(document))
    before = place.read_bytes()
    with pytest.raises(InputRefused, match=wrong) as refused:
        ledger.append(tmp_path, "mine", row("y"))
    assert refused.value.code == "bad_dataset"
    assert place.read_bytes() == before


def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("{")
    with pytest.raises(InputRefused, match="not JSON"):
        ledger.page(tmp_path)


def test_every_file_of_the_ledger_has_its_shape_its_recipe_and_its_figure() -> None:
    for place in sorted((ROOT / "ledger").glob("*.json")):
        assert ledger.read(place)["slug"] == place.stem
        assert list((ROOT / "recipes").glob(f"*/{place.stem}.yaml")), place.name
        assert (ROOT / ledger.FIGURES / f"{place.stem}.svg").is_file(), place.name


def test_a_row_has_what_other_measures_found(tmp_path: Path) -> None:
    claim = replace(CLAIM, also={"auc": (("a", "b"),)})
    values = {"accuracy": VALUES, "auc": {**VALUES, "b": VALUES["a"]}}
    facts = {"device": "CPU", "commit": "abc", "seconds": 1.0, "sha256": "x"}
    found = ledger.row(
        claim, judge(claim, values), values, seconds=dict.fromkeys(VALUES, 1.0), data={}, overrides=[], facts=facts
    )
    assert found["also"]["auc"]["b"]["values"] == VALUES["a"]
    assert list(ledger.faults({"slug": "mine", "verdict": found["verdict"], "rows": [found]}, "mine")) == []
    assert ledger.append(tmp_path, "mine", found)
    page = ledger.page(tmp_path)
    assert "auc: a < b" in page
    assert "b than a, by auc" in page
    figure.draw(found, tmp_path / "two.svg")
    figure.draw({**found, "also": {}, "pairs": []}, tmp_path / "one.svg")
    drawn = [(tmp_path / f"{name}.svg").read_text() for name in ("one", "two")]
    assert [">auc<" in text for text in drawn] == [False, True]
    found["also"]["auc"]["b"]["values"].pop()
    assert "b is not 5 or more" in " ".join(ledger.faults({"slug": "mine", "verdict": found["verdict"], "rows": [found]}, "mine"))


def test_the_page_shows_every_row_the_newest_first_and_the_rule(tmp_path: Path) -> None:
    assert "No claim has been tried" in ledger.page(tmp_path / "nowhere")
    ledger.append(tmp_path, "mine", row("x", {**VALUES, "b": VALUES["a"]}))
    ledger.append(tmp_path, "mine", row("y"))
    page = ledger.page(tmp_path)
    lines = [line for line in page.splitlines() if line.startswith("| mine")]
    assert len(lines) == 2
    assert "**holds**" in lines[0]
    assert "| undecided |" in lines[1]
    assert "b beats a \\| always" in lines[0]
    assert "b 0.540 [" in lines[0]
    assert "`data.n=3`" in lines[0]
    assert "wholly above -margin" in " ".join(page.split())
    assert "| b than a | 0.400 [0.400, 0.400] | 0.062 | holds |" in page


def test_the_figure_is_the_same_for_the_same_row_and_shows_every_seed(tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg"):
        figure.draw(row(), tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    text = (tmp_path / "one.svg").read_text()
    for label in ("a", "b", "c", "accuracy", "holds"):
        assert f">{label}<" in text, label


def test_a_row_of_several_orders_has_its_shape_and_joins_what_is_compared(tmp_path: Path) -> None:
    several = replace(CLAIM, arms={**CLAIM.arms, "d": ()}, orders=[["a", "d"], ["b", "d"]], margin=[0.0, 0.1])
    values = {**VALUES, "d": VALUES["b"]}
    facts = {"device": "CPU", "commit": "abc", "seconds": 12.0, "sha256": "x"}
    judged = judge(several, {"accuracy": values})
    found = ledger.row(
        several, judged, {"accuracy": values}, seconds=dict.fromkeys(values, 1.0), data={}, overrides=[], facts=facts
    )
    assert ledger.append(tmp_path, "mine", found)
    assert not list(ledger.faults(json.loads((tmp_path / "mine.json").read_text()), "mine"))
    assert "a < d; b ≤ d" in ledger.page(tmp_path)
    figure.draw(found, tmp_path / "several.svg")
    figure.draw({**found, "pairs": []}, tmp_path / "none.svg")
    lines = [(tmp_path / f"{name}.svg").read_text().count("<path") for name in ("several", "none")]
    assert lines[0] == lines[1] + 2 * 5


def test_a_figure_of_an_arm_that_is_undefined_is_drawn_all_the_same(tmp_path: Path) -> None:
    figure.draw(row(values={**VALUES, "b": [math.nan] * 5, "c": [*VALUES["c"][:4], math.nan]}), tmp_path / "one.svg")
    assert ">undecided<" in (tmp_path / "one.svg").read_text()
