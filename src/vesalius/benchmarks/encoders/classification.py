"""What is scored of anything that gives each picture a likelihood per class: accuracy, balanced accuracy, F1 and AUC.

Names: `{protocol}_accuracy{suffix}`, `{protocol}_balanced_accuracy{suffix}`, `{protocol}_f1{suffix}`, `{protocol}_auc{suffix}`;
of findings `{protocol}_finding_auc{suffix}`. Of several trainings with other labels (`likelihoods` has a first axis) each score
is the mean; the interval is over patients alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vesalius.benchmarks.encoders.embedded import Floats, Indices
from vesalius.benchmarks.encoders.scores import Values, corpus, counted, mean
from vesalius.metrics import auc_macro, f1_macro, group_mean
from vesalius.types import Score


@dataclass(frozen=True, eq=False)
class Classified:
    """What a protocol says of pictures that are of one class each.

    Attributes:
        protocol: how the names of its scores begin.
        suffix: how they end, with its "_".
        likelihoods: (n, C) or (trainings, n, C), higher for likelier; only the order within a row and a column counts.
        truths: (n,) index of the true class.
        classes: C names.
        rows: (n,) which of the test pictures these are.
    """

    protocol: str
    suffix: str
    likelihoods: npt.NDArray[np.floating]
    truths: Indices
    classes: tuple[str, ...]
    rows: Indices


@dataclass(frozen=True, eq=False)
class Found:
    """What a protocol says of findings, of all test pictures.

    Attributes:
        protocol: how the names of its scores begin.
        suffix: how they end, with its "_".
        likelihoods: (n, G) or (trainings, n, G), higher for "present".
        states: (n, G): 1, 0, or NaN where nobody said.
        findings: G names.
        each: whether each finding has a score of its own.
    """

    protocol: str
    suffix: str
    likelihoods: npt.NDArray[np.floating]
    states: Floats
    findings: tuple[str, ...]
    each: bool = False


def class_scores(said: Classified, patients: Sequence[str], *, resamples: int = 0) -> dict[str, Score]:
    """The four scores of a classifier.

    Args:
        said: what it says; a row with several highest values answers with the first, so that a constant answer is one class.
        patients: whose picture each row is.
        resamples: of the patients, for intervals; 0 for none.
    """
    classes = list(said.classes)
    several = np.asarray(said.likelihoods, np.float64).reshape(-1, len(said.truths), len(classes))
    given = several.argmax(axis=2)  # (trainings, n)
    right = (given == said.truths).mean(axis=0)
    names = np.asarray(classes, dtype=np.str_)
    true: list[str] = names[said.truths].tolist()
    tables = [f1_macro.counts(names[row].tolist(), true, classes=classes) for row in given]
    width = 3 * len(classes)
    area = _areas(several, np.eye(len(classes))[said.truths])

    def f1(sums: Values) -> Values:
        found: Values = np.mean([f1_macro.of_sums(sums[:, i * width : (i + 1) * width]) for i in range(len(tables))], axis=0)
        return found

    scores = {
        "accuracy": mean("accuracy", "higher", right, patients, resamples),
        "balanced_accuracy": counted(
            "balanced_accuracy", "higher", group_mean.of_sums, group_mean.counts(right, true), patients, resamples
        ),
        "f1": counted("f1_macro", "higher", f1, np.concatenate(tables, axis=1), patients, resamples),
        "auc": corpus("auc_macro", "higher", area, patients, resamples),
    }
    return {f"{said.protocol}_{name}{said.suffix}": score for name, score in scores.items() if score.value is not None}


def finding_scores(said: Found, patients: Sequence[str], *, resamples: int = 0) -> dict[str, Score]:
    """The mean AUC of findings, and where it is asked for that of each; what nobody said of a picture is left out.

    Args:
        said: what a protocol says.
        patients: whose picture each is.
        resamples: of the patients, for intervals; 0 for none.
    """
    several = np.asarray(said.likelihoods, np.float64).reshape(-1, *said.states.shape)
    exact = np.asarray(said.states, np.float64)

    def area(columns: slice) -> Score:
        of_all = _areas(several[:, :, columns], exact[:, columns])
        rows = np.flatnonzero(~np.isnan(exact[:, columns]).all(axis=1))
        whose = [patients[int(row)] for row in rows]
        return corpus("auc_macro", "higher", lambda drawn: of_all(rows[drawn]), whose, resamples)

    name = f"{said.protocol}_finding_auc{said.suffix}"
    scores = {name: area(slice(None))}
    if said.each:
        for number, finding in enumerate(said.findings):
            scores[f"{name}_{slug(finding)}"] = area(slice(number, number + 1))
    return {name: score for name, score in scores.items() if score.value is not None}


def _areas(several: Values, states: Values) -> Callable[[Indices], float]:
    """The mean over trainings of the mean over classes: all of them defined or not alike, so they are columns side by side."""
    return auc_macro.of(np.concatenate(list(several), axis=1), np.tile(states, (1, len(several))))


def slug(name: str) -> str:
    """A name as part of a key: letters and digits in lower case, "_" for all else between them."""
    return "_".join("".join(letter if letter.isalnum() else " " for letter in name.lower()).split())
