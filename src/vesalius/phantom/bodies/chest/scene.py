"""A patient before the beams: what every beam passes of each structure and of each lesion."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vesalius.phantom.bodies.chest.body import Chest
from vesalius.phantom.bodies.chest.bones import bones
from vesalius.phantom.bodies.chest.lesions import Placed, single_beam, spans_of
from vesalius.phantom.bodies.chest.lungs import lungs
from vesalius.phantom.bodies.chest.parts import Part, below, cutting, inner, wall
from vesalius.phantom.bodies.chest.spans import Rays, Span, cropped
from vesalius.phantom.truth import Lesion

SEEN_MM = 0.01  # a span counts from this length on: positions are rounded
MASKS = {
    "heart": ("heart",),
    "aorta": ("aorta",),
    "trachea": ("trachea",),
    "spine": ("spine",),
    "ribs": ("ribs",),
    "clavicles": ("clavicle",),
}  # anatomy that has a mask of its own, beside the lungs and their lobes


@dataclass(frozen=True, eq=False)
class Wrong:
    """A lesion before the beams: `shape` is all of it, `inside` what of it replaces lung."""

    placed: Placed
    shape: Span | None
    inside: tuple[Span, ...]

    @property
    def lesion(self) -> Lesion:
        """What it is."""
        return self.placed.lesion


@dataclass(frozen=True, eq=False)
class Scene:
    """One patient on one plane of beams.

    Attributes:
        parts: anatomy in painting order.
        healthy: lung along each beam if there were neither fluid nor free air; disjoint spans.
        air: lung that is there: less these two; with consolidation and nodules.
        wrong: the lesions: fluid, then free air, then the others.
    """

    chest: Chest
    rays: Rays
    parts: list[Part]
    healthy: list[Span]
    air: list[Span]
    wrong: list[Wrong]

    def named(self, *names: str) -> list[Span]:
        """The spans of the structures of these names."""
        return [part.span for part in self.parts if part.name in names]


def scene_of(chest: Chest, lesions: Sequence[Placed], rays: Rays, *, lungs_only: bool = False) -> Scene:
    """Everything that the beams pass, or what decides where the lungs are."""
    anatomy = cutting(chest, rays) if lungs_only else anatomy_of(chest, rays)
    cuts = [part.span for part in anatomy if part.cuts]
    healthy = air = lungs(chest, rays, cuts)
    wrong: list[Wrong] = []
    for finding in ("effusion", "pneumothorax"):
        for placed in lesions:
            if placed.lesion.finding == finding:
                shape = spans_of(placed, chest, rays)
                wrong.append(Wrong(placed, shape, within(air, shape)))
                cuts = [*cuts, shape]
                air = lungs(chest, rays, cuts)
    for placed in lesions:
        if placed.lesion.finding in ("consolidation", "nodule"):
            shape = spans_of(placed, chest, rays)
            if placed.lesion.finding == "nodule" and not shape.length.any():
                shape = single_beam(placed, chest, rays)
            inside = within(air, shape) if placed.lesion.finding == "consolidation" else (shape,)
            wrong.append(Wrong(placed, shape, tuple(inside)))
        elif placed.lesion.finding == "cardiomegaly":
            wrong.append(Wrong(placed, None, tuple(part.span for part in anatomy if part.name == "heart")))
    return Scene(chest, rays, anatomy, healthy, air, wrong)


def anatomy_of(chest: Chest, rays: Rays) -> list[Part]:
    """Everything except the lungs' own contents, in the order in which a painter would lay one over the other."""
    cuts = cutting(chest, rays)
    return [*wall(chest, rays), *cuts[:2], *below(chest, rays), *cuts[2:], *inner(chest, rays), *bones(chest, rays)]


def within(pieces: Sequence[Span], shape: Span) -> tuple[Span, ...]:
    """What of a shape lies in pieces."""
    found = []
    for piece in pieces:
        one = cropped(piece, shape.window)
        other = cropped(shape, one.window)
        front, back = np.maximum(one.front, other.front), np.minimum(one.back, other.back)
        if (back > front).any():
            found.append(Span(one.rows, one.columns, front, back))
    return tuple(found)
