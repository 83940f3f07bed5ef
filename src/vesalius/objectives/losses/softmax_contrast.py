"""Softmax contrast: each picture finds its texts among all texts, and each text its pictures among all pictures.

Symbols:  s_ik similarity of picture i and text k, already scaled; T_ik >= 0 how much they belong together.
          p_ik = T_ik / sum_j T_ij, rows = lambda, columns = 1 - lambda.
          L = rows mean_i H(p_i, softmax_k s_ik) + columns mean_k H(p'_k, softmax_i s_ik), H the cross-entropy.
          T = identity is CLIP's and ConVIRT's loss, T = 1[equal category] FLAIR's.
"""

import torch
from torch import Tensor


def softmax_contrast(
    similarity: Tensor, targets: Tensor, *, rows: float = 0.5, columns: float = 0.5, ignored: Tensor | None = None
) -> Tensor:
    """Cross-entropy of both directions to the normalized targets.

    A picture without any text of its own does not count among the rows, nor a text without a picture among the columns. Where
    nothing counts, the loss is 0 and so are its gradients.

    Args:
        similarity: (B, K), scaled: divided by the temperature.
        targets: (B, K), bool or ≥ 0; its rows and columns are normalized here.
        rows: weight of picture → text.
        columns: weight of text → picture.
        ignored: bool (B, K): pairs that count neither as positive nor as negative.

    Returns:
        One number ≥ `target_entropy` of the same arguments, float32, or float64 where the similarity is.
    """
    precise = similarity.to(torch.promote_types(similarity.dtype, torch.float32))
    weights = _counted(targets, ignored, precise.dtype)
    return rows * _cross_entropy(precise, weights, ignored) + columns * _cross_entropy(
        precise.T, weights.T, None if ignored is None else ignored.T
    )


def target_entropy(targets: Tensor, *, rows: float = 0.5, columns: float = 0.5, ignored: Tensor | None = None) -> Tensor:
    """The floor of `softmax_contrast`: what it cannot fall below, because several answers are right at once.

    A loss that stands still near its floor has been reached; one that stands still above it has stalled. 0 for an identity.

    Args:
        targets: (B, K), bool or ≥ 0.
        rows: weight of picture → text.
        columns: weight of text → picture.
        ignored: bool (B, K).

    Returns:
        One number in nats, without gradient, float32, or float64 where the targets are.
    """
    precise = torch.promote_types(targets.dtype, torch.float32)
    weights = _counted(targets.detach(), ignored, precise)
    return rows * _entropy(weights) + columns * _entropy(weights.T)


def _counted(targets: Tensor, ignored: Tensor | None, dtype: torch.dtype) -> Tensor:
    """The targets as numbers, 0 where ignored."""
    weights = targets.to(dtype)
    return weights if ignored is None else weights.masked_fill(ignored, 0.0)


def _cross_entropy(similarity: Tensor, weights: Tensor, ignored: Tensor | None) -> Tensor:
    """Mean over the rows that have a target."""
    probabilities, answered = _normalized(weights)
    if ignored is not None:  # a row without a target may be wholly ignored: there would be no softmax of it, and no gradient
        similarity = similarity.masked_fill(ignored & answered[:, None], -torch.inf)
    log_softmax = similarity.log_softmax(dim=1)
    if ignored is not None:
        log_softmax = log_softmax.masked_fill(ignored, 0.0)  # 0 times minus infinity is no number
    return -(probabilities * log_softmax).sum() / answered.sum().clamp(min=1)


def _entropy(weights: Tensor) -> Tensor:
    """Mean entropy of the rows that have a target."""
    probabilities, answered = _normalized(weights)
    return -torch.xlogy(probabilities, probabilities).sum() / answered.sum().clamp(min=1)


def _normalized(weights: Tensor) -> tuple[Tensor, Tensor]:
    """Rows that sum to 1, or are 0 where there is no target; and (rows,) which of them have one."""
    total = weights.sum(dim=1, keepdim=True)
    answered = total > 0
    return weights / total.where(answered, torch.ones_like(total)), answered[:, 0]
