"""Links of a batch, made by code: one text per picture unless owners are given."""

from collections.abc import Sequence

import torch

from vesalius.models.pairs import Links


def links_of(
    pictures: int, *, owner: Sequence[int] | None = None, key: Sequence[int] | None = None, label: Sequence[int] | None = None
) -> Links:
    """Links of that many pictures; every key of its own and no labels where none are given."""
    owners = torch.tensor(range(pictures) if owner is None else owner, dtype=torch.int64)
    none = torch.zeros(0, dtype=torch.int64)
    return Links(
        owner=owners,
        key=torch.arange(len(owners)) if key is None else torch.tensor(key, dtype=torch.int64),
        source=torch.zeros(len(owners), dtype=torch.int64),
        label=torch.full((pictures,), -1) if label is None else torch.tensor(label, dtype=torch.int64),
        states=torch.zeros(pictures, 0),
        span_text=none,
        span_start=none,
        span_end=none,
        span_concept=none,
        item=torch.arange(pictures),
    )
