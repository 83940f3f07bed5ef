"""retrieval: finding the text of a picture, the picture of a text, and pictures of the same class.

Protocol:  Queries and gallery are all pictures and texts of the test split. Picture to text: any text answers whose key is one of
           the picture's own texts' keys, whoever it was written of; in the gallery each key stands once, as its text that is
           most alike: eight wordings of one wrong caption are one wrong answer. Text to picture: any picture answers that has a
           text of the query's key. Counting the own partner alone would punish a search for a caption that stands twice. R@1,
           R@5, R@10 and the median rank of the first right item; `retrieval_r{k}` is the mean of both directions. Beside them
           what an order without meaning would score.
           P@k by class: the share of the first k pictures that are of the query's class; the query is a picture (pictures of its
           own patient are not to be found) or a text, which has the class of the picture that it was written of.
Chosen:    nothing.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from vesalius.benchmarks.encoders.embedded import Embedded
from vesalius.benchmarks.encoders.scores import Values, corpus, counted, mean
from vesalius.metrics import median_rank, precision_at_k, recall_at_k
from vesalius.types import Score

DEPTHS = (1, 5, 10)
PRECISION_DEPTHS = (5, 10)
Marks = npt.NDArray[np.bool_]


def retrieval(found: Embedded, *, resamples: int = 0) -> tuple[dict[str, Score], dict[str, float]]:
    """The scores, and by chance those of the recalls.

    Args:
        found: with texts.
        resamples: of the patients, for intervals; 0 for none.

    Returns:
        name → score; name → value by chance.
    """
    patients = list(found.patients)
    writers = [patients[i] for i in found.owner]
    alike = found.vectors.astype(np.float64) @ found.texts.astype(np.float64).T  # (pictures, texts)
    keys, numbers = np.unique(found.keys, return_inverse=True)
    has = np.zeros((len(found), len(keys)), np.bool_)  # which picture's texts have which key
    has[found.owner, numbers] = True
    right = {"image_text": has, "text_image": has[:, numbers].T}
    order = np.argsort(numbers, kind="stable")
    starts = np.searchsorted(numbers[order], np.arange(len(keys)))
    best = np.maximum.reduceat(alike[:, order], starts, axis=1)  # (pictures, keys)
    ranks = {
        "image_text": recall_at_k.ranks(best, right["image_text"]),
        "text_image": recall_at_k.ranks(alike.T, right["text_image"]),
    }
    whose = {"image_text": patients, "text_image": writers}
    scores: dict[str, Score] = {}
    chance: dict[str, float] = {}
    for k in DEPTHS:
        hits = {name: recall_at_k.within(each, k) for name, each in ranks.items()}
        odds = {name: recall_at_k.by_chance(each, k=k) for name, each in right.items()}
        both = [_added(hits["image_text"], 0), _added(hits["text_image"], 1)]
        scores[f"retrieval_r{k}"] = counted(
            "recall_at_k", "higher", _mean_of_both, np.concatenate(both), [*patients, *writers], resamples
        )
        chance[f"retrieval_r{k}"] = float(np.mean([_mean(each) for each in odds.values()]))
        for name, each in hits.items():
            scores[f"retrieval_{name}_r{k}"] = mean("recall_at_k", "higher", each, whose[name], resamples)
            chance[f"retrieval_{name}_r{k}"] = _mean(odds[name])
    for name, each in ranks.items():
        compute = partial(_median, each)
        scores[f"retrieval_{name}_median_rank"] = corpus("median_rank", "lower", compute, whose[name], resamples)
    return {name: score for name, score in scores.items() if score.value is not None}, chance


def same_class(found: Embedded, *, resamples: int = 0) -> tuple[dict[str, Score], dict[str, float]]:
    """P@k by class, of pictures whose class is known: scores, and by chance the share of the gallery that is right."""
    known = np.array([name is not None for name in found.classes], np.bool_)
    names = np.array([name or "" for name in found.classes])
    own = np.asarray(found.patients)[:, None] == np.asarray(found.patients)[None]
    gallery = np.broadcast_to(known, own.shape)
    pictures = found.vectors.astype(np.float64) @ found.vectors.astype(np.float64).T
    texts = found.texts.astype(np.float64) @ found.vectors.astype(np.float64).T
    asked = {
        "retrieval_p{}": (pictures, gallery & ~own, known, names, list(found.patients)),
        "retrieval_text_p{}": (
            texts,
            np.broadcast_to(known, texts.shape),
            known[found.owner],
            names[found.owner],
            [found.patients[i] for i in found.owner],
        ),
    }
    scores: dict[str, Score] = {}
    chance: dict[str, float] = {}
    for name, (alike, there, has_class, classes, whose) in asked.items():
        to_find = np.where(there & has_class[:, None], alike, -np.inf)
        right = (classes[:, None] == names[None]) & there & has_class[:, None]
        for k in PRECISION_DEPTHS:
            values = precision_at_k.items(to_find, right, k=k)
            if not np.isnan(values).all():
                scores[name.format(k)] = mean("precision_at_k", "higher", values, whose, resamples)
                share = right.sum(axis=1) / np.maximum(there.sum(axis=1), 1)
                chance[name.format(k)] = float(share[~np.isnan(values)].mean())
    return scores, chance


def nearest(found: Embedded, rows: Sequence[int], many: int) -> list[tuple[int, tuple[int, ...]]]:
    """For each of these pictures the pictures of other patients that are most alike to it, nearest first."""
    whose = np.asarray(found.patients)
    sheets = []
    for row in rows:
        alike = np.where(whose == whose[row], -np.inf, found.vectors.astype(np.float64) @ found.vectors[row].astype(np.float64))
        order = np.argsort(-alike, kind="stable")[:many]
        sheets.append((int(row), tuple(int(i) for i in order if alike[i] > -np.inf)))
    return sheets


def _added(hits: Values, direction: int) -> Values:
    """What each query adds to hits and queries of its direction; float64, (queries, 4)."""
    added = np.zeros((len(hits), 4))
    known = ~np.isnan(hits)
    added[:, 2 * direction] = np.where(known, hits, 0.0)
    added[:, 2 * direction + 1] = known
    return added


def _mean_of_both(sums: Values) -> Values:
    shares: Values = (sums[:, 0] / np.maximum(sums[:, 1], 1) + sums[:, 2] / np.maximum(sums[:, 3], 1)) / 2
    return shares


def _median(ranks: Values, drawn: npt.NDArray[np.intp]) -> float:
    return median_rank.value(ranks[drawn])


def _mean(values: Values) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
