"""The transformer block that the encoder and the decoder share, with rotary positions given from outside."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Cache:
    """Keys and values of what a block has seen: (B, H, T, d) each, grown by `append`."""

    def __init__(self) -> None:
        self.keys: Tensor | None = None
        self.values: Tensor | None = None

    def append(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Add (B, H, t, d) and return all that is held."""
        self.keys = keys if self.keys is None else torch.cat([self.keys, keys], dim=2)
        self.values = values if self.values is None else torch.cat([self.values, values], dim=2)
        return self.keys, self.values

    def repeat(self, index: Tensor) -> None:
        """Keep row `index[i]` of the batch as row i: the pictures of one pack serve many questions."""
        assert self.keys is not None and self.values is not None
        self.keys, self.values = self.keys[index], self.values[index]


def rotate(x: Tensor, angles: Tensor) -> Tensor:
    """Turn each pair of features of x by its angle (rotary position embedding, arXiv:2104.09864, Eq. 34).

    Args:
        x: (B, H, T, d).
        angles: (B, T, d/2), radians.
    """
    first, second = x.chunk(2, dim=-1)
    cos, sin = angles.cos()[:, None], angles.sin()[:, None]  # (B, 1, T, d/2)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


class Block(nn.Module):
    """Attention and a gated feed-forward layer, each behind an RMS norm and added to the stream.

    Args:
        width: D, a multiple of `heads`.
        heads: H.
        expansion: hidden width of the gated layer over D.
    """

    def __init__(self, width: int, heads: int, expansion: float = 8 / 3) -> None:
        super().__init__()
        hidden = int(width * expansion) // 16 * 16
        self.heads = heads
        self.attention_norm = nn.RMSNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.attention_out = nn.Linear(width, width, bias=False)
        self.gated_norm = nn.RMSNorm(width)
        self.gate_and_up = nn.Linear(width, 2 * hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor, angles: Tensor, mask: Tensor | None, cache: Cache | None = None) -> Tensor:
        """One step of the stream.

        Args:
            x: (B, T, D).
            angles: (B, T, d/2), of the T new positions.
            mask: bool, (B, 1, T, all positions so far), True where attention is allowed; None for everywhere.
            cache: keys and values of earlier positions; grown by this call.
        """
        b, t, width = x.shape
        heads = self.query_key_value(self.attention_norm(x)).view(b, t, 3, self.heads, -1)  # (B, T, 3, H, d)
        query, key, value = heads.permute(2, 0, 3, 1, 4)  # each (B, H, T, d)
        query, key = rotate(query, angles), rotate(key, angles)
        if cache is not None:
            key, value = cache.append(key, value)
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)  # (B, H, T, d)
        x = x + self.attention_out(mixed.transpose(1, 2).reshape(b, t, width))
        gate, up = self.gate_and_up(self.gated_norm(x)).chunk(2, dim=-1)
        result: Tensor = x + self.down(F.silu(gate) * up)
        return result
