"""Local alignment: how well each concept fits the best place of each picture, for all pictures and all concepts.

Symbols:  p_in unit vector of patch n of picture i, c_k unit vector of concept k; N_i patches; g sharpness.
          max        s_ik = max_n <p_in, c_k>
          top_k      s_ik = mean of the `top` largest <p_in, c_k>, of all where there are fewer
          lse        s_ik = (1/g) log (1/N_i) sum_n exp(g <p_in, c_k>): between the mean (g → 0) and the maximum (g → inf)
          attention  s_ik = cos(sum_n a_ikn p_in, c_k), a_ik = softmax_n (g <p_in, c_k>): the concept looks at the picture
          A scale > 0 and a bias commute with the first three: apply them to s, not to the patches.
Differs:  nothing is kept of a tile but its scores; the way back computes it again. The plain formula holds all
          B x N x K products, several times over under autograd.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

Pool = Literal["max", "top_k", "lse", "attention"]
Score = Callable[[Tensor, Tensor], Tensor]  # (b, n, E) and (k, E) to (b, k)

TILE = {"cpu": 1 << 16, "cuda": 1 << 22}  # products at a time: what a core's cache holds, or what keeps a GPU busy


def local_alignment(
    patches: Tensor,
    counts: Tensor,
    concepts: Tensor,
    *,
    pool: Pool = "max",
    top: int = 8,
    sharpness: float = 10.0,
    tile: int | None = None,
) -> Tensor:
    """Score every picture against every concept.

    Args:
        patches: (N, E) unit vectors, pictures one after the other, without padding.
        counts: (B,) int64: patches of each picture, ≥ 1; they sum to N.
        concepts: (K, E) unit vectors.
        pool: how the patches of a picture make one score; see above.
        top: of "top_k", ≥ 1.
        sharpness: g of "lse" and "attention", > 0.
        tile: largest number of products held at a time, by default what suits the device. One picture with one concept is never
            cut.

    Returns:
        (B, K), float32, or float64 where the vectors are; differentiable once.
    """
    scores: dict[Pool, Score] = {
        "max": lambda p, c: (p @ c.T).max(dim=1).values,
        "top_k": lambda p, c: (p @ c.T).topk(min(top, p.shape[1]), dim=1).values.mean(dim=1),
        "lse": lambda p, c: _smooth_maximum(p @ c.T, sharpness),
        "attention": lambda p, c: _attended(p, c, sharpness),
    }
    tile = tile or TILE.get(patches.device.type, TILE["cuda"])
    precise = torch.promote_types(torch.promote_types(patches.dtype, concepts.dtype), torch.float32)
    with torch.autocast(patches.device.type, enabled=False):
        result: Tensor = _Tiled.apply(patches.to(precise), concepts.to(precise), tuple(counts.tolist()), scores[pool], tile)  # type: ignore[no-untyped-call]
    return result


def _smooth_maximum(products: Tensor, sharpness: float) -> Tensor:
    """(b, n, k) to (b, k). The mean instead of the sum inside: a larger picture is not nearer for its size alone."""
    return ((sharpness * products).logsumexp(dim=1) - math.log(products.shape[1])) / sharpness


def _attended(patches: Tensor, concepts: Tensor, sharpness: float) -> Tensor:
    """(b, n, E) and (k, E) to (b, k): cosine of each concept with what it sees."""
    attention = (sharpness * (patches @ concepts.T)).softmax(dim=1)  # (b, n, k)
    seen = attention.transpose(1, 2) @ patches  # (b, k, E)
    return F.cosine_similarity(seen, concepts[None], dim=-1)


class _Tile(NamedTuple):
    """Some pictures of one size, and some concepts."""

    pictures: slice
    patches: slice
    size: int  # patches of each of the pictures
    concepts: slice


class _Tiled(torch.autograd.Function):
    """Scores tile by tile, and gradients tile by tile from the inputs alone."""

    @staticmethod
    def forward(ctx: Any, patches: Tensor, concepts: Tensor, counts: tuple[int, ...], score: Score, tile: int) -> Tensor:
        ctx.save_for_backward(patches, concepts)
        ctx.counts, ctx.score, ctx.tile = counts, score, tile
        result = patches.new_empty(len(counts), len(concepts))
        for at in _tiles(counts, len(concepts), concepts.shape[1], tile):
            result[at.pictures, at.concepts] = score(_cut(patches, at), concepts[at.concepts])
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        patches, concepts = ctx.saved_tensors
        of_patches, of_concepts = torch.zeros_like(patches), torch.zeros_like(concepts)
        for at in _tiles(ctx.counts, len(concepts), concepts.shape[1], ctx.tile):
            with torch.enable_grad(), torch.autocast(patches.device.type, enabled=False):
                left = _cut(patches, at).detach().requires_grad_()
                right = concepts[at.concepts].detach().requires_grad_()
                again = ctx.score(left, right)
            to_left, to_right = torch.autograd.grad(again, (left, right), gradient[at.pictures, at.concepts])
            of_patches[at.patches] += to_left.flatten(0, 1)
            of_concepts[at.concepts] += to_right
        return of_patches, of_concepts, None, None, None


def _cut(patches: Tensor, at: _Tile) -> Tensor:
    """(b, n, E): the tile's patches, a view."""
    return patches[at.patches].view(-1, at.size, patches.shape[1])


def _tiles(counts: tuple[int, ...], concepts: int, width: int, tile: int) -> Iterator[_Tile]:
    """Cut all pictures x all concepts; neighbors of one size share a tile while it has room."""
    first = start = 0
    while first < len(counts):
        size = counts[first]
        each = max(size, width)  # numbers that one picture and one concept make: products, or what is seen through them
        columns = max(1, min(concepts, tile // each))
        room = max(1, tile // (each * columns))
        after = first + 1
        while after < len(counts) and counts[after] == size and after - first < room:
            after += 1
        stop = start + (after - first) * size
        for column in range(0, concepts, columns):
            yield _Tile(slice(first, after), slice(start, stop), size, slice(column, column + columns))
        first, start = after, stop
