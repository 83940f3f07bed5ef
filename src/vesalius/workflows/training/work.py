"""What a family hands to the training workflow: the data first, then the work that `fit` does and what is kept of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from vesalius.train.accumulate import PartedBatches


@dataclass(frozen=True, eq=False)
class Work:
    """One training run, ready to begin.

    Attributes:
        model: on its device.
        objective: (model, batch) to losses.
        batch_at: the batch of a step, as `train.loop.fit` takes it.
        validate: figures on held-out patients; None where nobody is held out.
        counted: what is learnt from, in words.
        keep: writes the run's results below its folder when training is done, and gives figures of the outcome;
            takes facts for the model's card (device, date, commit, …) and what takes progress lines.
        adapt: see `fit`; None for most.
    """

    model: nn.Module
    objective: Callable[[Any, Any], dict[str, torch.Tensor]]
    batch_at: Callable[[int], Any] | PartedBatches[Any]
    validate: Callable[[nn.Module], Mapping[str, float]] | None
    counted: str
    keep: Callable[[Mapping[str, str], Callable[[str], None]], dict[str, Any]]
    adapt: Callable[[nn.Module, Mapping[str, float]], None] | None = None


class Data(Protocol):
    """What a recipe learns from, read and hashed, before anything is written."""

    @property
    def hashes(self) -> Mapping[str, str]:
        """Of the data, and of the weights that are gone on from ("" where there are none)."""

    def begin(self, folder: Path, device: torch.device) -> Work:
        """Build model, batches and objective. `folder` is the run's own by now."""
