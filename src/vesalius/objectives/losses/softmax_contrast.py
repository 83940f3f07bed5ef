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
    weights = targets if ignored is None else targets.masked_fill(ignored, 0)
    of_columns = _cross_entropy(precise.T, weights.T, None if ignored is None else ignored.T)
    return rows * _cross_entropy(precise, weights, ignored) + columns * of_columns


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
    weights = (targets if ignored is None else targets.masked_fill(ignored, 0)).detach()
    return rows * _entropy(weights) + columns * _entropy(weights.T)


def _cross_entropy(similarity: Tensor, weights: Tensor, ignored: Tensor | None) -> Tensor:
    """Mean over the rows that have a target. Only entries that are targets are multiplied: most are not."""
    total = weights.sum(dim=1).to(similarity.dtype)
    answered = total > 0
    if ignored is not None:  # a row without a target may be wholly ignored: there would be no softmax of it, and no gradient
        similarity = similarity.masked_fill(ignored & answered[:, None], -torch.inf)
    row, column = weights.nonzero(as_tuple=True)
    shares = weights[row, column].to(similarity.dtype) / total[row]
    return -(shares * similarity.log_softmax(dim=1)[row, column]).sum() / answered.sum().clamp(min=1)


def _entropy(weights: Tensor) -> Tensor:
    """Mean entropy of the rows that have a target: log W - (1/W) sum w log w, W the sum of a row."""
    total = weights.sum(dim=1).to(torch.promote_types(weights.dtype, torch.float32))
    answered = total > 0
    entropies = total[answered].log()
    if weights.dtype != torch.bool:  # 1 log 1 = 0
        entropies = entropies - torch.xlogy(weights, weights).sum(dim=1)[answered] / total[answered]
    return entropies.sum() / answered.sum().clamp(min=1)
