"""AdamW with decay on matrices alone, and a schedule that warms up and falls along a cosine."""

import math
from collections.abc import Mapping

from torch import nn
from torch.optim import AdamW

from vesalius.errors import Problem, UsageError


def make_optimizer(model: nn.Module, learning_rate: float | Mapping[str, float], weight_decay: float) -> AdamW:
    """AdamW (arXiv:1711.05101); vectors (norms, biases) are not decayed.

    Args:
        model: its children's names are the keys of `learning_rate`.
        learning_rate: one for all, or one per child; 0 freezes a child, and every child must be named.
        weight_decay: of matrices.

    Raises:
        UsageError: `bad_recipe`: a child is not named, or a name is no child.
    """
    children = dict(model.named_children())
    rates = dict.fromkeys(children, float(learning_rate)) if isinstance(learning_rate, int | float) else dict(learning_rate)
    if set(rates) != set(children):
        allowed = tuple(children)
        raise UsageError(
            "bad_recipe",
            f"train.learning_rate names {sorted(rates)}, the model has {sorted(children)}. "
            "Each part needs one rate; 0 freezes it.",
            [Problem("train.learning_rate", "must name each part of the model once", allowed)],
        )
    groups = []
    for name, child in children.items():
        for parameter in child.parameters():
            parameter.requires_grad_(rates[name] > 0)
        if rates[name] > 0:
            matrices = [p for p in child.parameters() if p.ndim >= 2]
            vectors = [p for p in child.parameters() if p.ndim < 2]
            groups.append({"params": matrices, "lr": rates[name], "peak": rates[name], "weight_decay": weight_decay})
            groups.append({"params": vectors, "lr": rates[name], "peak": rates[name], "weight_decay": 0.0})
    return AdamW([group for group in groups if group["params"]], betas=(0.9, 0.98), eps=1e-8)


def set_learning_rate(optimizer: AdamW, step: int, steps: int, warmup: int) -> float:
    """Set every group's rate for `step` of `steps` and return the share of its peak.

    Linear from 0 over `warmup` steps, then a cosine to a hundredth of the peak at the last step.
    """
    if step < warmup:
        share = (step + 1) / warmup
    else:
        progress = (step - warmup) / max(1, steps - warmup)
        share = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * share
    return share
