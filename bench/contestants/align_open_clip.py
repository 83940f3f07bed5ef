"""open_clip: its `CLIP` of the same sizes and its `ClipLoss`; captions padded to the context, as it takes them.

Its texts look at the whole context in both directions, as ours look at the whole text: on a processor that is no slower than its
causal mask.
"""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pairs import THREADS, Learner, Pairs, Sizes, Work, padded

# Beside a torch without CUDA torchvision does not import until the operators that it lacks are declared.
MISSING = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
for operator in ("nms", "qnms"):
    MISSING.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]

from open_clip.loss import ClipLoss  # noqa: E402
from open_clip.model import CLIP  # noqa: E402

PACKAGES = ("open-clip-torch", "timm", "torchvision", "torch", "numpy")
LARGEST_LOG_SCALE = float(np.log(100))


def read(folder: Path) -> Work:
    """Some steps."""
    learner, total = _learner(folder)
    for _ in range(Sizes.STEPS):
        learner.learn()
    return Work(Sizes.STEPS * Sizes.BATCH, total)


def aligned(result: Work) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """What says whether the same was learnt from."""
    return result.told()


def told(folder: Path) -> dict[str, Any]:
    """Size, operations, memory, and whether it learns."""
    return _learner(folder)[0].told()


@cache
def _learner(folder: Path) -> tuple[Learner, int]:
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    vision = {
        "image_size": Sizes.IMAGE_PX,
        "patch_size": Sizes.PATCH_PX,
        "width": Sizes.WIDTH,
        "layers": Sizes.LAYERS,
        "head_width": Sizes.WIDTH // Sizes.HEADS,
    }
    text = {
        "context_length": Sizes.CONTEXT,
        "vocab_size": Sizes.VOCABULARY,
        "width": Sizes.WIDTH,
        "heads": Sizes.HEADS,
        "layers": Sizes.TEXT_LAYERS,
        "no_causal_mask": True,
    }
    model, contrast = CLIP(Sizes.EMBEDDING, vision, text), ClipLoss()
    pairs = Pairs.load(folder)
    pixels, ids = pairs.pixels, padded(pairs.captions)

    def loss() -> Tensor:
        found: Tensor = contrast(*model(pixels, ids))
        return found

    def limit() -> None:
        with torch.no_grad():
            model.logit_scale.clamp_(0, LARGEST_LOG_SCALE)

    return Learner(model, loss, limit), pairs.total()
