"""Several processes as one: who this process is, features put together, gradients averaged.

`torchrun` starts the processes; each takes its share of every batch, and the loss over the whole batch is computed in each.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

BUCKET = 1 << 24  # numbers that are averaged at once
PATIENCE = timedelta(hours=1)  # that processes wait for one another


@dataclass(frozen=True)
class Ranks:
    """This process among those of the run.

    Attributes:
        rank: its number, from 0.
        world: how many there are.
    """

    rank: int = 0
    world: int = 1

    @classmethod
    def now(cls) -> "Ranks":
        """As `joined` or the caller set them up; a process of its own is the only one."""
        together = dist.is_available() and dist.is_initialized()
        return cls(dist.get_rank(), dist.get_world_size()) if together else cls()

    @property
    def first(self) -> bool:
        """Whether this process writes and speaks."""
        return self.rank == 0

    def shares(self, parts: int) -> range:
        """Which of the `parts * world` shares of a batch are this process's."""
        return range(self.rank * parts, (self.rank + 1) * parts)

    def gather(self, features: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, int]]:
        """Features of all processes in order, and where this process's own begin.

        Args:
            features: tensors of the same names and shapes in each process, but for the first axis.
        """
        if self.world == 1:
            return features, dict.fromkeys(features, 0)
        names = sorted(features)
        mine = torch.tensor([len(features[name]) for name in names], device=features[names[0]].device)
        lengths = torch.stack(_from_all(mine, self.world)).tolist()  # (processes, names)
        whole, begins = {}, {}
        for column, name in enumerate(names):
            own, counts = features[name], [row[column] for row in lengths]
            padded = own.new_zeros(max(counts), *own.shape[1:])
            padded[: len(own)] = own
            parts = _from_all(padded, self.world)
            whole[name] = torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])
            begins[name] = sum(counts[: self.rank])
        return whole, begins

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Average gradients over the processes. Those of parameters that are cut over processes have been averaged already.

        A parameter that got a gradient in one process has one in all of them then.
        """
        learnt = [p for p in parameters if p.requires_grad and not isinstance(p, DTensor)]
        if self.world == 1 or not learnt:
            return
        reached = torch.tensor([p.grad is not None for p in learnt], dtype=torch.int32, device=learnt[0].device)
        dist.all_reduce(reached, dist.ReduceOp.MAX)
        gradients: dict[torch.dtype, list[Tensor]] = {}
        for parameter, somewhere in zip(learnt, reached.tolist(), strict=True):
            if somewhere:
                parameter.grad = parameter.grad if parameter.grad is not None else torch.zeros_like(parameter)
                gradients.setdefault(parameter.dtype, []).append(parameter.grad)
        for group in gradients.values():
            for bucket in _buckets(group):
                flat = torch.cat([gradient.reshape(-1) for gradient in bucket])
                dist.all_reduce(flat)
                flat /= self.world
                for gradient, part in zip(bucket, torch.split(flat, [item.numel() for item in bucket]), strict=True):
                    gradient.copy_(part.view_as(gradient))


@contextmanager
def joined() -> Iterator[torch.device]:
    """Join the processes that `torchrun` started, where it did, and give this process's device.

    GPUs speak by NCCL, CPUs by gloo. When a process fails it does not wait for the others: `torchrun` ends them.
    """
    kind = "cuda" if torch.cuda.is_available() else "cpu"
    if not dist.is_torchelastic_launched():
        yield torch.device(kind)
        return
    device = torch.device(kind, int(os.environ["LOCAL_RANK"])) if kind == "cuda" else torch.device(kind)
    if kind == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if kind == "cuda" else "gloo", timeout=PATIENCE)
    yield device
    dist.destroy_process_group()


@contextmanager
def in_turn() -> Iterator[None]:
    """The first process alone, then all others at once: what the first one writes, the others find."""
    together, first = Ranks.now().world > 1, Ranks.now().first
    if together and not first:
        dist.barrier()
    yield
    if together and first:
        dist.barrier()


def _from_all(tensor: Tensor, world: int) -> list[Tensor]:
    """A tensor of the same shape from each process."""
    found = [torch.empty_like(tensor) for _ in range(world)]
    dist.all_gather(found, tensor)
    return found


def _buckets(tensors: Iterable[Tensor]) -> Iterator[list[Tensor]]:
    """Neighbors of together at least `BUCKET` numbers."""
    bucket: list[Tensor] = []
    for tensor in tensors:
        bucket.append(tensor)
        if sum(item.numel() for item in bucket) >= BUCKET:
            yield bucket
            bucket = []
    if bucket:
        yield bucket
