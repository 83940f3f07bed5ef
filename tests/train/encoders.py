"""Dual encoders with objectives of papers, and batches for them that come in parts."""

from dataclasses import replace

import torch

from tests.objectives.batches import encoder
from tests.objectives.parts import part_of, rich_batch
from vesalius.models.pairs import Links, PairBatch
from vesalius.objectives.conceptclip import ConceptCLIP
from vesalius.objectives.medsiglip import MedSigLIP
from vesalius.objectives.unimed_clip import UniMedCLIP
from vesalius.train.learner import Learner

NAMES = ("unimed_clip", "medsiglip", "conceptclip")


def learner(name: str, drop: float) -> Learner:
    """In float64; each with what its objective learns: a temperature, a bias, and both once more for concepts."""
    if name == "unimed_clip":
        return Learner(encoder(layers=2, drop=drop), UniMedCLIP()).double()
    if name == "medsiglip":
        return Learner(encoder(bias=-2.0, layers=2, drop=drop), MedSigLIP(tile=3)).double()
    return Learner(encoder(bias=-2.0, concept=True, layers=2, drop=drop), ConceptCLIP()).double()


class Rich:
    """Eight pictures of two sizes, ten texts and six concepts in them; the same in every step."""

    def __init__(self) -> None:
        spans = [(0, 0, 2, 1), (2, 1, 4, 2), (3, 0, 1, 1), (5, 2, 6, 3), (8, 3, 5, 2), (9, 0, 3, 4)]
        batch = rich_batch([0, 0, 1, 2, 3, 4, 5, 5, 6, 7], spans=spans, frames=2)
        self.batch = replace(batch, pictures=replace(batch.pictures, pixels=tuple(p.double() for p in batch.pictures.pixels)))

    def at(self, step: int) -> PairBatch:
        return self.batch

    def part(self, step: int, part: int, parts: int) -> PairBatch:
        share = 8 // parts
        return part_of(self.batch, part * share, (part + 1) * share)

    def links(self, step: int) -> Links:
        return self.batch.links


def unsteady(learner: Learner) -> bool:
    """Whether two looks at the same pictures differ: tokens are dropped."""
    batch = Rich().batch
    with torch.no_grad():
        return not torch.equal(learner("features", batch)["image"], learner("features", batch)["image"])
