"""Sigmoid contrast: every pair of a picture and a text is one question, do they belong together?

Paper:    Zhai et al. 2023, arXiv:2303.15343 (SigLIP).
Symbols:  s_ik = t cos_ik + b logit of picture i and text k; z_ik = 1 where they belong together, else -1.
          L = -(1/B) sum_ik log sigmoid(z_ik s_ik).
Differs:  pairs can be ignored, and a picture can have several texts; B is the number of pictures all the same.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

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

    Each tile of texts is computed again on the way back: memory is O(B x tile) instead of O(B x K), for a third more products.
    Tiles alone would not do: autograd would keep the logits of each.

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

    def part(images: Tensor, some: Tensor, scale: Tensor, bias: Tensor, chosen: slice) -> Tensor:
        return _summed(scale * cosines(images, some) + bias, *pairs(chosen))

    total = images.new_zeros((), dtype=torch.promote_types(images.dtype, torch.float32))
    for start in range(0, len(texts), tile):
        chosen = slice(start, start + tile)
        summed = checkpoint(
            part, images, texts[chosen], scale, bias, chosen, use_reentrant=False, preserve_rng_state=False
        )  # nothing is drawn at random in a tile
        total = total + summed
    return total / max(1, len(images))


def _summed(logits: Tensor, positive: Tensor, ignored: Tensor | None) -> Tensor:
    """The sum over the pairs that count."""
    precise = logits.to(torch.promote_types(logits.dtype, torch.float32))
    losses = -F.logsigmoid(torch.where(positive, precise, -precise))
    return (losses if ignored is None else losses.masked_fill(ignored, 0.0)).sum()
