"""few_shot: a picture gets the class whose few examples it is most alike to.

Protocol:  k training pictures of each class are drawn by a seed (all where there are fewer), several times; the class's vector is
           the mean of theirs at unit length, a picture's likelihood the cosine (a nearest class mean; Snell et al., 2017, without
           training). Scores are the mean over draws.
Chosen:    nothing, so that no label beyond the k is used.
"""

import numpy as np
import numpy.typing as npt

from vesalius.benchmarks.encoders.draws import few_of
from vesalius.benchmarks.encoders.embedded import Floats, Indices
from vesalius.benchmarks.encoders.zero_shot import class_vectors


def class_means(vectors: Floats, labels: Indices, classes: int, shots: int, seed: int) -> Floats:
    """The vector of each class, (classes, E), from a few of its pictures (n, E); every class has at least one."""
    rows = few_of(labels.tolist(), shots, seed)
    return class_vectors(vectors[rows], labels[rows], classes)


def draws(vectors: Floats, labels: Indices, classes: int, shots: int, seed: int, many: int) -> npt.NDArray[np.float32]:
    """(many, classes, E): the class vectors of several draws."""
    return np.stack([class_means(vectors, labels, classes, shots, seed + number) for number in range(many)])
