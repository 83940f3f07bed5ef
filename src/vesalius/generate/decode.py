"""Greedy decoding with a key–value cache: many questions at once, each picture encoded once.

The grammar is enforced while decoding: after BOX come four coordinates, x1 not before x0 and y1 not before y0, and
coordinates come nowhere else. What it cannot enforce (an output cut off by `most_tokens`) the parser reports.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vesalius.generate.tokenizer import ANSWER, ASK, BOX, END, FIRST_COORDINATE, FIRST_PIECE, PAD
from vesalius.models.vlm import FIRST_TEXT_POSITION, NativeVLM


@dataclass(frozen=True)
class Decoded:
    """Generated ids, END included where it was reached, and the log-probability of each."""

    ids: tuple[int, ...]
    log_probabilities: tuple[float, ...]


@torch.inference_mode()
def decode(
    model: NativeVLM,
    shown: Tensor,
    seen: Tensor,
    questions: Sequence[Sequence[int]],
    pack_of: Sequence[int],
    *,
    most_tokens: int = 160,
) -> list[Decoded]:
    """Answer questions about packs of pictures.

    Args:
        model: in evaluation mode.
        shown: what `model.show` gave for the packs.
        seen: likewise.
        questions: ids of each question, ANSWER last; at least one question.
        pack_of: for each question, the index of its pack.
        most_tokens: longest answer.

    Returns:
        one answer per question.
    """
    device = shown.device
    caches = model.prefill(shown, seen)
    rows = torch.tensor(pack_of, device=device)
    if shown.shape[1]:
        for cache in caches:
            cache.repeat(rows)
    lengths = torch.tensor([len(q) for q in questions], device=device)
    longest = int(lengths.max())
    tokens = torch.full((len(questions), longest), PAD, device=device)
    for row, question in enumerate(questions):
        tokens[row, : len(question)] = torch.tensor(question, device=device)
    places = torch.arange(longest, device=device).expand(len(questions), -1)
    exists = places < lengths[:, None]  # (B, L)
    visible = torch.cat([seen[rows], exists], dim=1)  # (B, N + L): which cached positions may be attended to
    causal = torch.ones(longest, longest, dtype=torch.bool, device=device).tril()
    mask = torch.cat([seen[rows][:, None].expand(-1, longest, -1), exists[:, None] & causal], dim=2)
    # The first token attends to itself even where it is padding, so that no row of attention is empty.
    mask[:, :, seen.shape[1] :] |= torch.eye(longest, dtype=torch.bool, device=device)
    hidden = model.decoder(model.decoder.embedding(tokens), places + FIRST_TEXT_POSITION, mask[:, None], caches)
    last = hidden[torch.arange(len(questions), device=device), lengths - 1]  # (B, D)
    grammars = [_Grammar() for _ in questions]
    ids: list[list[int]] = [[] for _ in questions]
    scores: list[list[float]] = [[] for _ in questions]
    for step in range(most_tokens):
        allowed = torch.stack([g.allowed(len(model.decoder.embedding.weight)) for g in grammars]).to(device)
        log_probability = model.decoder.score(last).float().masked_fill(~allowed, -torch.inf).log_softmax(dim=-1)
        best, chosen = log_probability.max(dim=-1)
        for row, (token, value) in enumerate(zip(chosen.tolist(), best.tolist(), strict=True)):
            if not grammars[row].ended:
                ids[row].append(token)
                scores[row].append(value)
                grammars[row].take(token)
        if all(g.ended for g in grammars):
            break
        visible = torch.cat([visible, torch.ones_like(visible[:, :1])], dim=1)
        position = (lengths + step + FIRST_TEXT_POSITION)[:, None]
        hidden = model.decoder(model.decoder.embedding(chosen[:, None]), position, visible[:, None, None], caches)
        last = hidden[:, 0]
    return [Decoded(tuple(i), tuple(s)) for i, s in zip(ids, scores, strict=True)]


class _Grammar:
    """Where one answer stands in the grammar, and which tokens may follow."""

    def __init__(self) -> None:
        self.ended = False
        self._corners: list[int] | None = None  # coordinates since BOX, None outside a box

    def allowed(self, vocabulary: int) -> Tensor:
        """Bool over the vocabulary."""
        allowed = torch.zeros(vocabulary, dtype=torch.bool)
        if self._corners is None:
            allowed[:] = True
            allowed[[PAD, ASK, ANSWER]] = False
            allowed[FIRST_COORDINATE:FIRST_PIECE] = False
        else:
            least = self._corners[len(self._corners) - 2] if len(self._corners) >= 2 else FIRST_COORDINATE
            allowed[least:FIRST_PIECE] = True
        return allowed

    def take(self, token: int) -> None:
        """Move on by one token."""
        if self._corners is not None:
            self._corners.append(token)
            if len(self._corners) == 4:
                self._corners = None
        elif token == BOX:
            self._corners = []
        self.ended = token == END
