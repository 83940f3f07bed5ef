"""MIL-NCE: a picture or clip belongs to a bag of texts of which some, nobody knows which, may fit.

Paper:    Miech et al. 2020, arXiv:1912.06430 (MIL-NCE).
Symbols:  s_ik similarity of picture i and text k over the temperature; P_i the texts of its bag.
          L = -mean_i log( sum_{k in P_i} exp s_ik / (sum_k exp s_ik + sum_{k in P_i} sum_{j: k not in P_j} exp s_jk) ):
          negatives are the texts of the others with this picture, and the other pictures with its texts.
Differs:  vectors are brought to unit length and there is a temperature. Raw dot products, as in released code of papers that
          use the loss, let it fall by growing the vectors alone.
          A picture's own pairs stand in the denominator once (in a widespread implementation twice: its loss ends at log 2).
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
    both: bool = True,
) -> Tensor:
    """The loss of B pictures against their bags.

    Args:
        images: (B, E), any length.
        texts: (K, E): the candidates of all pictures.
        positive: bool (B, K): the bag of each picture. A picture with an empty bag does not count.
        ignored: bool (B, K): candidates that count neither way; never true where `positive` is.
        temperature: > 0.
        normalized: False takes dot products of the vectors as they are.
        both: False takes the texts of the others alone as negatives, not the other pictures.

    Returns:
        One number ≥ 0, float32, or float64 where the vectors are; 0 where no picture has a bag.
    """
    similarity = cosines(images, texts) if normalized else images @ texts.T
    logits = similarity.to(torch.promote_types(similarity.dtype, torch.float32)) / temperature
    nothing = torch.finfo(logits.dtype).min / 4  # exp of it is 0, and unlike that of -inf its gradient is too
    if ignored is not None:
        logits = logits.masked_fill(ignored, nothing)
    some = positive.any(dim=1)
    inside = logits.masked_fill(~positive, nothing).logsumexp(dim=1)  # (B,)
    whole = logits.logsumexp(dim=1)
    if both:
        others = logits.masked_fill(positive, nothing).logsumexp(dim=0)  # (K,): of a text, the pictures that it is not of
        whole = torch.logaddexp(whole, others.expand_as(logits).masked_fill(~positive, nothing).logsumexp(dim=1))
    return (whole - inside)[some].sum() / some.sum().clamp(min=1)
