"""The native vision-language model: encode the pictures, connect them, and let the decoder answer after them.

Many questions about the same pictures share them: each question is a segment that sees the pictures and itself, and
its positions start anew, so that answering ten questions in one sequence equals answering them one by one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vesalius.errors import UsageError
from vesalius.models.blocks import Cache
from vesalius.models.connector import Connector
from vesalius.models.decoder import Decoder
from vesalius.models.encoder import Encoder
from vesalius.models.patches import PatchStem

FIRST_TEXT_POSITION = 1024  # text starts here whatever the number of pictures, so that each is always equally far away


@dataclass(frozen=True, eq=False)
class Batch:
    """Packs of pictures with their questions. P packs, M pictures per pack at most, L text tokens, I pictures in all.

    Attributes:
        pixels: (I, T, 3, Y, X) float in [0, 1]; Y and X multiples of 16.
        spacing_mm: (I, 3) of the canvas, NaN where unknown.
        roles: (I,) indices into `connector.ROLES`.
        pictures: (P, M) indices into the I pictures, -1 for none: an absent picture is never attended to.
        tokens: (P, L).
        segments: (P, L): 1, 2, … per question, 0 for padding.
        positions: (P, L): place within the question.
        targets: (P, L): the next token where it is to be learnt, -100 elsewhere.
        weights: (P, L): how much each target counts.
        labels: (G, W) tokens of the labels that are known of some picture, padded with 0.
        label_maps: (I, G, y, x): 1 where a patch shows the label, 0 where it does not, NaN where nobody looked.
    """

    pixels: Tensor
    spacing_mm: Tensor
    roles: Tensor
    pictures: Tensor
    tokens: Tensor
    segments: Tensor
    positions: Tensor
    targets: Tensor
    weights: Tensor
    labels: Tensor
    label_maps: Tensor

    def to(self, device: torch.device) -> "Batch":
        """The same batch on another device."""
        return Batch(**{name: tensor.to(device, non_blocking=True) for name, tensor in vars(self).items()})


class NativeVLM(nn.Module):
    """Vesalius' own small model.

    Args:
        vocabulary: number of tokens of the tokenizer.
        width: D of encoder and decoder.
        encoder_layers: blocks that look.
        decoder_layers: blocks that answer.
        heads: attention heads; width / heads is a multiple of 8.
        slab: slices or frames per patch.
        canvas_px: side of the square on which pictures are shown, a multiple of 16.
        summaries: 2 adds the mean and the maximum of a picture's tokens as two more tokens, 0 adds none. "Is there any" is
            in the maximum and "how many" in the mean, where one look finds them.

    Raises:
        UsageError: `bad_recipe`: sizes that do not fit together.

    Intended use: research on phantoms and small collections. Not for: patients.
    """

    def __init__(
        self,
        *,
        vocabulary: int,
        width: int = 192,
        encoder_layers: int = 6,
        decoder_layers: int = 4,
        heads: int = 6,
        slab: int = 4,
        canvas_px: int = 192,
        summaries: int = 0,
    ) -> None:
        super().__init__()
        if (
            width % (8 * heads)
            or width % 32
            or canvas_px % PatchStem.patch_px
            or min(canvas_px, slab, heads) < 1
            or summaries not in (0, 2)
        ):
            raise UsageError(
                "bad_recipe",
                f"A model of width {width} with {heads} heads on a canvas of {canvas_px} px cannot be built. The width must be a "
                f"multiple of 32 and of 8 x heads, the canvas of {PatchStem.patch_px}. Change model.width, heads or canvas_px.",
            )
        self.settings: Mapping[str, int] = {
            "vocabulary": vocabulary,
            "width": width,
            "encoder_layers": encoder_layers,
            "decoder_layers": decoder_layers,
            "heads": heads,
            "slab": slab,
            "canvas_px": canvas_px,
            "summaries": summaries,
        }
        self.summaries = summaries
        self.canvas_px = canvas_px
        self.encoder = Encoder(width, encoder_layers, heads, slab)
        self.connector = Connector(width, width)
        self.decoder = Decoder(vocabulary, width, decoder_layers, heads)

    def forward(self, batch: Batch, looked: Tensor | None = None) -> Tensor:
        """Hidden states of the text tokens, (P, L, D); `decoder.score` turns them into logits of the next token.

        Args:
            batch: packs.
            looked: what `look` gave for the batch's pictures, where that has been computed already.
        """
        if looked is None:
            looked = self.look(batch.pixels, batch.spacing_mm, batch.roles)
        shown, seen = lay(looked, batch.pictures)
        p, n, _ = shown.shape
        length = batch.tokens.shape[1]
        text = self.decoder.embedding(batch.tokens)  # (P, L, D)
        places = torch.arange(n, device=text.device).expand(p, n)
        positions = torch.cat([places, batch.positions + FIRST_TEXT_POSITION], dim=1)  # (P, N + L)
        mask = text_mask(batch.segments, seen)  # (P, 1, N + L, N + L)
        hidden: Tensor = self.decoder(torch.cat([shown, text], dim=1), positions, mask)
        return hidden[:, n : n + length]

    def look(self, pixels: Tensor, spacing_mm: Tensor, roles: Tensor) -> Tensor:
        """Encode and connect each picture once: (I, T, 3, Y, X) to (I, N, D); I may be 0. Summaries come last."""
        if not len(pixels):
            embedding = self.decoder.embedding.weight
            return torch.zeros(0, 0, embedding.shape[1], device=embedding.device, dtype=embedding.dtype)
        connected: Tensor = self.connector(self.encoder(pixels, spacing_mm), roles)
        if self.summaries:
            connected = torch.cat([connected, connected.mean(1, keepdim=True), connected.amax(1, keepdim=True)], dim=1)
        return connected

    def show(self, pixels: Tensor, spacing_mm: Tensor, roles: Tensor, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """`look`, then `lay`."""
        return lay(self.look(pixels, spacing_mm, roles), pictures)

    def prefill(self, shown: Tensor, seen: Tensor) -> list[Cache]:
        """Keys and values of the packs' pictures, from what `show` gave; text can then be decoded after them."""
        caches = [Cache() for _ in self.decoder.blocks]
        p, n, _ = shown.shape
        if n:
            places = torch.arange(n, device=shown.device).expand(p, n)
            self.decoder(shown, places, picture_mask(seen), caches)
        return caches


def lay(looked: Tensor, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Lay the packs' pictures side by side.

    Args:
        looked: (I, N, D); I may be 0.
        pictures: (P, M) indices into them, -1 for none.

    Returns:
        the tokens (P, M·N, D), zeros where a pack has no picture, and `seen`, bool (P, M·N).
    """
    packs, places = pictures.shape
    if not len(looked):
        nothing = torch.zeros(packs, 0, dtype=torch.bool, device=looked.device)
        return looked.new_zeros(packs, 0, looked.shape[-1]), nothing
    present = pictures >= 0
    laid = looked[pictures.clamp(min=0)] * present[..., None, None].to(looked.dtype)  # (P, M, N, D)
    return laid.flatten(1, 2), present[..., None].expand(packs, places, looked.shape[1]).flatten(1)


def picture_mask(seen: Tensor) -> Tensor:
    """Pictures see all pictures of their pack. `seen` is (P, N); returns bool (P, 1, N, N).

    An absent picture sees itself, so that no row of attention is empty; nobody else sees it.
    """
    itself = torch.eye(seen.shape[1], dtype=torch.bool, device=seen.device)
    return (seen[:, None, :] | itself)[:, None]


def text_mask(segments: Tensor, seen: Tensor) -> Tensor:
    """Who may attend to whom: text to the pictures and to what stands before it in its own question.

    Args:
        segments: (P, L), 0 for padding.
        seen: bool (P, N), which picture tokens exist.

    Returns:
        bool (P, 1, N + L, N + L).
    """
    p, length = segments.shape
    n = seen.shape[1]
    same = segments[:, :, None] == segments[:, None, :]
    causal = torch.ones(length, length, dtype=torch.bool, device=segments.device).tril()
    mask = torch.zeros(p, n + length, n + length, dtype=torch.bool, device=segments.device)
    mask[:, :n, :n] = picture_mask(seen)[:, 0]
    mask[:, n:, :n] = seen[:, None, :]
    mask[:, n:, n:] = same & causal
    return mask[:, None]
