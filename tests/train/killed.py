"""A run that is killed again and again, at moments of its own: `python -m tests.train.killed FOLDER SEED KILLS`."""

import os
import random
import signal
import sys
import time
from pathlib import Path

import torch
from torch import nn

from tests.train.two_towers import Contrast, Pairs, Part, TwoTowers
from vesalius.train.log import read
from vesalius.train.loop import FitSettings, fit

SETTINGS = FitSettings(steps=40, batch=8, warmup=5, checkpoint_every=4, average=0.95, learning_rate=1e-2, seed=7, parts=2)


class Slow(Pairs):
    """So that there is time to kill."""

    def part(self, step: int, part: int, parts: int) -> Part:
        time.sleep(0.002)
        return super().part(step, part, parts)


def validate(model: nn.Module) -> dict[str, float]:
    """Draws random numbers of its own, and leaves the generator wherever."""
    with torch.no_grad():
        return {"loss": float(Contrast()(model, Pairs().at(int(torch.randint(50, 99, ()))))["loss"])}


def adapt(model: nn.Module, figures: dict[str, float]) -> None:
    """Draws random numbers and changes what is trained by what was found."""
    with torch.no_grad():
        model.text.stem.bias += 0.01 * torch.randn(7) * figures["loss"]


def run(folder: Path) -> TwoTowers:
    """Train until the end, from wherever it is."""
    folder.mkdir(exist_ok=True)
    model = TwoTowers(0.3)
    fit(model, Contrast(), Slow(), SETTINGS, folder=folder, validate=validate, say=lambda _: None, adapt=adapt)
    return model


def main(folder: Path, seed: int, kills: int) -> None:
    """Start the run in a child, kill it some lines of its log later, and again."""
    moments, killed, log = random.Random(seed), 0, folder / "log.jsonl"
    while killed < kills:
        before = log.stat().st_mtime_ns if log.exists() else 0
        child = os.fork()
        if child == 0:
            run(folder)
            os._exit(0)
        while not log.exists() or log.stat().st_mtime_ns == before:
            time.sleep(0.001)
        wanted = log.read_bytes().count(b"\n") + moments.randint(1, 9)
        while log.read_bytes().count(b"\n") < wanted and os.waitpid(child, os.WNOHANG) == (0, 0):
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.02))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        killed += 1
    print(killed, len(read(log)))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
