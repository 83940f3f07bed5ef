"""Weights that were learnt on pictures, made to look at volumes and clips: each 2-D kernel becomes a slab of kernels.

A volume that is constant in depth gives what the picture gave, because the kernels of a slab sum to the 2-D one.
"""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from vesalius.errors import UsageError


def inflate(weight: Tensor, slab: int, how: Literal["center", "mean"] = "center") -> Tensor:
    """One kernel.

    Args:
        weight: (D, C, Y, X), or (D, C, 1, Y, X) of an embedding whose slab is 1.
        slab: slices or frames that one token is to cover, ≥ 1.
        how: "center": the middle slice has the whole weight and the others begin at zero; "mean": each slice has an
            equal share (both of arXiv:2103.15691).

    Returns:
        (D, C, slab, Y, X), of the same type; never a view.

    Raises:
        UsageError: `bad_recipe`: no such way, a slab below 1, or weights that are not 2-D.
    """
    flat = weight[:, :, 0] if weight.ndim == 5 and weight.shape[2] == 1 else weight
    if how not in ("center", "mean") or slab < 1 or flat.ndim != 4:
        raise UsageError(
            "bad_recipe",
            f'Weights of {weight.ndim} dimensions cannot be inflated to a slab of {slab} by "{how}". They must be a 2-D kernel. '
            "Give (D, C, Y, X), a slab of 1 or more, and center or mean.",
        )
    if how == "mean":
        return (flat / slab)[:, :, None].repeat(1, 1, slab, 1, 1)
    deep = flat.new_zeros(*flat.shape[:2], slab, *flat.shape[2:])
    deep[:, :, slab // 2] = flat
    return deep


def inflate_encoder(state: Mapping[str, Tensor], slab: int, how: Literal["center", "mean"] = "center") -> dict[str, Tensor]:
    """State of an `Encoder` of slab 1 as that of one of slab `slab`: its stem's first kernel is inflated, the rest stays.

    Args:
        state: what `state_dict` of an encoder gave, or of a model that has encoders in it.
        slab: see `inflate`.
        how: see `inflate`.

    Raises:
        UsageError: `bad_recipe`: as `inflate`; or no kernel of slab 1 is among the weights.
    """
    kernels = {name for name, tensor in state.items() if tensor.ndim == 5}
    if not kernels or any(state[name].shape[2] != 1 for name in kernels):
        raise UsageError(
            "bad_recipe",
            "The weights hold no embedding of patches, or one that covers several slices already. Only weights of slab 1 can be "
            "inflated. Start from a model that was trained with model.slab=1.",
        )
    inflated = {name: inflate(state[name], slab, how) for name in kernels}
    return {name: inflated.get(name, torch.clone(tensor)) for name, tensor in state.items()}
