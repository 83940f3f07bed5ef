"""The child's side: scores reports with another project's package and says the numbers, in whatever Python that package needs.

Run as a file with the name of a scorer; the texts come as JSON on standard input and the numbers go as JSON to standard output.
Needs nothing but the standard library and that package; must run in older Pythons than the rest of the project.
"""

import importlib
import json
import sys
import tempfile
from typing import Any, Callable, Dict, List  # noqa: UP035 (Python 3.8)

Texts = List[str]  # noqa: UP006


def radgraph(answers: Texts, truths: Texts) -> Any:
    """Simple, partial and complete F1 of each report, by `radgraph` 0.1.18."""
    scorer = importlib.import_module("radgraph").F1RadGraph(reward_level="all", model_type="radgraph-xl")
    return [list(map(float, each)) for each in zip(*scorer(hyps=answers, refs=truths)[1])]  # noqa: B905 (Python 3.8)


def chexbert(answers: Texts, truths: Texts) -> Any:
    """Fourteen labels of each answer and of each truth (1, 0, -1 or an empty text), by `f1chexbert` 0.0.2."""
    scorer = importlib.import_module("f1chexbert").F1CheXbert()
    return [[scorer.get_label(text, mode="classification") for text in texts] for texts in (answers, truths)]


def green(answers: Texts, truths: Texts) -> Any:
    """The GREEN score of each report, by `green_score`; None where the model's text could not be read."""
    with tempfile.TemporaryDirectory() as folder:
        scorer = importlib.import_module("green_score").GREEN("StanfordAIMI/GREEN-radllama2-7b", output_dir=folder)
        return [None if score is None else float(score) for score in scorer(truths, answers)[2]]


def ratescore(answers: Texts, truths: Texts) -> Any:
    """The RaTEScore of each report, by `RaTEScore` 0.6.0."""
    package = importlib.import_module("RaTEScore")
    gpu = bool(importlib.import_module("torch").cuda.is_available())
    return list(map(float, package.RaTEScore(use_gpu=gpu).compute_score(answers, truths)))


SCORERS: Dict[str, Callable[[Texts, Texts], Any]] = {  # noqa: UP006
    "radgraph": radgraph,
    "chexbert": chexbert,
    "green": green,
    "ratescore": ratescore,
}


def main() -> None:
    """Score what stands on standard input."""
    said = sys.stdout
    sys.stdout = sys.stderr  # packages print what they do
    asked = json.load(sys.stdin)
    try:
        found = {"values": SCORERS[sys.argv[1]](asked["answers"], asked["truths"])}
    except ImportError as error:
        found = {"missing": error.name or "a module"}
    except (OSError, ValueError, RuntimeError) as error:  # weights that are not there, or do not fit
        found = {"failed": type(error).__name__}
    json.dump(found, said)


if __name__ == "__main__":
    main()
