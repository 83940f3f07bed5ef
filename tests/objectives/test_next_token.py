import math

import pytest
import torch
import torch.nn.functional as F

from tests.models.test_vlm import VOCABULARY, batch_of, model  # noqa: F401
from vesalius.models.vlm import NativeVLM
from vesalius.objectives.next_token import NextToken

FIRST, COUNT = 6, 20


def test_without_smoothing_it_is_weighted_cross_entropy(model: NativeVLM) -> None:  # noqa: F811
    batch = batch_of(2, 6)
    batch.weights[:] = torch.rand(2, 6)
    losses = NextToken(first_coordinate=FIRST, coordinates=COUNT, box_smoothing=0.0)(model, batch)
    logits = model.decoder.score(model(batch)).double()
    each = F.cross_entropy(logits.flatten(0, 1), batch.targets.flatten(), reduction="none").view(2, 6)
    boxed = (batch.targets >= FIRST) & (batch.targets < FIRST + COUNT)
    for name, chosen in (("text", ~boxed), ("box", boxed)):
        weights = batch.weights[chosen].double()
        assert math.isclose(float(losses[name]), float((each[chosen] * weights).sum() / weights.sum()), rel_tol=1e-5)


def test_smoothing_follows_the_formula_in_float64() -> None:
    objective = NextToken(first_coordinate=FIRST, coordinates=COUNT, box_smoothing=2.0)
    torch.manual_seed(0)
    logits, bins = torch.randn(3, VOCABULARY, dtype=torch.float64), torch.tensor([0, 7, 19])
    for row, true in enumerate(bins.tolist()):
        masses = [math.exp(-0.5 * ((k - true) / 2.0) ** 2) for k in range(COUNT)]
        normalizer = sum(math.exp(float(v)) for v in logits[row])
        expected = -sum(
            m / sum(masses) * math.log(math.exp(float(logits[row, FIRST + k])) / normalizer) for k, m in enumerate(masses)
        )
        assert math.isclose(float(objective._coordinate_loss(logits, bins)[row]), expected, rel_tol=1e-5)


def test_a_near_miss_costs_less_than_a_far_one() -> None:
    objective = NextToken(first_coordinate=FIRST, coordinates=COUNT, box_smoothing=2.0)
    near, far = torch.zeros(1, VOCABULARY), torch.zeros(1, VOCABULARY)
    near[0, FIRST + 11], far[0, FIRST + 18] = 8.0, 8.0
    true = torch.tensor([10])
    assert objective._coordinate_loss(near, true) < objective._coordinate_loss(far, true)


@pytest.mark.parametrize("kind", ["text", "box"])
def test_a_batch_without_one_kind_of_target_has_no_loss_of_it(model: NativeVLM, kind: str) -> None:  # noqa: F811
    batch = batch_of(1, 6)
    batch.targets[:] = FIRST + 3 if kind == "text" else FIRST + COUNT + 3
    losses = NextToken(first_coordinate=FIRST, coordinates=COUNT)(model, batch)
    assert float(losses[kind]) == 0.0
    assert math.isfinite(float(losses["loss"]))
