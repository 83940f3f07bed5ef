"""Option by its letter: does the answer give the letter of the true one of several options?

Direction:       higher is better.
At the extremes: 1 every answer gives the true letter; 0 none does. Chance is 1 / options only for who always gives a letter.
Undefined when:  there is no item; for an item whose truth is none of its options (NaN, not scored).
Interval:        percentile bootstrap over patients.
Read:            a letter alone, in brackets or with a mark, or before that same option's text: "B", "(b)", "B. left lung". A
                 letter before another text, several letters, or a letter somewhere in a sentence is no answer and wrong. Public
                 parsers take the first option letter that occurs in any word (MedFrameQA's "Because" is B). Give answers as
                 `generate/answers` read them.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.metrics.answers.options import by_letter, by_text

NAME = "option_letter"
DIRECTION: Literal["higher", "lower"] = "higher"


def items(answers: Sequence[str], truths: Sequence[str], options: Sequence[Sequence[str]]) -> npt.NDArray[np.float64]:
    """Score each answer.

    Args:
        answers: one per item.
        truths: as many, each the text of one of the item's options.
        options: the texts of each item's options, the first is A.

    Returns:
        float64, (items,), 1.0 or 0.0; NaN where the truth is none of the options.
    """
    return np.array([_item(*each) for each in zip(answers, truths, options, strict=True)], dtype=np.float64)


def _item(answer: str, truth: str, options: Sequence[str]) -> float:
    true = by_text(truth, options)
    return float("nan") if true is None else float(by_letter(answer, options) == true)
