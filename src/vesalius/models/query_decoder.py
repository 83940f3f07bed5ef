"""Findings that look at a picture: one learnt query per finding, attention over the patches, and a yes or no."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vesalius.errors import UsageError
from vesalius.models.pairs import Encoded


class QueryDecoder(nn.Module):
    """Queries that gather what their finding needs from the patches. Findings do not see each other.

    Args:
        findings: G.
        width: D of the patches, a multiple of `heads`.
        layers: blocks of attention and a gated layer.
        heads: H.

    Raises:
        UsageError: `bad_recipe`: sizes that do not fit together.
    """

    def __init__(self, findings: int, width: int, layers: int = 4, heads: int = 4) -> None:
        super().__init__()
        if min(findings, width, layers, heads) < 1 or width % heads:
            raise UsageError(
                "bad_recipe",
                f"A decoder of {findings} findings, width {width}, {layers} layers and {heads} heads cannot be built. "
                "All must be at least 1, and the width a multiple of the heads. Change the objective's sizes.",
            )
        self.queries = nn.Parameter(torch.randn(findings, width) * 0.02)
        self.blocks = nn.ModuleList(_Look(width, heads) for _ in range(layers))
        self.norm = nn.RMSNorm(width)
        self.score = nn.Linear(width, 1)

    def forward(self, encoded: Encoded) -> Tensor:
        """(B, G) logits of B pictures of any mix of sizes."""
        result: list[Tensor] = [encoded.tokens[:0]] * len(encoded.lengths)
        pictures = torch.split(encoded.tokens, list(encoded.lengths))
        for size in sorted(set(encoded.lengths)):
            chosen = [i for i, length in enumerate(encoded.lengths) if length == size]
            patches = torch.stack([pictures[i] for i in chosen])  # (b, n, D)
            stream = self.queries.expand(len(chosen), -1, -1)  # (b, G, D)
            for block in self.blocks:
                stream = block(stream, patches)
            for i, row in zip(chosen, self.score(self.norm(stream))[..., 0], strict=True):
                result[i] = row
        return torch.stack(result)


class _Look(nn.Module):
    """Attention from queries to patches and a gated feed-forward layer, each added to the stream."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query_norm = nn.RMSNorm(width)
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.gated_norm = nn.RMSNorm(width)
        self.gate_and_up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(2 * width, width, bias=False)

    def forward(self, stream: Tensor, patches: Tensor) -> Tensor:
        """(b, G, D) and (b, n, D) to (b, G, D)."""
        b, g, width = stream.shape
        query = self.query(self.query_norm(stream)).view(b, g, self.heads, -1).transpose(1, 2)  # (b, H, G, d)
        key, value = self.key_value(patches).view(b, patches.shape[1], 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(query, key, value)
        stream = stream + self.out(seen.transpose(1, 2).reshape(b, g, width))
        gate, up = self.gate_and_up(self.gated_norm(stream)).chunk(2, dim=-1)
        result: Tensor = stream + self.down(F.silu(gate) * up)
        return result
