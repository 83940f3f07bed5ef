import math

import numpy as np
import pytest
import torch

from tests.objectives.batches import (
    assert_length_of_features_is_no_matter,
    assert_parts_are_exact,
    batch_of,
    encoder,
    links_of,
)
from vesalius.objectives.flair import FLAIR, same_category
from vesalius.objectives.unimed_clip import UniMedCLIP

CATEGORIES = [2, 0, 2, 1, 0, 2]


def formula(v: np.ndarray, t: np.ndarray, categories: list[int], scale: float) -> float:
    """The paper's loss for one text per picture, in float64."""
    v, t = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (v, t))
    total, b = 0.0, len(v)
    for scores in (scale * v @ t.T, scale * t @ v.T):
        for i in range(b):
            same = [j for j in range(b) if categories[i] == categories[j]]
            normalizer = math.log(sum(math.exp(scores[i, k]) for k in range(b)))
            total -= 0.5 * sum((scores[i, j] - normalizer) / len(same) for j in same) / b
    return total


def drawn() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {side: torch.randn(6, 5, dtype=torch.float64) for side in ("image", "text")}


def test_the_loss_is_the_papers_in_float64() -> None:
    features, model = drawn(), encoder().double()
    losses = FLAIR().losses(model, features, links_of(6, label=CATEGORIES))
    expected = formula(features["image"].numpy(), features["text"].numpy(), CATEGORIES, float(model.logits.scale().detach()))
    assert math.isclose(losses["loss"].item(), expected, rel_tol=0, abs_tol=1e-10)
    assert math.isclose(float(losses["floor"]), (3 * math.log(3) + 2 * math.log(2)) / 6, rel_tol=1e-6)


def test_with_identity_targets_it_is_clips_loss() -> None:
    features, model, links = drawn(), encoder().double(), links_of(6, label=CATEGORIES)
    losses = FLAIR(targets="identity").losses(model, features, links)
    assert torch.equal(losses["loss"], UniMedCLIP().losses(model, features, links)["loss"])
    assert float(losses["floor"]) == 0.0


def test_texts_of_one_category_have_equal_columns_whoever_wrote_them() -> None:
    found = same_category(links_of(4, owner=[0, 0, 1, 2, 3], label=[5, 6, 5, -1]))
    assert found.int().tolist() == [[1, 1, 0, 1, 0], [0, 0, 1, 0, 0], [1, 1, 0, 1, 0], [0, 0, 0, 0, 1]]


def test_pictures_without_a_category_are_not_of_one_category() -> None:
    assert torch.equal(same_category(links_of(5)), torch.eye(5, dtype=torch.bool))


def test_the_scale_begins_at_the_inverse_of_seven_hundredths_and_ends_at_a_hundred() -> None:
    model = encoder()
    assert math.isclose(model.logits.scale().item(), 1 / 0.07, rel_tol=1e-6)
    with torch.no_grad():
        model.logits.log_scale.fill_(9.0)
    assert math.isclose(model.logits.scale().item(), 100.0, rel_tol=1e-5)
    assert FLAIR()(model, batch_of(links_of(4, label=[0, 1, 0, 1])))["loss"].isfinite()


@pytest.mark.parametrize("targets", ["category", "identity"])
def test_parts_of_a_batch_give_the_loss_and_the_gradients_of_the_whole(targets: str) -> None:
    links = links_of(5, owner=[0, 0, 1, 2, 3, 3, 4], label=[2, 0, -1, 2, 0])
    assert_parts_are_exact(FLAIR(targets=targets), encoder(), batch_of(links), cut=2)


def test_longer_features_give_the_same_loss() -> None:
    assert_length_of_features_is_no_matter(FLAIR(), encoder(), batch_of(links_of(4, label=[0, 1, 0, 1])))
