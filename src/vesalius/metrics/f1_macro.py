"""Macro F1: the F1 of each class, and the mean over classes, so that a rare class weighs as much as a common one.

For answers that are one class each, or several (findings of a picture).

Direction:       higher is better.
At the extremes: 1 every answer has exactly the true classes; 0 no class is ever right.
Classes:         those named, or else all that occur in truths or answers. A class that is in neither has no F1 and is left out of
                 the mean: counting it as 1 (or 0) moves the score by classes that nobody asked about.
Unreadable:      an answer that is none of the named classes misses its true class and is a false alarm of none.
Undefined when:  no class occurs.
Interval:        percentile bootstrap over patients: `bootstrap.counted_score` with `counts` and `of_sums`.
Source:          the mean of F1 values, not the F1 of mean precision and mean recall (Opitz and Burst, 2019, tell the two apart).
"""

from collections.abc import Collection, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

NAME = "f1_macro"
DIRECTION: Literal["higher", "lower"] = "higher"

Labels = str | Collection[str]  # one class, or several
Values = npt.NDArray[np.float64]


def value(answers: Sequence[Labels], truths: Sequence[Labels], *, classes: Sequence[str] | None = None) -> float:
    """The mean F1 of the classes.

    Args:
        answers: per item its class, or its classes.
        truths: as many.
        classes: those that count; None: all that occur.

    Returns:
        In [0, 1]; NaN when no class occurs.
    """
    return float(of_sums(counts(answers, truths, classes=classes).sum(axis=0)[None])[0])


def counts(answers: Sequence[Labels], truths: Sequence[Labels], *, classes: Sequence[str] | None = None) -> Values:
    """What each item adds: hits, false alarms and misses of each class; float64, (items, 3 x classes)."""
    given, true = [_several(answer) for answer in answers], [_several(truth) for truth in truths]
    names = sorted({name for some in (*given, *true) for name in some}) if classes is None else classes
    in_given, in_true = (np.array([[n in some for n in names] for some in rows], np.bool_) for rows in (given, true))
    if in_given.shape != in_true.shape:
        raise ValueError(f"{len(given)} answers cannot be compared with {len(true)} truths. Give one answer per truth.")
    columns = [in_given & in_true, in_given & ~in_true, ~in_given & in_true]
    return np.concatenate([column.reshape(len(given), len(names)) for column in columns], axis=1).astype(np.float64)


def of_sums(sums: Values) -> Values:
    """Macro F1 from the sums of `counts`, float64 (sets, 3 x classes), to (sets,); NaN where no class occurs."""
    hits, alarms, misses = np.split(sums, 3, axis=1)
    places = 2 * hits + alarms + misses
    occurs = places > 0
    scores = np.where(occurs, 2 * hits / np.where(occurs, places, 1.0), 0.0)
    number = occurs.sum(axis=1)
    return np.where(number > 0, scores.sum(axis=1) / np.maximum(number, 1), np.nan)


def _several(labels: Labels) -> frozenset[str]:
    return frozenset([labels] if isinstance(labels, str) else labels)
