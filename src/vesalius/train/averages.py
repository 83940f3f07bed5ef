"""The running mean of the weights, and figures on held-out data asked of it."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from vesalius.train.learner import Learner
from vesalius.train.sharding import alike, local, put, whole

Validate = Callable[[nn.Module], Mapping[str, float]]
Adapt = Callable[[nn.Module, Mapping[str, float]], None]


def begin(learner: Learner, loaded: Mapping[str, Tensor] | None) -> dict[str, Tensor]:
    """The means to go on with: those of the checkpoint, or a copy of the state."""
    state = learner.state_dict()
    return {
        name: tensor.detach().clone() if loaded is None else alike(loaded[name], tensor).clone() for name, tensor in state.items()
    }


@torch.no_grad()
def update(averages: dict[str, Tensor], learner: Learner, decay: float) -> None:
    """Move the means of parameters towards them; buffers are no weights: the last one counts."""
    learnt = {name for name, _ in learner.named_parameters(remove_duplicate=False)}
    for name, tensor in learner.state_dict().items():
        mean = local(averages[name])
        if name in learnt and tensor.is_floating_point():
            mean.lerp_(local(tensor), 1 - decay)
        else:
            mean.copy_(local(tensor))


def show(learner: Learner, working: Learner, averages: dict[str, Tensor] | None) -> None:
    """Put the means, or the working weights where there are none, into the learner."""
    state = averages if averages is not None else working.state_dict()
    put(learner, {name: whole(tensor) for name, tensor in state.items()})
    learner.eval()


def ask(
    learner: Learner, working: Learner, averages: dict[str, Tensor] | None, validate: Validate, adapt: Adapt | None
) -> Mapping[str, float]:
    """Figures of the means; the working weights are as before then, but for what `adapt` changes.

    Args:
        learner: that figures are asked of.
        working: that is trained; the same, or a copy cut over the processes.
        averages: means of the working weights.
        validate: gives the figures of a model.
        adapt: sees the model with its working weights and the figures, and may change values of model and objective in place.
    """
    kept = {name: tensor.clone() for name, tensor in learner.state_dict().items()} if learner is working else None
    show(learner, working, averages)
    found = validate(learner.model)
    if kept is not None:
        put(learner, kept)
    if adapt is not None:
        if kept is None:
            show(learner, working, None)
        adapt(learner.model, found)
        learner.zero_grad(set_to_none=True)
        if kept is None:
            put(working, learner.state_dict())
    return found
