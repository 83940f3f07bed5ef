"""What is measured on a chest, with the definition of each quantity; and its landmarks."""

import math
from collections.abc import Sequence
from typing import cast

from vesalius.phantom.bodies.chest.body import Chest
from vesalius.phantom.bodies.chest.lesions import Placed, spans_of
from vesalius.phantom.bodies.chest.scene import scene_of
from vesalius.phantom.bodies.chest.spans import total, upright_rays
from vesalius.phantom.truth import Measured

_AXIS = "angle between the long axis of the ventricles and the horizontal, seen from the front"
_STEP_MM = 5.0
_PARTS = 48


def landmarks_mm(c: Chest) -> dict[str, tuple[float, float, float]]:
    """Where the windpipe forks, and the top of each dome of the diaphragm: (x, y, z)."""
    return {
        "carina": (-1.0 - 6 * c.turn, 4.0, c.arch[1] - 26),
        "right dome": (-c.lung_u - 2, c.lung_y - 7, c.dome_z[0]),
        "left dome": (c.lung_u + 2, c.lung_y - 7, c.dome_z[1]),
    }


def measured(c: Chest, lesions: Sequence[Placed], picture: str) -> tuple[Measured, ...]:
    """Of the body as it stands or lies at this visit; the first picture carries the masks that are named."""
    wide = c.chest_width
    found = [
        Measured("cardiothoracic ratio", c.ratio, "1", "greatest width of the heart over the greatest inner width of the chest"),
        Measured("heart width", c.ratio * wide, "mm", "greatest extent of the heart from side to side", picture, "heart"),
        Measured("thoracic width", wide, "mm", "greatest inner width of the chest, from pleura to pleura"),
        Measured("axis of the heart", math.degrees(c.heart_tilt), "deg", _AXIS, picture, "heart"),
    ]
    rays = upright_rays(int(wide / _STEP_MM) + 3, 62, _STEP_MM, _STEP_MM)
    scene = scene_of(c, lesions, rays, lungs_only=True)
    lung = total(scene.air, rays.shape)
    says = "air-holding or diseased lung with its vessels, without pleural fluid or free air"
    for side, of in (("right", rays.x < 0), ("left", rays.x >= 0)):
        volume = float((lung * of).sum()) * rays.area_mm2 / 1000
        found.append(Measured(f"{side} lung volume", volume, "mL", says, picture, f"{side} lung"))
    for wrong in scene.wrong:
        lesion = wrong.lesion
        if lesion.finding in ("effusion", "pneumothorax", "consolidation"):
            volume = float(total(list(wrong.inside), rays.shape).sum()) * rays.area_mm2 / 1000
            found.append(Measured(f"{lesion.mask} volume", volume, "mL", "all of it", picture, lesion.mask))
        if lesion.size_mm is not None and lesion.finding != "nodule":
            says = {
                "effusion": "height of the fluid from the costophrenic angle to its rim",
                "pneumothorax": "from the top of the pleural cavity to the top of the lung",
                "consolidation": "from its top to its bottom",
            }[lesion.finding]
            found.append(Measured(f"{lesion.mask} height", lesion.size_mm, "mm", says, picture, lesion.mask))
    for item in lesions:
        if item.lesion.finding == "nodule":
            found += _of_nodule(c, item, picture)
    return tuple(found)


def _of_nodule(c: Chest, item: Placed, picture: str) -> list[Measured]:
    """Diameter and volume."""
    size, name = float(cast(float, item.lesion.size_mm)), item.lesion.mask
    step = 1.3 * size / _PARTS
    y = item.center[1]
    moved = Placed(item.lesion, (y * c.turn, y, 0.0), item.outline, item.deep, item.phase)
    rays = upright_rays(2 * _PARTS, 2 * _PARTS, step, step)
    volume = float(spans_of(moved, c, rays).length.sum()) * step * step / 1000
    says = "greatest distance between two points of its outline across the beam of the frontal view"
    return [
        Measured(f"{name} diameter", size, "mm", says, picture, name),
        Measured(f"{name} volume", volume, "mL", "all of it, spikes included", picture, name),
    ]
