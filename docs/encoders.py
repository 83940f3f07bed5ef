"""What each encoder is worth under the protocol of its own recipe, as Markdown tables: `python docs/encoders.py`.

Encoders of published collections are trained by their recipes and examined as `vesalius evaluate` does it, one seed each; runs
lie below runs/encoders and are kept, so that a second call examines alone. VESALIUS_DATA names the folder of the collections; a
recipe whose data are not there is told so. Encoders that stand for papers have many runs each: theirs come from the ledger.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vesalius.errors import VesaliusError
from vesalius.workflows.evaluate import evaluate
from vesalius.workflows.reproducing import ledger
from vesalius.workflows.train import train

RECIPES = ("covid_chestxray", "kermany", "bccd", "pocus")
RUNS = Path("runs/encoders")
SHOWN = ("zero_shot_auc", "zero_shot_balanced_accuracy", "zero_shot_finding_auc", "probe_auc_100", "probe_finding_auc_100")
SHOWN += ("neighbors_balanced_accuracy", "retrieval_r5", "retrieval_p5", "nmi")
BESIDE = ("majority", "chance", "thumbnail", "untrained", "shuffled")


def main() -> None:
    """Print every table."""
    for name in RECIPES:
        print(f"### {name}\n")
        print("\n".join(examined(name)), end="\n\n")
    print("### Encoders of papers\n")
    print("\n".join(of_papers(Path("ledger"))))


def examined(name: str) -> Iterator[str]:
    """A recipe's encoder: what it was tested on, and its scores beside what they have to beat."""
    try:
        if not (RUNS / name / "scores.json").is_file():
            train(name, [], out=RUNS / name, resume=True, smoke=False, say=said)
        found = evaluate(
            model=str(RUNS / name), predictions=None, benchmark=name, out=RUNS / name / "examined", limit=None, say=said
        ).data
    except VesaliusError as error:
        yield f"Not examined, `{error.code}`: {error.message}"
        return
    pictures = found["notes"]["pictures"]
    yield f"{pictures['train']} pictures to learn from, {pictures['validation']} to choose by, {pictures['test']} tested, of"
    yield f"{found['patients']} patients that are in neither of the others. One seed."
    yield ""
    yield f"| score | encoder [95 %] | {' | '.join(BESIDE)} |"
    yield f"|---|---|{'---|' * len(BESIDE)}"
    yield from (line(row) for row in found["rows"] if row["score"].startswith(SHOWN))


def line(row: dict[str, Any]) -> str:
    """One score as a line."""
    interval = f" [{row['interval'][0]:.2f}, {row['interval'][1]:.2f}]" if row["interval"] else ""
    beside = (f"{row['baselines'][name]:.2f}" if name in row["baselines"] else "" for name in BESIDE)
    return f"| {row['score']} | {row['value']:.2f}{interval} | {' | '.join(beside)} |"


def of_papers(folder: Path) -> Iterator[str]:
    """The newest row of every claim: its last arm beside its controls, over seeds."""
    documents = [ledger.read(place) for place in sorted(folder.glob("*.json"))]
    if not documents:
        yield "No claim has been tried in full yet."
        return
    yield "Means over seeds with 95 % t intervals; arms from the expected worst to the best. All of it is on the"
    yield "[ledger](ledger.md), with the rule of the verdict."
    yield ""
    yield "| recipe | measure | arms | controls | verdict | seeds | device |"
    yield "|---|---|---|---|---|---|---|"
    for document in documents:
        row = document["rows"][-1]
        arms, controls = (
            "<br>".join(f"{name} {ledger.written(arm)}" for name, arm in row[kind].items()) for kind in ("arms", "control")
        )
        seeds = len(next(iter(row["arms"].values()))["seeds"])
        cells = (document["slug"], row["measure"], arms, controls, row["verdict"], str(seeds), row["device"])
        yield f"| {' | '.join(cells)} |"


def said(text: str) -> None:
    """Progress, apart from the page."""
    print(text, file=sys.stderr)


if __name__ == "__main__":
    main()
