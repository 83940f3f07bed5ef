"""What single patches say of names: vectors of words within a text, scores of the best patches, and maps."""

import torch
import torch.nn.functional as F
from torch import Tensor

BEST_SHARE = 128 / 729  # of the patches, whose mean is a picture's local score (ConceptCLIP's published inference)


def span_vectors(words: Tensor, lengths: Tensor, text: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Mean of the words of each span, then unit length.

    A span holds its own words alone: what else the text says, or how long the others of the batch are, plays no part here.

    Args:
        words: (N, E) of K texts, one after the other, without padding.
        lengths: (K,) int64, of each text; they sum to N.
        text: (S,) int64: the text in which each span stands.
        start: (S,) int64: its first word within the text.
        end: (S,) int64: the word after its last; start < end ≤ the text's length.

    Returns:
        (S, E) of unit length.
    """
    counts = end - start
    first = (lengths.cumsum(0) - lengths)[text] + start  # (S,) within all words
    before = (counts.cumsum(0) - counts).repeat_interleave(counts)
    place = first.repeat_interleave(counts) + torch.arange(len(before), device=words.device) - before
    owner = torch.arange(len(text), device=words.device).repeat_interleave(counts)
    sums = words.new_zeros(len(text), words.shape[1]).index_add(0, owner, words[place])
    return F.normalize(sums, dim=-1)  # the mean's direction


def name_vectors(vectors: Tensor, name: Tensor, names: int) -> Tensor:
    """One vector per name, of the vectors that several prompts give it.

    The mean is brought to unit length again: a name whose prompts differ more is not farther from every picture for that.

    Args:
        vectors: (P, E) of unit length, one per prompt.
        name: (P,) int64 in [0, names): whose prompt each is; every name has one.
        names: C.

    Returns:
        (C, E) of unit length.
    """
    return F.normalize(vectors.new_zeros(names, vectors.shape[1]).index_add(0, name, vectors), dim=-1)


def local_scores(patches: Tensor, lengths: tuple[int, ...], names: Tensor, *, share: float = BEST_SHARE) -> Tensor:
    """Mean similarity of a name to the patches that fit it best, for every picture and every name.

    Args:
        patches: (N, E) of unit length, pictures one after the other.
        lengths: patches of each of the B pictures.
        names: (C, E) of unit length.
        share: of a picture's patches, in (0, 1]; at least one is taken.

    Returns:
        (B, C) in [-1, 1].
    """
    best = [
        (mine @ names.T).topk(max(1, round(share * len(mine))), dim=0).values.mean(dim=0)  # (C,)
        for mine in torch.split(patches, list(lengths))
    ]
    return torch.stack(best)


def fused(whole: Tensor, local: Tensor, *, local_weight: float = 0.5) -> Tensor:
    """Probabilities of names from the whole picture and from its patches.

    Args:
        whole: (B, C) logits: scaled similarities, no probabilities.
        local: (B, C) logits.
        local_weight: in [0, 1].

    Returns:
        (B, C), each row sums to 1.
    """
    return (1 - local_weight) * whole.softmax(dim=1) + local_weight * local.softmax(dim=1)


def concept_maps(patches: Tensor, lengths: tuple[int, ...], concepts: Tensor) -> tuple[Tensor, ...]:
    """Where each concept is seen: cosines of each picture's patches, in their order (t, y, x).

    Args:
        patches: (N, E) of unit length.
        lengths: patches of each of the B pictures.
        concepts: (C, E) of unit length.

    Returns:
        B tensors (C, patches of the picture) in [-1, 1]. The largest value is where a pointing game points.
    """
    return tuple(concepts @ mine.T for mine in torch.split(patches, list(lengths)))
