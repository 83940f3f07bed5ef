"""PLIP: CLIP's contrast, gone on with on pathology: patches of slides beside what people wrote of them in public.

Paper:    Huang et al. 2023, Nature Medicine (pathology language-image pretraining), and its official code.
Symbols:  x_i, y_k unit vectors of picture i and text k, t = model.logits.scale(), learned;
          L = 1/2 [CE(t x y^T, own) + CE(t y x^T, own)] (CLIP's loss).
Differs:  texts that say the same as a picture's own can be positives or be left out. The loss is CLIP's, and the optimizer is the
          loop's. What is new in the paper is the domain and how its pairs were cleaned: the cleaning is a function of data,
          `datasets/pairs/cleaning.py`, and starting from other weights is a key of the recipe. Here is the loss alone.
Checked:  against open_clip on the same numbers and a float64 evaluation of the formula.
"""

from torch import Tensor, nn

from vesalius.models.dual_encoder import DualEncoder
from vesalius.models.pairs import Links, PairBatch
from vesalius.objectives.losses.clip import clip_losses
from vesalius.objectives.losses.pairing import SameText, both_vectors


class PLIP(nn.Module):
    """CLIP's softmax contrast with a learned temperature, for the pairs of one domain.

    Args:
        same_text: what texts of other pictures are that say the same as an own one; CLIP's are negatives.
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
