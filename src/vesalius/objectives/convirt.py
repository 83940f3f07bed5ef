"""ConVIRT: pictures beside one sentence of their report, contrasted in both directions.

Paper:    Zhang et al. 2020, arXiv:2010.00747. Constants from a public implementation, not by the authors.
Symbols:  v_i, u_k unit vectors of picture i and text k, tau = temperature, lambda = image_weight.
          L = mean_i [lambda l(v -> u) + (1 - lambda) l(u -> v)], l(v -> u) = -log softmax_k(<v_i, u_k> / tau) at k = i.
Differs:  encoders are `DualEncoder`'s, from random weights (there: a ResNet-50 and ClinicalBERT). A picture may have several
          texts in one step; then each is right for it. The sentence is drawn by the batches, one per picture and step.
          Texts that say the same as a picture's own can be taken as positives or left out.
Checked:  against a float64 evaluation of the formula; the temperature acts, and the loss is not doubled as in a port in wide use.
"""

from torch import Tensor, nn

from vesalius.errors import Problem, UsageError
from vesalius.models.dual_encoder import DualEncoder
from vesalius.models.pairs import Links, PairBatch
from vesalius.objectives.losses.pairing import SameText, both_vectors, cosines, partners
from vesalius.objectives.losses.softmax_contrast import softmax_contrast, target_entropy


class ConVIRT(nn.Module):
    """Bidirectional contrast with a temperature that is fixed.

    The model's own temperature is not used and gets no gradient: a recipe freezes it (`logits: 0`) and gives it the same
    value, so that probabilities of the finished model are those that it was trained with.

    Args:
        temperature: tau > 0.
        image_weight: lambda in [0, 1], of picture → text; text → picture has the rest.
        same_text: what texts of other pictures are that say the same as an own one; the paper's are negatives.

    Raises:
        UsageError: `bad_recipe`: a temperature or a weight out of its range.
    """

    def __init__(self, *, temperature: float = 0.1, image_weight: float = 0.75, same_text: SameText = "negative") -> None:
        super().__init__()
        if not temperature > 0 or not 0 <= image_weight <= 1:
            raise UsageError(
                "bad_recipe",
                f"A temperature of {temperature} with a weight of {image_weight} is not possible. Similarities are divided by "
                "the temperature, and the two directions share a weight of 1. Set the one above 0 and the other in [0, 1].",
                [
                    Problem("objective.temperature", "must be above 0"),
                    Problem("objective.image_weight", "must be in [0, 1]"),
                ],
            )
        self.temperature, self.image_weight, self.same_text = temperature, image_weight, same_text

    def features(self, model: DualEncoder, batch: PairBatch) -> dict[str, Tensor]:
        """What the loss needs of a part of the batch: "image" (B, E) and "text" (K, E)."""
        return both_vectors(model, batch)

    def losses(self, model: DualEncoder, features: dict[str, Tensor], links: Links) -> dict[str, Tensor]:
        """Of the whole batch: "loss" is minimized, "floor" is what it cannot fall below."""
        similarity = cosines(features["image"], features["text"]) / self.temperature  # (B, K)
        positive, ignored = partners(links, self.same_text)
        weights = {"rows": self.image_weight, "columns": 1 - self.image_weight}
        return {
            "loss": softmax_contrast(similarity, positive, ignored=ignored, **weights),
            "floor": target_entropy(positive, ignored=ignored, **weights),
        }

    def forward(self, model: DualEncoder, batch: PairBatch) -> dict[str, Tensor]:
        """Losses by name of a batch that is looked at whole."""
        return self.losses(model, self.features(model, batch), batch.links)
