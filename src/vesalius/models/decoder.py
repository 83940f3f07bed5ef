"""The causal decoder: tokens after pictures, with a key–value cache."""

import torch
from torch import Tensor, nn

from vesalius.models.attention import turns
from vesalius.models.blocks import Block, Cache, Norm

LONGEST_WAVE = 10_000.0  # base of the rotary frequencies (arXiv:2104.09864, Sec. 3.3)


class Decoder(nn.Module):
    """Embed tokens, run the blocks over pictures and tokens, and score the next token with the same embedding.

    Args:
        vocabulary: number of tokens.
        width: D.
        layers: blocks.
        heads: attention heads.
    """

    def __init__(self, vocabulary: int, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = Norm(width)
        self.head_width = width // heads

    def forward(self, stream: Tensor, positions: Tensor, mask: Tensor, caches: list[Cache] | None = None) -> Tensor:
        """Run the blocks.

        Args:
            stream: (B, T, D), embedded tokens or connected pictures.
            positions: (B, T) int.
            mask: bool, (B, 1, T, all positions so far).
            caches: one per block, grown by this call.

        Returns:
            (B, T, D), normalized; `score` turns it into logits.
        """
        pairs = self.head_width // 2
        frequencies = LONGEST_WAVE ** (-torch.arange(pairs, device=stream.device, dtype=stream.dtype) / pairs)
        turned_by = turns(positions[..., None].to(stream.dtype) * frequencies)  # (B, T, d/2)
        for index, block in enumerate(self.blocks):
            stream = block(stream, turned_by, mask, caches[index] if caches else None)
        normalized: Tensor = self.norm(stream)
        return normalized

    def score(self, hidden: Tensor) -> Tensor:
        """Logits of the next token: (…, D) to (…, vocabulary)."""
        logits: Tensor = hidden @ self.embedding.weight.T
        return logits
