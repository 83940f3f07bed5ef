import math

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, confusion_matrix

from vesalius.metrics import answer_match, judge_agreement


def test_hand_computed_case() -> None:
    # both say 1 twice of four and agree on three: 0.75 seen, by chance 0.5 * 0.5 + 0.5 * 0.5
    assert judge_agreement.value([1, 1, 0, 0], [1, 1, 0, 1]) == pytest.approx((0.75 - 0.5) / 0.5)
    assert judge_agreement.confusion([1, 1, 0, 0], [1, 1, 0, 1]).tolist() == [[1, 0], [1, 2]]


def test_agrees_with_scikit_learn_on_random_verdicts() -> None:
    generator = np.random.default_rng(5)
    judge, rules = (generator.choice([0, 0.5, 1], 200) for _ in range(2))
    found = judge_agreement.value(judge, rules, (0, 0.5, 1))
    assert found == pytest.approx(cohen_kappa_score(*((v * 2).astype(int) for v in (judge, rules))), abs=1e-12)
    table = judge_agreement.confusion(judge, rules, (0, 0.5, 1))
    assert np.array_equal(table, confusion_matrix(*((v * 2).astype(int) for v in (rules, judge))))


def test_extremes() -> None:
    assert judge_agreement.value([1, 0, 1], [1, 0, 1]) == 1
    assert judge_agreement.value([0, 1], [1, 0]) == -1
    assert math.isnan(judge_agreement.value([1, 1], [1, 1]))
    assert math.isnan(judge_agreement.value([], []))


def test_a_judge_that_gave_no_verdict_is_not_left_out_in_silence() -> None:
    # papers/grounding_evaluation.md B3: SURE-VQA skips what its judge answers without a number
    with pytest.raises(ValueError, match="none of the grades"):
        judge_agreement.value([1, float("nan")], [1, 0])


def test_the_rules_agree_with_themselves() -> None:
    verdicts = answer_match.items(["CT", "MRI", "left"], ["computed tomography", "CT", "left side"])
    assert judge_agreement.value(verdicts, verdicts) == 1
