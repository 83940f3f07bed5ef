"""Clusters of vectors: k-means, and which cluster of today is which of yesterday."""

from itertools import permutations

import torch
from torch import Tensor

MOST = 8  # clusters that can be matched: all orders of them are tried
ROUNDS = 50


def k_means(vectors: Tensor, clusters: int, generator: torch.Generator) -> Tensor:
    """Lloyd's rounds from centers that are drawn far from one another (k-means++).

    Args:
        vectors: (n, E), n ≥ clusters.
        clusters: K ≥ 1.
        generator: of random numbers, on the CPU.

    Returns:
        (n,) int64 in [0, K) on the vectors' device. A cluster that would be empty takes the vector that lies farthest from its
        center.

    Source: Arthur and Vassilvitskii 2007, SODA, "k-means++: the advantages of careful seeding".
    """
    first = int(torch.randint(len(vectors), (1,), generator=generator))
    centers = vectors[first : first + 1]
    while len(centers) < clusters:
        nearest = torch.cdist(vectors, centers).amin(dim=1).square().cpu()
        weights = nearest if float(nearest.sum()) > 0 else torch.ones_like(nearest)
        centers = torch.cat([centers, vectors[int(torch.multinomial(weights, 1, generator=generator))][None]])
    cluster = torch.full((len(vectors),), -1, device=vectors.device)
    for _ in range(ROUNDS):
        distance = torch.cdist(vectors, centers)  # (n, K)
        before, cluster = cluster, distance.argmin(dim=1)
        own = distance.gather(1, cluster[:, None])[:, 0]
        for empty in set(range(clusters)) - set(cluster.tolist()):
            alone = torch.bincount(cluster, minlength=clusters)[cluster] == 1  # would leave its own cluster empty
            farthest = int(own.masked_fill(alone, -1.0).argmax())
            cluster[farthest], own[farthest] = empty, 0.0
        if torch.equal(before, cluster):
            break
        centers = torch.stack([vectors[cluster == c].mean(dim=0) for c in range(clusters)])
    return cluster


def matched(cluster: Tensor, before: Tensor, clusters: int) -> Tensor:
    """Name the clusters so that as many vectors as possible keep the name that they had.

    Args:
        cluster: (n,) int64 in [0, K).
        before: (n,) int64, the earlier names; outside [0, K) where there was none.
        clusters: K ≤ `MOST`.

    Returns:
        (n,) int64 in [0, K): the same clusters. The best of all K! orders; of equals the first.
    """
    assert clusters <= MOST, "too many orders to try"
    known = (before >= 0) & (before < clusters)
    pairs = torch.bincount(cluster[known] * clusters + before[known], minlength=clusters**2).view(clusters, clusters).cpu()
    orders = torch.tensor(list(permutations(range(clusters))))  # (K!, K): the new name of each cluster
    kept = pairs[torch.arange(clusters), orders].sum(dim=1)  # (K!,)
    names = orders[int(kept.argmax())].to(cluster.device)
    return names[cluster]
