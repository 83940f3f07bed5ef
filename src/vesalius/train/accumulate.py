"""A contrastive batch in parts: the gradients of the whole batch, with the memory of a part.

Paper:    Gao et al. 2021, arXiv:2101.06983 (cached gradients).
Differs:  a part's random numbers are functions of seed, step and part, so that the second pass draws what the first drew;
          what the loss itself learns (temperature, bias, parameters of the objective) has one gradient, of the whole batch.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar, cast

import torch
from torch import Tensor, nn

from vesalius.errors import Problem, UsageError
from vesalius.train.distributed import Ranks
from vesalius.train.learner import Learner

PartT = TypeVar("PartT", covariant=True)

WHOLE = -1  # what draws random numbers for the whole batch, where 0, 1, … are its parts


class PartedObjective(Protocol):
    """An objective whose loss compares all pictures and texts of a batch, and whose features do not."""

    def features(self, model: Any, batch: Any) -> dict[str, Tensor]:
        """Of a part. The first axis of each tensor runs over the part: parts laid one after the other are the whole batch.

        The same names for every part; no buffer is changed here, because a part may be looked at twice.
        """

    def losses(self, model: Any, features: dict[str, Tensor], links: Any) -> dict[str, Tensor]:
        """Of the whole batch; "loss" is minimized."""


class PartedBatches(Protocol[PartT]):
    """Batches of which a part can be read alone."""

    def at(self, step: int) -> PartT:
        """The whole batch."""

    def part(self, step: int, part: int, parts: int) -> PartT:
        """A contiguous share of it."""

    def links(self, step: int) -> Any:
        """Who belongs to whom in the whole batch."""


def check_parts(learner: Learner, batches: object, batch: int, parts: int) -> None:
    """Refuse what cannot be learnt in parts.

    Args:
        learner: whose objective is asked for `features` and `losses`.
        batches: what gives the batches.
        batch: items in one.
        parts: over all processes.

    Raises:
        UsageError: `bad_recipe`.
    """
    problems = []
    if batch % parts:
        problems.append(Problem("train.batch", f"must be a multiple of {parts}, train.parts times the number of processes"))
    if not all(hasattr(learner.objective, name) for name in ("features", "losses")):
        problems.append(Problem("train.parts", "must be 1 on one process: this objective takes a batch as a whole only"))
    if not all(hasattr(batches, name) for name in ("part", "links")):
        problems.append(Problem("train.parts", "must be 1 on one process: batches of these data come as a whole only"))
    if any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in learner.modules()):
        problems.append(Problem("train.parts", "must be 1 on one process: the model normalizes over the items of a batch"))
    if problems:
        listed = "; ".join(f"{p.key} {p.message}" for p in problems)
        raise UsageError("bad_recipe", f"The recipe cannot be trained in {parts} parts: {listed}. Nothing was started.", problems)


def backward_in_parts(
    learner: Learner,
    batches: PartedBatches[Any],
    step: int,
    *,
    parts: int,
    ranks: Ranks,
    draw: Callable[[int], None],
    precision: Callable[[], AbstractContextManager[Any]],
) -> dict[str, Tensor]:
    """Compute the losses of the whole batch, and add this process's gradients to the parameters'.

    Averaged over processes they are those of the whole batch: what comes by the features of a process's own parts counts once for
    each process, what the loss itself learns is the same on all of them.

    Args:
        learner: in training mode.
        batches: see there.
        step: of the batch.
        parts: of this process.
        ranks: who this process is.
        draw: sets the random state for a part, or for `WHOLE`.
        precision: a context for the forward passes.

    Returns:
        the losses, detached.
    """
    shares, many = ranks.shares(parts), parts * ranks.world

    def features(share: int) -> dict[str, Tensor]:
        draw(share)
        with precision():
            found: dict[str, Tensor] = learner("features", batches.part(step, share, many))
        return found

    # First pass: features of every part. Where there is one part, its graph is kept; else nothing but the features.
    with torch.set_grad_enabled(parts == 1):
        found = [features(share) for share in shares]
    own = {name: torch.cat([part[name].detach() for part in found]) for name in found[0]}
    whole, begins = ranks.gather(own)
    for tensor in whole.values():
        tensor.requires_grad_(tensor.is_floating_point())

    # The loss over the whole batch, once: it gives gradients to the features, and to what the loss itself learns.
    draw(WHOLE)
    with precision():
        losses: dict[str, Tensor] = learner("losses", whole, batches.links(step))
    torch.autograd.backward(losses["loss"])

    # Second pass: each part again, with the random numbers of the first, and backward through what its features got.
    for share in shares:
        again = found[0] if parts == 1 else features(share)
        reached, pulls = [], []
        for name, tensor in again.items():
            gradient, begin = whole[name].grad, begins[name]
            begins[name] += len(tensor)
            if gradient is not None and tensor.requires_grad:
                reached.append(tensor)
                pulls.append(gradient[begin : begin + len(tensor)] * ranks.world)
        if reached:
            torch.autograd.backward(cast("Any", reached), cast("Any", pulls))
    return {name: value.detach() for name, value in losses.items()}
