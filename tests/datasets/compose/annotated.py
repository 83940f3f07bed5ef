"""Annotated samples for the engines: phantoms with everything that is true of them, and small ones made by hand."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import numpy as np

from vesalius.datasets.phantoms.annotations import annotated
from vesalius.datasets.split import Split
from vesalius.phantom import world
from vesalius.phantom.truth import Phantom
from vesalius.types import Box, Geometry, Image, Mask, Provenance, Region, Report, Sample, SampleImage, Source

PIXELS = 32


@cache
def phantom(kind: str, seed: int, visit: int = 0, size_px: int = PIXELS, **factors: object) -> Phantom:
    return world.make(kind, seed=seed, visit=visit, **{"size_px": size_px, **factors})


def patients(
    kind: str,
    count: int,
    *,
    visits: int = 1,
    first: int = 0,
    split: Split | None = None,
    language: str = "en",
    size_px: int = PIXELS,
) -> list[Sample]:
    """The first `count` patients of a kind, each a sample."""
    found = []
    for seed in range(first, first + count):
        prior = phantom(kind, seed, 0, size_px) if visits == 2 else None
        found.append(annotated(phantom(kind, seed, visits - 1, size_px), prior, split=split, language=language))
    return found


def boxed(low: Sequence[float], high: Sequence[float]) -> Box:
    return Box(tuple(low), tuple(high))


def filled(shape: tuple[int, ...], low: Sequence[int], high: Sequence[int]) -> Mask:
    """A mask that is true in a block."""
    inside = np.zeros(shape, bool)
    inside[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = True
    return Mask(lambda: inside)


def by_hand(
    key: str = "a",
    marked: Sequence[tuple[str, Geometry]] = (),
    *,
    shape: tuple[int, ...] = (40, 60),
    spacing_mm: tuple[float, ...] | None = None,
    labels: Mapping[str, str] | None = None,
    attributes: Mapping[int, Mapping[str, str]] | None = None,
    modality: str | None = "DX",
    kind: str = "image",
    patient: str | None = None,
    split: Split | None = None,
    source: str = "made",
    report: Report | None = None,
    pixels: np.ndarray | None = None,
) -> Sample:
    """One picture with what is marked in it."""
    array = np.random.default_rng(abs(hash(shape)) % 100).integers(0, 256, shape, np.uint8) if pixels is None else pixels
    image = Image(kind, shape, 1, lambda: array, Source(None, f"{key:0>64}", "made"), spacing_mm=spacing_mm, modality=modality)
    regions = tuple(
        Region(label, geometry, attributes=(attributes or {}).get(at, {})) for at, (label, geometry) in enumerate(marked)
    )
    provenance = Provenance(source, "CC0-1.0", patient or f"patient {key}", f"study {key}", "drawn by hand", split)
    shown = (SampleImage("current", image),)
    return Sample(key, "annotation", shown, (), provenance, regions, (), dict(labels or {}), report)


def answers(samples: Sequence[Sample], task: str | None = None) -> Iterator[tuple[Sample, str, str]]:
    """Each sample with its question and its answer."""
    for sample in samples:
        if task is None or sample.task == task:
            yield sample, sample.turns[-2].text, sample.turns[-1].text
