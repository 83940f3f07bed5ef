from itertools import permutations

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment

from vesalius.models.clusters import k_means, matched


def drawn(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_clouds_that_lie_apart_are_told_apart() -> None:
    middles = torch.tensor([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0], [9.0, 9.0]])
    truth = torch.arange(4).repeat(25)
    cluster = k_means(middles[truth] + torch.randn(100, 2, generator=drawn(1)), 4, drawn(0))
    assert {(int(t), int(c)) for t, c in zip(truth, cluster, strict=True)} in [
        set(enumerate(order)) for order in permutations(range(4))
    ]


def test_every_vector_has_the_nearest_center_and_centers_are_means() -> None:
    vectors = torch.randn(60, 3, generator=drawn(2), dtype=torch.float64)
    cluster = k_means(vectors, 5, drawn(3))
    centers = torch.stack([vectors[cluster == c].mean(dim=0) for c in range(5)])
    assert torch.equal(torch.cdist(vectors, centers).argmin(dim=1), cluster)


@pytest.mark.parametrize("vectors", [torch.zeros(6, 2), torch.tensor([[0.0], [0.0], [0.0], [1.0]])])
def test_no_cluster_is_empty_where_vectors_coincide(vectors: torch.Tensor) -> None:
    assert set(k_means(vectors, 3, drawn(0)).tolist()) == {0, 1, 2}


def test_the_same_seed_gives_the_same_clusters() -> None:
    vectors = torch.randn(40, 3, generator=drawn(4))
    assert torch.equal(k_means(vectors, 4, drawn(9)), k_means(vectors, 4, drawn(9)))


@pytest.mark.parametrize("clusters", [2, 5, 8])
def test_names_are_kept_as_the_hungarian_method_keeps_them(clusters: int) -> None:
    cluster = torch.randint(clusters, (200,), generator=drawn(5))
    before = torch.randint(-1, clusters, (200,), generator=drawn(6))
    shared = np.zeros((clusters, clusters), dtype=int)
    for now, then in zip(cluster.tolist(), before.tolist(), strict=True):
        if then >= 0:
            shared[now, then] += 1
    rows, columns = linear_sum_assignment(-shared)
    named = matched(cluster, before, clusters)
    assert int((named == before).sum()) == shared[rows, columns].sum()
    assert len({(int(a), int(b)) for a, b in zip(cluster, named, strict=True)}) == clusters


def test_clusters_that_only_changed_their_numbers_get_them_back() -> None:
    before = torch.arange(4).repeat(10)
    assert torch.equal(matched((before + 1) % 4, before, 4), before)
