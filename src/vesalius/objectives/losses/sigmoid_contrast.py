"""Sigmoid contrast: every pair of a picture and a text is one question, do they belong together?

Paper:    Zhai et al. 2023, arXiv:2303.15343 (SigLIP).
Symbols:  s_ik = t cos_ik + b logit of picture i and text k; z_ik = 1 where they belong together, else -1.
          L = -(1/B) sum_ik log sigmoid(z_ik s_ik).
Differs:  pairs can be ignored, and a picture can have several texts; B is the number of pictures all the same.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from vesalius.objectives.losses.pairing import cosines

Pairs = Callable[[slice], tuple[Tensor, Tensor | None]]


def sigmoid_contrast(logits: Tensor, positive: Tensor, ignored: Tensor | None = None) -> Tensor:
    """The loss of all pairs at once.

    Args:
        logits: (B, K), scaled and with their bias.
        positive: bool (B, K).
        ignored: bool (B, K): pairs that count neither way.

    Returns:
        One number ≥ 0, float32, or float64 where the logits are; 0 for a batch without pictures.
    """
    return _summed(logits, positive, ignored) / max(1, len(logits))


def sigmoid_contrast_tiled(images: Tensor, texts: Tensor, scale: Tensor, bias: Tensor, pairs: Pairs, *, tile: int) -> Tensor:
    """`sigmoid_contrast` of `scale` times the cosines plus `bias`, without ever holding all pairs.

    Tiles of texts alone would not do: autograd would keep the logits of each. The loss is a sum over tiles, so the gradients of
    a tile are known as soon as its logits are: they are taken on the way there and only scaled on the way back. Memory is
    O(B x tile) instead of O(B x K), and nothing is computed twice. There are no second derivatives.

    Args:
        images: (B, E), any length.
        texts: (K, E), any length.
        scale: t, one number.
        bias: b, one number.
        pairs: of a slice of the texts, (positive, ignored) as `sigmoid_contrast` takes them.
        tile: texts at a time, ≥ 1.

    Returns:
        The same number and, up to rounding, the same gradients.
    """
    total: Tensor = _Tiled.apply(images, texts, scale, bias, pairs, tile)  # type: ignore[no-untyped-call]
    return total / max(1, len(images))


class _Tiled(torch.autograd.Function):
    """The sum over all pairs, whose gradients are computed with it."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, texts: Tensor, scale: Tensor, bias: Tensor, pairs: Pairs, tile: int) -> Tensor:
        leaves = [one.detach() for one in (images, texts, scale, bias)]
        precise = torch.promote_types(images.dtype, torch.float32)
        gradients = [torch.zeros_like(one, dtype=precise) for one in leaves]
        total = images.new_zeros((), dtype=precise)
        wanted = any(ctx.needs_input_grad)
        for start in range(0, len(texts), tile):
            chosen = slice(start, start + tile)
            inputs = [leaves[0], leaves[1][chosen], leaves[2], leaves[3]]
            with torch.set_grad_enabled(wanted):
                some_images, some, t, b = (one.detach().requires_grad_(wanted) for one in inputs)
                loss = _summed(t * cosines(some_images, some) + b, *pairs(chosen))
            total += loss.detach()
            if wanted:
                of_tile = torch.autograd.grad(loss, (some_images, some, t, b))
                for sums, one in zip([gradients[0], gradients[1][chosen], *gradients[2:]], of_tile, strict=True):
                    sums += one
        ctx.save_for_backward(*(sums.to(one.dtype) for sums, one in zip(gradients, leaves, strict=True)))
        return total

    @staticmethod
    def backward(ctx: Any, came_back: Tensor) -> tuple[Tensor | None, ...]:
        of_inputs = zip(ctx.saved_tensors, ctx.needs_input_grad[:4], strict=True)
        return (*(came_back * one if needed else None for one, needed in of_inputs), None, None)


def _summed(logits: Tensor, positive: Tensor, ignored: Tensor | None) -> Tensor:
    """The sum over the pairs that count."""
    precise = logits.to(torch.promote_types(logits.dtype, torch.float32))
    losses = -F.logsigmoid(torch.where(positive, precise, -precise))
    return (losses if ignored is None else losses.masked_fill(ignored, 0.0)).sum()
