"""CLIP's contrast: a softmax with a learned scale in both directions, and the floor that its targets leave.

Source: Radford et al. 2021, arXiv:2103.00020, Fig. 3.
"""

from torch import Tensor

from vesalius.models.dual_encoder import DualEncoder
from vesalius.models.pairs import Links
from vesalius.objectives.losses.pairing import SameText, cosines, partners
from vesalius.objectives.losses.softmax_contrast import softmax_contrast, target_entropy


def clip_losses(model: DualEncoder, features: dict[str, Tensor], links: Links, same_text: SameText) -> dict[str, Tensor]:
    """Of a whole batch: "loss" is minimized, "floor" is what it cannot fall below.

    Args:
        model: whose scale is used.
        features: "image" (B, E) and "text" (K, E), as `pairing.both_vectors` gives them.
        links: of the whole batch.
        same_text: what texts of other pictures are that say the same as an own one.
    """
    similarity = model.logits.scale() * cosines(features["image"], features["text"])  # (B, K)
    positive, ignored = partners(links, same_text)
    return {
        "loss": softmax_contrast(similarity, positive, ignored=ignored),
        "floor": target_entropy(positive, ignored=ignored),
    }
