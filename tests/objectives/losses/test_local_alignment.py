import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from vesalius.objectives.losses.local_alignment import Pool, local_alignment

RAGGED = [5, 5, 1, 12, 12, 12, 3]
POOLS: list[Pool] = ["max", "top_k", "lse", "attention"]


def drawn(counts: list[int], concepts: int = 9, width: int = 8, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    patches = F.normalize(torch.randn(sum(counts), width, generator=generator, dtype=torch.float64), dim=-1)
    names = F.normalize(torch.randn(concepts, width, generator=generator, dtype=torch.float64), dim=-1)
    return patches, torch.tensor(counts), names


def by_hand(patches: np.ndarray, counts: list[int], concepts: np.ndarray, pool: str, top: int, sharpness: float) -> np.ndarray:
    rows, start = [], 0
    for count in counts:
        mine = patches[start : start + count]
        start += count
        row = []
        for concept in concepts:
            products = np.array([float(np.sum(patch * concept)) for patch in mine])
            if pool == "max":
                row.append(products.max())
            elif pool == "top_k":
                row.append(np.sort(products)[::-1][:top].mean())
            elif pool == "lse":
                row.append(np.log(np.mean(np.exp(sharpness * products))) / sharpness)
            else:
                weights = np.exp(sharpness * products) / np.exp(sharpness * products).sum()
                seen = (weights[:, None] * mine).sum(axis=0)
                row.append(seen @ concept / np.linalg.norm(seen) / np.linalg.norm(concept))
        rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize("tile", [1, 40, 200, 1 << 20])
@pytest.mark.parametrize("pool", POOLS)
def test_scores_follow_their_formula_for_pictures_of_any_size_and_tiles_of_any_size(pool: Pool, tile: int) -> None:
    patches, counts, concepts = drawn(RAGGED)
    scores = local_alignment(patches, counts, concepts, pool=pool, top=4, sharpness=6.0, tile=tile)
    expected = by_hand(patches.numpy(), RAGGED, concepts.numpy(), pool, 4, 6.0)
    np.testing.assert_allclose(scores.numpy(), expected, rtol=0, atol=1e-12)


def plain(patches: torch.Tensor, counts: list[int], concepts: torch.Tensor, pool: str) -> torch.Tensor:
    rows = []
    for mine in patches.split(counts):
        products = mine @ concepts.T
        if pool == "max":
            rows.append(products.max(dim=0).values)
        elif pool == "top_k":
            rows.append(products.topk(min(4, len(mine)), dim=0).values.mean(dim=0))
        elif pool == "lse":
            rows.append((6.0 * products).exp().mean(dim=0).log() / 6.0)
        else:
            rows.append(F.cosine_similarity((6.0 * products).softmax(dim=0).T @ mine, concepts))
    return torch.stack(rows)


@pytest.mark.parametrize("tile", [1, 40, 1 << 20])
@pytest.mark.parametrize("pool", POOLS)
def test_gradients_of_tiles_are_those_of_the_plain_formula(pool: Pool, tile: int) -> None:
    found = []
    for tiled in (True, False):
        patches, counts, concepts = drawn(RAGGED)
        patches.requires_grad_()
        concepts.requires_grad_()
        if tiled:
            scores = local_alignment(patches, counts, concepts, pool=pool, top=4, sharpness=6.0, tile=tile)
        else:
            scores = plain(patches, RAGGED, concepts, pool)
        weights = torch.linspace(-1, 1, scores.numel(), dtype=torch.float64).view_as(scores)
        torch.autograd.backward((weights * scores.tanh()).sum())
        found.append((patches.grad, concepts.grad))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


class Largest(TorchDispatchMode):
    """Remembers the largest tensor that any operation makes."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        made = func(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, tuple | list) else [made]:
            if isinstance(tensor, torch.Tensor):
                self.numbers = max(self.numbers, tensor.numel())
        return made


@pytest.mark.parametrize("pool", POOLS)
def test_neither_way_makes_anything_larger_than_a_tile_or_an_input(pool: Pool) -> None:
    patches, counts, concepts = drawn([20] * 30, concepts=50)
    patches.requires_grad_()
    with Largest() as largest:
        scores = local_alignment(patches, counts, concepts, pool=pool, tile=2000)
        torch.autograd.backward(scores.sum())
    assert largest.numbers <= max(patches.numel(), 2000, scores.numel())
    with Largest() as largest:
        torch.autograd.backward(plain(patches, [600], concepts, pool).sum())
    assert largest.numbers == 30_000


def test_the_smooth_maximum_does_not_grow_with_the_picture() -> None:
    patches, counts, concepts = drawn([6])
    twice = local_alignment(torch.cat([patches, patches]), counts * 2, concepts, pool="lse")
    torch.testing.assert_close(twice, local_alignment(patches, counts, concepts, pool="lse"))


def test_a_batch_without_concepts_has_no_columns() -> None:
    patches, counts, _ = drawn([3, 4])
    patches.requires_grad_()
    scores = local_alignment(patches, counts, patches[:0].detach())
    assert scores.shape == (2, 0)
    torch.autograd.backward(scores.sum())
    assert float(patches.grad.abs().sum()) == 0.0


def test_half_precision_is_not_compared_in_half_precision() -> None:
    patches, counts, concepts = drawn(RAGGED)
    with torch.autocast("cpu", torch.bfloat16):
        scores = local_alignment(patches.bfloat16(), counts, concepts.bfloat16())
    assert scores.dtype == torch.float32
    expected = local_alignment(patches.bfloat16().double(), counts, concepts.bfloat16().double())
    torch.testing.assert_close(scores.double(), expected, rtol=0, atol=1e-6)
