"""Margin loss: pictures of a class lie nearer than a learned boundary, pictures of other classes farther.

Paper:    Wu et al. 2017, arXiv:1706.07567 (margin-based loss).
Symbols:  d_ap, d_an distances of an anchor to a positive and to its negative, alpha margin, beta boundary.
          L = (1/M) sum_(a,p) [d_ap - beta + alpha]+ + [beta - d_an + alpha]+ + nu beta, M the terms that are above 0.
Differs:  the negative of an anchor is the closest that lies farther than `least_distance`, not a draw weighted by distance.
          An anchor without such a negative has positives alone.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def margin_loss(
    vectors: Tensor, labels: Tensor, beta: Tensor, *, margin: float = 0.2, nu: float = 0.0, least_distance: float = 0.5
) -> Tensor:
    """The loss of all ordered pairs of one class, each with the anchor's negative.

    Args:
        vectors: (B, E), brought to unit length here: distances lie in [0, 2].
        labels: (B,) int64; -1 where a picture has no class: it is nobody's positive or negative.
        beta: one number.
        margin: alpha, ≥ 0.
        nu: how much a large boundary costs.
        least_distance: closer negatives are left alone: where classes overlap they would pull everything to one point.

    Returns:
        One number ≥ nu beta, float32, or float64 where the vectors are; without a pair it has gradients of 0.
    """
    if not len(labels):
        return vectors.sum() + nu * beta
    distance = _distances(vectors)  # (B, B)
    known = labels >= 0
    counted = known[:, None] & known[None]
    same = labels[:, None] == labels[None]
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    pairs = counted & same & ~itself
    negatives = counted & ~same & (distance.detach() > least_distance)
    closest = distance.masked_fill(~negatives, torch.inf).amin(dim=1)  # (B,)
    attracted = F.relu(distance - beta + margin).masked_fill(~pairs, 0.0)
    # Each positive of an anchor brings the anchor's negative along.
    times = torch.where(negatives.any(dim=1), pairs.sum(dim=1), 0)
    repelled = F.relu(beta - closest.masked_fill(times == 0, 0.0) + margin)
    active = (attracted > 0).sum() + (times * (repelled > 0)).sum()
    return (attracted.sum() + (times * repelled).sum()) / active.clamp(min=1) + nu * beta


def _distances(vectors: Tensor) -> Tensor:
    """(B, E) to (B, B) Euclidean distances of the unit vectors. Where two coincide the gradient is 0, not infinite."""
    with torch.autocast(vectors.device.type, enabled=False):
        unit = F.normalize(vectors.to(torch.promote_types(vectors.dtype, torch.float32)), dim=-1)
        squared = 2 - 2 * unit @ unit.T
    near = squared < 1e-8
    return squared.masked_fill(near, 1.0).sqrt().masked_fill(near, 0.0)
