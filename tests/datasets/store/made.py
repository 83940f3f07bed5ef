"""Samples of every kind of picture, made by code, for whoever stores or loads them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from vesalius.clinical.images import open_image
from vesalius.datasets.store import table
from vesalius.types import Box, Image, Mask, Provenance, Region, Sample, SampleImage, Source, Turn

CARD = table.Card("made", "by this test", "none", "by hand", "made up", "by patient", "a note")


def picture(path: Path, shade: int, size: tuple[int, int] = (48, 64)) -> Path:
    """A gray ramp in a file, different for every shade."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = size
    Pillow.fromarray((np.arange(width * height).reshape(size) * (shade + 1) % 251).astype(np.uint8)).save(path)
    return path


def provenance(patient: str = "p", split: str | None = "train") -> Provenance:
    return Provenance("made", "none", patient, "s", "by hand", split)


def asked(path: Path) -> list[Sample]:
    """Two questions about one file, each with its boxes."""
    shown = (SampleImage("current", open_image(path)),)
    found = []
    for label in ("white blood cell", "platelet"):
        turns = (Turn("user", f"<image:0> Where are the {label}s?"), Turn("assistant", "at <region:0>"))
        region = Region(label, Box((1, 1), (9, 9)), "pixel", 0, None, {})
        key = f"{path.stem}-{label.split()[0]}"
        found.append(Sample(key, "location", shown, turns, provenance(path.stem), (region,), labels={label: "present"}))
    return found


def in_memory(array: np.ndarray, kind: str = "image", channels: int = 1) -> Image:
    """An array as a picture, volume or clip."""
    shape = array.shape[:-1] if channels == 3 else array.shape
    return Image(
        kind=kind, shape=shape, channels=channels, load=lambda: array, source=Source(None, str(hash(array.tobytes())), "array")
    )


def stated(key: str, *images: Image, mask: np.ndarray | None = None, patient: str = "p") -> Sample:
    """A sample without turns, which states a label; with a mask of its first picture when one is given."""
    regions = () if mask is None else (Region("organ", Mask(lambda: mask), "pixel", 0, None, {}),)
    shown = tuple(SampleImage("current", image) for image in images)
    return Sample(key, "annotation", shown, (), provenance(patient), regions, labels={"cat": "absent"})


def many(count: int, *, decoded: list[int] | None = None, kind: str = "image") -> Iterator[Sample]:
    """Small pictures, volumes or clips that are different each; `decoded` is told which were loaded."""
    shape = (6, 6) if kind == "image" else (3, 6, 6)

    def load(number: int) -> np.ndarray:
        if decoded is not None:
            decoded.append(number)
        return np.random.default_rng(number).integers(0, 255, shape, np.uint8)

    for number in range(count):
        source = Source(None, f"{number:064x}", "array")
        image = Image(kind, shape, 1, lambda number=number: load(number), source)
        yield stated(f"k{number}", image, patient=f"p{number % 7}")
