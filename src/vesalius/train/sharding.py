"""Weights, gradients and moments cut over the processes (FSDP2), and put together again where they are kept or shown."""

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from vesalius.train.learner import Learner


def sharded(learner: Learner, world: int) -> Learner:
    """A copy whose parameters are cut over the processes: each block of a list on its own, the rest together.

    A block of a list is used by calling it, not by its parts or methods. Scalars stay whole in every process. The learner itself
    stays as it is: it is what figures are asked of.

    Args:
        learner: on its device, the same in every process.
        world: number of processes.
    """
    cut = copy.deepcopy(learner)
    mesh = init_device_mesh(next(cut.parameters()).device.type, (world,))
    scalars = {parameter for parameter in cut.parameters() if parameter.ndim == 0}
    for block in _blocks(cut):
        fully_shard(block, mesh=mesh, ignored_params=scalars)
    fully_shard(cut, mesh=mesh, ignored_params=scalars)
    return cut


def whole(tensor: Tensor) -> Tensor:
    """The tensor put together, detached; every process calls this for the same tensors in the same order."""
    tensor = tensor.detach()
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def alike(tensor: Tensor, other: Tensor) -> Tensor:
    """A whole tensor, cut and placed as another one is."""
    placed = tensor.to(other.device)
    return distribute_tensor(placed, other.device_mesh, other.placements) if isinstance(other, DTensor) else placed


def local(tensor: Tensor) -> Tensor:
    """What this process holds of it; shares its memory."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


@torch.no_grad()
def put(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Copy whole tensors, or such that are cut in the same way, into a module's parameters and buffers.

    Raises:
        ValueError: names or shapes are not the module's. Nothing was copied.
    """
    targets = module.state_dict()
    if targets.keys() != state.keys() or any(targets[name].shape != state[name].shape for name in targets):
        raise ValueError("names or shapes of the state are not the module's")
    for name, target in targets.items():
        given = state[name]
        local(target).copy_(local(given if isinstance(given, DTensor) else alike(given, target)))


@torch.no_grad()
def clip_gradients(parameters: Sequence[nn.Parameter], most: float) -> float:
    """Shorten the gradient of all parameters together to a largest norm; gives its norm before, of the whole model."""
    learnt = [parameter for parameter in parameters if parameter.grad is not None]
    if not learnt:
        return 0.0
    kinds = [[p for p in learnt if isinstance(p, DTensor) == cut] for cut in (False, True)]
    norms = [whole(nn.utils.get_total_norm([p.grad for p in kind if p.grad is not None])) for kind in kinds if kind]
    norm = norms[0] if len(norms) == 1 else torch.stack(norms).square().sum().sqrt()
    for kind in kinds:
        nn.utils.clip_grads_with_norm_(kind, most, norm)
    return float(norm)


def _blocks(module: nn.Module) -> list[nn.Module]:
    """The members of lists of modules, of the outermost lists alone."""
    if isinstance(module, nn.ModuleList):
        return [block for block in module if any(True for _ in block.parameters())]
    return [block for child in module.children() for block in _blocks(child)]
