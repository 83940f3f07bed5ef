"""neighbors: a picture gets the class of the training pictures that are most alike to it.

Protocol:  The k nearest training pictures by cosine vote, each with exp(cosine / 0.07) (the weighted vote of Wu et al., 2018);
           the likelihood of a class is its share of the votes.
Chosen:    k, of those that are named, by accuracy on validation; of equals the smallest.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vesalius.benchmarks.encoders.embedded import Floats, Indices

TEMPERATURE = 0.07
AT_ONCE = 1024  # rows whose similarities to the whole gallery are held


def votes(vectors: Floats, gallery: Floats, labels: Indices, classes: int, k: int) -> npt.NDArray[np.float64]:
    """(n, classes): share of the votes of the k nearest of a gallery.

    Args:
        vectors: (n, E) unit length.
        gallery: (g, E) unit length, g > 0.
        labels: (g,) class of each.
        classes: how many.
        k: > 0; all of the gallery where it has fewer.
    """
    found = np.zeros((len(vectors), classes))
    for start in range(0, len(vectors), AT_ONCE):
        alike = vectors[start : start + AT_ONCE].astype(np.float64) @ gallery.astype(np.float64).T
        few = min(k, alike.shape[1])
        nearest = np.argpartition(-alike, few - 1, axis=1)[:, :few]
        close = np.take_along_axis(alike, nearest, axis=1)
        weight = np.exp((close - close.max(axis=1, keepdims=True)) / TEMPERATURE)
        rows = np.repeat(np.arange(len(alike)), nearest.shape[1]) + start
        np.add.at(found, (rows, labels[nearest].ravel()), weight.ravel())
    shares: npt.NDArray[np.float64] = found / found.sum(axis=1, keepdims=True)
    return shares


def chosen_k(
    gallery: Floats, labels: Indices, validation: Floats, validation_labels: Indices, classes: int, candidates: Sequence[int]
) -> int:
    """The candidate with the highest accuracy on validation (v, E), v > 0; of equals the smallest."""
    right = {
        k: float((votes(validation, gallery, labels, classes, k).argmax(axis=1) == validation_labels).mean())
        for k in sorted(candidates)
    }
    return max(right, key=lambda k: (right[k], -k))
