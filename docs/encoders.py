"""What each encoder is worth under the protocol of its own recipe, as Markdown tables: `python docs/encoders.py`.

Encoders of published collections are trained by their recipes, one seed each, and examined at the end of it; runs lie below
runs/encoders and are kept, so that a second call tells the same. VESALIUS_DATA names the folder of the collections; a recipe
whose data are not there is told so. Encoders that stand for papers have many runs each: theirs come from the ledger.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vesalius.benchmarks.encoders.scores import BASELINES, INTERVAL
from vesalius.errors import VesaliusError
from vesalius.models.checkpoint import read_card
from vesalius.workflows.reproducing import ledger
from vesalius.workflows.train import train

RECIPES = ("covid_chestxray", "kermany", "bccd", "pocus")
RUNS, SCORES = Path("runs/encoders"), "scores.json"
SHOWN = (
    "zero_shot_auc",
    "zero_shot_balanced_accuracy",
    "zero_shot_finding_auc",
    "probe_auc_100",
    "probe_finding_auc_100",
    "neighbors_balanced_accuracy",
    "retrieval_r5",
    "retrieval_p5",
    "nmi",
)
BESIDE = BASELINES


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
        if not (RUNS / name / SCORES).is_file():
            train(name, [], out=RUNS / name, resume=True, smoke=False, say=said)
    except VesaliusError as error:
        yield f"Not examined, `{error.code}`: {error.message}"
        return
    found = json.loads((RUNS / name / SCORES).read_text(encoding="utf-8"))
    card = read_card(RUNS / name / "model")
    pictures, patients = found["notes"]["pictures"], found["notes"]["patients"]
    yield f"{pictures['train']} pictures to learn from, {pictures['validation']} to choose by; tested on {pictures['test']} of"
    made = card.trained_on
    yield f"{patients['test']} other patients. One seed, {made['seconds']} s of training on {made['device']},"
    yield f"commit {made['commit'] or 'unknown'}."
    yield ""
    yield f"| score | encoder [95 %] | {' | '.join(BESIDE)} |"
    yield f"|---|---|{'---|' * len(BESIDE)}"
    own = (each for each in found if each.startswith(SHOWN) and not each.endswith((*BESIDE, INTERVAL)))
    yield from (line(found, each) for each in own)


def line(found: Mapping[str, Any], name: str) -> str:
    """One score as a line."""
    interval = found.get(f"{name}_{INTERVAL}")
    around = f" [{interval[0]:.2f}, {interval[1]:.2f}]" if interval else ""
    beside = (f"{found[f'{name}_{each}']:.2f}" if f"{name}_{each}" in found else "" for each in BESIDE)
    return f"| {name} | {found[name]:.2f}{around} | {' | '.join(beside)} |"


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
        arms, controls = ledger.told(row)
        seeds = len(next(iter(row["arms"].values()))["seeds"])
        cells = (document["slug"], row["measure"], arms, controls, row["verdict"], str(seeds), row["device"])
        yield f"| {' | '.join(cells)} |"


def said(text: str) -> None:
    """Progress, apart from the page."""
    print(text, file=sys.stderr)


if __name__ == "__main__":
    main()
