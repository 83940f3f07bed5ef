import math

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
from vesalius.objectives.simclr import SimCLR, two_views


def test_the_loss_follows_the_formula_in_float64() -> None:
    torch.manual_seed(0)
    first, second = torch.randn(4, 3, dtype=torch.float64), torch.randn(4, 3, dtype=torch.float64)
    views = [view / view.norm() for view in (*first, *second)]
    expected = 0.0
    for i in range(8):
        scores = {k: math.exp(float(views[i] @ views[k]) / 0.2) for k in range(8) if k != i}
        expected -= math.log(scores[(i + 4) % 8] / sum(scores.values())) / 8
    assert math.isclose(float(two_views(first, second, 0.2)), expected, rel_tol=0, abs_tol=1e-10)


def test_a_single_picture_has_nothing_to_be_told_from() -> None:
    assert float(two_views(torch.ones(1, 3), torch.tensor([[1.0, 2.0, 0.0]]), 0.1)) == 0.0


def test_only_the_vision_side_learns() -> None:
    model = encoder()
    _, gradients = gradients_at_once(SimCLR(), model, batch_of(links_of(4), again=True))
    expected = {name for name, _ in model.named_parameters() if name.startswith(("vision.", "image_"))}
    silent = {name for name, gradient in gradients.items() if not gradient.any()}
    assert gradients.keys() == expected
    assert silent <= {"vision.unknown_spacing"}  # every spacing of this batch is known


def test_a_batch_without_second_views_is_refused_with_what_to_set() -> None:
    with pytest.raises(UsageError, match=r"data\.views") as caught:
        SimCLR()(encoder(), batch_of(links_of(2)))
    assert caught.value.code == "bad_recipe"


def test_parts_of_a_batch_give_the_loss_and_the_gradients_of_the_whole() -> None:
    assert_parts_are_exact(SimCLR(), encoder(), batch_of(links_of(5), again=True), cut=2)


def test_longer_features_give_the_same_loss() -> None:
    assert_length_of_features_is_no_matter(SimCLR(), encoder(), batch_of(links_of(4), again=True))


def test_a_temperature_of_zero_is_refused() -> None:
    with pytest.raises(UsageError, match="above 0"):
        SimCLR(temperature=0.0)
