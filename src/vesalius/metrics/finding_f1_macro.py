"""Finding F1, macro: the mean over CheXpert findings of each finding's F1, so that a rare finding weighs as much as a common one.

Read and counted as in `finding_f1_micro`.

Direction:       higher is better.
At the extremes: 1 the same findings everywhere; 0 no finding is ever in common.
Left out:        a finding that is positive in no text has no F1 and is not in the mean; CheXbert's package counts it as 0.
Undefined when:  no finding is positive in any text.
Interval:        bootstrap over patients: `bootstrap.counted_score` with `finding_f1_micro.counts` and `of_sums`.
"""

from collections.abc import Sequence
from typing import Literal

from vesalius.metrics import f1_macro
from vesalius.metrics.f1_macro import Values
from vesalius.metrics.finding_f1_micro import Doubt, counts
from vesalius.metrics.findings import labels

NAME = "finding_f1_macro"
DIRECTION: Literal["higher", "lower"] = "higher"


def value(
    answers: Sequence[str], truths: Sequence[str], *, findings: Sequence[str] = labels.FINDINGS, doubt: Doubt = "present"
) -> float:
    """The mean F1 of the findings.

    Args:
        answers: one report per item, in English.
        truths: as many.
        findings: those that count.
        doubt: what an uncertain finding counts as.

    Returns:
        In [0, 1]; NaN where no finding is positive in any text.
    """
    return float(of_sums(counts(answers, truths, findings=findings, doubt=doubt).sum(axis=0)[None])[0])


def of_sums(sums: Values) -> Values:
    """Macro F1 from the sums of `finding_f1_micro.counts`, float64 (sets, 3 x findings), to (sets,)."""
    return f1_macro.of_sums(sums)
