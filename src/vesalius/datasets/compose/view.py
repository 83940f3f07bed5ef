"""One picture of a sample with what is marked in it: the unit that the engines ask about.

A place is a region with what follows from it: its pixels, its tight box, its center. Masks are read once for each view. Only
regions in pixel space are places; those in patient coordinates belong to no array.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt

from vesalius.phantom.truth import box_around
from vesalius.transforms.polygons import filled
from vesalius.types import Array, Box, Geometry, Image, Mask, Part, Point, Polygon, Region, Sample, SampleImage, Source

Bools = npt.NDArray[np.bool_]
NO_SCALE = {"no_calibration", "detector_spacing", "no_mpp"}  # warnings with which no length in mm is told
ASSUMED = "units_unknown"  # the file gives numbers without a unit, and millimeters were assumed


class Place:
    """A region of a picture.

    Attributes:
        region: as the sample has it. at: its index there.
    """

    def __init__(self, region: Region, at: int, shape: tuple[int, ...]) -> None:
        self.region, self.at, self.shape = region, at, shape

    @property
    def label(self) -> str:
        """Of the region."""
        return self.region.label

    @cached_property
    def pixels(self) -> Bools | None:
        """What is marked, of the picture's shape (of one plane if the region names a frame); None of boxes and points."""
        geometry = self.region.geometry
        if isinstance(geometry, Mask):
            found = geometry.load()
            return found if found.shape == self.shape else None
        if isinstance(geometry, Polygon):
            return filled([geometry], (self.shape[-2], self.shape[-1]))
        return None

    @cached_property
    def box(self) -> Box | None:
        """The tight box; None of a point and where nothing is marked."""
        if isinstance(self.region.geometry, Box):
            return self.region.geometry
        return box_around(self.pixels) if self.pixels is not None and self.pixels.any() else None

    @cached_property
    def center(self) -> tuple[float, ...] | None:
        """The middle of what is marked, in pixels: the center of the mask's area, of the box, or the point."""
        if isinstance(self.region.geometry, Point):
            return self.region.geometry.at
        if self.pixels is not None:
            inside = np.argwhere(self.pixels)
            return tuple(float(v) + 0.5 for v in inside.mean(axis=0)) if len(inside) else None
        return None if self.box is None else tuple((a + b) / 2 for a, b in zip(self.box.low, self.box.high, strict=True))

    @cached_property
    def inner(self) -> Point | None:
        """A point on it: the marked pixel that is nearest to the center, or the box's middle."""
        if self.center is None:
            return None
        if self.pixels is None:
            return Point(self.center)
        inside = np.argwhere(self.pixels) + 0.5
        nearest = inside[np.argmin(((inside - np.asarray(self.center)) ** 2).sum(axis=1))]
        return Point(tuple(float(v) for v in nearest))

    @cached_property
    def count(self) -> float:
        """How many pixels are marked; of a box those that it covers."""
        if self.pixels is not None:
            return float(self.pixels.sum())
        return 0.0 if self.box is None else float(np.prod(self.box.size))

    def marked(self, geometry: Geometry, image: int = 0) -> Region:
        """The same place with another geometry in another list of pictures."""
        return replace(self.region, geometry=geometry, image=image)

    def boxed(self, image: int = 0) -> Region:
        """The place as its tight box."""
        assert self.box is not None, "nothing is marked"
        return self.marked(self.box, image)


@dataclass(frozen=True, eq=False)
class View:
    """A picture of a sample: which one, how it is shown, and what is marked in it; masks are read when they are asked for."""

    sample: Sample
    index: int
    shown: SampleImage
    marked: tuple[Place, ...]

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """All that marks something."""
        return tuple(place for place in self.marked if place.center is not None)

    @property
    def image(self) -> Image:
        """The picture."""
        return self.shown.image

    @property
    def spacing_mm(self) -> tuple[float, ...] | None:
        """Of the picture in array order, where lengths in it can be told; None else, also where the unit is assumed."""
        return None if any(warning.code == ASSUMED for warning in self.image.warnings) else self.assumed_mm

    @property
    def assumed_mm(self) -> tuple[float, ...] | None:
        """As `spacing_mm`, where the file states no unit too."""
        return None if any(warning.code in NO_SCALE for warning in self.image.warnings) else self.image.spacing_mm

    def of(self, label: str) -> list[Place]:
        """The places of a label; no other mask is read."""
        return [place for place in self.marked if place.label == label and place.center is not None]

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Of the places, each once, in their order."""
        return tuple(dict.fromkeys(place.label for place in self.places))

    def stated(self, label: str) -> str | None:
        """What the sample says of a label: present, absent, uncertain; None where nobody has looked for it."""
        return self.sample.labels.get(label)

    def tag(self, what: str) -> str:
        """What is asked and of which picture, for keys and provenance."""
        return what if self.index == 0 else f"{what} of picture {self.index}"


def views(sample: Sample, *, role: str = "current") -> Iterator[View]:
    """The pictures of a sample that play a role, each with its places; slides have no array and are left out."""
    for index, shown in enumerate(sample.images):
        if shown.role == role and shown.image.kind != "slide":
            yield view(sample, index)


def view(sample: Sample, index: int) -> View:
    """One picture of a sample with its places."""
    shown = sample.images[index]
    marked = [
        Place(region, at, shown.image.shape if region.frame is None else shown.image.shape[-2:])
        for at, region in enumerate(sample.regions)
        if region.image == index and region.space == "pixel"
    ]
    return View(sample, index, shown, tuple(marked))


def still(seen: View, frame: int) -> View:
    """One frame of a clip, or one slice of a volume, as a picture of its own with what is marked in it."""
    image = seen.image
    part = Part((frame,))
    origin = image.source
    digest = sha256(f"{origin.sha256}|{frame}".encode()).hexdigest()
    cut = replace(
        image,
        kind="image",
        shape=image.shape[1:],
        load=partial(_part, image, part),
        load_part=None,
        source=Source(None, digest, origin.format),
        spacing_mm=None if image.spacing_mm is None else image.spacing_mm[-2:],
        frame_s=None,
        frame_times_s=None,
        affine_lps_mm=None,
    )
    return View(seen.sample, seen.index, replace(seen.shown, image=cut), tuple(_in_frame(seen, frame, image.shape[1:])))


def frames_of(place: Place, count: int) -> list[int]:
    """The frames or slices in which a place is marked."""
    if place.region.frame is not None:
        return [place.region.frame]
    if place.pixels is not None:
        return [int(v) for v in np.flatnonzero(place.pixels.any(axis=tuple(range(1, place.pixels.ndim))))]
    if place.box is not None and len(place.box.low) == 3:
        return [frame for frame in range(count) if place.box.low[0] < frame + 1 and frame < place.box.high[0]]
    return []


def _in_frame(seen: View, frame: int, shape: tuple[int, ...]) -> Iterator[Place]:
    for place in seen.marked:
        region, plane = place.region, None
        if region.frame == frame:
            plane = region.geometry
        elif region.frame is None and place.pixels is not None and place.pixels[frame].any():
            plane = Mask(partial(_plane, place.pixels, frame))
        elif region.frame is None and isinstance(region.geometry, Box) and frame in frames_of(place, seen.image.shape[0]):
            plane = Box(region.geometry.low[1:], region.geometry.high[1:])
        if plane is not None:
            yield Place(replace(region, geometry=plane, frame=None), place.at, shape)


def _part(image: Image, part: Part) -> Array:
    return image.part(part)


def _plane(pixels: npt.NDArray[Any], frame: int) -> Bools:
    return np.asarray(pixels[frame], bool)
