"""A phantom as one annotated sample: every mask, landmark, label, measurement and the report, and nobody has asked anything yet.

What `datasets.compose` turns into questions. A lesion's region bears its finding's name and its attributes, anatomy its own
name; what cannot be seen in a picture has no region there. One mask of all cells of a kind bears the plural, "neutrophils";
landmarks that are numbered, "neutrophil 3", are single ones.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from vesalius.clinical import keys
from vesalius.datasets.compose.wording import terms
from vesalius.datasets.phantoms.cohorts import LICENCE
from vesalius.datasets.phantoms.dicom import patient_id, uid
from vesalius.datasets.phantoms.image import to_image
from vesalius.datasets.split import Split
from vesalius.phantom import world
from vesalius.phantom.truth import Bools, Phantom, Picture
from vesalius.types import Mask, Measurement, Provenance, Region, Sample, SampleImage

_NUMBER = re.compile(r" \d+$")
_ALL_OF_A_KIND = {"cells": {"lumen"}, "skin": {"skin", "ruler"}}  # kinds whose masks mark all of something, but for these


def read_annotated(
    kind: str,
    seed: int,
    *,
    visits: int = 1,
    split: Split | None = None,
    language: str = "en",
    factors: Mapping[str, object] | None = None,
) -> Sample:
    """One patient's latest visit with everything that is true of it; with two visits the first one's pictures are the prior.

    Args:
        kind: of phantom.
        seed: the patient's number.
        visits: 1 or 2.
        split: written into the sample.
        language: of the report.
        factors: fixed for every picture, see `world.make`.

    Raises:
        UsageError: `unknown_name` for the kind, `bad_factor`.
    """
    seen = [world.make(kind, seed=seed, visit=visit, **(factors or {})) for visit in range(visits)]
    return annotated(seen[-1], seen[0] if visits == 2 else None, split=split, language=language)


def annotated(current: Phantom, prior: Phantom | None = None, *, split: Split | None = None, language: str = "en") -> Sample:
    """One visit as it was drawn, and the pictures and regions of the visit before if it is given."""
    images, regions, measurements = _shown(current, "current")
    if prior is not None:
        before, marked, measured = _shown(prior, "prior", len(images), len(regions))
        images, regions = [*images, *before], [*regions, *marked]
        measurements += [item for item in measured if item.region is not None]
    return Sample(
        key=f"{patient_id(current)}-{current.visit}-annotation",
        task="annotation",
        images=tuple(images),
        turns=(),
        provenance=_provenance(current, split),
        regions=tuple(regions),
        measurements=tuple(measurements),
        labels=current.labels,
        report=current.reports[language],
    )


def _shown(
    phantom: Phantom, role: Literal["current", "prior"], first: int = 0, marked: int = 0
) -> tuple[list[SampleImage], list[Region], list[Measurement]]:
    """The pictures of a visit from number `first` on, its regions from number `marked` on, and what was measured on them."""
    images = [SampleImage(role, to_image(picture, phantom)) for picture in phantom.pictures]
    regions: list[Region] = []
    at: dict[tuple[str, str], int] = {}
    for number, picture in enumerate(phantom.pictures, start=first):
        for name, region in _regions(phantom, picture, number):
            at[(picture.name, name)] = marked + len(regions)
            regions.append(region)
    sizes = {item.name: item.size_is for item in world.catalogue(phantom.kind) if item.size_mm}
    measured = [
        Measurement("size", lesion.size_mm, "mm", sizes[lesion.finding], at[(picture.name, lesion.mask)])
        for picture in phantom.pictures
        for lesion in phantom.lesions
        if lesion.size_mm is not None and (picture.name, lesion.mask) in at
    ]
    measured += [
        Measurement(item.name, float(item.value), item.unit, item.definition, at.get((item.picture, item.of)))
        for item in phantom.measurements
    ]
    return images, regions, measured


def _regions(phantom: Phantom, picture: Picture, number: int) -> Iterator[tuple[str, Region]]:
    """Every mask that marks something, by its name, then landmarks that no mask stands for."""
    lesions = {lesion.mask: lesion for lesion in phantom.lesions}
    for name, mask in picture.masks.items():
        if mask.any():
            lesion = lesions.get(name)
            label, said = (_named(name, phantom.kind), {}) if lesion is None else (lesion.finding, dict(lesion.attributes))
            yield name, Region(label, _mask(mask), image=number, attributes=said)
    for name, point in picture.points.items():
        if name not in picture.masks and not name.startswith("middle of "):
            yield f"point {name}", Region(_NUMBER.sub("", name), point, image=number)


def _named(mask: str, kind: str) -> str:
    """What a mask that is no lesion's is called."""
    if mask in _ALL_OF_A_KIND.get(kind, {mask}):
        return mask
    return terms()[mask].plural if mask in terms() else mask


def _mask(pixels: Bools) -> Mask:
    return Mask(lambda: pixels)


def _provenance(phantom: Phantom, split: Split | None) -> Provenance:
    """Whom the sample is about, as `cohorts` has it."""
    return Provenance(
        source=f"phantom:{phantom.kind}",
        licence=LICENCE,
        patient_key=keys.phantom_patient_key(patient_id(phantom)),
        study_key=keys.phantom_study_key(uid(phantom, "study")),
        annotation="as drawn",
        split=split,
        site=str(phantom.facts["site"]),
        age_years=float(phantom.facts["age_years"]),
        sex="F" if phantom.facts["sex"] == "F" else "M",
    )
