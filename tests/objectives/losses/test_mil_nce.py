import math

import pytest
import torch

from vesalius.objectives.losses.mil_nce import mil_nce


def drawn() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(4, 6, generator=generator, dtype=torch.float64)
    texts = torch.randn(7, 6, generator=generator, dtype=torch.float64)
    return images, texts, torch.tensor([0, 0, 1, 1, 1, 2, 3])[None] == torch.arange(4)[:, None]


@pytest.mark.parametrize("normalized", [True, False])
def test_it_follows_its_formula_in_float64(normalized: bool) -> None:
    images, texts, positive = drawn()
    total = 0.0
    for i in range(4):
        masses = []
        for k in range(7):
            product = sum(float(a) * float(b) for a, b in zip(images[i], texts[k], strict=True))
            if normalized:
                product /= math.sqrt(float(images[i] @ images[i]) * float(texts[k] @ texts[k]))
            masses.append(math.exp(product / 0.3))
        total -= math.log(sum(m for k, m in enumerate(masses) if positive[i, k]) / sum(masses)) / 4
    found = mil_nce(images, texts, positive, temperature=0.3, normalized=normalized)
    assert math.isclose(float(found), total, rel_tol=1e-12)


def test_longer_vectors_change_nothing() -> None:
    images, texts, positive = drawn()
    assert math.isclose(float(mil_nce(images, texts, positive)), float(mil_nce(10 * images, 10 * texts, positive)), rel_tol=1e-12)
    raw = mil_nce(images, texts, positive, normalized=False)
    assert abs(float(raw) - float(mil_nce(10 * images, 10 * texts, positive, normalized=False))) > 0.1


def test_one_fitting_text_in_the_bag_is_enough() -> None:
    images, texts = torch.eye(2), torch.stack([torch.tensor([1.0, 0]), torch.tensor([-1.0, -1]), torch.tensor([0.0, 1])])
    positive = torch.tensor([[True, True, False], [False, False, True]])
    assert float(mil_nce(images, texts, positive, temperature=0.02)) < 1e-6


def test_a_picture_without_texts_does_not_count() -> None:
    images, texts, positive = drawn()
    more = torch.cat([positive, torch.zeros(1, 7, dtype=torch.bool)])
    expected = mil_nce(images, texts, positive)
    assert float(mil_nce(torch.cat([images, images[:1]]), texts, more)) == float(expected)
    images.requires_grad_()
    nothing = mil_nce(images, texts, torch.zeros_like(positive))
    torch.autograd.backward(nothing)
    assert float(nothing.detach()) == 0.0
    assert float(images.grad.abs().sum()) == 0.0
