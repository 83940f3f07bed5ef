"""What the contestants of `align.py` learn from and how a step of theirs is taken, so that all do the same.

Pixels and tokens lie in memory before anything is timed. A contestant brings a model with its loss, and its way of holding a
batch; the optimizer, the number of steps and what is reported are here.
"""

import resource
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

THREADS = 2


@dataclass(frozen=True)
class Sizes:
    """Of both models, and of a batch."""

    BATCH: ClassVar[int] = 64
    IMAGE_PX: ClassVar[int] = 112
    PATCH_PX: ClassVar[int] = 16
    WIDTH: ClassVar[int] = 192
    HEADS: ClassVar[int] = 3
    LAYERS: ClassVar[int] = 6
    TEXT_LAYERS: ClassVar[int] = 4
    EMBEDDING: ClassVar[int] = 128
    VOCABULARY: ClassVar[int] = 8192
    SHORTEST: ClassVar[int] = 5
    CONTEXT: ClassVar[int] = 77
    STEPS: ClassVar[int] = 2  # in one repetition


@dataclass(frozen=True, eq=False)
class Pairs:
    """One batch: pictures and captions of their own.

    Attributes:
        pixels: (B, 3, Y, X) in [0, 1].
        captions: of each its tokens, int64 in [1, vocabulary); the last is the highest number, the end of a text.
    """

    pixels: Tensor
    captions: tuple[Tensor, ...]

    @classmethod
    def load(cls, folder: Path) -> "Pairs":
        """What `folder_of` has written."""
        pixels = torch.from_numpy(np.load(folder / "pixels.npy")).float() / 255
        lengths = np.load(folder / "lengths.npy").tolist()
        return cls(pixels, torch.split(torch.from_numpy(np.load(folder / "ids.npy")), lengths))

    def total(self) -> int:
        """A sum over all pixels and tokens: whoever learns from the same has the same."""
        return int((self.pixels * 255).round().sum(dtype=torch.float64)) + sum(int(ids.sum()) for ids in self.captions)


@dataclass(frozen=True)
class Work:
    """What a repetition did: pairs that were learnt from, and the sum over what they hold."""

    pairs: int
    total: int

    def told(self) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
        """In the form in which contestants are compared."""
        digits = [self.pairs, *(self.total >> shift & 0xFFFF for shift in (0, 16, 32))]
        return np.array(digits, np.float32), np.eye(4)


class Learner:
    """A model under AdamW, which learns one batch again and again.

    Args:
        model: its parameters are learnt.
        loss: forward pass and loss of the batch.
        after: what is done to the model after each step.
    """

    def __init__(self, model: nn.Module, loss: Callable[[], Tensor], after: Callable[[], object] = lambda: None) -> None:
        self.model, self.loss, self.after = model, loss, after
        parameters = list(model.parameters())
        matrices, rest = ([one for one in parameters if (one.ndim >= 2) == wide] for wide in (True, False))
        groups = [{"params": matrices, "weight_decay": 0.2}, {"params": rest, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=1e-4, betas=(0.9, 0.98), eps=1e-6, fused=True)
        self.losses: list[float] = []

    def learn(self) -> None:
        """One step."""
        loss = self.loss()
        torch.autograd.backward(loss)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.after()
        self.losses.append(float(loss.detach()))

    def told(self) -> dict[str, Any]:
        """Size, operations, memory, and whether it learns."""
        with ExitStack() as counting:
            counting.enter_context(sdpa_kernel(SDPBackend.MATH))  # the only attention that is counted on every device
            counter = counting.enter_context(FlopCounterMode(display=False))
            torch.autograd.backward(self.loss())
        self.optimizer.zero_grad(set_to_none=True)
        return {
            "parameters": sum(one.numel() for one in self.model.parameters()),
            "gflop_a_step": round(counter.get_total_flops() / 1e9, 2),
            "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
            "first_loss": round(self.losses[0], 4),
            "last_loss": round(self.losses[-1], 4),
        }


def folder_of(root: Path, kind: str) -> Path:
    """The batch of a kind, "full" or "mixed" captions, made now: bytes of pixels, tokens one text after the other, lengths."""
    folder, draw = root / kind, np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    shape = (Sizes.BATCH, 3, Sizes.IMAGE_PX, Sizes.IMAGE_PX)
    np.save(folder / "pixels.npy", draw.integers(0, 256, shape, dtype=np.uint8))
    lengths = draw.integers(Sizes.SHORTEST, Sizes.CONTEXT + 1, Sizes.BATCH)
    if kind == "full":
        lengths[:] = Sizes.CONTEXT
    captions = [_caption(draw, int(length)) for length in lengths]
    np.save(folder / "lengths.npy", lengths)
    np.save(folder / "ids.npy", np.concatenate(captions))
    return folder


def _caption(draw: np.random.Generator, length: int) -> npt.NDArray[np.int64]:
    return np.append(draw.integers(1, Sizes.VOCABULARY - 1, length - 1), Sizes.VOCABULARY - 1)


def padded(captions: Iterable[Tensor]) -> Tensor:
    """(B, context), 0 after the end of a text."""
    rows = [torch.nn.functional.pad(ids, (0, Sizes.CONTEXT - len(ids))) for ids in captions]
    return torch.stack(rows)
