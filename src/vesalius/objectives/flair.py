"""FLAIR: pictures beside expert descriptions of their category; every text of the category is right.

Paper:    Silva-Rodriguez et al. 2023, arXiv:2308.07898 (Medical Image Analysis 2025), and its official code.
Symbols:  G_ij = 1[category_i = category_j], G normalized per row; t = model.logits.scale(), learned;
          L = 1/2 [CE(t T V^T, G) + CE(t V T^T, G)], V and T unit vectors of pictures and texts.
Differs:  a picture without a category has its own texts alone. Pooling leaves padding out (there, it is part of
          a text's mean). What is also new in the paper, descriptions drawn in place of names, is a matter of the data.
Checked:  against a float64 evaluation of the formula.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from vesalius.models.dual_encoder import DualEncoder
from vesalius.models.pairs import Links, PairBatch
from vesalius.objectives.losses.pairing import both_vectors, cosines, partners
from vesalius.objectives.losses.softmax_contrast import softmax_contrast, target_entropy


class FLAIR(nn.Module):
    """Softmax contrast to targets of equal category, with a learned temperature.

    Args:
        targets: "category", or "identity": the own text alone, what the paper's targets are measured against.
    """

    def __init__(self, *, targets: Literal["category", "identity"] = "category") -> None:
        super().__init__()
        self.targets = targets

    def features(self, model: DualEncoder, batch: PairBatch) -> dict[str, Tensor]:
        """What the loss needs of a part of the batch: "image" (B, E) and "text" (K, E)."""
        return both_vectors(model, batch)

    def losses(self, model: DualEncoder, features: dict[str, Tensor], links: Links) -> dict[str, Tensor]:
        """Of the whole batch: "loss" is minimized, "floor" is what it cannot fall below."""
        similarity = model.logits.scale() * cosines(features["image"], features["text"])  # (B, K)
        positive = same_category(links) if self.targets == "category" else partners(links)[0]
        return {"loss": softmax_contrast(similarity, positive), "floor": target_entropy(positive)}

    def forward(self, model: DualEncoder, batch: PairBatch) -> dict[str, Tensor]:
        """Losses by name of a batch that is looked at whole."""
        return self.losses(model, self.features(model, batch), batch.links)


def same_category(links: Links) -> Tensor:
    """G: bool (B, K), true where a text is the picture's own or of a picture of the same category; -1 is the same as none."""
    pictures = torch.arange(len(links.label), device=links.label.device)
    own, of_text = pictures[:, None] == links.owner, links.label[links.owner]  # (B, K), (K,)
    result: Tensor = own | ((links.label[:, None] == of_text) & (of_text >= 0))
    return result
