"""A phantom written as the DICOM files that a hospital's machines would send, with its masks as segmentations.

Patient, study and files carry the numbers from which `phantoms.samples_of` makes the patient's and the study's keys; the two
visits of a patient are two studies. Nothing depends on a clock or on chance: the same phantom gives the same bytes.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vesalius.clinical.dicom.objects import clips, eyes, radiograph, segmentation, slices, slide
from vesalius.clinical.dicom.objects.segmentation import Drawn
from vesalius.clinical.dicom.objects.slices import Stack
from vesalius.clinical.dicom.write import Names, Visit, uid_of
from vesalius.clinical.keys import PHANTOM_MANUFACTURER
from vesalius.datasets.phantoms.image import affine_of, stem_of, stored
from vesalius.phantom.truth import Phantom, Picture
from vesalius.types import Array

MASKS_FROM = 101  # Series Number of the first picture's masks
# What visible light shows, as a SNOMED code (PS3.16, CID 4031 and 4040).
_WHOLE = ("38266002", "Entire body")
_REGIONS = {"skin": ("39937001", "Skin"), "endoscopy": ("71854001", "Colon"), "surgery": ("818981001", "Abdomen")}


def write(phantom: Phantom, folder: Path) -> list[Path]:
    """Write one visit as `<kind>-<seed>-visit-<visit>-<picture>….dcm` into `folder`, which is made.

    A volume is one file per slice. What a picture's masks hold lies beside it in `…-masks.dcm`, one segment a mask.

    Returns:
        The files, those of each picture together and its masks behind them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = _content(phantom)
    visit = visit_of(phantom)
    files: list[Path] = []
    for number, picture in enumerate(phantom.pictures, start=1):
        task = _Task(phantom, picture, number, folder, visit, content)
        paths, sop_class = _WRITERS[picture.modality](task)
        files += paths
        if any(mask.any() for mask in picture.masks.values()):
            files.append(_write_masks(task, paths, sop_class))
    return files


def _write_masks(task: "_Task", paths: list[Path], sop_class: str) -> Path:
    """The masks of the picture in `paths`."""
    picture, path = task.picture, task.path("-masks")
    drawn = Drawn(
        sop_class=sop_class,
        series_uid=task.series_uid,
        instances=[task.instance(each) for each in paths],
        layout="tiles" if picture.modality == "SM" else "frames" if picture.kind == "clip" else "pictures",
        affine_lps_mm=affine_of(picture),
        spacing_mm=task.plane_mm if picture.modality == "SM" else (1.0, 1.0),
        frame_uid=task.frame_uid if picture.modality == "SM" or affine_of(picture) is not None else "",
    )
    series = task.uid("series", "masks")
    names = Names(series, task.instance(path), MASKS_FROM + task.number - 1, says=f"{picture.name} masks")
    abnormal = [lesion.mask for lesion in task.phantom.lesions]
    segmentation.write_segmentation(path, picture.masks, drawn, task.visit, names, abnormal=abnormal)
    return path


def patient_id(phantom: Phantom) -> str:
    """The number that the phantom's DICOM files carry: kind and seed."""
    return f"{phantom.kind}-{phantom.seed}"


def visit_of(phantom: Phantom) -> Visit:
    """What all files of the phantom's visit say."""
    return Visit(
        patient_id=patient_id(phantom),
        study_uid=uid(phantom, "study"),
        day=phantom.day,
        sex=str(phantom.facts["sex"]),
        age_years=float(phantom.facts["age_years"]),
        manufacturer=PHANTOM_MANUFACTURER,
        is_simulated=True,
    )


def uid(phantom: Phantom, level: str, *parts: str) -> str:
    """A UID of the phantom's: the same for the same first picture, visit, level and parts, never the same for others.

    Args:
        phantom: whose.
        level: "study", "series", "frame" (of reference), "instance", …
        parts: what tells the objects of one level apart: the picture, the slice.
    """
    return _uid(phantom, _content(phantom), level, *parts)


def _uid(phantom: Phantom, content: str, level: str, *parts: str) -> str:
    return uid_of(level, patient_id(phantom), str(phantom.visit), content, *parts)


def _content(phantom: Phantom) -> str:
    return hashlib.sha256(np.ascontiguousarray(phantom.picture.pixels).data).hexdigest()


@dataclass(frozen=True, eq=False)
class _Task:
    """One picture to be written, the `number`th of the phantom's; `content` is the hash of the first."""

    phantom: Phantom
    picture: Picture
    number: int
    folder: Path
    visit: Visit
    content: str

    def path(self, end: str = "") -> Path:
        """A file of the picture's."""
        return self.folder / f"{stem_of(self.phantom, self.picture)}{end}.dcm"

    def uid(self, level: str, *parts: str) -> str:
        """One of the picture's own."""
        return _uid(self.phantom, self.content, level, self.picture.name, *parts)

    def instance(self, path: Path) -> str:
        """The UID of the object in a file."""
        return self.uid("instance", path.name)

    @property
    def series_uid(self) -> str:
        """Radiographs of one visit are one series, others one each."""
        return _uid(self.phantom, self.content, "series") if self.picture.modality == "DX" else self.uid("series")

    @property
    def frame_uid(self) -> str:
        """All pictures of one visit whose places are known lie in one space; a slide is a space of its own."""
        return self.uid("frame") if self.picture.modality == "SM" else _uid(self.phantom, self.content, "frame")

    def names(self, path: Path, instance: int = 1) -> Names:
        """What the object in a file is called."""
        is_radiograph = self.picture.modality == "DX"
        series, instance = (1, self.number) if is_radiograph else (self.number, instance)
        says = "" if is_radiograph else self.picture.name
        return Names(self.series_uid, self.instance(path), series, instance, says)

    def one(self) -> tuple[Path, Array, Visit, Names]:
        """What a writer of a single file needs."""
        path = self.path()
        return path, stored(self.picture), self.visit, self.names(path)

    @property
    def plane_mm(self) -> tuple[float, float]:
        """Spacing (y, x) of a picture that has one."""
        assert self.picture.spacing_mm is not None, f"{self.picture.name} has no spacing"
        y, x = self.picture.spacing_mm[-2:]
        return y, x


Written = tuple[list[Path], str]


def _radiograph(task: _Task) -> Written:
    path, pixels, visit, names = task.one()
    view, window = str(task.picture.view), task.picture.window
    sop_class = radiograph.write_radiograph(path, pixels, visit, names, spacing_mm=task.plane_mm, view=view, window=window)
    return [path], sop_class


def _slices(task: _Task) -> Written:
    picture = task.picture
    assert picture.affine_lps_mm is not None, f"{picture.name} has no place"
    body_part = task.phantom.kind.partition("_")[0].upper()  # brain, chest, abdomen, knee: DICOM's own terms
    stack = Stack(picture.pixels, picture.affine_lps_mm, task.frame_uid, body_part, picture.window, picture.name, _side(picture))
    paths = [task.path(f"-{number:04d}") for number in range(1, len(picture.pixels) + 1)]
    names = [task.names(path, number) for number, path in enumerate(paths, start=1)]
    write_all = slices.write_ct if picture.modality == "CT" else slices.write_mr
    return paths, write_all(paths, stack, task.visit, names)


def _ultrasound(task: _Task) -> Written:
    path, pixels, visit, names = task.one()
    sop_class = clips.write_ultrasound(
        path,
        pixels,
        visit,
        names,
        spacing_mm=task.plane_mm,
        frame_s=task.picture.frame_s,
        is_color=task.picture.channels == 3,
    )
    return [path], sop_class


def _endoscopy(task: _Task) -> Written:
    path, pixels, visit, names = task.one()
    spacing_mm = None if task.picture.spacing_mm is None else task.plane_mm
    region = _REGIONS.get(task.phantom.kind, _WHOLE)
    frame_s = task.picture.frame_s
    sop_class = clips.write_endoscopy(path, pixels, visit, names, region=region, spacing_mm=spacing_mm, frame_s=frame_s)
    return [path], sop_class


def _photograph(task: _Task) -> Written:
    path, pixels, visit, names = task.one()
    spacing_mm = None if task.picture.spacing_mm is None else task.plane_mm
    region = _REGIONS.get(task.phantom.kind, _WHOLE)
    return [path], clips.write_photograph(path, pixels, visit, names, region=region, spacing_mm=spacing_mm)


def _fundus(task: _Task) -> Written:
    path, pixels, visit, names = task.one()
    return [path], eyes.write_fundus(path, pixels, visit, names, spacing_mm=task.plane_mm, eye=_side(task.picture) or "B")


def _section(task: _Task) -> Written:
    path, pixels, visit, names = task.one()
    affine = affine_of(task.picture)
    assert affine is not None, f"{task.picture.name} has no place"
    eye = _side(task.picture) or "B"
    sop_class = eyes.write_section(path, pixels, visit, names, affine_lps_mm=affine, eye=eye, frame_uid=task.frame_uid)
    return [path], sop_class


def _slide(task: _Task) -> Written:
    path, pixels, visit, names = task.one()
    sop_class = slide.write_level(
        path,
        lambda y0, x0, y1, x1: pixels[y0:y1, x0:x1],
        (pixels.shape[0], pixels.shape[1]),
        visit,
        names,
        spacing_mm=task.plane_mm,
        frame_uid=task.frame_uid,
        specimen_uid=_uid(task.phantom, task.content, "specimen"),
    )
    return [path], sop_class


def _side(picture: Picture) -> str:
    """Of an eye or a knee, L or R; empty when the picture does not say it."""
    return picture.view if picture.view in ("L", "R") else ""


_WRITERS: dict[str, Callable[[_Task], Written]] = {
    "DX": _radiograph,
    "CT": _slices,
    "MR": _slices,
    "US": _ultrasound,
    "ES": _endoscopy,
    "XC": _photograph,
    "OP": _fundus,
    "OPT": _section,
    "SM": _slide,
}
