"""MedSigLIP: every pair of a medical picture and a text is a question of its own, answered by a sigmoid.

Paper:    Sellergren et al. 2025, arXiv:2507.05201 (MedGemma), with the loss of Zhai et al. 2023, arXiv:2303.15343 (SigLIP).
Symbols:  x_i, y_k unit vectors of picture i and text k, t = model.logits.scale() and b = model.logits.bias, both learned;
          z_ik = 1 for a picture and its text, else -1; L = -(1/B) sum_ik log sigmoid(z_ik (t x_i.y_k + b)).
Differs:  texts that say the same as a picture's own can be positives or be left out. Padding takes no part (there, every text is
          filled to 64 tokens, and the filling is read). Encoders are `DualEncoder`'s.
Checked:  against open_clip on the same numbers and a float64 evaluation of the formula.
"""

from functools import partial
from typing import Literal

from torch import Tensor, nn

from vesalius.errors import Problem, UsageError
from vesalius.models.dual_encoder import DualEncoder
from vesalius.models.pairs import Links, PairBatch
from vesalius.objectives.losses.pairing import SameText, both_vectors, cosines, partners
from vesalius.objectives.losses.sigmoid_contrast import sigmoid_contrast, sigmoid_contrast_tiled
from vesalius.objectives.losses.softmax_contrast import softmax_contrast, target_entropy


class MedSigLIP(nn.Module):
    """Pairwise sigmoid contrast with a learned temperature and bias, or CLIP's softmax to measure it against.

    Args:
        loss: "sigmoid" needs a model with a bias, "softmax" one without.
        same_text: what texts of other pictures are that say the same as an own one; SigLIP's are negatives.
        tile: texts at a time of the sigmoid, for large batches: memory is O(B x tile); None for all at once.

    Raises:
        UsageError: `bad_recipe`: a tile without a text, or tiles of the softmax, which needs all texts at once.
    """

    def __init__(
        self,
        *,
        loss: Literal["sigmoid", "softmax"] = "sigmoid",
        same_text: SameText = "negative",
        tile: int | None = None,
    ) -> None:
        super().__init__()
        if tile is not None and (tile < 1 or loss == "softmax"):
            raise UsageError(
                "bad_recipe",
                f"The {loss} loss cannot be taken in tiles of {tile} texts. Only the sigmoid can, by one text or more at a time. "
                "Set objective.tile to 1 or more, or leave it out.",
                [Problem("objective.tile", "must be 1 or more, and of the sigmoid loss")],
            )
        self.loss, self.same_text, self.tile = loss, same_text, tile

    def features(self, model: DualEncoder, batch: PairBatch) -> dict[str, Tensor]:
        """What the loss needs of a part of the batch: "image" (B, E) and "text" (K, E)."""
        return both_vectors(model, batch)

    def losses(self, model: DualEncoder, features: dict[str, Tensor], links: Links) -> dict[str, Tensor]:
        """Of the whole batch: "loss" is minimized; of the softmax, "floor" is what it cannot fall below.

        Raises:
            UsageError: `bad_recipe`: the sigmoid without a bias in the model, or the softmax with one, which it could not learn.
        """
        images, texts, scale, bias = features["image"], features["text"], model.logits.scale(), model.logits.bias
        if (bias is None) == (self.loss == "sigmoid"):
            wanted = "-10.0" if self.loss == "sigmoid" else "null"
            raise UsageError(
                "bad_recipe",
                f"The {self.loss} loss of MedSigLIP {'needs' if wanted != 'null' else 'cannot learn'} the bias of the logits. "
                f"Set model.bias to {wanted}.",
                [Problem("model.bias", f"must be {wanted} where objective.loss is {self.loss}", (wanted,))],
            )
        if bias is None:
            positive, ignored = partners(links, self.same_text)
            return {
                "loss": softmax_contrast(scale * cosines(images, texts), positive, ignored=ignored),
                "floor": target_entropy(positive, ignored=ignored),
            }
        if self.tile is not None:
            pairs = partial(partners, links, self.same_text)
            return {"loss": sigmoid_contrast_tiled(images, texts, scale, bias, pairs, tile=self.tile)}
        return {"loss": sigmoid_contrast(scale * cosines(images, texts) + bias, *partners(links, self.same_text))}

    def forward(self, model: DualEncoder, batch: PairBatch) -> dict[str, Tensor]:
        """Losses by name of a batch that is looked at whole."""
        return self.losses(model, self.features(model, batch), batch.links)
