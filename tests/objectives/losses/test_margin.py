import math

import pytest
import torch

from vesalius.objectives.losses.margin import margin_loss


def drawn(seed: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(9, 4, generator=generator, dtype=torch.float64), torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 3])


@pytest.mark.parametrize(("beta", "nu", "least"), [(1.2, 0.0, 0.5), (0.7, 0.3, 1.3), (1.2, 0.0, 2.0)])
def test_it_follows_its_formula_in_float64(beta: float, nu: float, least: float) -> None:
    vectors, labels = drawn()
    points = [[float(v) / math.sqrt(sum(float(w) ** 2 for w in row)) for v in row] for row in vectors]
    total, active = 0.0, 0
    for a, anchor in enumerate(points):
        distances = [math.dist(anchor, point) for point in points]
        positives = [d for p, d in enumerate(distances) if p != a and labels[p] == labels[a]]
        negatives = sorted(d for n, d in enumerate(distances) if labels[n] != labels[a] and d > least)[: len(positives)]
        terms = [*(max(0.0, d - beta + 0.2) for d in positives), *(max(0.0, beta - d + 0.2) for d in negatives)]
        total += sum(terms)
        active += sum(term > 0 for term in terms)
    found = margin_loss(vectors, labels, torch.tensor(beta, dtype=torch.float64), nu=nu, least_distance=least)
    assert math.isclose(float(found), total / max(1, active) + nu * beta, rel_tol=1e-7)


def test_the_boundary_moves_to_where_it_costs_less() -> None:
    vectors, labels = drawn()
    beta = torch.tensor(2.1, dtype=torch.float64, requires_grad=True)  # above all distances: every negative is too near
    torch.autograd.backward(margin_loss(vectors, labels, beta))
    assert float(beta.grad) > 0


def test_longer_vectors_change_nothing() -> None:
    vectors, labels = drawn()
    beta = torch.tensor(1.2, dtype=torch.float64)
    assert math.isclose(float(margin_loss(vectors, labels, beta)), float(margin_loss(10 * vectors, labels, beta)), rel_tol=1e-12)


def test_a_picture_without_a_class_is_nobodys_neighbor() -> None:
    vectors, labels = drawn()
    beta = torch.tensor(1.2, dtype=torch.float64)
    more = torch.cat([vectors, vectors[:2] + 0.1])
    expected = margin_loss(vectors, labels, beta)
    assert float(margin_loss(more, torch.cat([labels, torch.tensor([-1, -1])]), beta)) == pytest.approx(
        float(expected), rel=1e-12
    )


@pytest.mark.parametrize("vector", [[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
def test_pictures_that_coincide_have_a_finite_gradient(vector: list[float]) -> None:
    vectors = torch.tensor([vector] * 4, requires_grad=True)
    torch.autograd.backward(margin_loss(vectors, torch.tensor([0, 0, 1, 1]), torch.tensor(0.1)))
    assert bool(vectors.grad.isfinite().all())
