"""Next-token learning of answers and boxes, with soft targets for coordinates.

Symbols:  k* true coordinate bin, k any bin, sigma width of the soft target in bins.
Differs:  nothing known: cross-entropy over text; over coordinates, cross-entropy to a discretized Gaussian around the
          true bin, so that a near miss costs less than a far one. With sigma = 0 both are plain cross-entropy.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vesalius.models.vlm import Batch, NativeVLM


class NextToken(nn.Module):
    """Weighted mean of the loss of the next token over the targets of a batch.

    Args:
        first_coordinate: id of the first coordinate token.
        coordinates: number of coordinate tokens, consecutive ids.
        box_smoothing: sigma, in bins, ≥ 0.
        box_weight: how much a coordinate counts beside a text token.
    """

    def __init__(self, *, first_coordinate: int, coordinates: int, box_smoothing: float = 3.0, box_weight: float = 1.0) -> None:
        super().__init__()
        self.first, self.count, self.sigma, self.box_weight = first_coordinate, coordinates, box_smoothing, box_weight

    def forward(self, model: NativeVLM, batch: Batch, looked: Tensor | None = None) -> dict[str, Tensor]:
        """Losses by name: "loss" is what is minimized, "text" and "box" are its parts (0 where there is none).

        Args:
            model: whose hidden states are scored.
            batch: packs.
            looked: what `model.look` gave for the batch, where that has been computed already.
        """
        hidden = model(batch, looked)  # (P, L, D)
        learnt = batch.targets >= 0
        targets, weights = batch.targets[learnt], batch.weights[learnt]  # (K,)
        logits = model.decoder.score(hidden[learnt]).float()  # (K, V)
        boxed = (targets >= self.first) & (targets < self.first + self.count)
        text = _weighted_mean(F.cross_entropy(logits[~boxed], targets[~boxed], reduction="none"), weights[~boxed])
        box = _weighted_mean(self._coordinate_loss(logits[boxed], targets[boxed] - self.first), weights[boxed])
        return {"loss": text + self.box_weight * box, "text": text.detach(), "box": box.detach()}

    def _coordinate_loss(self, logits: Tensor, bins: Tensor) -> Tensor:
        """(K, V) and (K,) to (K,): cross-entropy over all tokens to the soft target over the coordinate tokens."""
        log_probability = logits.log_softmax(dim=-1)[:, self.first : self.first + self.count]  # (K, C)
        if self.sigma == 0:
            return -log_probability.gather(1, bins[:, None])[:, 0]
        distance = torch.arange(self.count, device=bins.device)[None] - bins[:, None]
        soft = (-0.5 * (distance / self.sigma) ** 2).softmax(dim=-1)
        return -(soft * log_probability).sum(dim=-1)


def _weighted_mean(losses: Tensor, weights: Tensor) -> Tensor:
    """Sum of weighted losses over the sum of weights; 0 where there is nothing."""
    return (losses * weights).sum() / weights.sum().clamp(min=1e-8)
