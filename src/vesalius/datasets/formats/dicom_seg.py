"""DICOM segmentations: a folder of DICOM pictures and of SEG objects that delineate structures on them.

What:       files of any name; pictures are put together as series, and each segmentation on the one that it was drawn on.
Layout:     any; archives too. Folders called `train`, `validation` (or `val`) and `test` directly below the source are splits.
Holds:      masks of volumes, pictures, clips and slides, one for each segment, with its label and number. A segmentation lies on
            a picture only when every plane of it is one of the picture's; nothing is resampled.
Lacks:      boxes, outlines (of plane pictures they are filled), points, questions, reports, labels of a picture as a whole,
            measurements, licences. Objects of one label in one picture are written as one segment.
Split unit: the patient, by the salted key of its number.
Labels:     as segmented, by a person or a program: the files may say which. What has no segment is not stated absent.
Defects:    segmentations whose pictures are not there, or whose grid is another, are told (`mask_geometry`). Pictures without a
            segmentation are left out, and counted (`media_unused`).
Samples:    task "annotation", one for each picture with a segment, without turns.
Licence:    not stated by the format.
Source:     DICOM PS3.3, A.51 and C.8.20 (Segmentation IOD); see `clinical/segments.py` for the reading.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vesalius.clinical import study
from vesalius.clinical.dicom.objects import clips, radiograph, segmentation, slices
from vesalius.clinical.dicom.objects.segmentation import Drawn
from vesalius.clinical.dicom.objects.slices import Stack
from vesalius.clinical.dicom.write import GRAY_BITS, Names, Visit, uid_of
from vesalius.clinical.upload import files_below
from vesalius.datasets.annotated import count_unheld, extent, label_of, pictures_in, sample_of, split_of
from vesalius.datasets.exports import Dropped
from vesalius.datasets.faults import Fault, Tell, refuse
from vesalius.datasets.label_maps import joined
from vesalius.datasets.sources import RecordRefused
from vesalius.datasets.split import Split
from vesalius.errors import InputRefused, UsageError
from vesalius.types import Array, Image, Region, Sample, Study

NAME = "dicom_seg"
MOST_LOOKED_AT, HEAD_BYTES = 4000, 1024
SEGMENTATION = b"1.2.840.10008.5.1.4.1.1.66.4"  # Segmentation Storage, as it stands in a file's meta information
NUMBER = "segment"  # the attribute that has the number of a segment
ALGORITHM = "not known, converted by Vesalius"
WHOLE_BODY = ("38266002", "Entire body")
VIEWS = ("PA", "AP", "LL", "RL")
_SEG = re.compile(re.escape(SEGMENTATION) + rb"[^.0-9]")  # 66.4.1 and others are further kinds
Bools = npt.NDArray[np.bool_]


def recognizes(root: Path) -> bool:
    """Whether one of the files below the folder is a DICOM segmentation."""
    return root.is_dir() and any(_is_segmentation(path) for path in islice(files_below(root), MOST_LOOKED_AT))


def read(root: Path, tell: Tell = refuse) -> Iterator[Sample]:
    """A sample for each picture with a segment.

    Args:
        root: the folder, or a single file or archive.
        tell: takes faults: files that cannot be read, segmentations that lie on no picture, segments without a pixel.

    Raises:
        InputRefused: `bad_dataset`: no segmentation; `input_missing`, `input_empty`.
    """
    named = {path: split_of(path.name) for path in sorted(root.iterdir()) if path.is_dir()} if root.is_dir() else {}
    parts: list[tuple[Path, Split | None]] = [(path, split) for path, split in named.items() if split]
    found = 0
    for part, split in parts or [(root, None)]:
        inventory = study.read([part])
        for rejected in inventory.rejected:
            tell(Fault("media_unreadable", f"file {rejected.item}", f"It cannot be read ({rejected.code}). {rejected.message}"))
        for number, one in enumerate(inventory.studies, start=1):
            found += sum(series.segments for series in one.series)
            yield from _samples(one, f"study {number}" + (f" of {split}" if split else ""), split, tell)
    if not found:
        raise InputRefused(
            "bad_dataset",
            "There is no DICOM segmentation in the folder. Nothing says what the pictures show. Give one with SEG files.",
        )


def write(samples: Iterable[Sample], out: Path, dropped: Dropped) -> None:
    """Write `<patient>/<study>/<picture>/…dcm`, and the masks of each picture beside it, below a folder for each split.

    Volumes of CT and MR, radiographs (of 12 bits, with view and pixel size) and pictures in color are written as new objects with
    new numbers; patients are called by their keys. The day is counted from 2000-01-01.

    Args:
        samples: any; pictures with masks or, in the plane, outlines are written.
        out: the folder; is made.
        dropped: counts what such files cannot hold.

    Raises:
        UsageError: `bad_option`: there is no such picture.
    """
    number = 0
    for sample in samples:
        count_unheld(sample, dropped)
        for image, regions in pictures_in(sample, dropped, ("image", "volume")):
            plain = [replace(r, attributes={k: v for k, v in r.attributes.items() if k != NUMBER}) for r in regions]
            masks = {name: mask for name, mask in joined(plain, image.shape, dropped).items() if mask.any()}
            if not masks:
                dropped["pictures without a mask"] += 1
                continue
            try:
                _Object(out, sample, image, number + 1).write(masks, dropped)
                number += 1
            except UsageError as refused:
                dropped[f"pictures that no object here holds: {refused.message}"] += 1
    if not number:
        raise UsageError("bad_option", "No sample has a mask on a picture that is written as DICOM. Choose another format.")


def _is_segmentation(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:
        return False
    return head[128:132] == b"DICM" and _SEG.search(head) is not None


def _samples(one: Study, where: str, split: Split | None, tell: Tell) -> Iterator[Sample]:
    """The samples of a study."""
    placed, bare = 0, 0
    for series in one.series:
        placed += len(series.regions)
        for index, image in enumerate(series.images):
            regions = [region for region in series.regions if region.image == index]
            held = list(_held(regions, image, where, tell))
            bare += not regions
            if held:
                parts = (one.study_key, series.series_key, str(index))
                made = sample_of(NAME, parts, [image], held, annotation="DICOM SEG", split=split, patient=one.patient_key)
                yield replace(made, provenance=replace(made.provenance, study_key=one.study_key))
    segments = sum(series.segments for series in one.series)
    if segments > placed:
        said = f"{segments - placed} of {segments} segments lie on the grid of no picture of the study; they were left out."
        tell(Fault("mask_geometry", where, said))
    if bare and segments:
        tell(Fault("media_unused", where, f"{bare} pictures have no segmentation."))


def _held(regions: Sequence[Region], image: Image, where: str, tell: Tell) -> Iterator[Region]:
    """The regions that mark something, with labels as ours are; of slides nobody looks."""
    for region in regions:
        try:
            label = label_of(region.label)
            if image.kind != "slide" and extent(region.geometry) is None:
                raise RecordRefused("mask_all_zero", "A segment marks nothing; it is left out.")
        except (RecordRefused, InputRefused) as wrong:
            refused = wrong if isinstance(wrong, RecordRefused) else RecordRefused("media_unreadable", wrong.message)
            tell(refused.at(f"{where}, segment {region.attributes.get(NUMBER, '?')}"))
            continue
        yield Region(label, region.geometry, attributes=region.attributes)


@dataclass(frozen=True, eq=False)
class _Object:
    """A picture on its way to files; `number` tells it from the others of the folder."""

    out: Path
    sample: Sample
    image: Image
    number: int

    def write(self, masks: Mapping[str, Bools], dropped: Dropped) -> None:
        """The picture and its masks.

        Raises:
            UsageError: `bad_option`: no object here holds such a picture. Nothing is left of it.
        """
        about = self.sample.provenance
        folder = self.out / (about.split or "") / about.patient_key / about.study_key / f"picture-{self.number:05}"
        folder.mkdir(parents=True)
        try:
            paths, sop_class = self._write_picture(folder, dropped)
        except UsageError:
            for left in folder.iterdir():
                left.unlink()
            folder.rmdir()
            raise
        drawn = Drawn(
            sop_class=sop_class,
            series_uid=self._uid("series"),
            instances=[self._uid("instance", path.name) for path in paths],
            layout="pictures",
            affine_lps_mm=self.image.affine_lps_mm if self.image.kind == "volume" else None,
            frame_uid=self._uid("frame") if self.image.kind == "volume" else "",
        )
        path = folder / "segmentation.dcm"
        names = Names(self._uid("series", "masks"), self._uid("instance", path.name), 2 * self.number + 1)
        segmentation.write_segmentation(path, masks, drawn, self._visit(), names, algorithm=ALGORITHM)
        if about.licence != "unknown":
            dropped["licences: the format has none"] += 1

    def _write_picture(self, folder: Path, dropped: Dropped) -> tuple[list[Path], str]:
        """The files of the picture, and of which class they are."""
        image, visit = self.image, self._visit()
        if image.kind == "volume":
            if image.affine_lps_mm is None or image.modality not in ("CT", "MR") or len(image.shape) != 3:
                raise UsageError("bad_option", "volumes of a CT or MR whose place in the patient is known alone")
            paths = [folder / f"{index:05}.dcm" for index in range(1, image.shape[0] + 1)]
            names = [self._names(path, index) for index, path in enumerate(paths, start=1)]
            kind = np.int16 if image.modality == "CT" else np.uint16
            voxels = _whole(image.load(), kind, dropped)
            stack = Stack(voxels, image.affine_lps_mm, self._uid("frame"), "", image.window)
            writer = slices.write_ct if image.modality == "CT" else slices.write_mr
            return paths, writer(paths, stack, visit, names)
        path = folder / "00001.dcm"
        pixels, own = image.load(), self._names(path, 1)
        spacing_mm = (image.spacing_mm[0], image.spacing_mm[1]) if image.spacing_mm else None
        if image.channels == 3 and pixels.dtype == np.uint8:
            return [path], clips.write_photograph(path, pixels, visit, own, region=WHOLE_BODY, spacing_mm=spacing_mm)
        if image.modality not in ("DX", "CR", "XR") or image.view not in VIEWS or spacing_mm is None:
            raise UsageError("bad_option", "plane pictures in color, or radiographs with view and pixel size alone")
        gray = _whole(pixels, np.uint16, dropped)
        return [path], radiograph.write_radiograph(path, gray, visit, own, spacing_mm=spacing_mm, view=image.view or "")

    def _visit(self) -> Visit:
        about = self.sample.provenance
        return Visit(
            patient_id=about.patient_key,
            study_uid=uid_of("study", about.patient_key, about.study_key),
            day=round(self.image.day or 0),
            sex=about.sex or "",
            age_years=about.age_years,
            manufacturer="Vesalius",
        )

    def _names(self, path: Path, instance: int) -> Names:
        return Names(self._uid("series"), self._uid("instance", path.name), 2 * self.number, instance)

    def _uid(self, *parts: str) -> str:
        return uid_of(NAME, self.sample.key, str(self.number), *parts)


def _whole(values: Array, kind: type[np.int16 | np.uint16], dropped: Dropped) -> Array:
    """The values as the file has them.

    Raises:
        UsageError: `bad_option`: they leave its range.
    """
    low, high = (0, 2**GRAY_BITS - 1) if kind is np.uint16 else (-(2**15), 2**15 - 1)
    if values.size and (values.min() < low or values.max() > high):
        raise UsageError("bad_option", f"values from {low} to {high} alone")
    rounded = np.rint(values)
    if not np.array_equal(rounded, values):
        dropped["values that are no whole numbers: rounded"] += 1
    return rounded.astype(kind)
