"""Option by its text: does the answer say what the true one of several options says?

Direction:       higher is better.
At the extremes: 1 every answer says the true option; 0 none does. Chance is 1 / options only for who always names an option.
Undefined when:  there is no item; for an item whose truth is none of its options (NaN, not scored).
Interval:        percentile bootstrap over patients.
Read:            the whole answer must mean what the option says, by the rules of `answers/same.py`. An answer that names no
                 option is wrong. Public harnesses take the option that is most similar (MedEvalKit), or one at random
                 (VLMEvalKit, lmms-eval), so that nonsense has the score of chance; here it has 0. Give answers as
                 `generate/answers` read them.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.metrics.answers.options import by_text

NAME = "option_text"
DIRECTION: Literal["higher", "lower"] = "higher"


def items(answers: Sequence[str], truths: Sequence[str], options: Sequence[Sequence[str]]) -> npt.NDArray[np.float64]:
    """Score each answer.

    Args:
        answers: one per item.
        truths: as many, each the text of one of the item's options.
        options: the texts of each item's options.

    Returns:
        float64, (items,), 1.0 or 0.0; NaN where the truth is none of the options.
    """
    return np.array([_item(*each) for each in zip(answers, truths, options, strict=True)], dtype=np.float64)


def _item(answer: str, truth: str, options: Sequence[str]) -> float:
    true = by_text(truth, options)
    return float("nan") if true is None else float(by_text(answer, options) == true)
