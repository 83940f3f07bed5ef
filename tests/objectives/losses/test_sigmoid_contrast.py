import json
import math
import weakref
from functools import partial
from pathlib import Path

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tests.objectives.batches import links_of
from vesalius.objectives.losses.pairing import cosines, partners
from vesalius.objectives.losses.sigmoid_contrast import sigmoid_contrast, sigmoid_contrast_tiled

OPEN_CLIP = json.loads(Path(__file__).with_name("open_clip_values.json").read_text(encoding="utf-8"))


def leaves_of(values: dict[str, object]) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in values.items()}


def drawn(b: int, k: int, width: int = 6, dtype: torch.dtype = torch.float64) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    values = {
        "image": torch.randn(b, width, dtype=dtype),
        "text": torch.randn(k, width, dtype=dtype),
        "scale": torch.tensor(9.0, dtype=dtype),
        "bias": torch.tensor(-4.0, dtype=dtype),
    }
    return {name: value.requires_grad_() for name, value in values.items()}


def gradients_of(loss: torch.Tensor, leaves: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))


@pytest.mark.parametrize("with_ignored", [False, True])
def test_the_loss_follows_the_formula_in_float64(with_ignored: bool) -> None:
    torch.manual_seed(1)
    logits = 6 * torch.randn(5, 8, dtype=torch.float64)
    positive, ignored = torch.rand(5, 8) < 0.3, torch.rand(5, 8) < 0.3
    expected = 0.0
    for i in range(5):
        for k in range(8):
            if with_ignored and ignored[i, k]:
                continue
            z = 1 if positive[i, k] else -1
            expected -= math.log(1 / (1 + math.exp(-z * float(logits[i, k])))) / 5
    loss = sigmoid_contrast(logits, positive, ignored if with_ignored else None)
    assert math.isclose(float(loss), expected, rel_tol=0, abs_tol=1e-10)


@pytest.mark.parametrize("tile", [None, 1, 3, 7, 100])
def test_it_is_open_clips_loss_with_its_gradients(tile: int | None) -> None:
    stored = OPEN_CLIP["siglip"]
    leaves = leaves_of(stored["values"])
    pairs = partial(partners, links_of(7), "negative")
    if tile is None:
        logits = leaves["scale"] * cosines(leaves["image"], leaves["text"]) + leaves["bias"]
        loss = sigmoid_contrast(logits, *pairs())
    else:
        loss = sigmoid_contrast_tiled(*leaves.values(), pairs, tile=tile)
    assert math.isclose(loss.item(), stored["loss"], rel_tol=0, abs_tol=1e-10)
    gradients = gradients_of(loss, leaves)
    for name in ("scale", "bias"):
        assert math.isclose(float(gradients[name]), stored["gradients"][name], rel_tol=0, abs_tol=1e-10)
    for side in ("image", "text"):  # ours brings vectors to unit length itself: what would only change their length is gone
        theirs, vectors = torch.tensor(stored["gradients"][side], dtype=torch.float64), leaves[side].detach()
        along = (theirs * vectors).sum(dim=1, keepdim=True) * vectors
        assert torch.allclose(gradients[side], theirs - along, atol=1e-10, rtol=0)


@pytest.mark.parametrize("same_text", ["negative", "positive", "ignored"])
def test_tiles_give_the_loss_and_the_gradients_of_the_whole(same_text: str) -> None:
    owner = torch.randint(6, (17,), generator=torch.Generator().manual_seed(3)).sort().values.tolist()
    pairs = partial(partners, links_of(6, owner=owner, key=[k % 4 for k in range(17)]), same_text)
    leaves = drawn(6, 17)
    whole = sigmoid_contrast(leaves["scale"] * cosines(leaves["image"], leaves["text"]) + leaves["bias"], *pairs())
    expected = gradients_of(whole, leaves)
    for tile in (1, 5, 17):
        tiled = sigmoid_contrast_tiled(*leaves.values(), pairs, tile=tile)
        assert math.isclose(tiled.item(), whole.item(), rel_tol=1e-12)
        for name, gradient in gradients_of(tiled, leaves).items():
            assert torch.allclose(gradient, expected[name], atol=1e-12, rtol=0), name


class Largest(TorchDispatchMode):
    """Keeps the size of the largest tensor that any operator gives back."""

    elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for one in result if isinstance(result, tuple | list) else (result,):
            if isinstance(one, torch.Tensor):
                self.elements = max(self.elements, one.numel())
        return result


class Kept:
    """What autograd holds of one tensor, for as long as it holds it."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor


def measured(tile: int | None, b: int = 96, k: int = 160) -> tuple[int, int]:
    """Elements of the largest tensor, there and back, and elements that autograd holds between the two."""
    leaves, held = drawn(b, k, dtype=torch.float32), weakref.WeakSet()
    owner = (torch.arange(k) * b // k).tolist()
    pairs = partial(partners, links_of(b, owner=owner, key=[0] * k), "ignored")

    def keep(tensor: torch.Tensor) -> Kept:
        kept = Kept(tensor)
        held.add(kept)
        return kept

    with Largest() as largest:
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda kept: kept.tensor):
            if tile is None:
                logits = leaves["scale"] * cosines(leaves["image"], leaves["text"]) + leaves["bias"]
                loss = sigmoid_contrast(logits, *pairs())
            else:
                loss = sigmoid_contrast_tiled(*leaves.values(), pairs, tile=tile)
        storages = [kept.tensor.untyped_storage() for kept in held]
        between = sum({one.data_ptr(): one.nbytes() // 4 for one in storages}.values())
        gradients_of(loss, leaves)
    return largest.elements, between


def test_memory_grows_with_the_tile_and_not_with_the_batch() -> None:
    whole, kept_of_whole = measured(None)
    tiled, kept_of_tiled = measured(8)
    assert whole == 96 * 160
    assert kept_of_whole >= 96 * 160
    assert tiled <= max(96 * 8, 160 * 6)  # a tile, or the vectors of all texts
    assert kept_of_tiled <= 96 * 6 + 160 * 6 + 10  # gradients of the vectors and a few numbers


def test_gradients_are_probability_minus_truth_so_nothing_is_activated_twice() -> None:
    torch.manual_seed(2)
    logits = (4 * torch.randn(4, 6, dtype=torch.float64)).requires_grad_()
    positive = torch.rand(4, 6) < 0.4
    (gradient,) = torch.autograd.grad(sigmoid_contrast(logits, positive), logits)
    assert torch.allclose(gradient, (logits.detach().sigmoid() - positive.double()) / 4, atol=1e-12, rtol=0)
    step = 1e-6
    for place in ((0, 0), (2, 3), (3, 5)):
        moved = [logits.detach().clone() for _ in range(2)]
        moved[0][place] += step
        moved[1][place] -= step
        ends = [float(sigmoid_contrast(one, positive)) for one in moved]
        assert math.isclose((ends[0] - ends[1]) / (2 * step), float(gradient[place]), rel_tol=0, abs_tol=1e-8)


def test_an_ignored_pair_moves_neither_the_loss_nor_anything_behind_it() -> None:
    torch.manual_seed(3)
    logits, positive, ignored = torch.randn(4, 6), torch.rand(4, 6) < 0.4, torch.rand(4, 6) < 0.3
    before = sigmoid_contrast(logits, positive, ignored)
    logits[ignored] = 1e4
    logits.requires_grad_()
    after = sigmoid_contrast(logits, positive, ignored)
    assert torch.equal(before, after.detach())
    assert not torch.autograd.grad(after, logits)[0][ignored].any()


def test_equal_texts_as_negatives_pull_both_ways_and_as_ignored_do_not() -> None:
    logits = torch.full((2, 2), 8.0)  # both pictures lie at the one caption that both have
    losses = [float(sigmoid_contrast(logits, *partners(links_of(2, key=[5, 5]), kind))) for kind in ("negative", "ignored")]
    assert losses[0] > 8.0
    assert losses[1] < 1e-3


def test_a_logit_of_any_size_gives_a_number() -> None:
    logits = torch.tensor([[1e4, -1e4], [1e4, -1e4]], requires_grad=True)
    loss = sigmoid_contrast(logits, torch.eye(2, dtype=torch.bool))
    (gradient,) = torch.autograd.grad(loss, logits)
    assert loss.item() == pytest.approx(1e4)
    assert torch.isfinite(gradient).all()
