"""Pictures with places on them, for whoever writes formats: made by code, small, and the same for the same arguments."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from PIL import Image as Pillow

from vesalius.clinical.images import open_image
from vesalius.datasets.annotated import sample_of
from vesalius.datasets.exports import Dropped
from vesalius.datasets.faults import Fault
from vesalius.types import Box, Image, Mask, Polygon, Region, Sample, Source

WIDTH, HEIGHT = 32, 24


def pixels(seed: int = 0, shape: tuple[int, ...] = (HEIGHT, WIDTH)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, shape, np.uint8, endpoint=True)


def save(path: Path, values: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(values).save(path)
    return path


def image(seed: int = 0, **changed: object) -> Image:
    """A picture in memory."""
    values = pixels(seed)
    return Image("image", values.shape, 1, lambda: values, Source(None, f"{seed:064x}", "memory"), **changed)


def volume(seed: int = 0, shape: tuple[int, ...] = (4, HEIGHT, WIDTH)) -> Image:
    values = np.random.default_rng(seed).integers(-1000, 1000, shape, np.int16)
    affine = np.diag([2.5, 0.75, 0.5, 1.0])[[2, 1, 0, 3]]
    affine[:3, 3] = (-10.0, 20.0, 5.0)
    return Image(
        "volume",
        shape,
        1,
        lambda: values,
        Source(None, f"{seed:063x}v", "memory"),
        spacing_mm=(2.5, 0.75, 0.5),
        affine_lps_mm=affine,
        modality="CT",
    )


def sample(regions: Sequence[Region], *images: Image, split: str | None = None, **facts: object) -> Sample:
    shown = images or (image(),)
    parts = [shown[0].source.sha256, *(region.label for region in regions)]
    return sample_of("made", parts, shown, regions, annotation="made", split=split, **facts)


def mask(values: np.ndarray) -> Mask:
    return Mask(lambda: values)


def told(read: object, root: Path) -> tuple[list[Sample], list[Fault]]:
    """What a reader gives and what it tells."""
    faults: list[Fault] = []
    return list(read(root, faults.append)), faults


def codes(faults: Sequence[Fault]) -> list[str]:
    return [fault.code for fault in faults]


def there_and_back(module: object, samples: Sequence[Sample], out: Path) -> tuple[list[Sample], Dropped]:
    """What a format's reader finds in what its writer wrote, without any fault."""
    dropped = Dropped()
    module.write(samples, out, dropped)
    assert module.recognizes(out)
    found, faults = told(module.read, out)
    assert faults == []
    return found, dropped


def places(sample: Sample) -> list[tuple]:
    """What can be compared of regions: label, kind, numbers or pixels, attributes without numbers of objects."""
    found = []
    for region in sample.regions:
        place = region.geometry
        if isinstance(place, Mask):
            where: tuple = tuple(map(tuple, np.argwhere(place.load()).tolist()))
        elif isinstance(place, Box):
            where = tuple(round(value, 6) for value in (*place.low, *place.high))
        else:
            where = tuple((round(y, 6), round(x, 6)) for y, x in (place.vertices if isinstance(place, Polygon) else [place.at]))
        attributes = tuple(sorted((k, v) for k, v in region.attributes.items() if k != "object"))
        found.append((region.label, region.image, type(place).__name__, where, attributes))
    return sorted(found)


def same_pixels(one: Sample, other: Sample) -> bool:
    return all(np.array_equal(a.image.load(), b.image.load()) for a, b in zip(one.images, other.images, strict=True))


def opened(path: Path) -> Image:
    return open_image(path)


@st.composite
def boxes(draw: st.DrawFn, *, whole: bool = False) -> Box:
    numbers = st.integers if whole else st.floats
    x0, y0 = draw(numbers(0, WIDTH - 2)), draw(numbers(0, HEIGHT - 2))
    x1, y1 = draw(numbers(int(x0) + 2, WIDTH)), draw(numbers(int(y0) + 2, HEIGHT))
    return Box.from_xyxy_px(float(x0), float(y0), float(x1), float(y1))


@st.composite
def polygons(draw: st.DrawFn) -> Polygon:
    radii = draw(st.lists(st.floats(2.0, 10.0), min_size=3, max_size=7))
    angles = np.arange(len(radii)) * 2 * np.pi / len(radii)
    return Polygon(tuple((float(12 + r * np.sin(a)), float(14 + r * np.cos(a))) for r, a in zip(radii, angles, strict=True)))


@st.composite
def masks(draw: st.DrawFn, shape: tuple[int, ...] = (HEIGHT, WIDTH)) -> Mask:
    seed, share = draw(st.integers(0, 99)), draw(st.sampled_from([0.02, 0.5, 1.0]))
    values = np.random.default_rng(seed).random(shape) < share
    values[(0,) * len(shape)] = True
    return mask(values)


LABELS = st.sampled_from(["polyp", "right lung", "7", "ödem & fluid"])
