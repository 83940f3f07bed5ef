"""One encoder for picture, volume and clip: patch tokens that know where they lie in millimetres."""

import torch
from torch import Tensor, nn

from vesalius.models.blocks import Block
from vesalius.models.patches import PatchStem, patch_positions_mm, physical_angles


class Encoder(nn.Module):
    """Patches, then blocks whose rotary positions are physical.

    Args:
        width: D.
        layers: blocks.
        heads: attention heads; D / heads is a multiple of 8.
        slab: slices or frames per patch.
    """

    def __init__(self, width: int, layers: int, heads: int, slab: int) -> None:
        super().__init__()
        self.stem = PatchStem(width, slab)
        self.unknown_spacing = nn.Parameter(torch.zeros(width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.RMSNorm(width)
        self.head_width = width // heads

    def forward(self, pixels: Tensor, spacing_mm: Tensor) -> Tensor:
        """Encode.

        Args:
            pixels: (B, T, 3, Y, X) in [0, 1].
            spacing_mm: (B, 3), NaN where unknown, as `patch_positions_mm` takes it.

        Returns:
            (B, t, y, x, D).
        """
        tokens = self.stem(pixels)  # (B, t, y, x, D)
        b, t, y, x, _ = tokens.shape
        step_px = (self.stem.slab, self.stem.patch_px, self.stem.patch_px)
        angles = physical_angles(patch_positions_mm((t, y, x), step_px, spacing_mm), self.head_width)
        unknown = torch.isnan(spacing_mm[:, 1:]).any(dim=1).to(tokens.dtype)  # (B,)
        stream = tokens.flatten(1, 3) + unknown[:, None, None] * self.unknown_spacing  # (B, N, D)
        for block in self.blocks:
            stream = block(stream, angles, mask=None)
        encoded: Tensor = self.norm(stream)
        return encoded.view(b, t, y, x, -1)
