"""MIL-NCE: a picture or clip belongs to a bag of texts of which some, nobody knows which, may fit.

Paper:    Miech et al. 2020, arXiv:1912.06430 (MIL-NCE).
Symbols:  s_ik similarity of picture i and text k over the temperature; P_i the texts of its bag.
          L = -mean_i log( sum_{k in P_i} exp s_ik / sum_k exp s_ik ).
Differs:  vectors are brought to unit length and there is a temperature. Raw dot products, as in released code of papers that
          use the loss, let it fall by growing the vectors alone.
          The negatives of a picture are the texts of the others; pictures are no negatives of a text.
"""

import torch
from torch import Tensor

from vesalius.objectives.losses.pairing import cosines


def mil_nce(
    images: Tensor,
    texts: Tensor,
    positive: Tensor,
    *,
    ignored: Tensor | None = None,
    temperature: float | Tensor = 0.1,
    normalized: bool = True,
) -> Tensor:
    """The loss of B pictures against their bags.

    Args:
        images: (B, E), any length.
        texts: (K, E): the candidates of all pictures.
        positive: bool (B, K): the bag of each picture. A picture with an empty bag does not count.
        ignored: bool (B, K): candidates that count neither way; never true where `positive` is.
        temperature: > 0.
        normalized: False takes dot products of the vectors as they are.

    Returns:
        One number ≥ 0, float32, or float64 where the vectors are; 0 where no picture has a bag.
    """
    similarity = cosines(images, texts) if normalized else images @ texts.T
    logits = similarity.to(torch.promote_types(similarity.dtype, torch.float32)) / temperature
    if ignored is not None:
        logits = logits.masked_fill(ignored, -torch.inf)
    some = positive.any(dim=1)
    logits = logits[some]
    inside = logits.masked_fill(~positive[some], -torch.inf).logsumexp(dim=1)
    return (logits.logsumexp(dim=1) - inside).sum() / max(1, len(logits))
