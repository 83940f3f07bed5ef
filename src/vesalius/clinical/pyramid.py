"""DICOM slides: the levels of one slide, an object each, as one picture with levels."""

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import replace

from vesalius.clinical.images import Found, image_of, load
from vesalius.clinical.picture import Description
from vesalius.clinical.stack import merged
from vesalius.clinical.tiles import trimmed
from vesalius.types import Array, CodedWarning, Image, Part, Source

_SAME_ASPECT = 0.01
Level = tuple[Found, Description]


def level_of(found: Found) -> Description | None:
    """The level of a slide that a file holds, if it holds one."""
    picture = found.facts.header.picture if found.facts.header else None
    return picture if picture is not None and picture.kind == "slide" else None


def slides_of(founds: Sequence[Found]) -> list[Image]:
    """The slides of one series, as `pyramids_of` has them."""
    return [image for image, _ in pyramids_of(founds)]


def pyramids_of(founds: Sequence[Found]) -> list[tuple[Image, tuple[Level, ...]]]:
    """The slides of one series, the largest first, each with the objects that are its levels, the finest first.

    Objects of the same proportions are levels of one slide. Of several objects of one size, which are planes or channels,
    the first by instance number is read.
    """
    levels = [(found, level) for found in founds if (level := level_of(found)) is not None]
    levels.sort(key=lambda one: (-one[1].shape[0] * one[1].shape[1], _number(one[0]), one[0].facts.sha256))
    slides: list[list[Level]] = []
    for one in levels:
        fitting = next((slide for slide in slides if _is_level_of(one[1], slide[0][1])), None)
        if fitting is None:
            slides.append([one])
        else:
            fitting.append(one)
    return [_pyramid(slide) for slide in slides]


def _pyramid(objects: Sequence[Level]) -> tuple[Image, tuple[Level, ...]]:
    by_size: dict[tuple[int, ...], Level] = {}
    for one in objects:
        by_size.setdefault(one[1].shape, one)
    levels = list(by_size.values())
    found, finest = levels[0]
    whole = replace(finest, levels=tuple((level.shape[0], level.shape[1]) for _, level in levels))
    further = []
    if len(objects) > len(levels):
        said = "Several objects of one size, planes or channels of the slide, lie in the series; the first of each size was read."
        further.append(CodedWarning("first_frame_only", said, {"frames": len(objects), "read": len(levels)}))
    digest = hashlib.sha256("".join(one.facts.sha256 for one, _ in levels).encode()).hexdigest()
    read = functools.partial(_load, tuple(levels), whole)
    image = replace(
        image_of(found, whole, day=found.facts.header.day if found.facts.header else None),
        load=functools.partial(read, Part()),
        load_part=read,
        source=Source(found.place.path, found.facts.sha256 if len(levels) == 1 else digest, "dicom"),
        warnings=(*further, *merged([level.warnings for _, level in levels])),
    )
    return image, tuple(levels)


def _load(levels: Sequence[Level], whole: Description, part: Part) -> Array:
    """A region of a level, out of the object that holds it."""
    whole.shape_of(part)  # refuses what lies outside or is too large
    found, level = levels[part.level]
    box = part.box_yxyx_px or (0, 0, *whole.levels[part.level])
    return load(found.place, trimmed(level, box), Part(box_yxyx_px=box))


def _is_level_of(level: Description, finest: Description) -> bool:
    (rows, columns), (most_rows, most_columns) = level.shape, finest.shape
    off = abs(rows * most_columns - columns * most_rows)
    has_proportions = off <= max(2 * max(most_rows, most_columns), _SAME_ASPECT * rows * most_columns)
    same = [(each.channels, each.dtype, each.inverted) for each in (level, finest)]
    return has_proportions and same[0] == same[1]


def _number(found: Found) -> float:
    return found.facts.header.number if found.facts.header else 0.0
