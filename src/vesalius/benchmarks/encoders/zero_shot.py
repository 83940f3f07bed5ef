"""zero_shot: a picture gets the class whose prompts it is most alike to; nothing is trained.

Protocol:  Every prompt is embedded to unit length. A class's vector is the mean of its prompts' vectors, brought to unit length
           again: without that a class with diverse prompts has a shorter vector and is never chosen (Radford et al., 2021, sec.
           3.1.4 average and renormalize). A picture's likelihood of a class is the cosine.
           A finding, which may stand beside others, is asked for by a pair: prompts that say it is there and prompts that say it
           is not. Its likelihood is the difference of the two cosines; pictures of which nobody said whether it is there are left
           out.
Chosen:    nothing.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from vesalius.benchmarks.encoders.embedded import Embedder, Floats, unit


def ensembles(embedder: Embedder, prompts: Mapping[str, Sequence[str]]) -> Floats:
    """(C, E): the vector of each class, in the order of the mapping; every wording is embedded once."""
    words = list(dict.fromkeys(prompt for said in prompts.values() for prompt in said))
    place = {word: number for number, word in enumerate(words)}
    vectors = embedder.texts(words)
    owner = np.repeat(np.arange(len(prompts)), [len(said) for said in prompts.values()])
    rows = [place[prompt] for said in prompts.values() for prompt in said]
    return class_vectors(np.asarray(vectors)[rows], owner, len(prompts))


def class_vectors(prompts: npt.NDArray[np.floating], owner: npt.NDArray[np.integer], classes: int) -> Floats:
    """The vector of each class from those of its prompts: each at unit length, mean, at unit length again.

    Args:
        prompts: (P, E).
        owner: (P,) the class of each.
        classes: how many; each has at least one prompt.

    Returns:
        (classes, E) float32.
    """
    total = np.zeros((classes, prompts.shape[1]))
    np.add.at(total, owner, unit(prompts).astype(np.float64))
    return unit(total)


def likelihoods(vectors: Floats, of_classes: Floats) -> npt.NDArray[np.float64]:
    """(n, C) cosines of pictures (n, E) and classes (C, E)."""
    return vectors.astype(np.float64) @ of_classes.astype(np.float64).T


def finding_likelihoods(vectors: Floats, present: Floats, absent: Floats) -> npt.NDArray[np.float64]:
    """(n, G): how much more alike a picture is to a finding's presence (G, E) than to its absence (G, E)."""
    return likelihoods(vectors, present) - likelihoods(vectors, absent)
