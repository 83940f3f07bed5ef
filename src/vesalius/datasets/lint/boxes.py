"""Boxes, points and outlines that do not lie in their picture, and boxes with the numbers of another space or order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from vesalius.datasets.faults import Fault
from vesalius.datasets.lint.seen import Asked, Seen
from vesalius.types import Box, Point, Polygon, Region

CODES = ("box_outside", "box_space", "box_inverted", "box_without_extent")
SLACK_PX = 0.01
FEW = 3  # boxes that do not fit, from which on all together can show another space
SHARE = 0.2  # of all boxes, likewise
MANY, THOUSAND, LARGE_PX = 20, 1000.0, 1500
MOST_HELD = 1000
_Corners = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass
class _Group:
    """The boxes of one annotation of one source, as far as they tell in which numbers they are stated."""

    boxes: int = 0
    wrong: int = 0
    reach: float = 0.0
    smallest_px: float = float("inf")
    in_unit: int = 0
    turned: bool = True
    sized: bool = True
    held: list[Fault] = field(default_factory=list)
    first: Seen | None = None


class Check:
    """Looks at each region, and at the boxes of each annotation together before it says what is wrong with one of them."""

    def __init__(self, asked: Asked) -> None:
        self._groups: dict[tuple[str, str], _Group] = {}

    def sample(self, seen: Seen) -> Iterator[Fault]:
        """Points and outlines are told at once; boxes when all are known, or when they are too many to wait for."""
        origin = seen.sample.provenance
        for number, region in enumerate(seen.sample.regions):
            bounds = _bounds(seen, region)
            if bounds is None:
                continue
            if isinstance(bounds, str):
                yield seen.fault("box_outside", f"Region {number} {bounds}")
            elif isinstance(region.geometry, Box):
                group = self._groups.setdefault((origin.source, origin.annotation), _Group())
                fault = _add(group, seen, number, region.geometry, bounds)
                if fault is not None and len(group.held) < MOST_HELD:
                    group.held.append(fault)
            else:
                yield from _outline(seen, number, region, bounds)

    def end(self) -> Iterator[Fault]:
        """One fault for an annotation that is in another space as a whole; else those of the single boxes."""
        for group in self._groups.values():
            said = _space(group)
            if said and group.first is not None:
                counts = f"{group.wrong} of {group.boxes} boxes of this annotation do not fit as they stand. "
                yield group.first.fault("box_space", f"{counts if group.wrong else ''}{said}", boxes=group.boxes)
            else:
                yield from group.held


def _bounds(seen: Seen, region: Region) -> tuple[int, ...] | str | None:
    """The size of the picture on the region's axes; in words why there is none; None where nothing can be said."""
    images, place = seen.sample.images, region.geometry
    if not images or region.space != "pixel" or not isinstance(place, Box | Point | Polygon):
        return None
    if not 0 <= region.image < len(images):
        return f"lies in picture {region.image} and the sample has {len(images)}, counted from 0."
    image = images[region.image].image
    if region.frame is not None and image.kind in ("clip", "volume") and not 0 <= region.frame < image.shape[0]:
        return f"lies in frame {region.frame} and the picture has {image.shape[0]}, counted from 0."
    axes = len(place.low) if isinstance(place, Box) else len(place.at) if isinstance(place, Point) else 2
    return image.shape[-axes:] if axes <= len(image.shape) else f"has {axes} axes and the picture {len(image.shape)}."


def _add(group: _Group, seen: Seen, number: int, box: Box, bounds: tuple[int, ...]) -> Fault | None:
    """Count a box, and say what is wrong with it taken alone."""
    low, high = box.low, box.high
    group.first = group.first or seen
    group.boxes += 1
    group.reach = max(group.reach, *low, *high)
    group.smallest_px = min(group.smallest_px, *bounds)
    group.turned = group.turned and _fits((low[::-1], high[::-1]), bounds)
    group.sized = group.sized and _fits((low, tuple(a + b for a, b in zip(low, high, strict=True))), bounds)
    group.in_unit += min(low) >= 0 and max(high) <= 1 and min(bounds) > 16
    fault = _alone(seen, number, (low, high), bounds)
    group.wrong += fault is not None
    return fault


def _alone(seen: Seen, number: int, corners: _Corners, bounds: tuple[int, ...]) -> Fault | None:
    low, high = corners
    facts = {"region": number, "low": list(low), "high": list(high), "picture": list(bounds)}
    if not all(abs(v) < 1e9 for v in (*low, *high)):  # false for what is no number, too
        return seen.fault("box_outside", f"The box of region {number} has corners that are not finite.", region=number)
    if any(a > b for a, b in zip(low, high, strict=True)):
        return seen.fault("box_inverted", f"The box of region {number} ends before it begins.", **facts)
    if any(a == b for a, b in zip(low, high, strict=True)):
        return seen.fault("box_without_extent", f"The box of region {number} has no extent on an axis.", **facts)
    if not _fits(corners, bounds):
        return seen.fault("box_outside", f"The box of region {number} reaches outside of its picture.", **facts)
    if max(high) <= 1 and min(bounds) > 16 and any(v != int(v) for v in (*low, *high)):
        said = f"The box of region {number} lies within one pixel: its numbers are shares of the picture."
        return seen.fault("box_space", said, **facts)
    return None


def _space(group: _Group) -> str:
    """In which numbers the boxes of a group are stated, when all of them say so; "" when they do not."""
    if group.in_unit == group.boxes:
        return "All lie within one pixel: their numbers are shares of the picture, from 0 to 1."
    if group.wrong >= max(FEW, SHARE * group.boxes):
        if group.turned:
            return "All fit with their axes in the other order: y stands first where x is expected, or the reverse."
        if group.sized:
            return "All fit when the second corner is taken for width and height."
        if all(fault.code == "box_outside" for fault in group.held) and group.wrong >= SHARE * 2 * group.boxes:
            to = " They reach just to 1000: shares in thousandths?" if 0.8 * THOUSAND < group.reach <= THOUSAND else ""
            return f"They are stated in pixels of another size of these pictures.{to}"
    if group.boxes >= MANY and group.smallest_px >= LARGE_PX and 0.9 * THOUSAND < group.reach <= THOUSAND:
        return f"None reaches beyond 1000 and every picture has {LARGE_PX} pixels or more: they may be thousandths."
    return ""


def _outline(seen: Seen, number: int, region: Region, bounds: Sequence[int]) -> Iterator[Fault]:
    place = region.geometry
    corners = [place.at] if isinstance(place, Point) else list(place.vertices) if isinstance(place, Polygon) else []
    if not all(-SLACK_PX <= v <= size + SLACK_PX for corner in corners for v, size in zip(corner, bounds, strict=True)):
        what = "point" if isinstance(place, Point) else "outline"
        yield seen.fault("box_outside", f"The {what} of region {number} reaches outside of its picture.", region=number)
    elif isinstance(place, Polygon) and len(set(corners)) < 3:
        yield seen.fault("box_without_extent", f"The outline of region {number} has fewer than three corners.", region=number)


def _fits(corners: _Corners, bounds: Sequence[int]) -> bool:
    return all(-SLACK_PX <= a < b <= size + SLACK_PX for a, b, size in zip(*corners, bounds, strict=True))
