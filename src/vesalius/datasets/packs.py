"""Packs: pictures with all the questions about them, prepared once, and batches of packs for training.

A batch is a function of the seed and the step alone: any step can be made again, on any number of processes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from vesalius.errors import InputRefused
from vesalius.generate.native import CODEC, canvas_spacing_mm
from vesalius.generate.prompt import Rendered, ShownRegion, render
from vesalius.generate.tokenizer import FIRST_COORDINATE, FIRST_PIECE, PAD, REGION, Tokenizer
from vesalius.models.connector import ROLES
from vesalius.models.patches import PatchStem
from vesalius.models.vlm import Batch
from vesalius.transforms.augment import Jitter, Move, apply, draw
from vesalius.transforms.canvas import place, resample
from vesalius.transforms.intensity import to_unit
from vesalius.types import Box, Sample, SampleImage

PATCH_PX = PatchStem.patch_px
MARKS_WEIGHT = 0.25
MIRRORED = ("SM",)  # modalities whose pictures mean the same in a mirror


@dataclass(frozen=True)
class Presentation:
    """How pictures and questions are shown in training.

    Args:
        stretch: each axis is scaled by up to this share, see `transforms.augment.Jitter`.
        shift: of the side, per axis, at most.
        gamma: exponent of the values, up to e^±gamma.
        gain: contrast and brightness, up to this share.
        noise: standard deviation of white noise at most.
        without_pictures: share of packs shown without their pictures, so that the model knows what text alone says.
        most_questions: per pack and step; of more, a random choice is asked.
        repeat: modality → how often its pictures are shown in an epoch; once where it is not named.
    """

    stretch: float = 0.0
    shift: float = 0.0
    gamma: float = 0.0
    gain: float = 0.0
    noise: float = 0.0
    without_pictures: float = 0.1
    most_questions: int = 8
    repeat: Mapping[str, int] | None = None

    def times(self, samples: Sequence[Sample]) -> int:
        """How often a pack of these samples is shown in an epoch."""
        return max(((self.repeat or {}).get(item.image.modality or "", 1) for item in samples[0].images), default=1)

    def jitter(self) -> Jitter:
        """How far canvases are moved."""
        return Jitter(self.stretch, self.shift, self.gamma, self.gain, self.noise)


@dataclass(frozen=True, eq=False)
class Canvas:
    """A picture on its canvas: uint8 (1 or 3, S, S), spacing_mm (3,), its role and whether it may be mirrored."""

    pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
    spacing_mm: Tensor
    role: int
    mirror: bool


@dataclass(frozen=True, eq=False)
class Question:
    """A sample's turns, and its regions in pixels of the first canvas."""

    sample: Sample
    regions: tuple[ShownRegion, ...]


@dataclass(frozen=True, eq=False)
class Pack:
    """Pictures and the questions about them."""

    canvases: tuple[Canvas, ...]
    questions: tuple[Question, ...]

    def known(self, picture: int) -> dict[str, list[Box]]:
        """Label → its boxes on a canvas; no box where it was looked for and is absent. Unknown labels are not keys."""
        found: dict[str, dict[Box, None]] = {}
        for question in self.questions if self.canvases[picture].role == ROLES.index("current") else ():
            for label, state in question.sample.labels.items():
                if state == "absent":
                    found.setdefault(label, {})
            for shown in question.regions:
                found.setdefault(shown.label, {})[shown.box] = None
        return {label: list(boxes) for label, boxes in found.items()}


def group(samples: Iterable[Sample]) -> Iterator[list[Sample]]:
    """Samples that show the same pictures in the same roles, in order of first appearance.

    Pictures are the same when they are one object, or have one hash.
    """
    packs: dict[tuple[object, ...], list[Sample]] = {}
    for sample in samples:
        # Splits never share a pack; nor do patients where there is no picture to share.
        owner = "" if sample.images else sample.provenance.patient_key
        pictures = tuple((item.role, item.image.source.sha256) for item in sample.images)
        packs.setdefault((sample.provenance.split, owner, pictures), []).append(sample)
    yield from packs.values()


def prepare(samples: Sequence[Sample], canvas_px: int) -> Pack:
    """Read and place the pictures of samples that share them.

    Raises:
        InputRefused: `decode_failed` and its like for a picture; `unsupported_type` for a volume or clip.
    """
    shown = [_canvas(item, canvas_px) for item in samples[0].images]
    placements = [place((item.image.shape[0], item.image.shape[1]), canvas_px) for item in samples[0].images]
    questions = []
    for sample in samples:
        regions = []
        for region in sample.regions:
            if samples[0].images[region.image].role != "current":
                raise InputRefused(
                    "bad_dataset", "A region lies in a prior. Boxes are told in the current picture alone. Leave it out."
                )
            if not isinstance(region.geometry, Box):
                raise InputRefused(
                    "bad_dataset", f"A {type(region.geometry).__name__} cannot be told in box tokens. Give the region a box."
                )
            regions.append(ShownRegion(region.label, placements[region.image].to_canvas(region.geometry)))
        questions.append(Question(sample, tuple(regions)))
    return Pack(tuple(shown), tuple(questions))


def _canvas(item: SampleImage, canvas_px: int) -> Canvas:
    if item.image.kind != "image":
        raise InputRefused(
            "unsupported_type",
            f"A {item.image.kind} cannot be trained on by this recipe. It learns from pictures. Choose slices first.",
        )
    unit = to_unit(item.image.load(), item.image)
    placement = place((unit.shape[0], unit.shape[1]), canvas_px)
    pixels = np.round(resample(unit, placement).transpose(2, 0, 1) * 255).astype(np.uint8)
    spacing_mm = canvas_spacing_mm(item.image, placement)
    return Canvas(pixels, spacing_mm, ROLES.index(item.role), item.image.modality in MIRRORED)


@dataclass(frozen=True, eq=False)
class Batches:
    """Batches of packs, shuffled anew each epoch.

    Attributes:
        packs: at least one.
        tokenizer: of the model.
        canvas_px: side of the canvases.
        batch: packs per batch.
        seed: of order, moves and choices.
        presentation: how packs are shown.
        device: where batches go.
    """

    packs: Sequence[Pack]
    tokenizer: Tokenizer
    canvas_px: int
    batch: int
    seed: int
    presentation: Presentation
    device: torch.device

    def at(self, step: int) -> Batch:
        """The batch of a step."""
        random, jitter = np.random.default_rng((self.seed, 1, step)), self.presentation.jitter()
        moving = jitter != Jitter()  # without jitter a picture is shown as it is, mirrored by nobody
        chosen = [self.packs[self._index(step * self.batch + i)] for i in range(self.batch)]
        blind = random.random(self.batch) < self.presentation.without_pictures
        pictures = torch.full((self.batch, max((len(p.canvases) for p in chosen), default=0)), -1)
        canvases: list[Canvas] = []
        moves: list[Move] = []
        rows: list[list[Rendered]] = []
        for row, pack in enumerate(chosen):
            # Pictures of one pack move each on its own, as visits do; regions lie in the first.
            drawn = [draw(random, jitter, mirror=c.mirror and moving) for c in pack.canvases]
            if not blind[row]:
                for column, (canvas, move) in enumerate(zip(pack.canvases, drawn, strict=True)):
                    pictures[row, column] = len(canvases)
                    canvases.append(canvas)
                    moves.append(move)
            order = random.permutation(len(pack.questions))[: self.presentation.most_questions]
            rows.append([self._render(pack.questions[i], drawn) for i in order])
        pixels = _stack(canvases, self.canvas_px, self.device)
        spacing_mm = torch.zeros(0, 3)
        if canvases:
            pixels = apply(pixels, moves) if moving else pixels
            spacing_mm = torch.stack([_moved_mm(c.spacing_mm, m) for c, m in zip(canvases, moves, strict=True)])
        roles = torch.tensor([canvas.role for canvas in canvases], dtype=torch.long)
        known = [pack.known(column) for row, pack in enumerate(chosen) if not blind[row] for column in range(len(pack.canvases))]
        maps = self._label_maps(known, moves)
        return Batch(pixels[:, None], spacing_mm, roles, pictures, *_text(rows), *maps).to(self.device)

    def _label_maps(self, known: Sequence[Mapping[str, Sequence[Box]]], moves: Sequence[Move]) -> tuple[Tensor, Tensor]:
        """The labels of a batch as tokens (G, W), and (I, G, y, x) which patches show them, NaN where nobody looked."""
        labels = sorted({label for boxes in known for label in boxes})
        side = self.canvas_px // PATCH_PX
        maps = np.full((len(known), len(labels), side, side), np.nan, np.float32)
        for row, (boxes, move) in enumerate(zip(known, moves, strict=True)):
            for label, places in boxes.items():
                maps[row, labels.index(label)] = _on_patches([move.box(box, self.canvas_px) for box in places], side)
        words = [self.tokenizer.encode(label) for label in labels]
        tokens = torch.zeros(len(labels), max((len(ids) for ids in words), default=0), dtype=torch.long)
        for row, ids in enumerate(words):
            tokens[row, : len(ids)] = torch.tensor(ids)
        return tokens, torch.from_numpy(maps)

    def _index(self, position: int) -> int:
        """Which pack stands at a position of the endless shuffled sequence."""
        epoch, place_in_epoch = divmod(position, len(self.packs))
        return int(_order(self.seed, epoch, len(self.packs))[place_in_epoch])

    def _render(self, question: Question, moves: Sequence[Move]) -> Rendered:
        regions = [
            ShownRegion(shown.label, moves[region.image].box(shown.box, self.canvas_px))
            for shown, region in zip(question.regions, question.sample.regions, strict=True)
        ]
        return render(self.tokenizer, CODEC, question.sample.turns, regions, self.canvas_px)


@lru_cache(maxsize=2)  # a batch may span the end of one epoch and the start of the next
def _order(seed: int, epoch: int, packs: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """The order of the packs in one epoch."""
    return np.random.default_rng((seed, 0, epoch)).permutation(packs)


def _on_patches(boxes: Sequence[Box], side: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """(side, side): 1 where a patch is half covered by one of the boxes or holds the middle of one, else 0."""
    marked = np.zeros((side, side), np.float32)
    edges = np.arange(side + 1) * PATCH_PX
    for box in boxes:
        covered = [
            np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, None) / PATCH_PX
            for low, high in zip(box.low, box.high, strict=True)
        ]
        marked[np.outer(*covered) >= 0.5] = 1
        middle = [int((low + high) / 2 // PATCH_PX) for low, high in zip(box.low, box.high, strict=True)]
        if all(0 <= place < side for place in middle):
            marked[middle[0], middle[1]] = 1
    return marked


def _moved_mm(spacing_mm: Tensor, move: Move) -> Tensor:
    """The spacing after a move: finer where the picture was stretched."""
    z, y, x = (float(v) for v in spacing_mm)
    rows_mm, columns_mm = (x, y) if move.transposed else (y, x)
    return torch.tensor([z, rows_mm / move.scale[0], columns_mm / move.scale[1]], dtype=torch.float32)


def _stack(canvases: Sequence[Canvas], side: int, device: torch.device) -> Tensor:
    """(I, 3, S, S) float in [0, 1]; gray canvases are repeated over the channels."""
    if not canvases:
        return torch.zeros(0, 3, side, side, device=device)
    stacked = np.stack([np.broadcast_to(canvas.pixels, (3, side, side)) for canvas in canvases])
    return torch.from_numpy(stacked).to(device).float() / 255


def _text(rows: Sequence[Sequence[Rendered]]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Tokens, segments, positions, targets and weights, each (P, L).

    Each answer counts as much as any other, however long: its words, up to the first region or the end, share a weight of 1;
    so do its coordinates; and the marks and labels of its regions, which follow from the words, share `MARKS_WEIGHT`.
    """
    length = max(sum(len(question.ids) for question in row) for row in rows)
    shape = (len(rows), length)
    tokens, segments, positions = (
        torch.full(shape, PAD),
        torch.zeros(shape, dtype=torch.long),
        torch.zeros(shape, dtype=torch.long),
    )
    targets, weights = torch.full(shape, -100), torch.zeros(shape)
    for row, questions in enumerate(rows):
        at = 0
        for segment, question in enumerate(questions, start=1):
            end = at + len(question.ids)
            ids = torch.tensor(question.ids)
            tokens[row, at:end], segments[row, at:end] = ids, segment
            positions[row, at:end] = torch.arange(len(ids))
            learnt = torch.tensor(question.learnt)[1:]
            following = torch.where(learnt, ids[1:], torch.full_like(ids[1:], -100))
            targets[row, at : end - 1] = following
            boxed = (following >= FIRST_COORDINATE) & (following < FIRST_PIECE)
            marks = learnt & ~boxed & ((ids[1:] == REGION).long().cumsum(0) - (ids[1:] == REGION).long() > 0)
            for kind, whole in ((boxed, 1.0), (marks, MARKS_WEIGHT), (learnt & ~boxed & ~marks, 1.0)):
                weights[row, at : end - 1][kind] = whole / max(1, int(kind.sum()))
            at = end
    return tokens, segments, positions, targets, weights
