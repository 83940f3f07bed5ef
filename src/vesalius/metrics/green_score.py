"""GREEN: matched findings against clinically significant errors, as a language model of 7 billion parameters counts them.

Per report: matched / (matched + significant errors of six kinds). The model writes an analysis; `of_analysis` reads the counts
out of it, so that the analyses of a GREEN model behind any endpoint can be scored without its package.

Direction:       higher is better.
At the extremes: 1 findings match and no significant error is counted; 0 nothing matches.
Undefined when:  there is no item; for an item whose analysis has no count of matched findings or of significant errors (NaN, not
                 scored: say how many). The package scores such an item 0, as if nothing matched.
Interval:        percentile bootstrap over patients.
Needs:           the package `green_score` from its repository, its weights, which load code of their own, and a GPU, in an
                 environment of the user's (`outside/child.py`). Never run here: the tests check the reader of analyses, and the
                 way there and back with a stand-in.
Source:          Ostmeier et al. 2024, EMNLP Findings, arXiv:2405.03595; github.com/Stanford-AIMI/GREEN.
"""

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.metrics.outside import child

NAME = "green_score"
DIRECTION: Literal["higher", "lower"] = "higher"

_PART = r"\[{}\]:\s*(.*?)(?:\n\s*\n|\Z)"
_SIGNIFICANT = re.compile(_PART.format("Clinically Significant Errors"), re.DOTALL)
_MATCHED = re.compile(_PART.format("Matched Findings"), re.DOTALL)
_KIND = re.compile(r"\(([a-f])\)[^\n]*?:\s*(\d+)\.")
_COUNT = re.compile(r"(\d+)\.")


def items(answers: Sequence[str], truths: Sequence[str]) -> npt.NDArray[np.float64]:
    """Score each report.

    Args:
        answers: one report per item, in English.
        truths: as many.

    Returns:
        float64, (items,), in [0, 1].

    Raises:
        MissingFromEnvironment: `missing_package`: the package or its weights are not there.
    """
    package = "git+https://github.com/Stanford-AIMI/GREEN"
    return np.array(child.scored("green", package, answers, truths) if answers else [], dtype=np.float64)


def of_analysis(text: str) -> float:
    """The score that a GREEN model's analysis of one report amounts to; NaN where a count is missing.

    Args:
        text: with "[Clinically Significant Errors]:", kinds as "(a) …: 2. …", and "[Matched Findings]:" with a number.
    """
    significant, matched = _SIGNIFICANT.search(text), _MATCHED.search(text)
    if significant is None or matched is None:
        return float("nan")
    hits = _number(matched[1])
    kinds = _KIND.findall(significant[1])
    if hits is None or not (kinds or significant[1].startswith("No")):
        return float("nan")
    errors = sum(int(count) for count in dict(kinds).values())
    return hits / (hits + errors) if hits else 0.0


def _number(text: str) -> int | None:
    if text.startswith("No"):
        return 0
    found = _COUNT.match(text)
    return int(found[1]) if found else None
