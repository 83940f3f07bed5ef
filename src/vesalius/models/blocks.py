"""The transformer block that encoders, text towers and the decoder share, with rotary positions given from outside.

Sequences of one length lie in a batch; sequences of many lengths lie one after the other in a packed stream without padding,
and `Packing` says where each of them is. A block takes both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


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


@dataclass(frozen=True)
class Packing:
    """Where sequences lie in a packed stream: those of equal length are neighbors, so that attention takes them at once.

    Attributes:
        order: the k-th sequence of the stream is the caller's `order[k]`-th.
        lengths: of the stream's sequences, in its order.
    """

    order: tuple[int, ...]
    lengths: tuple[int, ...]

    @classmethod
    def by_length(cls, lengths: Sequence[int]) -> "Packing":
        """The stream that holds sequences of these lengths, shortest first, equal ones as they come."""
        order = tuple(sorted(range(len(lengths)), key=lambda item: lengths[item]))
        return cls(order, tuple(lengths[item] for item in order))

    @property
    def runs(self) -> tuple[tuple[int, int], ...]:
        """(how many, how long) of neighbors of equal length, in the stream's order."""
        return tuple((len(list(equal)), length) for length, equal in groupby(self.lengths))

    @property
    def given(self) -> tuple[int, ...]:
        """Lengths in the caller's order."""
        return tuple(length for _, length in sorted(zip(self.order, self.lengths, strict=True)))

    def arrange(self, given: Tensor) -> Tensor:
        """From the caller's order to the stream's: (N, …) to (N, …); the same tensor where the orders agree."""
        return given if self._agrees() else given.index_select(0, _rows(self.given, self.order).to(given.device))

    def restore(self, stream: Tensor) -> Tensor:
        """From the stream's order to the caller's: (N, …) to (N, …); the same tensor where the orders agree."""
        if self._agrees():
            return stream
        back = sorted(range(len(self.order)), key=lambda place: self.order[place])
        return stream.index_select(0, _rows(self.lengths, back).to(stream.device))

    def _agrees(self) -> bool:
        return self.order == tuple(range(len(self.order)))


def _rows(lengths: Sequence[int], order: Sequence[int]) -> Tensor:
    """Rows of sequences that lie one after the other, taken in another order: int64 (N,)."""
    starts = [0, *accumulate(lengths)]
    taken = torch.tensor([lengths[item] for item in order])
    shift = torch.tensor([starts[item] for item in order]) - (taken.cumsum(0) - taken)
    return torch.repeat_interleave(shift, taken) + torch.arange(int(taken.sum()))


def rotate(x: Tensor, angles: Tensor) -> Tensor:
    """Turn each pair of features of x by its angle (rotary position embedding, arXiv:2104.09864, Eq. 34).

    Args:
        x: (B, H, T, d).
        angles: (B, T, d/2), radians.
    """
    cos, sin = angles.cos()[:, None], angles.sin()[:, None]  # (B, 1, T, d/2)
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


def turns(angles: Tensor) -> Tensor:
    """Angles in radians as complex numbers of length 1, which turn by being multiplied: (N, d/2) to (N, d/2), complex64.

    A packed stream makes them once for all blocks.
    """
    return torch.complex(angles.cos(), angles.sin())


def attend(query: Tensor, key: Tensor, value: Tensor, runs: Sequence[tuple[int, int]]) -> Tensor:
    """Attention within each sequence of a packed stream: one call per run of sequences of equal length.

    Args:
        query: (N, H, d).
        key: (N, H, d).
        value: (N, H, d).
        runs: as `Packing` has them; their products sum to N.

    Returns:
        (N, H·d).
    """
    if len(runs) == 1:
        return _attend_alike(query, key, value, *runs[0])
    sizes = [count * length for count, length in runs]
    parts = zip(*(torch.split(x, sizes) for x in (query, key, value)), runs, strict=True)
    return torch.cat([_attend_alike(q, k, v, *run) for q, k, v, run in parts])


def _attend_alike(query: Tensor, key: Tensor, value: Tensor, count: int, length: int) -> Tensor:
    """`attend` of sequences of one length."""
    q, k, v = (x.view(count, length, *x.shape[1:]).transpose(1, 2) for x in (query, key, value))  # (B, H, T, d)
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(count * length, -1)


class Norm(nn.RMSNorm):
    """torch's RMS norm, to the bit; on a processor its way back takes half the time.

    There torch goes back by a dozen passes over the stream.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Bring the last axis to a root mean square of 1, times the weight."""
        if x.device.type != "cpu" or not torch.is_grad_enabled():
            return super().forward(x)
        result: Tensor = _Normed.apply(x, self.weight)  # type: ignore[no-untyped-call]
        return result


class _Normed(torch.autograd.Function):
    """y = w r x with r = 1 / sqrt(mean x² + eps); back: dx = r (w dy - r² x mean(w dy x)), dw = sum r x dy."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return F.rms_norm(x, weight.shape, weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        square = torch.linalg.vector_norm(x, dim=-1, keepdim=True).square() / x.shape[-1]
        normed = x * (square + torch.finfo(x.dtype).eps).rsqrt()
        to_normed = gradient * weight
        share = (to_normed * normed).mean(dim=-1, keepdim=True)
        of_weight = (gradient * normed).flatten(0, -2).sum(dim=0)
        return to_normed.addcmul_(normed, share, value=-1).mul_((square + torch.finfo(x.dtype).eps).rsqrt()), of_weight


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
        self.attention_norm = Norm(width)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.attention_out = nn.Linear(width, width, bias=False)
        self.gated_norm = Norm(width)
        self.gate_and_up = nn.Linear(width, 2 * hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(
        self,
        x: Tensor,
        angles: Tensor,
        mask: Tensor | None,
        cache: Cache | None = None,
        runs: Sequence[tuple[int, int]] | None = None,
    ) -> Tensor:
        """One step of the stream.

        Args:
            x: (B, T, D); packed (N, D).
            angles: (B, T, d/2), of the T new positions; packed the `turns` of (N, d/2).
            mask: bool, (B, 1, T, all positions so far), True where attention is allowed; None for everywhere.
            cache: keys and values of earlier positions; grown by this call.
            runs: of a packed stream, as `Packing` has them: each position sees its own sequence alone. Neither mask nor cache.
        """
        if runs is not None:
            return self._packed(x, angles, runs)
        b, t, width = x.shape
        heads = self.query_key_value(self.attention_norm(x)).view(b, t, 3, self.heads, -1)  # (B, T, 3, H, d)
        query, key, value = heads.permute(2, 0, 3, 1, 4)  # each (B, H, T, d)
        query, key = rotate(query, angles), rotate(key, angles)
        if cache is not None:
            key, value = cache.append(key, value)
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)  # (B, H, T, d)
        return self._feed(x + self.attention_out(mixed.transpose(1, 2).reshape(b, t, width)))

    def _packed(self, x: Tensor, turned_by: Tensor, runs: Sequence[tuple[int, int]]) -> Tensor:
        """One step of a packed stream."""
        heads = self.query_key_value(self.attention_norm(x)).view(len(x), 3, self.heads, -1)  # (N, 3, H, d)
        both, value = heads.split([2, 1], dim=1)
        # One complex product instead of four real ones and their sums. It leaves pairs side by side, and no attention sees that:
        # queries and keys are ordered alike.
        first, second = both.to(torch.promote_types(both.dtype, torch.float32)).chunk(2, dim=-1)
        turned = torch.view_as_real(torch.complex(first, second) * turned_by[:, None, None]).flatten(-2)  # (N, 2, H, d)
        query, key = turned.to(heads.dtype).unbind(1)
        mixed = attend(query, key, value.squeeze(1), runs)  # (N, D)
        return self._feed(x + self.attention_out(mixed))

    def _feed(self, x: Tensor) -> Tensor:
        """The gated layer, added."""
        gate, up = self.gate_and_up(self.gated_norm(x)).chunk(2, dim=-1)
        fed: Tensor = x + self.down(F.silu(gate) * up)
        return fed
