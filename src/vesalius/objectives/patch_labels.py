"""Next-token learning, and beside it every patch of a picture says which labels lie on it.

An answer is one token about a whole picture; a box in the annotation says something of every patch. The patch loss asks the
tokens that the decoder reads to lie near the embedding of each label that is there, so that small things are found early.

Symbols:  x_n token of patch n, e_g mean embedding of the words of label g, y_ng whether the label lies on the patch.
          logit_ng = SCALE cos(x_n, e_g) + BIAS; loss: binary cross-entropy, half over y = 1 and half over y = 0.
Differs:  nothing known: no paper is followed. The form is SigLIP's pairwise sigmoid, between patches and labels.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from vesalius.models.vlm import Batch, NativeVLM
from vesalius.objectives.next_token import NextToken

SCALE, BIAS = 16.0, -4.0


class PatchLabels(nn.Module):
    """`NextToken` plus the weighted loss of the patches; maps that nobody knows (NaN) do not count.

    Args:
        first_coordinate: id of the first coordinate token.
        coordinates: number of coordinate tokens, consecutive ids.
        box_smoothing: sigma of `NextToken`, in bins, ≥ 0.
        box_weight: how much a coordinate counts beside a text token.
        patch_weight: how much the loss of the patches counts beside that of the answers.
    """

    def __init__(
        self,
        *,
        first_coordinate: int,
        coordinates: int,
        box_smoothing: float = 3.0,
        box_weight: float = 1.0,
        patch_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.answers = NextToken(
            first_coordinate=first_coordinate, coordinates=coordinates, box_smoothing=box_smoothing, box_weight=box_weight
        )
        self.patch_weight = patch_weight

    def forward(self, model: NativeVLM, batch: Batch) -> dict[str, Tensor]:
        """Losses by name: those of `NextToken`, and "patch"."""
        looked = model.look(batch.pixels, batch.spacing_mm, batch.roles)
        losses = self.answers(model, batch, looked)
        patch = patch_loss(looked, model.decoder.embedding, batch)
        return {**losses, "loss": losses["loss"] + self.patch_weight * patch, "patch": patch.detach()}


def patch_loss(looked: Tensor, embedding: nn.Embedding, batch: Batch) -> Tensor:
    """The loss of the patches of a batch; 0 where nothing is known of any picture.

    Args:
        looked: (I, N, D).
        embedding: of the decoder.
        batch: with `labels` (G, W) and `label_maps` (I, G, y, x).
    """
    if not len(looked) or not len(batch.labels):
        return looked.sum() * 0
    written = (batch.labels > 0)[..., None].to(looked.dtype)
    words = (embedding(batch.labels) * written).sum(dim=1) / written.sum(dim=1)  # (G, D)
    patches = looked[:, : batch.label_maps.shape[2] * batch.label_maps.shape[3]]  # without summaries
    cosine = F.normalize(patches, dim=-1) @ F.normalize(words, dim=-1).T  # (I, N, G)
    logits = SCALE * cosine.transpose(1, 2) + BIAS  # (I, G, N)
    truth = batch.label_maps.flatten(2)
    losses = F.binary_cross_entropy_with_logits(logits.float(), truth.nan_to_num(0.0), reduction="none")
    halves = [(losses * chosen).sum() / chosen.sum().clamp(min=1) for chosen in (truth == 1, truth == 0)]
    return (halves[0] + halves[1]) / 2
