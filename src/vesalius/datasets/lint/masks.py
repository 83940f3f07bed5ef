"""Masks that do not lie on their picture, and masks that mark nothing."""

from collections.abc import Iterator

from vesalius.datasets.faults import Fault
from vesalius.datasets.lint.seen import Asked, Seen
from vesalius.errors import InputRefused
from vesalius.types import Mask, Region

CODES = ("mask_geometry", "mask_all_zero", "media_unreadable")


class Check:
    """Loads every mask once."""

    def __init__(self, asked: Asked) -> None:
        self._is_quick = asked.is_quick

    def sample(self, seen: Seen) -> Iterator[Fault]:
        """One fault for each mask that has one; masks of whole slides that are too large to be looked at have none."""
        if self._is_quick:
            return
        for number, region in enumerate(seen.sample.regions):
            if not isinstance(region.geometry, Mask) or not 0 <= region.image < len(seen.sample.images):
                continue
            try:
                inside = region.geometry.load()
            except InputRefused as refusal:
                if refusal.code != "size_limit":
                    said = f"The mask of region {number} cannot be decoded ({refusal.code}: {refusal.message})"
                    yield seen.fault("media_unreadable", said)
                continue
            shapes = _shapes(seen, region, region.geometry)
            if inside.shape not in shapes:
                said = f"The mask of region {number} has the size {list(inside.shape)} and its picture {list(shapes[0])}."
                yield seen.fault("mask_geometry", said, region=number)
            elif not inside.any():
                yield seen.fault("mask_all_zero", f"The mask of region {number} marks nothing.", region=number)

    def end(self) -> Iterator[Fault]:
        """Nothing more."""
        yield from ()


def _shapes(seen: Seen, region: Region, mask: Mask) -> list[tuple[int, ...]]:
    """The sizes that a mask may have."""
    image = seen.sample.images[region.image].image
    if image.levels:
        return [tuple(image.levels[mask.level])] if mask.level < len(image.levels) else [image.shape]
    if region.frame is not None and len(image.shape) > 2:
        return [image.shape[-2:]]
    return [image.shape, image.shape[-3:]]
