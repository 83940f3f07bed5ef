"""confusing: pictures that one encoder takes for the same and another does not → pairs of questions with swapped answers.

Paper:    MediConfusion: pairs whose pictures are near in one embedding and far in another; one question with two options for
          both pictures, whose answers differ.
In:       annotated samples whose first picture has labels, and two embeddings of it: `.npz` files or mappings with a vector for
          each sample's key, or functions of the picture.
Out:      task "confusing": two samples for each pair, one a picture, each about its own patient. They share the pair's name in
          their keys and provenance, the question and the options; the right letter of one is the wrong letter of the other.
Pairs:    cosine of the first embedding at least `high` and of the second at most `low`; both pictures in one split, of one
          modality and collection and of two patients; each has a finding that the other is stated not to have, or one has a
          finding and the other is normal. The widest gap first; no picture stands in two pairs.
Differs:  the paper's pairs are published figures with captions; our questions follow from labels.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vesalius.datasets.compose.answers import Deck, absent, choice
from vesalius.datasets.compose.made import Again
from vesalius.datasets.compose.view import views
from vesalius.datasets.compose.wording import Speech, draw
from vesalius.errors import InputRefused
from vesalius.types import Array, Image, Sample

Vectors = Path | Mapping[str, Array] | Callable[[Image], Array]
_ROWS = 512  # of the table of similarities that are held at once


@dataclass(frozen=True)
class Near:
    """Two samples by their numbers, and how much nearer they are to the first encoder than to the second."""

    one: int
    other: int
    gap: float


def compose(
    samples: Iterable[Sample],
    *,
    first: Vectors,
    second: Vectors,
    seed: int = 0,
    language: str = "en",
    high: float = 0.9,
    low: float = 0.75,
    most: int = 0,
) -> Iterator[Sample]:
    """Questions about confusing pairs.

    Args:
        samples: annotated; all are kept, without their pixels.
        first: the embedding that confuses them.
        second: the embedding that does not.
        seed: of wordings and of which letter is right.
        language: en, zh or ar.
        high: least cosine of the first embedding.
        low: greatest cosine of the second.
        most: pairs; 0 gives all.

    Raises:
        InputRefused: `bad_dataset`: a sample has no vector, or vectors are of several lengths, not finite or zero.
    """
    speech, deck = Speech(language, seed), Deck(seed)
    kept = [sample for sample in Again(samples) if sample.images and sample.labels]
    if not kept:
        return
    vectors = embedded(kept, first), embedded(kept, second)
    found = sorted(near(kept, *vectors, high=high, low=low), key=lambda pair: -pair.gap)
    used: set[int] = set()
    count = 0
    for pair in found:
        one, other = kept[pair.one], kept[pair.other]
        told = _apart(one, other, speech)
        if told is None or {pair.one, pair.other} & used or (most and count == most):
            continue
        used |= {pair.one, pair.other}
        count += 1
        yield from _asked(one, other, told, speech, deck)


def embedded(samples: list[Sample], vectors: Vectors) -> npt.NDArray[np.float64]:
    """The samples' vectors, (samples, width), each of length 1."""
    rows = list(_rows(samples, vectors))
    if len({row.shape for row in rows}) > 1 or rows[0].ndim != 1:
        raise _refused("its vectors have several shapes, or are no vectors")
    table = np.stack(rows).astype(np.float64)
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    if not np.isfinite(table).all() or not lengths.all():
        raise _refused("a vector is zero or not finite")
    unit: npt.NDArray[np.float64] = table / lengths
    return unit


def near(
    samples: list[Sample], first: npt.NDArray[np.float64], second: npt.NDArray[np.float64], *, high: float, low: float
) -> Iterator[Near]:
    """All pairs that are near in one embedding, far in the other, and may stand side by side."""
    groups: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, sample in enumerate(samples):
        origin, modality = sample.provenance, sample.images[0].image.modality
        groups[(origin.source, str(origin.split), str(modality))].append(number)
    for members in groups.values():
        numbers = np.asarray(members)
        for begin in range(0, len(numbers), _ROWS):
            rows = numbers[begin : begin + _ROWS]
            close, apart = first[rows] @ first[numbers].T, second[rows] @ second[numbers].T
            for row, column in np.argwhere((close >= high) & (apart <= low)).tolist():
                one, other = int(rows[row]), int(numbers[column])
                if one < other and samples[one].provenance.patient_key != samples[other].provenance.patient_key:
                    yield Near(one, other, float(close[row, column] - apart[row, column]))


def _rows(samples: list[Sample], vectors: Vectors) -> Iterator[Array]:
    if callable(vectors):
        yield from (np.asarray(vectors(sample.images[0].image)) for sample in samples)
        return
    table = _opened(vectors) if isinstance(vectors, Path) else vectors
    missing = sum(sample.key not in table for sample in samples)
    if missing:
        raise _refused(f"{missing} of {len(samples)} samples have no vector")
    yield from (np.asarray(table[sample.key]) for sample in samples)


def _opened(path: Path) -> Mapping[str, Array]:
    """An `.npz` file: a vector under each key."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {key: stored[key] for key in stored.files}
    except (OSError, ValueError, AttributeError) as wrong:
        raise _refused("it is not an .npz file of arrays") from wrong


def _apart(one: Sample, other: Sample, speech: Speech) -> tuple[str | None, str | None] | None:
    """A finding of each that the other does not have; None stands for a normal picture. None where nothing tells them apart."""
    left, right = _only(one, other, speech), _only(other, one, speech)
    if left and right:
        random = draw(speech.seed, one, f"apart {other.key}")
        return random.choice(left), random.choice(right)
    if left and _is_normal(other):
        return left[0], None
    if right and _is_normal(one):
        return None, right[0]
    return None


def _only(one: Sample, other: Sample, speech: Speech) -> list[str]:
    gone = absent(other)
    return [label for label, state in one.labels.items() if state == "present" and label in gone and speech.term(label)]


def _is_normal(sample: Sample) -> bool:
    return all(state == "absent" for state in sample.labels.values())


def _asked(one: Sample, other: Sample, told: tuple[str | None, str | None], speech: Speech, deck: Deck) -> Iterator[Sample]:
    """The same question about both pictures."""
    names = [speech.fixed("normal") if label is None else str(speech.term(label)) for label in told]
    pair = sha256(f"{one.key}|{other.key}".encode()).hexdigest()[:10]
    position = deck.place(2)
    question = speech.say(one, "single", f"pair {pair}")
    for sample, right, at in ((one, 0, position), (other, 1, 1 - position)):
        seen = next(iter(views(sample)), None)
        shown = sample.images[0] if seen is None else seen.shown
        what = f"pair {pair}, {names[right]} and not {names[1 - right]}"
        yield choice(
            sample,
            f"confusing-{pair}",
            what,
            task="confusing",
            question=question,
            right=names[right],
            wrong=[names[1 - right]],
            deck=at,
            images=(shown,),
        )


def _refused(what: str) -> InputRefused:
    return InputRefused(
        "bad_dataset",
        f"An embedding cannot be used: {what}. Pairs would be found by chance. Embed all samples of the dataset with one model.",
    )
