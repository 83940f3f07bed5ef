"""One form of the patch-concept loss in a process of its own: `python bench/loss_memory.py FORM OUT`.

Forward and backward pass of the sigmoid loss over all pictures x all concepts, from vectors in memory. The highest memory is the
kernel's own mark of the process, reset before: what the loss takes is over what was resident then. Writes the gradients to OUT
and prints one line of JSON.

    ours            `local_alignment`, scale and bias outside
    formula         as the formula reads: max_n (scale <p_n, c> + bias), all products at once
    outside         the same with scale and bias after the maximum, written with `amax`
    leanest         the same with `max(dim)`, which remembers places instead of products: the leanest plain form known here
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from vesalius.objectives.losses.local_alignment import local_alignment

PICTURES, PATCHES, CONCEPTS, WIDTH = 256, 196, 512, 128
SCALE, BIAS = 10.0, -10.0
THREADS = 2


def main(form: str, out: Path) -> None:
    """Measure one form."""
    torch.set_num_threads(THREADS)
    _pass(form, 4, 9, 7)  # what is loaded and made once
    torch.manual_seed(0)
    leaves = _leaves(PICTURES, PATCHES, CONCEPTS)
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # sets the mark to what is resident
    before = _status("VmRSS")
    start, spent = time.perf_counter(), time.process_time()
    loss = _loss(form, *leaves)
    torch.autograd.backward(loss)
    seconds, spent = time.perf_counter() - start, time.process_time() - spent
    peak = _status("VmHWM") - before
    gradients = [leaf.grad for leaf in leaves]
    torch.save(gradients, out)
    own = sum(leaf.numel() * leaf.element_size() for leaf in leaves)
    print(
        json.dumps(
            {"peak_bytes": peak, "input_gradients_bytes": own, "loss": float(loss.detach()), "seconds": seconds, "cpu_s": spent}
        )
    )


def _ours(patches: Tensor, concepts: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    counts = torch.full((len(patches),), patches.shape[1])
    return scale * local_alignment(patches.flatten(0, 1), counts, concepts) + bias


def _formula(patches: Tensor, concepts: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    return (scale * (patches @ concepts.T) + bias).max(dim=1).values


def _outside(patches: Tensor, concepts: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    return scale * (patches @ concepts.T).amax(dim=1) + bias


def _leanest(patches: Tensor, concepts: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    return scale * (patches @ concepts.T).max(dim=1).values + bias


FORMS: dict[str, Callable[..., Tensor]] = {"ours": _ours, "formula": _formula, "outside": _outside, "leanest": _leanest}


def _leaves(pictures: int, patches: int, concepts: int) -> list[Tensor]:
    """Unit vectors of patches (B, N, E) and concepts (K, E), scale and bias."""
    made: list[Any] = [torch.randn(pictures, patches, WIDTH), torch.randn(concepts, WIDTH)]
    made = [F.normalize(one, dim=-1) for one in made] + [torch.tensor(SCALE), torch.tensor(BIAS)]
    return [one.requires_grad_() for one in made]


def _loss(form: str, *leaves: Tensor) -> Tensor:
    """Each picture has every eighth concept, another eighth than its neighbor."""
    scores = FORMS[form](*leaves)  # (B, K)
    places = torch.arange(scores.shape[0])[:, None] + torch.arange(scores.shape[1])
    signs = torch.where(places % 8 == 0, 1.0, -1.0)
    return -F.logsigmoid(signs * scores).mean()


def _pass(form: str, *sizes: int) -> None:
    torch.autograd.backward(_loss(form, *_leaves(*sizes)))


def _status(name: str) -> int:
    """A line of what the kernel says of this process, in bytes."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name + ":"))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
