import json
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from vesalius.objectives.losses.pairing import cosines
from vesalius.objectives.losses.softmax_contrast import softmax_contrast, target_entropy

OPEN_CLIP = json.loads(Path(__file__).with_name("open_clip_values.json").read_text(encoding="utf-8"))


def formula(similarity: np.ndarray, targets: np.ndarray, rows: float, columns: float, ignored: np.ndarray) -> tuple[float, float]:
    """The loss and its floor in numpy, one row after the other."""

    def direction(scores: np.ndarray, wanted: np.ndarray, left_out: np.ndarray) -> tuple[float, float]:
        losses, entropies = [], []
        for score, want, out in zip(scores, wanted, left_out, strict=True):
            want = np.where(out, 0.0, want)
            if want.sum() == 0:
                continue
            p = want / want.sum()
            normalizer = math.log(sum(math.exp(s) for s, o in zip(score, out, strict=True) if not o))
            losses.append(-sum(q * (s - normalizer) for q, s in zip(p, score, strict=True) if q))
            entropies.append(-sum(q * math.log(q) for q in p if q))
        return (float(np.mean(losses)), float(np.mean(entropies))) if losses else (0.0, 0.0)

    both = [direction(similarity, targets, ignored), direction(similarity.T, targets.T, ignored.T)]
    return tuple(rows * both[0][i] + columns * both[1][i] for i in (0, 1))


def drawn(seed: int = 0, b: int = 6, k: int = 9) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Random similarity, targets of which a third are 0 and a picture without a text, and pairs to ignore."""
    generator = np.random.default_rng(seed)
    similarity = torch.from_numpy(generator.normal(0, 4, (b, k)))
    targets = torch.from_numpy(generator.uniform(0, 1, (b, k)) * (generator.uniform(size=(b, k)) > 0.3))
    targets[2] = 0
    return similarity, targets, torch.from_numpy(generator.uniform(size=(b, k)) < 0.2)


@pytest.mark.parametrize(("rows", "columns"), [(0.5, 0.5), (0.75, 0.25), (1.0, 0.0)])
@pytest.mark.parametrize("with_ignored", [False, True])
def test_loss_and_floor_follow_the_formula_in_float64(rows: float, columns: float, with_ignored: bool) -> None:
    similarity, targets, ignored = drawn()
    expected = formula(
        similarity.numpy(), targets.numpy(), rows, columns, ignored.numpy() if with_ignored else np.zeros((6, 9), bool)
    )
    chosen = {"rows": rows, "columns": columns, "ignored": ignored if with_ignored else None}
    assert math.isclose(float(softmax_contrast(similarity, targets, **chosen)), expected[0], rel_tol=0, abs_tol=1e-10)
    assert math.isclose(float(target_entropy(targets, **chosen)), expected[1], rel_tol=0, abs_tol=1e-10)


def test_with_an_identity_it_is_open_clips_loss_with_its_gradients() -> None:
    stored = OPEN_CLIP["clip"]
    leaves = {name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in stored["values"].items()}
    loss = softmax_contrast(leaves["scale"] * cosines(leaves["image"], leaves["text"]), torch.eye(7, dtype=torch.bool))
    assert math.isclose(loss.item(), stored["loss"], rel_tol=0, abs_tol=1e-10)
    gradients = dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))
    assert math.isclose(float(gradients["scale"]), stored["gradients"]["scale"], rel_tol=0, abs_tol=1e-10)
    for side in ("image", "text"):  # ours brings vectors to unit length itself: what would only change their length is gone
        theirs, vectors = torch.tensor(stored["gradients"][side], dtype=torch.float64), leaves[side].detach()
        along = (theirs * vectors).sum(dim=1, keepdim=True) * vectors
        assert torch.allclose(gradients[side], theirs - along, atol=1e-10, rtol=0)


def test_gradients_are_probability_minus_target_so_nothing_is_activated_twice() -> None:
    similarity, targets, ignored = drawn(1)
    similarity.requires_grad_()
    loss = softmax_contrast(similarity, targets, rows=1.0, columns=0.0, ignored=ignored)
    (gradient,) = torch.autograd.grad(loss, similarity)
    wanted = targets.masked_fill(ignored, 0)
    some = wanted.sum(dim=1) > 0
    softmax = similarity.detach().masked_fill(ignored, -torch.inf).softmax(dim=1)
    closed = (softmax - wanted / wanted.sum(dim=1, keepdim=True)) / some.sum()
    assert torch.allclose(gradient, closed.where(some[:, None], 0.0), atol=1e-12, rtol=0)
    step = 1e-6
    for place in ((0, 0), (3, 5), (5, 8)):
        moved = [similarity.detach().clone() for _ in range(2)]
        moved[0][place] += step
        moved[1][place] -= step
        ends = [float(softmax_contrast(one, targets, rows=1.0, columns=0.0, ignored=ignored)) for one in moved]
        assert math.isclose((ends[0] - ends[1]) / (2 * step), float(gradient[place]), rel_tol=0, abs_tol=1e-8)


def test_duplicate_captions_keep_the_loss_at_the_entropy_of_their_targets() -> None:
    key = torch.tensor([0, 1, 0, 2, 1, 0])
    same = key[:, None] == key
    floor = target_entropy(same)
    assert math.isclose(float(floor), (3 * math.log(3) + 2 * math.log(2)) / 6, rel_tol=1e-6)
    reached = softmax_contrast(40.0 * same, same)  # every picture at its caption and nowhere else
    assert 0 <= float(reached - floor) < 1e-6
    for seed in range(5):
        torch.manual_seed(seed)
        assert float(softmax_contrast(5 * torch.randn(6, 6), same)) > float(floor)


def test_the_floor_of_an_identity_is_zero() -> None:
    assert float(target_entropy(torch.eye(5, dtype=torch.bool))) == 0.0


def test_an_ignored_pair_moves_neither_the_loss_nor_anything_behind_it() -> None:
    similarity, targets, ignored = drawn(2)
    before = softmax_contrast(similarity, targets, ignored=ignored)
    similarity[ignored], targets[ignored] = 1e4, 3.0
    similarity.requires_grad_()
    after = softmax_contrast(similarity, targets, ignored=ignored)
    assert torch.equal(before, after.detach())
    (gradient,) = torch.autograd.grad(after, similarity)
    assert torch.equal(gradient[ignored], torch.zeros(int(ignored.sum()), dtype=torch.float64))


def test_a_batch_of_which_nothing_counts_has_loss_zero_and_no_broken_gradient() -> None:
    similarity = torch.randn(3, 4, requires_grad=True)
    everything = torch.ones(3, 4, dtype=torch.bool)
    loss = softmax_contrast(similarity, everything, ignored=everything)
    (gradient,) = torch.autograd.grad(loss, similarity)
    assert loss.item() == 0.0
    assert torch.equal(gradient, torch.zeros(3, 4))


def test_directions_weigh_what_they_are_given() -> None:
    similarity, targets, _ = drawn(3)
    losses = [float(softmax_contrast(similarity, targets, rows=w, columns=1 - w)) for w in (0.0, 0.25, 0.5, 0.75, 1.0)]
    steps = [b - a for a, b in pairwise(losses)]
    assert abs(losses[4] - losses[0]) > 0.1
    assert all(math.isclose(step, steps[0], abs_tol=1e-10) for step in steps)


def test_half_precision_is_summed_in_single() -> None:
    similarity, targets, _ = drawn(4)
    assert softmax_contrast(similarity.bfloat16(), targets).dtype == torch.float32
    whole = softmax_contrast(similarity.bfloat16().double(), targets)
    assert math.isclose(float(softmax_contrast(similarity.bfloat16(), targets)), float(whole), rel_tol=1e-5)
