"""UniMed-CLIP: one contrast for pictures of six modalities, with captions that were made from labels beside written ones.

Paper:    Khattak et al. 2024, arXiv:2412.10372, and its official code.
Symbols:  x_i, y_k unit vectors of picture i and text k, t = model.logits.scale(), learned;
          L = 1/2 [CE(t x y^T, own) + CE(t y x^T, own)] (CLIP's loss).
Differs:  captions made from labels repeat within a batch. There, an equal caption is a negative; here it can be a positive or be
          left out. What is new in the paper is the data: `datasets/pairs/` writes several captions for each label.
Checked:  against open_clip on the same numbers and a float64 evaluation of the formula.
"""

from torch import Tensor, nn

from vesalius.models.dual_encoder import DualEncoder
from vesalius.models.pairs import Links, PairBatch
from vesalius.objectives.losses.clip import clip_losses
from vesalius.objectives.losses.pairing import SameText, both_vectors


class UniMedCLIP(nn.Module):
    """CLIP's softmax contrast with a learned temperature.

    Of texts that are worded equally, and therefore have one vector, it makes no difference to the gradients whether they are
    negatives or positives: only the floor is told. It does for texts of one key that are worded differently.

    Args:
        same_text: what texts of other pictures are that say the same as an own one; the paper's are negatives.
    """

    def __init__(self, *, same_text: SameText = "negative") -> None:
        super().__init__()
        self.same_text = same_text

    def features(self, model: DualEncoder, batch: PairBatch) -> dict[str, Tensor]:
        """What the loss needs of a part of the batch: "image" (B, E) and "text" (K, E)."""
        return both_vectors(model, batch)

    def losses(self, model: DualEncoder, features: dict[str, Tensor], links: Links) -> dict[str, Tensor]:
        """Of the whole batch: "loss" is minimized, "floor" is what it cannot fall below."""
        return clip_losses(model, features, links, self.same_text)

    def forward(self, model: DualEncoder, batch: PairBatch) -> dict[str, Tensor]:
        """Losses by name of a batch that is looked at whole."""
        return self.losses(model, self.features(model, batch), batch.links)
