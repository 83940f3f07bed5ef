"""A clean dataset made by code, one sample a patient, and ways to break one of its samples."""

import hashlib
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from vesalius.types import Array, Box, Image, Mask, Provenance, Region, Sample, SampleImage, Source, Turn

ROWS, COLUMNS = 96, 120
QUESTIONS = ("Where is the nodule?", "Is an effusion visible?", "What is the main finding of this study?")
ANSWERS = ("nodule <region:0>", "no", "A small nodule without signs of heart failure.")


@lru_cache(maxsize=256)
def pixels(seed: int, shape: tuple[int, ...] = (ROWS, COLUMNS)) -> Array:
    """Blobs of many sizes, different for every seed, as textured as a radiograph."""
    draw = np.random.default_rng(seed)
    total = np.zeros(shape, np.float64)
    for cells in (4, 9, 20, 40):
        coarse = draw.normal(size=(*shape[:-2], cells, cells))
        rows = np.arange(shape[-2]) * cells // shape[-2]
        columns = np.arange(shape[-1]) * cells // shape[-1]
        total += coarse[..., rows, :][..., columns] / np.sqrt(cells)
    low, high = total.min(), total.max()
    return ((total - low) / (high - low) * 255).astype(np.uint8)


def image(array: Array, **facts: Any) -> Image:
    """A picture in memory."""
    kind = facts.pop("kind", "image")
    channels = 3 if array.shape[-1] == 3 and array.ndim > 2 else 1
    shape = array.shape[:-1] if channels == 3 else array.shape
    return Image(
        kind, shape, channels, lambda: array, Source(None, hashlib.sha256(array.tobytes()).hexdigest(), "array"), **facts
    )


def sample(number: int, **changed: Any) -> Sample:
    """Sample `number`, with some of its fields changed; `provenance` takes a dict of its fields."""
    origin = Provenance("made", "CC0-1.0", f"patient {number}", f"study {number}", "by code")
    kind = number % len(QUESTIONS)
    made = Sample(
        key=f"made-{number}",
        task=("location", "presence", "report")[kind],
        images=(SampleImage("current", image(pixels(number), modality="DX")),),
        turns=(Turn("user", f"<image:0> {QUESTIONS[kind]}"), Turn("assistant", ANSWERS[kind])),
        provenance=origin,
        regions=(Region("nodule", Box((10, 20), (30, 50))),) if kind == 0 else (),
        labels={"effusion": "absent"} if kind == 1 else {},
    )
    if "provenance" in changed:
        changed["provenance"] = replace(origin, **changed["provenance"])
    return replace(made, **changed)


def asked(question: str, answer: str, number: int = 1) -> Sample:
    """A sample with another question and answer."""
    return sample(number, turns=(Turn("user", f"<image:0> {question}"), Turn("assistant", answer)))


def boxed(number: int, *corners: tuple[float, float, float, float]) -> Sample:
    """A sample with boxes (y0, x0, y1, x1)."""
    regions = tuple(Region("nodule", Box((y0, x0), (y1, x1))) for y0, x0, y1, x1 in corners)
    return sample(number, regions=regions, turns=())


def masked(number: int, array: Array) -> Sample:
    """A sample with a mask."""
    return sample(number, regions=(Region("lung", Mask(lambda: array)),), turns=())


def every(count: int = 6, *others: Sample) -> list[Sample]:
    """Clean samples, with those of `others` in place of those that have the same key."""
    known = {other.key: other for other in others}
    made = [known.pop(f"made-{number}", None) or sample(number) for number in range(count)]
    return [*made, *(other for other in others if other.key in known)]
