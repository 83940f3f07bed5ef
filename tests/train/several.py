"""What each of four processes does in the tests of `train/distributed.py`: `python -m tests.train.several FOLDER`."""

import contextlib
import functools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.distributed as dist
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from tests.train import encoders
from tests.train.two_towers import Contrast, Pairs, Part, TwoTowers
from vesalius.train import distributed
from vesalius.train.accumulate import backward_in_parts
from vesalius.train.distributed import Ranks
from vesalius.train.learner import Learner
from vesalius.train.loop import FitSettings, _draw, fit
from vesalius.train.sharding import clip_gradients, sharded, whole

CASES = [(world, parts, cut) for world in (1, 2, 4) for parts in (1, 2) for cut in (False, True)]  # processes, parts, sharded
ENCODERS = [("conceptclip", (4, 2, True)), ("conceptclip", (2, 1, False)), ("medsiglip", (2, 2, True))]
CLIP = 0.3
SETTINGS = FitSettings(
    steps=9,
    batch=8,
    warmup=2,
    checkpoint_every=3,
    average=0.9,
    clip=0.5,
    learning_rate={"vision": 1e-2, "text": 1e-2, "logits": 1e-2, "objective": 2e-2},
)


def quiet(_: str) -> None:
    pass


def validate(model: nn.Module) -> dict[str, float]:
    """The loss of a batch that is never learnt from."""
    with torch.no_grad():
        return {"loss": float(Contrast()(model, Pairs().at(99))["loss"]), "seen": float(model.training)}


def adapt(model: nn.Module, figures: object) -> None:
    """Changes what is trained, in place."""
    with torch.no_grad():
        model.logits.bias += 0.1 * torch.rand(())  # the same in all processes
        model.vision.stem.weight *= 1.01


class StopsAt(Pairs):
    """As a run that is stopped: no batch from a step on."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.last = step

    def part(self, step: int, part: int, parts: int) -> Part:
        if step == self.last:
            raise KeyboardInterrupt
        return super().part(step, part, parts)


def gradients(ranks: Ranks, parts: int, cut: bool, drop: float, encoder: str = "") -> dict[str, Tensor]:
    """Of one step in float64: by name, clipped, with their norm before and the loss; of two towers or of an encoder."""
    learner = encoders.learner(encoder, drop) if encoder else Learner(TwoTowers(drop), Contrast()).double()
    batches = encoders.Rich() if encoder else Pairs(torch.float64)
    working = sharded(learner, ranks.world) if cut else learner
    draw = functools.partial(_draw, 5, 0)
    losses = backward_in_parts(working.train(), batches, 0, parts=parts, ranks=ranks, draw=draw, precision=contextlib.nullcontext)
    ranks.average(working.parameters())
    found = {name: whole(p.grad).clone() for name, p in working.named_parameters() if p.grad is not None}
    found["norm"] = torch.tensor(clip_gradients(list(working.parameters()), CLIP), dtype=torch.float64)
    found |= {f"clipped.{name}": whole(p.grad).clone() for name, p in working.named_parameters() if p.grad is not None}
    return {**found, "loss": losses["loss"]}


@contextlib.contextmanager
def fewer(world: int, folder: Path) -> Iterator[None]:
    """A group of the first few processes; the others are not in it."""
    dist.init_process_group("gloo", init_method=f"file://{folder}/group{world}", rank=int(os.environ["RANK"]), world_size=world)
    yield
    dist.barrier()
    dist.destroy_process_group()


def step_in_all_cases(folder: Path) -> None:
    """Gradients of every case of this many processes."""
    ranks = Ranks.now()
    for world, parts, cut in CASES:
        if world == ranks.world:
            for drop in (0.0, 0.4):
                found = gradients(ranks, parts, cut, drop)
                if ranks.first:
                    save_file(found, folder / f"{world}-{parts}-{cut}-{drop}.safetensors")
    for name, (world, parts, cut) in ENCODERS:
        if world == ranks.world:
            found = gradients(ranks, parts, cut, 0.5, name)
            if ranks.first:
                save_file(found, folder / f"{name}-{world}-{parts}-{cut}.safetensors")


def train(folder: Path, name: str, batches: Pairs, cut: bool) -> None:
    """A run, whole or up to where its batches stop."""
    # Four shares of a batch however many processes there are: their random numbers are the same.
    settings = FitSettings(**{**vars(SETTINGS), "sharded": cut, "parts": 4 // Ranks.now().world})
    model, objective = TwoTowers(0.4), Contrast()
    (folder / name).mkdir(exist_ok=True)
    with contextlib.suppress(KeyboardInterrupt):
        fit(model, objective, batches, settings, folder=folder / name, validate=validate, say=quiet, adapt=adapt)
    if Ranks.now().first:
        save_file(model.state_dict(), folder / name / "end.safetensors")


def main(folder: Path) -> None:
    """Four processes, then two of them, then one."""
    rank = int(os.environ["RANK"])
    with distributed.joined() as device:
        assert device.type == "cpu"
        with distributed.in_turn():
            found = sorted(path.name for path in folder.glob("turn*"))
            (folder / f"turn{rank}").touch()
        assert ("turn0" in found) == (rank > 0)
        step_in_all_cases(folder)
        train(folder, "plain", Pairs(), cut=False)
        train(folder, "cut", Pairs(), cut=True)
        train(folder, "moved", StopsAt(4), cut=True)
    for world in (2, 1):
        if rank < world:
            with fewer(world, folder):
                step_in_all_cases(folder)
                if world == 2:
                    train(folder, "moved", StopsAt(7), cut=False)


if __name__ == "__main__":
    torch.set_num_threads(1)
    # As `torchrun --standalone --nproc-per-node=4` does it, but that the processes need not import torch each.
    config = LaunchConfig(
        1, 1, 4, rdzv_backend="c10d", rdzv_endpoint="localhost:0", start_method="fork", monitor_interval=0.1, max_restarts=0
    )
    elastic_launch(config, main)(Path(sys.argv[1]))
