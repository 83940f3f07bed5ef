"""From the tokens of a sequence to one vector. No padding exists, so none is ever averaged in."""

import torch
from torch import Tensor, nn

from vesalius.errors import UsageError
from vesalius.models.encoder import Classed
from vesalius.models.pairs import Encoded

KINDS = ("mean", "max", "class", "attention", "layers_mean", "layers_sum")
LAST = 4  # blocks whose tokens `layers_sum` adds


class Pooling(nn.Module):
    """One vector per sequence.

    Args:
        kind: "mean" or "max" over the tokens; "class" for the tower's class token; "attention" for a mean whose weights are
            learnt, per head; "layers_mean" for the mean token of the first, second and last block together (as FLAIR pools
            its texts); "layers_sum" for the mean token of the sum of the last four blocks (as SurgVLP does).
        width: D of the tokens.
        heads: of "attention": sets of weights, each of its own share of the features.

    Raises:
        UsageError: `bad_recipe`: no such kind, or a width that the heads do not share evenly.
    """

    def __init__(self, kind: str, width: int, heads: int = 4) -> None:
        super().__init__()
        if kind not in KINDS:
            raise UsageError(
                "bad_recipe",
                f'There is no pooling "{kind}". Tokens become a vector in few ways. Set one of: {", ".join(KINDS)}.',
            )
        self.kind = kind
        self.layers = kind.startswith("layers_")
        if kind == "attention":
            if width % heads:
                raise UsageError(
                    "bad_recipe",
                    f"A width of {width} cannot be shared by {heads} heads of attention pooling. Change model.width or heads.",
                )
            # A learnt query that is asked of a linear key is a linear score: one matrix holds both.
            self.score = nn.Linear(width, heads, bias=False)
            self.value = nn.Linear(width, width, bias=False)

    def forward(self, encoded: Encoded) -> Tensor:
        """Pool: N tokens of B sequences to (B, D). Raises `UsageError` (`bad_recipe`) where "class" finds no class token."""
        if self.kind == "class":
            if not isinstance(encoded, Classed) or encoded.classes is None:
                raise UsageError(
                    "bad_recipe",
                    "The tower has no class token, so it cannot be pooled by it. Set the pooling to mean, max or attention.",
                )
            return encoded.classes
        if self.kind == "attention":
            return self._attend(encoded)
        if self.layers:
            layers = encoded.layers
            assert layers, "the tower was not asked for its layers"
            if self.kind == "layers_sum":
                return mean(torch.stack(layers[-LAST:]).sum(0), encoded.lengths)
            chosen = [layers[index] for index in sorted({0, min(1, len(layers) - 1), len(layers) - 1})]
            return mean(torch.stack(chosen).mean(0), encoded.lengths)
        if self.kind == "max":
            return maximum(encoded.tokens, encoded.lengths)
        return mean(encoded.tokens, encoded.lengths)

    def weights(self, encoded: Encoded) -> Tensor:
        """(N, H): how much each token counts in each head of "attention"; they sum to 1 in each sequence."""
        lengths = encoded.lengths
        scores = self.score(encoded.tokens).float()
        highest = spread(maximum(scores.detach(), lengths), lengths)
        weights: Tensor = (scores - highest).exp()
        return weights / spread(total(weights, lengths), lengths)

    def _attend(self, encoded: Encoded) -> Tensor:
        weights = self.weights(encoded)
        values = self.value(encoded.tokens)  # (N, D)
        heads = values.view(*weights.shape, -1) * weights[..., None].to(values.dtype)  # (N, H, d)
        return total(heads.flatten(1), encoded.lengths)


def total(rows: Tensor, lengths: tuple[int, ...]) -> Tensor:
    """Sum over each sequence: (N, C) to (B, C)."""
    if _equal(lengths):
        return rows.view(len(lengths), -1, rows.shape[1]).sum(1)
    return torch.segment_reduce(rows, "sum", lengths=torch.tensor(lengths, device=rows.device))


def mean(rows: Tensor, lengths: tuple[int, ...]) -> Tensor:
    """Mean over each sequence: (N, C) to (B, C)."""
    if _equal(lengths):
        return rows.view(len(lengths), -1, rows.shape[1]).mean(1)
    return total(rows, lengths) / torch.tensor(lengths, device=rows.device, dtype=rows.dtype)[:, None]


def maximum(rows: Tensor, lengths: tuple[int, ...]) -> Tensor:
    """Maximum over each sequence, feature by feature: (N, C) to (B, C)."""
    if _equal(lengths):
        return rows.view(len(lengths), -1, rows.shape[1]).amax(1)
    return torch.segment_reduce(rows, "max", lengths=torch.tensor(lengths, device=rows.device))


def spread(vectors: Tensor, lengths: tuple[int, ...]) -> Tensor:
    """Give each token what its sequence has: (B, C) to (N, C)."""
    return vectors.repeat_interleave(torch.tensor(lengths, device=vectors.device), dim=0, output_size=sum(lengths))


def _equal(lengths: tuple[int, ...]) -> bool:
    return len(set(lengths)) == 1
