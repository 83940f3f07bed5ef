"""The training loop: one function, in time order."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn

from vesalius.errors import InputRefused, Problem, UsageError
from vesalius.train import checkpoint
from vesalius.train.log import RunLog
from vesalius.train.optimizer import make_optimizer, set_learning_rate

BatchT = TypeVar("BatchT")

STALLED_AFTER = 2000  # steps without a new lowest mean loss before the log names it
PROGRESS_EVERY = 20  # steps per progress line


@dataclass(frozen=True)
class FitSettings:
    """How long and how fast to learn.

    Args:
        steps: optimizer steps.
        batch: packs per step.
        learning_rate: peak, for all or per part of the model (0 freezes it).
        weight_decay: of matrices.
        warmup: steps of rising rate.
        clip: largest norm of the gradient.
        average: decay per step of the running mean of the weights that is kept and used in the end; 0 for none.
        checkpoint_every: steps between checkpoints.
        seed: of everything random.
        precision: fp32, or bf16 for the forward pass.

    Raises:
        UsageError: `bad_recipe`, with every impossible value.
    """

    steps: int
    batch: int = 16
    learning_rate: float | Mapping[str, float] = 1e-3
    weight_decay: float = 0.05
    warmup: int = 200
    clip: float = 1.0
    average: float = 0.999
    checkpoint_every: int = 500
    seed: int = 0
    precision: Literal["fp32", "bf16"] = "fp32"

    def __post_init__(self) -> None:
        rates = self.learning_rate.values() if isinstance(self.learning_rate, Mapping) else [self.learning_rate]
        least = {"steps": 1, "batch": 1, "checkpoint_every": 1, "warmup": 0}
        problems = [
            Problem(f"train.{name}", f"must be at least {low}") for name, low in least.items() if getattr(self, name) < low
        ]
        if not all(rate >= 0 for rate in rates) or not any(rate > 0 for rate in rates):
            problems.append(Problem("train.learning_rate", "must not be negative, and not 0 for all parts"))
        if not 0 <= self.average < 1:
            problems.append(Problem("train.average", "must lie in [0, 1)"))
        if problems:
            listed = "; ".join(f"{p.key} {p.message}" for p in problems)
            raise UsageError("bad_recipe", f"The recipe cannot be trained: {listed}. Nothing was started.", problems)


def fit(
    model: nn.Module,
    objective: Callable[[nn.Module, BatchT], dict[str, Tensor]],
    batch_at: Callable[[int], BatchT],
    settings: FitSettings,
    *,
    folder: Path,
    validate: Callable[[nn.Module], Mapping[str, float]] | None,
    say: Callable[[str], None],
) -> dict[str, float]:
    """Train, from the newest checkpoint in `folder` where there is one.

    Args:
        model: on its device, in any mode.
        objective: (model, batch) to named losses; "loss" is minimized.
        batch_at: the batch of a step, a function of the step alone; on the model's device.
        settings: see there.
        folder: of the run: `checkpoints/` and `log.jsonl` are written there.
        validate: named figures on held-out data, asked at each checkpoint.
        say: takes progress lines.

    Returns:
        seconds spent in batches, in steps and in checkpoints. The model then holds the averaged weights.

    Raises:
        InputRefused: `training_diverged` with the step; the last good checkpoint stays.
        InputRefused: `bad_checkpoint`: what lies in the folder does not fit.
    """
    optimizer = make_optimizer(model, settings.learning_rate, settings.weight_decay)
    start, loaded = checkpoint.load(folder / "checkpoints", model, optimizer)
    log = RunLog(folder / "log.jsonl", start)
    device = next(model.parameters()).device
    averages = _averages(model, loaded, device) if settings.average else None
    if start:
        say(f"resuming after step {start} of {settings.steps}")
    spent = {"batches_s": 0.0, "steps_s": 0.0, "checkpoints_s": 0.0}
    smooth, best, best_step = math.nan, math.inf, start
    begun = time.perf_counter()
    for step in range(start, settings.steps):
        # The batch and every random number are functions of the seed and the step: this is what makes resuming exact.
        torch.manual_seed(settings.seed * 1_000_003 + step)
        clock = time.perf_counter()
        batch = batch_at(step)
        spent["batches_s"] += time.perf_counter() - clock
        clock = time.perf_counter()
        model.train()
        share = set_learning_rate(optimizer, step, settings.steps, settings.warmup)
        with torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bf16"):
            losses = objective(model, batch)
        torch.autograd.backward(losses["loss"])
        norm = nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
        values = {name: float(value.detach()) for name, value in losses.items()}
        if not math.isfinite(values["loss"]) or not math.isfinite(float(norm)):
            raise InputRefused(
                "training_diverged",
                f"The loss or its gradient is not finite at step {step}. Going on would spoil the weights. "
                "The last checkpoint is kept. "
                "Lower train.learning_rate or raise train.warmup, and train into another -o.",
            )
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if averages is not None:
            _update(averages, model, min(settings.average, (1 + step) / (10 + step)))
        spent["steps_s"] += time.perf_counter() - clock

        # Each step: a line of the log. The smoothed loss tells progress from noise.
        smooth = values["loss"] if math.isnan(smooth) else 0.98 * smooth + 0.02 * values["loss"]
        if smooth < best:
            best, best_step = smooth, step
        stalled = {"warning": "loss_stalled"} if step - best_step > STALLED_AFTER else {}
        log.write({"step": step, **values, "gradient_norm": float(norm), "rate_share": share, **stalled})
        if (step + 1) % PROGRESS_EVERY == 0 or step + 1 == settings.steps:
            passed = time.perf_counter() - begun
            left = passed / (step + 1 - start) * (settings.steps - step - 1)
            parts = " ".join(f"{name} {value:.3f}" for name, value in values.items())
            say(f"step {step + 1}/{settings.steps}  {parts}  {passed:.0f} s, {left:.0f} s left")

        # Once in a while, and at the end: a checkpoint, and figures on held-out data.
        if (step + 1) % settings.checkpoint_every == 0 or step + 1 == settings.steps:
            clock = time.perf_counter()
            checkpoint.save(folder / "checkpoints", model, optimizer, step + 1, averages)
            if validate is not None:
                held_out = _validate(model, averages, validate)
                log.write({"step": step, **{f"validation_{name}": value for name, value in held_out.items()}})
                say("  validation  " + " ".join(f"{name} {value:.3f}" for name, value in held_out.items()))
            spent["checkpoints_s"] += time.perf_counter() - clock
    if averages is not None:
        model.load_state_dict(averages)
    return spent


def _averages(model: nn.Module, loaded: dict[str, Tensor] | None, device: torch.device) -> dict[str, Tensor]:
    """The running means to go on with: those of the checkpoint, or a copy of the weights."""
    source = loaded if loaded is not None else model.state_dict()
    return {name: tensor.detach().clone().to(device) for name, tensor in source.items()}


@torch.no_grad()
def _update(averages: dict[str, Tensor], model: nn.Module, decay: float) -> None:
    """Move the running means towards the weights; a young mean moves faster."""
    for name, tensor in model.state_dict().items():
        averages[name].lerp_(tensor, 1 - decay)


def _validate(
    model: nn.Module, averages: dict[str, Tensor] | None, validate: Callable[[nn.Module], Mapping[str, float]]
) -> Mapping[str, float]:
    """Ask for held-out figures of the averaged weights, then put the others back."""
    kept = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    if averages is not None:
        model.load_state_dict(averages)
    model.eval()
    found = validate(model)
    model.load_state_dict(kept)
    return found
