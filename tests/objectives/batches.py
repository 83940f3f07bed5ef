"""Batches of pairs and small dual encoders, made by code; and a batch looked at in parts, as the loop does it."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from vesalius.models.dual_encoder import DualEncoder
from vesalius.models.pairs import Links, PairBatch, Pictures, Texts

VOCABULARY = 30


def links_of(
    pictures: int, *, owner: Sequence[int] | None = None, key: Sequence[int] | None = None, label: Sequence[int] | None = None
) -> Links:
    """Links of that many pictures: one text each unless owners are given, every key of its own, no labels unless given."""
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


def encoder(**options: object) -> DualEncoder:
    """A small dual encoder, the same at every call."""
    torch.manual_seed(0)
    sizes = {"width": 32, "layers": 1, "heads": 2, "text_width": 32, "text_layers": 1, "text_heads": 2, "embedding": 16}
    return DualEncoder(vocabulary=VOCABULARY, **{**sizes, **options})


def batch_of(links: Links, *, again: bool = False, seed: int = 1) -> PairBatch:
    """Pictures of two sizes and texts of several lengths for these links; texts of one key have one wording."""
    torch.manual_seed(seed)
    pixels = tuple(torch.rand(1, 3, 32, 16 * (1 + i % 2)) for i in range(len(links.label)))
    pictures = Pictures(pixels, torch.ones(len(pixels), 3))
    words = {key: torch.randint(VOCABULARY, (2 + key % 3,)) for key in sorted(set(links.key.tolist()))}
    each = [words[key] for key in links.key.tolist()]
    texts = Texts(torch.cat(each), tuple(len(one) for one in each))
    second = replace(pictures, pixels=tuple((one * 0.8 + 0.1).flip(-1) for one in pixels)) if again else None
    return PairBatch(pictures, texts, links, second)


def halves(batch: PairBatch, pictures: int) -> list[PairBatch]:
    """The batch before and from a picture, each with its texts and links of its own. Spans are not carried."""
    return [_between(batch, 0, pictures), _between(batch, pictures, len(batch.pictures))]


def _between(batch: PairBatch, start: int, stop: int) -> PairBatch:
    def some(pictures: Pictures) -> Pictures:
        return Pictures(pictures.pixels[start:stop], pictures.spacing_mm[start:stop])

    links = batch.links
    kept = [k for k, owner in enumerate(links.owner.tolist()) if start <= owner < stop]
    ids = batch.texts.ids.split(batch.texts.lengths)
    texts = Texts(torch.cat([ids[k] for k in kept]), tuple(batch.texts.lengths[k] for k in kept))
    local = replace(
        links,
        owner=links.owner[kept] - start,
        key=links.key[kept],
        source=links.source[kept],
        label=links.label[start:stop],
        states=links.states[start:stop],
        item=links.item[start:stop],
    )
    return PairBatch(some(batch.pictures), texts, local, some(batch.again) if batch.again is not None else None)


def gradients_at_once(objective: nn.Module, model: DualEncoder, batch: PairBatch) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of the whole batch and the gradient of every parameter that has one."""
    return _collected(objective(model, batch)["loss"], model)


def gradients_in_parts(
    objective: nn.Module, model: DualEncoder, parts: Sequence[PairBatch], links: Links
) -> tuple[Tensor, dict[str, Tensor]]:
    """The same in parts: features of each without a graph, the loss of all, then each part again with what came back for it."""
    with torch.no_grad():
        stored = [objective.features(model, part) for part in parts]
    joined = {name: torch.cat([one[name] for one in stored]).requires_grad_() for name in stored[0]}
    loss = objective.losses(model, joined, links)["loss"]
    model.zero_grad()
    torch.autograd.backward(loss)
    start = dict.fromkeys(joined, 0)
    for part in parts:
        for name, tensor in objective.features(model, part).items():
            came_back = joined[name].grad[start[name] : start[name] + len(tensor)]
            torch.autograd.backward(tensor, came_back, retain_graph=True)
            start[name] += len(tensor)
    return loss.detach(), _named(model)


def _collected(loss: Tensor, model: DualEncoder) -> tuple[Tensor, dict[str, Tensor]]:
    model.zero_grad()
    torch.autograd.backward(loss)
    return loss.detach(), _named(model)


def _named(model: DualEncoder) -> dict[str, Tensor]:
    return {name: one.grad.clone() for name, one in model.named_parameters() if one.grad is not None}


def assert_parts_are_exact(objective: nn.Module, model: DualEncoder, batch: PairBatch, cut: int) -> None:
    """Two parts give the loss and all gradients of the whole, those of temperature and bias once and not twice."""
    loss, expected = gradients_at_once(objective, model, batch)
    loss_in_parts, gradients = gradients_in_parts(objective, model, halves(batch, cut), batch.links)
    assert torch.allclose(loss_in_parts, loss, rtol=1e-6, atol=0)
    assert gradients.keys() == expected.keys()
    for name, gradient in gradients.items():
        largest = float(expected[name].abs().max())
        assert float((gradient - expected[name]).abs().max()) <= 1e-5 * largest, name


def assert_length_of_features_is_no_matter(objective: nn.Module, model: DualEncoder, batch: PairBatch) -> None:
    """Features ten times as long give the same loss."""
    features = {name: tensor.double() for name, tensor in objective.features(model, batch).items()}
    plain = objective.losses(model, features, batch.links)["loss"]
    longer = objective.losses(model, {name: 10 * tensor for name, tensor in features.items()}, batch.links)["loss"]
    assert torch.allclose(longer, plain, rtol=1e-10, atol=0)
