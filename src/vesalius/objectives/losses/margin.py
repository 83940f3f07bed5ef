"""Margin loss: pictures of a class lie nearer than a learned boundary, pictures of other classes farther.

Paper:    Wu et al. 2017, arXiv:1706.07567 (margin-based loss).
Symbols:  d_ap, d_an distances of an anchor to a positive and to its negative, alpha margin, beta boundary.
          L = (1/M) (sum_(a,p) [d_ap - beta + alpha]+ + sum_(a,n) [beta - d_an + alpha]+) + nu beta, M the terms above 0.
Differs:  an anchor has as many negatives as it has positives, the closest of those that lie farther than `least_distance` (as
          in the code of subspace_learners), not draws weighted by distance. Where there are fewer, it has fewer.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def margin_loss(
    vectors: Tensor, labels: Tensor, beta: Tensor, *, margin: float = 0.2, nu: float = 0.0, least_distance: float = 0.5
) -> Tensor:
    """The loss of all ordered pairs of one class, and of as many closest pairs of two classes.

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
    far_last = distance.detach().masked_fill(~negatives, torch.inf)
    rank = far_last.argsort(dim=1, stable=True).argsort(dim=1)  # 0 is an anchor's closest negative
    negatives &= rank < pairs.sum(dim=1, keepdim=True)
    attracted = F.relu(distance - beta + margin).masked_fill(~pairs, 0.0)
    repelled = F.relu(beta - distance + margin).masked_fill(~negatives, 0.0)
    active = (attracted > 0).sum() + (repelled > 0).sum()
    return (attracted.sum() + repelled.sum()) / active.clamp(min=1) + nu * beta


def _distances(vectors: Tensor) -> Tensor:
    """(B, E) to (B, B) Euclidean distances of the unit vectors. Where two coincide the gradient is 0, not infinite."""
    with torch.autocast(vectors.device.type, enabled=False):
        unit = F.normalize(vectors.to(torch.promote_types(vectors.dtype, torch.float32)), dim=-1)
        squared = 2 - 2 * unit @ unit.T
    near = squared < 1e-6  # float32 rounds to some 1e-7
    return squared.masked_fill(near, 1.0).sqrt().masked_fill(near, 0.0)
