import random

import numpy as np
import pytest

from vesalius.metrics import cider_2015, cider_d_pycoco

WORDS = ["no", "acute", "disease", "the", "heart", "is", "normal", "effusion", "small"]


def texts(seed: int, items: int) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=draw.randint(0, 12))) for _ in range(items)]


def brute_force(answers: list[str], truths: list[str], clipped: bool) -> list[float]:
    """The paper's equations with one long vector per text, in float64."""
    values = np.zeros(len(answers))
    for order in range(1, 5):
        every = [[tuple(t.split()[i : i + order]) for i in range(len(t.split()) - order + 1)] for t in (*answers, *truths)]
        known = {run: column for column, run in enumerate(sorted({run for runs in every for run in runs}))}
        counts = np.zeros((len(every), len(known)))
        for row, runs in zip(counts, every, strict=True):
            for run in runs:
                row[known[run]] += 1
        answer, truth = counts[: len(answers)], counts[len(answers) :]
        weights = np.log(len(truths)) - np.log(np.maximum((truth > 0).sum(axis=0), 1))
        given, true = answer * weights, truth * weights
        product = ((np.minimum(given, true) if clipped else given) * true).sum(axis=1)
        lengths = np.linalg.norm(given, axis=1) * np.linalg.norm(true, axis=1)
        values += np.divide(product, lengths, out=np.zeros_like(product), where=lengths > 0) / 4
    if not clipped:
        return values.tolist()
    pairs = [[max(len(t.split()) - 1, 0) for t in each] for each in (answers, truths)]
    return (10 * values * np.exp(-((np.array(pairs[0]) - pairs[1]) ** 2) / 72)).tolist()


@pytest.mark.parametrize(("metric", "clipped"), [(cider_d_pycoco, True), (cider_2015, False)])
def test_agrees_with_an_independent_formula_on_random_input(metric: object, clipped: bool) -> None:
    answers, truths = texts(1, 120), texts(2, 120)
    assert np.abs(metric.items(answers, truths) - brute_force(answers, truths, clipped)).max() < 1e-9


def test_hand_computed_case() -> None:
    # two truths; every run of "a b c d" is in one of them alone, so all weigh log 2 and the same text has 10
    assert cider_d_pycoco.items(["a b c d", "x"], ["a b c d", "e f g h"]).tolist() == pytest.approx([10, 0])
    # only the single words "a" and "b" are shared: cosine 2/4 for order 1, none for the others; same length
    assert cider_d_pycoco.items(["a x b y", "e"], ["a c b d", "e f"])[0] == pytest.approx(10 * (2 / 4) / 4)
    assert cider_2015.items(["a x b y", "e"], ["a c b d", "e f"])[0] == pytest.approx((2 / 4) / 4)


def test_a_difference_in_length_costs() -> None:
    same, longer = (cider_d_pycoco.items([t, "x"], ["a b c d", "e f g h"])[0] for t in ("a b c d", "a b c d q r s t"))
    assert 0 < longer < same * np.exp(-(4**2) / 72)


def test_one_item_alone_scores_nothing_and_the_set_decides() -> None:
    assert cider_d_pycoco.items(["a b c d"], ["a b c d"]).tolist() == [0]
    beside = [cider_d_pycoco.items(["a b c d", "x"], ["a b c e", other])[0] for other in ("f g", "a b")]
    assert beside[0] != beside[1]
    assert cider_d_pycoco.items([], []).shape == (0,)


def test_order_of_items_does_not_matter() -> None:
    answers, truths = texts(3, 40), texts(4, 40)
    found = cider_d_pycoco.items(answers[::-1], truths[::-1])[::-1]
    assert np.allclose(found, cider_d_pycoco.items(answers, truths), atol=1e-12)


def test_repeating_a_rare_word_pays_in_cider_and_not_in_cider_d() -> None:
    answers, truths = ["a q q q q", "e"], ["b q c d q", "e f"]
    once = ["a q", "e"]
    assert cider_2015.items(answers, truths)[0] > cider_2015.items(once, truths)[0]
    repeated = ["b q c d q q q q q q q q", "e"]
    assert cider_d_pycoco.items(repeated, truths)[0] < cider_d_pycoco.items(truths, truths)[0] / 2
