import math

import numpy as np
import pytest
import torch

from tests.objectives.batches import (
    assert_length_of_features_is_no_matter,
    assert_parts_are_exact,
    batch_of,
    encoder,
    gradients_at_once,
    links_of,
)
from vesalius.errors import UsageError
from vesalius.objectives.convirt import ConVIRT


def formula(v: np.ndarray, u: np.ndarray, temperature: float, image_weight: float) -> float:
    """The paper's loss for one text per picture, pair by pair, in float64."""
    v, u = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (v, u))
    total = 0.0
    for i in range(len(v)):
        own = math.exp(v[i] @ u[i] / temperature)
        image_to_text = -math.log(own / sum(math.exp(v[i] @ u[k] / temperature) for k in range(len(u))))
        text_to_image = -math.log(own / sum(math.exp(v[k] @ u[i] / temperature) for k in range(len(v))))
        total += image_weight * image_to_text + (1 - image_weight) * text_to_image
    return total / len(v)


def drawn(b: int = 6, width: int = 5) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {"image": torch.randn(b, width, dtype=torch.float64), "text": torch.randn(b, width, dtype=torch.float64)}


@pytest.mark.parametrize(("temperature", "image_weight"), [(0.1, 0.75), (0.5, 0.2)])
def test_the_loss_is_the_papers_with_the_temperature_that_is_asked_for_and_not_doubled(
    temperature: float, image_weight: float
) -> None:
    features = drawn()
    losses = ConVIRT(temperature=temperature, image_weight=image_weight).losses(encoder(), features, links_of(6))
    expected = formula(features["image"].numpy(), features["text"].numpy(), temperature, image_weight)
    assert math.isclose(float(losses["loss"]), expected, rel_tol=0, abs_tol=1e-10)
    assert float(losses["floor"]) == 0.0


def test_its_defaults_are_a_temperature_of_a_tenth_and_three_quarters_for_pictures() -> None:
    features = drawn()
    expected = formula(features["image"].numpy(), features["text"].numpy(), 0.1, 0.75)
    assert math.isclose(float(ConVIRT().losses(encoder(), features, links_of(6))["loss"]), expected, abs_tol=1e-10)


def test_the_models_own_temperature_neither_acts_nor_learns() -> None:
    batch = batch_of(links_of(4))
    warm, cold = encoder(temperature=1.0), encoder(temperature=0.02)
    assert torch.equal(ConVIRT()(warm, batch)["loss"], ConVIRT()(cold, batch)["loss"])
    _, gradients = gradients_at_once(ConVIRT(), warm, batch)
    without = {name for name, _ in warm.named_parameters()} - gradients.keys()
    assert without == {"logits.log_scale"}


def test_reports_of_one_wording_are_negatives_positives_or_left_out() -> None:
    features, links = drawn(), links_of(6, key=[3, 3, 4, 5, 3, 6])
    losses = {kind: ConVIRT(same_text=kind).losses(encoder(), features, links) for kind in ("negative", "positive", "ignored")}
    assert len({round(float(one["loss"]), 6) for one in losses.values()}) == 3
    assert math.isclose(float(losses["positive"]["floor"]), 3 * math.log(3) / 6, rel_tol=1e-6)
    assert float(losses["negative"]["floor"]) == float(losses["ignored"]["floor"]) == 0.0


def test_parts_of_a_batch_give_the_loss_and_the_gradients_of_the_whole() -> None:
    assert_parts_are_exact(ConVIRT(), encoder(), batch_of(links_of(5, owner=[0, 0, 1, 2, 3, 3, 4])), cut=3)


def test_longer_features_give_the_same_loss() -> None:
    assert_length_of_features_is_no_matter(ConVIRT(), encoder(), batch_of(links_of(4)))


@pytest.mark.parametrize("wrong", [{"temperature": 0.0}, {"temperature": float("nan")}, {"image_weight": 1.5}])
def test_a_temperature_or_weight_out_of_its_range_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="not possible") as caught:
        ConVIRT(**wrong)
    assert caught.value.code == "bad_recipe"
