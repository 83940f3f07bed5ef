"""The family of models that answer: packs of pictures with questions, the native model, next tokens."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vesalius.datasets.packs import Batches, Pack, Presentation, group, prepare
from vesalius.errors import InputRefused
from vesalius.generate.tokenizer import COORDINATES, FIRST_COORDINATE, Tokenizer
from vesalius.models import checkpoint
from vesalius.models.vlm import NativeVLM
from vesalius.recipe import Recipe
from vesalius.train.loop import FitSettings
from vesalius.types import Sample
from vesalius.workflows.training.work import Work

SMOKE_SAMPLES = 240
SMOKE_MODEL = ("model.width=64", "model.encoder_layers=1", "model.decoder_layers=1", "model.heads=4")
MOST_PIECES = 1024


def smoke(recipe: Recipe) -> tuple[str, ...]:
    """Overrides that make the model tiny."""
    return SMOKE_MODEL if recipe.model.targets[0] is NativeVLM else ()


class Answering:
    """Samples of a recipe, as packs by split.

    Args:
        recipe: whose data is read.
        few: only the first samples.

    Raises:
        InputRefused: `empty_split`, and what the data refuses.
    """

    def __init__(self, recipe: Recipe, *, few: bool) -> None:
        self.recipe = recipe
        samples: Iterable[Sample] = recipe.data.make()
        packs = list(group(islice(samples, SMOKE_SAMPLES) if few else samples))
        self.training = [pack for pack in packs if pack[0].provenance.split == "train"]
        self.held_out = [pack for pack in packs if pack[0].provenance.split == "validation"]
        if not self.training:
            raise InputRefused(
                "empty_split", "No sample of the data is in the training split. There is nothing to learn. Check the data."
            )
        start = checkpoint.place(recipe.model.values["start"]) if recipe.model.targets[0] is checkpoint.start_from else None
        self.hashes = {"data_sha256": _sha256(packs), "start_sha256": checkpoint.sha256(start) if start else ""}

    def begin(self, folder: Path, device: torch.device) -> Work:
        """Build model, batches and objective."""
        recipe, settings = self.recipe, self.recipe.train.make()
        presentation: Presentation = recipe.data.make(1)
        model, tokenizer, before = _model(recipe, self.training, folder)
        model.to(device)
        times = [(pack, presentation.times(pack)) for pack in self.training]
        prepared = [shown for pack, many in times for shown in [prepare(pack, model.canvas_px)] * many]
        batches = Batches(prepared, tokenizer, model.canvas_px, settings.batch, settings.seed, presentation, device)
        objective: nn.Module = recipe.objective.make(first_coordinate=FIRST_COORDINATE, coordinates=COORDINATES)

        def keep(facts: Mapping[str, str], say: Callable[[str], None]) -> dict[str, Any]:
            learnt = [sample for pack in (*self.training, *self.held_out) for sample in pack]
            checkpoint.save(folder / "model", model.cpu(), _card(recipe, model, learnt, before, facts), tokenizer.to_json())
            return {}

        validate = _validation(self.held_out, model, tokenizer, objective, settings, device)
        counted = f"{len(self.training)} pictures or pairs to learn from, {len(self.held_out)} held out"
        return Work(model, objective, batches.at, validate, counted, keep)


def _sha256(packs: Sequence[Sequence[Sample]]) -> str:
    """Of every sample's key, split and pictures: whether two runs learn from the same."""
    lines = [
        f"{sample.key} {sample.provenance.split} {' '.join(item.image.source.sha256 for item in sample.images)}"
        for pack in packs
        for sample in pack
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _model(
    resolved: Recipe, training: Sequence[Sequence[Sample]], folder: Path
) -> tuple[NativeVLM, Tokenizer, checkpoint.Card | None]:
    """The model to train, its tokenizer, and the card of the weights that it starts from, if any."""
    if resolved.model.targets[0] is checkpoint.start_from:
        model, card, tokenizer_json = resolved.model.make()
        return model, Tokenizer.from_json(tokenizer_json, expected=model.settings["vocabulary"]), card
    kept = folder / "tokenizer.json"
    if not kept.exists():
        texts = (t.text for pack in training for s in pack for t in s.turns)
        labels = (r.label for pack in training for s in pack for r in s.regions)
        kept.write_text(Tokenizer.train([*texts, *labels], pieces=MOST_PIECES).to_json())
    tokenizer = Tokenizer.from_json(kept.read_text())
    return resolved.model.make(vocabulary=len(tokenizer)), tokenizer, None


def _validation(
    held_out: Sequence[Sequence[Sample]],
    model: NativeVLM,
    tokenizer: Tokenizer,
    objective: nn.Module,
    settings: FitSettings,
    device: torch.device,
) -> Callable[[nn.Module], Mapping[str, float]] | None:
    """A function that gives the mean losses on held-out patients, pictures as they are."""
    if not held_out:
        return None
    packs: list[Pack] = [prepare(pack, model.canvas_px) for pack in held_out]
    still = Presentation(without_pictures=0.0, most_questions=64)
    batch = min(settings.batch, len(packs))
    batches = Batches(packs, tokenizer, model.canvas_px, batch, settings.seed, still, device)

    @torch.no_grad()
    def validate(trained: nn.Module) -> Mapping[str, float]:
        found = [objective(trained, batches.at(step)) for step in range(len(packs) // batch)]
        return {name: sum(float(losses[name]) for losses in found) / len(found) for name in found[0]}

    return validate


def _card(
    resolved: Recipe,
    model: NativeVLM,
    learnt: Sequence[Sample],
    before: checkpoint.Card | None,
    facts: Mapping[str, str],
) -> checkpoint.Card:
    modalities = {item.image.modality for sample in learnt for item in sample.images if item.image.modality}
    sources = {sample.provenance.source for sample in learnt}
    known = before.trained_patients if before else ()
    return checkpoint.Card(
        name=resolved.name,
        says=resolved.says,
        recipe_sha256=resolved.sha256(),
        settings=dict(model.settings),
        modalities=tuple(sorted(modalities)),
        phantoms_only=all(source.startswith("phantom:") for source in sources) and (before is None or before.phantoms_only),
        priors=any(item.role == "prior" for sample in learnt for item in sample.images),
        trained_patients=tuple(sorted({*known, *(sample.provenance.patient_key for sample in learnt)})),
        trained_on=dict(facts),
    )
