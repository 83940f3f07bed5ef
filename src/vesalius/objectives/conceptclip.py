"""ConceptCLIP: pictures beside captions, and patches beside the concepts that stand in the captions.

Paper:    Nie et al. 2025, arXiv:2501.15579, from the authors' code; see docs/papers.md.
Symbols:  x_i, y_j unit vectors of picture i and text j; p_in of patch n; c_k mean of the words of concept span k, unit length.
          z = 1 for pairs that belong together, else -1; (t, b) = model.logits, (t_c, b_c) = model.concept_logits.
          L_IT = -(1/B) sum_ij log sigmoid(z_ij (t <x_i, y_j> + b))
          s_ik = max_n (t_c <p_in, c_k> + b_c);  L_PC = -(1/K) sum_ik log sigmoid(z_ik s_ik);  L = L_IT + concept_weight L_PC
Differs:  a concept that another picture's caption names too is no negative of that picture but left out (`same_concept`);
          captions that say the same as a picture's own are positives (`same_text`). One encoder for both, from random weights,
          patches and words go through the heads of the whole picture and text; one stage of training.
Checked:  against a float64 evaluation of the formulas, with gradients; tiles equal the plain formula.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from vesalius.errors import Problem, UsageError
from vesalius.models.dual_encoder import DualEncoder
from vesalius.models.local_scores import span_vectors
from vesalius.models.pairs import Links, PairBatch
from vesalius.objectives.losses.local_alignment import Pool, local_alignment
from vesalius.objectives.losses.pairing import SameText, cosines, partners
from vesalius.objectives.losses.sigmoid_contrast import sigmoid_contrast


class ConceptCLIP(nn.Module):
    """Sigmoid contrast of pictures and texts, and of patches and concepts.

    Args:
        concept_weight: of L_PC, ≥ 0. With 0 there are no concepts, and the model has no `concept_logits` (model.concept=false).
        same_concept: what a concept is to a picture whose own captions name it too, in a span of their own: "ignored",
            "positive", or "negative" as in the authors' code.
        same_text: what a text of another picture is that says the same as an own one.
        pool: how the patches of a picture make one score of a concept: "max", or "top_k" or "lse" of `local_alignment`.
        top: of "top_k".
        sharpness: of "lse".

    Raises:
        UsageError: `bad_recipe`: a number out of its range.
    """

    def __init__(
        self,
        *,
        concept_weight: float = 0.5,
        same_concept: Literal["ignored", "negative", "positive"] = "ignored",
        same_text: SameText = "positive",
        pool: Pool = "max",
        top: int = 8,
        sharpness: float = 10.0,
    ) -> None:
        super().__init__()
        if not concept_weight >= 0 or top < 1 or not sharpness > 0:
            raise UsageError(
                "bad_recipe",
                f"concept_weight={concept_weight}, top={top} and sharpness={sharpness} cannot go together. A loss has no "
                "negative part, and a score is made of patches. Set the first to 0 or more, top to 1 or more, sharpness above 0.",
                [
                    Problem("objective.concept_weight", "must not be negative"),
                    Problem("objective.top", "must be at least 1"),
                    Problem("objective.sharpness", "must be above 0"),
                ],
            )
        self.concept_weight, self.same_concept, self.same_text = concept_weight, same_concept, same_text
        self.pool, self.top, self.sharpness = pool, top, sharpness

    def features(self, model: DualEncoder, batch: PairBatch) -> dict[str, Tensor]:
        """What the loss needs of a part of the batch.

        Returns:
            "image" (B, E) and "text" (K, E); with a weight of concepts also "patch" (N, E), "patch_counts" (B,) int64, how many
            each picture has, and "concept" (S, E).

        Raises:
            UsageError: `bad_recipe`: the model has a scale of concepts and the loss needs none, or the other way round.
        """
        if hasattr(model, "concept_logits") != (self.concept_weight > 0):
            value = "true" if self.concept_weight > 0 else "false"
            raise UsageError(
                "bad_recipe",
                f"With objective.concept_weight={self.concept_weight} the model's scale of concepts is "
                f"{'missing' if self.concept_weight > 0 else 'never used'}. Set model.concept to {value}.",
                [Problem("model.concept", "must fit objective.concept_weight", (value,))],
            )
        looked, read = model.look(batch.pictures), model.read(batch.texts)
        whole = {"image": model.image_vectors(looked), "text": model.text_vectors(read)}
        if not self.concept_weight:
            return whole
        links, words = batch.links, model.word_vectors(read)
        lengths = torch.tensor(read.lengths, device=words.device)
        return {
            **whole,
            "patch": model.patch_vectors(looked),
            "patch_counts": torch.tensor(looked.lengths, device=words.device),
            "concept": span_vectors(words, lengths, links.span_text, links.span_start, links.span_end),
        }

    def losses(self, model: DualEncoder, features: dict[str, Tensor], links: Links) -> dict[str, Tensor]:
        """Of the whole batch: "loss" is minimized; "image_text" and "patch_concept" are its parts."""
        bias = 0.0 if model.logits.bias is None else model.logits.bias
        logits = model.logits.scale() * cosines(features["image"], features["text"]) + bias  # (B, K)
        image_text = sigmoid_contrast(logits, *partners(links, self.same_text))
        if not self.concept_weight:
            return {"loss": image_text, "image_text": image_text.detach()}
        # The scale is positive and the bias the same everywhere: the best patch is the best before them too.
        best = local_alignment(
            features["patch"],
            features["patch_counts"],
            features["concept"],
            pool=self.pool,
            top=self.top,
            sharpness=self.sharpness,
        )
        bias = 0.0 if model.concept_logits.bias is None else model.concept_logits.bias
        scores = model.concept_logits.scale() * best + bias  # (B, S)
        positive, ignored = concept_partners(links, self.same_concept)
        # The mean runs over the concepts: they are the rows.
        patch_concept = sigmoid_contrast(scores.T, positive.T, None if ignored is None else ignored.T)
        return {
            "loss": image_text + self.concept_weight * patch_concept,
            "image_text": image_text.detach(),
            "patch_concept": patch_concept.detach(),
        }

    def forward(self, model: DualEncoder, batch: PairBatch) -> dict[str, Tensor]:
        """Losses by name of a batch that is looked at whole."""
        return self.losses(model, self.features(model, batch), batch.links)


def concept_partners(links: Links, same_concept: str) -> tuple[Tensor, Tensor | None]:
    """Which concept spans belong to which picture, and which count neither way.

    Args:
        links: of B pictures and S spans.
        same_concept: what a span is to a picture whose own texts hold another span of its concept.

    Returns:
        positive: bool (B, S).
        ignored: bool (B, S), never true where `positive` is; None unless `same_concept` is "ignored".
    """
    pictures = torch.arange(len(links.label), device=links.owner.device)
    own = pictures[:, None] == links.owner[links.span_text]  # (B, S)
    if same_concept == "negative":
        return own, None
    concepts, concept = torch.unique(links.span_concept, return_inverse=True)  # (S,) into the C concepts
    named = torch.zeros(len(pictures), len(concepts), dtype=torch.bool, device=own.device)
    named[links.owner[links.span_text], concept] = True
    same = named[:, concept]  # (B, S)
    return (own | same, None) if same_concept == "positive" else (own, same & ~own)
