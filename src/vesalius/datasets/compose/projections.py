"""projections: CT volumes with masks → radiographs as the beam would have made them, with every mask projected.

Paper:    PAXRay, arXiv:2210.03416: chest CT and its anatomy projected to frontal and lateral views with overlapping masks.
In:       CT volumes (Hounsfield units) with spacing, masks and, for the orientation, an affine whose axes run along the body's.
Out:      task "annotation": a picture for each view, the patient's head on top, in frontal views the right side on the left and
          in lateral views the front on the left; regions with one mask for each 3-D mask, overlapping as they fall; labels and
          report as they were. Other engines ask about it.
Beam:     parallel, along a body axis. A voxel attenuates by m = `mu_water` (1 + HU / 1000), at least 0, in 1/mm; a pixel is
          1 - exp(-sum of m times the voxel's depth), stored as 12 bits: 0 is air, 4095 takes all. `mu_water` is the reference's
          constant, a tenth of water's at diagnostic energies, so that a body does not saturate.
Masks:    a pixel is marked if its ray meets the mask for `least_mm` or more; 0 asks for one voxel.
Differs:  the reference resamples to 1 mm; ours keeps the volume's grid, so that a mask's area is a count of rays. No scatter, no
          divergence, no enhancement of edges or bones.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from typing import Literal

import numpy as np
import numpy.typing as npt

from vesalius.datasets.compose.made import made
from vesalius.datasets.compose.view import Bools, Place, View, views
from vesalius.types import Array, Image, Mask, Measurement, Region, Sample, SampleImage, Source

log = logging.getLogger(__name__)

Projection = Literal["PA", "LL"]
VIEWS: tuple[Projection, ...] = ("PA", "LL")
FULL = 4095
_STRAIGHT = 0.95  # cosine to a body axis from which on an axis of the volume runs along it


@dataclass(frozen=True)
class Lay:
    """How a volume lies in the beam: the axis along it, those of the picture's rows and columns, and which are turned."""

    beam: int
    rows: int
    columns: int
    turn_rows: bool
    turn_columns: bool


def compose(
    samples: Iterable[Sample],
    *,
    seed: int = 0,
    language: str = "en",
    projections: tuple[Projection, ...] = VIEWS,
    mu_water: float = 0.00195,
    least_mm: float = 0.0,
) -> Iterator[Sample]:
    """Projected radiographs. Nothing is drawn by chance and nothing is said; `seed` and `language` are as for all engines.

    Args:
        samples: annotated; what is no CT volume with known spacing and orientation is passed over, with a log line that counts.
        seed: not used.
        language: not used.
        projections: "PA" from the back to the front, "LL" from side to side.
        mu_water: attenuation of water in 1/mm.
        least_mm: how long a ray must run in a mask to be marked.
    """
    left_out: Counter[str] = Counter()
    for sample in samples:
        for seen in views(sample):
            if seen.image.kind != "volume" or seen.image.modality != "CT" or len(seen.image.shape) != 3:
                left_out["pictures that are no CT volume"] += 1
                continue
            for projection in projections:
                lay = lay_of(seen.image, projection)
                if lay is None or seen.assumed_mm is None:
                    left_out["projections of volumes whose spacing or orientation is unknown or oblique"] += 1
                else:
                    yield _projected(seen, projection, lay, mu_water, least_mm)
    for what, number in left_out.items():
        log.warning("projections: %s, left out: %d", what, number)


def lay_of(image: Image, projection: Projection) -> Lay | None:
    """How a volume is turned for a view; None where its axes are unknown or oblique."""
    if image.affine_lps_mm is None:
        return None
    steps = np.asarray(image.affine_lps_mm, np.float64)[:3, :3]
    directions = steps / np.linalg.norm(steps, axis=0)
    along = np.abs(directions).argmax(axis=0)  # of z, y, x of the array: 0 left-right, 1 front-back, 2 foot-head
    if sorted(along.tolist()) != [0, 1, 2] or np.abs(directions).max(axis=0).min() < _STRAIGHT:
        return None
    axis = {int(body): number for number, body in enumerate(along)}
    grows = {body: bool(directions[body, number] > 0) for body, number in axis.items()}
    beam, columns = (1, 0) if projection == "PA" else (0, 1)
    # LPS grows to the left, to the back, to the head: columns run so already, rows must run to the feet.
    return Lay(axis[beam], axis[2], axis[columns], grows[2], not grows[columns])


def laid(plane: Array, lay: Lay) -> Array:
    """A sum along the beam as the picture is seen: rows from head to foot, columns from right to left or front to back."""
    found = plane if lay.rows < lay.columns else plane.T
    found = found[::-1] if lay.turn_rows else found
    return np.ascontiguousarray(found[:, ::-1] if lay.turn_columns else found)


def radiograph(volume_hu: Array, lay: Lay, depth_mm: float, mu_water: float) -> npt.NDArray[np.uint16]:
    """What the beam leaves on the film, 12 bits: 0 air, `FULL` everything taken."""
    taken = np.zeros(tuple(side for axis, side in enumerate(volume_hu.shape) if axis != lay.beam), np.float64)
    for plane in np.moveaxis(volume_hu, lay.beam, 0):  # one after another: the volume is not copied as a whole
        taken += np.maximum(0.0, mu_water * (1 + plane.astype(np.float64) / 1000)) * depth_mm
    return laid(np.round(FULL * (1 - np.exp(-taken))), lay).astype(np.uint16)


def shadow(mask: Bools, lay: Lay, depth_mm: float, least_mm: float) -> Bools:
    """The pixels whose rays meet a mask."""
    met = mask.sum(axis=lay.beam) * depth_mm
    found: Bools = laid((met > 0) & (met >= least_mm), lay).astype(bool)
    return found


def _projected(seen: View, projection: Projection, lay: Lay, mu_water: float, least_mm: float) -> Sample:
    spacing, image, origin = seen.assumed_mm, seen.image, seen.image.source
    assert spacing is not None, "asked before"
    depth = spacing[lay.beam]
    digest = sha256(f"{origin.sha256}|{projection}|{mu_water}".encode()).hexdigest()
    shape = (image.shape[lay.rows], image.shape[lay.columns])
    picture = Image(
        kind="image",
        shape=shape,
        channels=1,
        load=partial(_film, image, lay, depth, mu_water),
        source=Source(None, digest, origin.format),
        spacing_mm=(spacing[lay.rows], spacing[lay.columns]),
        modality="DX",
        view=projection,
        day=image.day,
        warnings=image.warnings,
    )
    regions: list[Region] = []
    kept: dict[int, int] = {}
    for place in seen.places:
        flat = _shadow_of(place, lay, depth, least_mm)
        if flat is not None:
            kept[place.at] = len(regions)
            regions.append(flat)
    sample = seen.sample
    measurements = [_moved(m, kept) for m in sample.measurements if m.region is None or m.region in kept]
    shown, what = SampleImage(seen.shown.role, picture), seen.tag(f"projection {projection}")
    return made(
        sample,
        "projections",
        what,
        task="annotation",
        turns=(),
        images=(shown,),
        regions=regions,
        measurements=measurements,
        report=sample.report,
    )


def _film(image: Image, lay: Lay, depth_mm: float, mu_water: float) -> Array:
    return radiograph(image.load(), lay, depth_mm, mu_water)


def _shadow_of(place: Place, lay: Lay, depth_mm: float, least_mm: float) -> Region | None:
    """A place of the volume in the picture; None of what has no mask, or no ray that meets it long enough."""
    if place.pixels is None or place.pixels.ndim != 3:
        return None
    flat = shadow(place.pixels, lay, depth_mm, least_mm)
    return place.marked(Mask(partial(_same, flat))) if flat.any() else None


def _same(flat: Bools) -> Bools:
    return flat


def _moved(measurement: Measurement, kept: dict[int, int]) -> Measurement:
    return measurement if measurement.region is None else replace(measurement, region=kept[measurement.region])
