"""train: from a recipe to a model's folder, resumable, with its curves."""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vesalius import recipe as recipes
from vesalius.datasets.packs import Batches, Pack, Presentation, group, prepare
from vesalius.errors import InputRefused
from vesalius.generate.tokenizer import COORDINATES, FIRST_COORDINATE, Tokenizer
from vesalius.models import checkpoint
from vesalius.models.vlm import NativeVLM
from vesalius.recipe import Recipe
from vesalius.train.curves import write_report
from vesalius.train.log import read as read_log
from vesalius.train.loop import FitSettings, fit
from vesalius.types import Sample
from vesalius.workflows.outcome import Outcome

SUPPLIED = {"model": frozenset({"vocabulary"}), "objective": frozenset({"first_coordinate", "coordinates"})}
SMOKE_SAMPLES, SMOKE = 240, ("train.steps=4", "train.batch=2", "train.warmup=1", "train.checkpoint_every=2")
SMOKE_MODEL = ("model.width=64", "model.encoder_layers=1", "model.decoder_layers=1", "model.heads=4")
MOST_PIECES = 1024


def train(
    recipe: str, overrides: Sequence[str], *, out: Path | None, resume: bool, smoke: bool, say: Callable[[str], None]
) -> Outcome:
    """Run a recipe.

    Args:
        recipe: a name or a file.
        overrides: `section.key=value`.
        out: folder of the run; `runs/<name>` when not given.
        resume: go on from the newest checkpoint in `out`.
        smoke: a few samples, a tiny model and four steps: whether the recipe runs at all.
        say: takes progress lines.

    Raises:
        UsageError: `bad_recipe`, `unknown_name`.
        InputRefused: `resume_mismatch`, `empty_split`, and what the data and the loop refuse.
    """
    begun, commit = time.perf_counter(), _commit()  # of the code that runs, whatever is committed meanwhile
    resolved = _read(recipe, overrides, smoke)
    folder = out or Path("runs") / (f"{resolved.name}-smoke" if smoke else resolved.name)
    settings: FitSettings = resolved.train.make()
    presentation: Presentation = resolved.data.make(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    say("reading samples")
    samples: Iterable[Sample] = resolved.data.make()
    packs = list(group(islice(samples, SMOKE_SAMPLES) if smoke else samples))
    training = [pack for pack in packs if pack[0].provenance.split == "train"]
    held_out = [pack for pack in packs if pack[0].provenance.split == "validation"]
    if not training:
        raise InputRefused(
            "empty_split", "No sample of the data is in the training split. There is nothing to learn. Check the data."
        )
    torch.manual_seed(settings.seed)
    start = checkpoint.place(resolved.model.values["start"]) if resolved.model.targets[0] is checkpoint.start_from else None
    hashes = {"data_sha256": _data_sha256(packs), "start_sha256": checkpoint.sha256(start) if start else ""}
    _claim(folder, {"sha256": resolved.sha256(), **hashes, **resolved.resolved()}, resume)
    model, tokenizer, before = _model(resolved, training, folder)
    model.to(device)
    counted = f"{len(training)} pictures or pairs to learn from, {len(held_out)} held out"
    say(f"{counted}, {_millions(model)} M weights, {_device(device)}")
    prepared = [shown for pack in training for shown in [prepare(pack, model.canvas_px)] * presentation.times(pack)]
    batches = Batches(prepared, tokenizer, model.canvas_px, settings.batch, settings.seed, presentation, device)
    objective: nn.Module = resolved.objective.make(first_coordinate=FIRST_COORDINATE, coordinates=COORDINATES)
    validate = _validation(held_out, model, tokenizer, objective, settings, device)

    spent = fit(model, objective, batches.at, settings, folder=folder, validate=validate, say=say)

    seconds = time.perf_counter() - begun
    learnt = [sample for pack in (*training, *held_out) for sample in pack]
    facts = {
        "device": _device(device),
        "steps": str(settings.steps),
        "date": date.today().isoformat(),
        "commit": commit,
        "seconds": f"{seconds:.0f}",
    }
    card = _card(resolved, model, learnt, before, facts)
    checkpoint.save(folder / "model", model.cpu(), card, tokenizer.to_json())
    shares = {f"time in {name.removesuffix('_s')}": f"{value:.0f} s" for name, value in spent.items()}
    lines = read_log(folder / "log.jsonl")
    recipe_text = json.dumps(resolved.resolved(), indent=1)
    write_report(folder / "report.html", resolved.says, lines, {**facts, **shares}, recipe_text)
    figures = {name: value for line in lines[-2:] for name, value in line.items() if name != "step"}
    data = {
        "run": folder.name,
        "seconds": seconds,
        "spent": spent,
        "figures": figures,
        "model": checkpoint.sha256(folder / "model"),
    }
    return Outcome(data, f"trained in {seconds:.0f} s; model, log.jsonl and report.html are in the run's folder")


def _read(recipe: str, overrides: Sequence[str], smoke: bool) -> Recipe:
    """The recipe, made small for a smoke run."""
    whole = recipes.read(recipe, overrides, SUPPLIED)
    if not smoke:
        return whole
    small = SMOKE_MODEL if whole.model.targets[0] is NativeVLM else ()
    return recipes.read(recipe, [*overrides, *SMOKE, *small], SUPPLIED)


def _claim(folder: Path, stated: Mapping[str, Any], resume: bool) -> None:
    """Make the run's folder its own: a run that has begun is resumed only by the same recipe on the same data.

    A folder whose run stopped before its first step may be taken again by any recipe.
    """
    place = folder / "recipe.json"
    if place.exists() and (folder / "log.jsonl").exists():
        if not resume:
            raise InputRefused(
                "resume_mismatch", "The output folder holds a run. It is not overwritten. Add --resume, or choose another -o."
            )
        before = json.loads(place.read_text())
        changed = [name for name in ("sha256", "data_sha256", "start_sha256") if before.get(name) != stated.get(name)]
        if changed:
            names = {"sha256": "recipe or overrides", "data_sha256": "data", "start_sha256": "weights to start from"}
            raise InputRefused(
                "resume_mismatch",
                f"The run in the output folder was begun with other {', '.join(names[name] for name in changed)}. "
                "Going on would mix two runs. Resume with the same, or choose another -o.",
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").unlink(missing_ok=True)
    part = folder / "recipe.json.part"
    part.write_text(json.dumps(dict(stated), indent=1) + "\n")
    os.replace(part, place)


def _data_sha256(packs: Sequence[Sequence[Sample]]) -> str:
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


def _millions(model: nn.Module) -> str:
    return f"{sum(p.numel() for p in model.parameters()) / 1e6:.1f}"


def _device(device: torch.device) -> str:
    return (
        torch.cuda.get_device_name()
        if device.type == "cuda"
        else f"CPU ({platform.machine()}, {torch.get_num_threads()} threads)"
    )


def _commit() -> str:
    """The checkout's commit, or "" outside one, or where there is no git."""
    root = Path(__file__).parents[3]
    if shutil.which("git") is None or not (root / ".git").exists():
        return ""
    line = ["git", "-C", str(root), "describe", "--always", "--dirty"]
    return subprocess.run(line, capture_output=True, text=True, check=False).stdout.strip()
