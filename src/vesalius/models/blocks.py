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


def turns(angles: Tensor) -> Tensor:
    """Angles in radians as complex numbers of length 1, which turn by being multiplied: made once for all blocks.

    Args:
        angles: (…, d/2), radians.

    Returns:
        (…, d/2), complex64; complex128 of float64.
    """
    wide = angles.to(torch.promote_types(angles.dtype, torch.float32))
    return torch.complex(wide.cos(), wide.sin())


def rotate(x: Tensor, turned_by: Tensor) -> Tensor:
    """Turn each pair of neighboring features by its angle (rotary position embedding, arXiv:2104.09864, Eq. 34).

    Args:
        x: (…, d).
        turned_by: `turns` of (…, d/2) angles, that broadcast.
    """
    return torch.view_as_real(_paired(x) * turned_by).flatten(-2).to(x.dtype)


def _paired(x: Tensor) -> Tensor:
    """Neighboring features as complex numbers: (…, d) to (…, d/2); a view of float32 and float64."""
    return torch.view_as_complex(x.to(torch.promote_types(x.dtype, torch.float32)).unflatten(-1, (-1, 2)))


class _Turned(torch.autograd.Function):
    """Queries and keys turned, values as they are; back, the three gradients are written into one tensor, each in one pass.

    Left to autograd, turning back, joining queries with keys and both with the values are a pass each.
    """

    @staticmethod
    def forward(ctx: Any, heads: Tensor, turned_by: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        ctx.save_for_backward(turned_by)
        query, key = rotate(heads[:, :2], turned_by[:, None, None]).unbind(1)
        return query, key, heads[:, 2]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        query, key, value = gradients
        back = ctx.saved_tensors[0].conj_physical()[:, None]
        joined = value.new_empty(len(value), 3, *value.shape[1:])
        if joined.dtype in (torch.float32, torch.float64):
            torch.mul(_paired(query), back, out=_paired(joined[:, 0]))
            torch.mul(_paired(key), back, out=_paired(joined[:, 1]))
        else:
            joined[:, 0], joined[:, 1] = rotate(query, back), rotate(key, back)
        joined[:, 2] = value
        return joined, None


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
    """torch's RMS norm; on a processor learning from it takes half the time.

    There torch goes back by a dozen passes over the stream. One kernel does nearly all of it: that of the layer norm, told that
    the mean is 0.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Bring the last axis to a root mean square of 1, times the weight."""
        if x.device.type != "cpu" or not torch.is_grad_enabled():
            return super().forward(x)
        result: Tensor = _Normed.apply(x, self.weight)  # type: ignore[no-untyped-call]
        return result


class _Normed(torch.autograd.Function):
    """y = w r x with r = 1 / sqrt(mean x² + eps); back: dx = r (w dy - r² x mean(w dy x)), dw = sum r x dy.

    The layer norm's dx is less by r mean(w dy), whose mean is not held at 0 here.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        square = torch.linalg.vector_norm(x, dim=-1, keepdim=True).square_().div_(x.shape[-1])
        scale = square.add_(torch.finfo(x.dtype).eps).rsqrt_()
        ctx.save_for_backward(x, weight, scale)
        return (x * scale).mul_(weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        x, weight, scale = ctx.saved_tensors
        of_x, of_weight, _ = torch.ops.aten.native_layer_norm_backward(
            gradient, x, weight.shape, torch.zeros_like(scale), scale, weight, None, [True, True, False]
        )
        return of_x.add_((gradient @ weight)[..., None].mul_(scale).div_(x.shape[-1])), of_weight


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
        self.gate = nn.Linear(width, hidden, bias=False)
        self.up = nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(
        self,
        x: Tensor,
        turned_by: Tensor,
        mask: Tensor | None,
        cache: Cache | None = None,
        runs: Sequence[tuple[int, int]] | None = None,
    ) -> Tensor:
        """One step of the stream.

        Args:
            x: (B, T, D); packed (N, D).
            turned_by: `turns` of the T new positions, (B, T, d/2); packed (N, d/2).
            mask: bool, (B, 1, T, all positions so far), True where attention is allowed; None for everywhere.
            cache: keys and values of earlier positions; grown by this call.
            runs: of a packed stream, as `Packing` has them: each position sees its own sequence alone. Neither mask nor cache.
        """
        if runs is not None:
            return self._packed(x, turned_by, runs)
        b, t, width = x.shape
        heads = self.query_key_value(self.attention_norm(x)).view(b, t, 3, self.heads, -1)  # (B, T, 3, H, d)
        query, key, value = heads.permute(2, 0, 3, 1, 4)  # each (B, H, T, d)
        query, key = (rotate(x, turned_by[:, None]) for x in (query, key))
        if cache is not None:
            key, value = cache.append(key, value)
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)  # (B, H, T, d)
        return self._feed(x + self.attention_out(mixed.transpose(1, 2).reshape(b, t, width)))

    def _packed(self, x: Tensor, turned_by: Tensor, runs: Sequence[tuple[int, int]]) -> Tensor:
        """One step of a packed stream."""
        heads = self.query_key_value(self.attention_norm(x)).view(len(x), 3, self.heads, -1)  # (N, 3, H, d)
        query, key, value = _Turned.apply(heads, turned_by)  # type: ignore[no-untyped-call]
        return self._feed(x + self.attention_out(attend(query, key, value, runs)))

    def _feed(self, x: Tensor) -> Tensor:
        """The gated layer, added."""
        normed = self.gated_norm(x)
        # Not one map of twice the width: its halves would be joined and cut again, and rows of a power of two are slow to write.
        fed: Tensor = x + self.down(F.silu(self.gate(normed)) * self.up(normed))
        return fed
