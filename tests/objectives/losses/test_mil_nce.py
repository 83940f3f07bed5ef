import math

import pytest
import torch

from vesalius.objectives.losses.mil_nce import mil_nce


def drawn() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(4, 6, generator=generator, dtype=torch.float64)
    texts = torch.randn(7, 6, generator=generator, dtype=torch.float64)
    return images, texts, torch.tensor([0, 0, 1, 1, 1, 2, 3])[None] == torch.arange(4)[:, None]


def mass(image: torch.Tensor, text: torch.Tensor, normalized: bool) -> float:
    product = sum(float(a) * float(b) for a, b in zip(image, text, strict=True))
    return math.exp(product / (math.hypot(*image.tolist()) * math.hypot(*text.tolist()) if normalized else 1.0) / 0.3)


@pytest.mark.parametrize("some_ignored", [False, True])
@pytest.mark.parametrize("both", [True, False])
@pytest.mark.parametrize("normalized", [True, False])
def test_it_follows_its_formula_in_float64(normalized: bool, both: bool, some_ignored: bool) -> None:
    images, texts, positive = drawn()
    ignored = torch.zeros_like(positive)
    ignored[[0, 3, 3], [4, 0, 5]] = some_ignored
    total = 0.0
    for i in range(4):
        bag = [k for k in range(7) if positive[i, k]]
        pairs = [(i, k) for k in range(7)]
        pairs += [(j, k) for k in bag for j in range(4) if not positive[j, k]] if both else []
        whole = sum(mass(images[j], texts[k], normalized) for j, k in pairs if not ignored[j, k])
        total -= math.log(sum(mass(images[i], texts[k], normalized) for k in bag) / whole) / 4
    found = mil_nce(
        images, texts, positive, ignored=ignored if some_ignored else None, temperature=0.3, normalized=normalized, both=both
    )
    assert math.isclose(float(found), total, rel_tol=1e-12)


def test_longer_vectors_change_nothing() -> None:
    images, texts, positive = drawn()
    assert math.isclose(float(mil_nce(images, texts, positive)), float(mil_nce(10 * images, 10 * texts, positive)), rel_tol=1e-12)
    raw = mil_nce(images, texts, positive, normalized=False)
    assert abs(float(raw) - float(mil_nce(10 * images, 10 * texts, positive, normalized=False))) > 0.1


def test_a_text_of_all_pictures_has_a_finite_gradient() -> None:
    images, texts, positive = drawn()
    positive[:, 2] = True
    images.requires_grad_()
    torch.autograd.backward(mil_nce(images, texts, positive))
    assert bool(images.grad.isfinite().all())
    assert float(images.grad.abs().sum()) > 0


def test_one_fitting_text_in_the_bag_is_enough() -> None:
    images, texts = torch.eye(2), torch.stack([torch.tensor([1.0, 0]), torch.tensor([-1.0, -1]), torch.tensor([0.0, 1])])
    positive = torch.tensor([[True, True, False], [False, False, True]])
    assert float(mil_nce(images, texts, positive, temperature=0.02)) < 1e-6


def test_a_picture_without_texts_does_not_count() -> None:
    images, texts, positive = drawn()
    more = torch.cat([positive, torch.zeros(1, 7, dtype=torch.bool)])
    expected = mil_nce(images, texts, positive, both=False)
    assert float(mil_nce(torch.cat([images, images[:1]]), texts, more, both=False)) == pytest.approx(float(expected), rel=1e-12)
    images.requires_grad_()
    nothing = mil_nce(images, texts, torch.zeros_like(positive))
    torch.autograd.backward(nothing)
    assert float(nothing.detach()) == 0.0
    assert float(images.grad.abs().sum()) == 0.0
