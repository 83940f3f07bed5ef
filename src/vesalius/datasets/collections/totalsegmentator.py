"""totalsegmentator: CT and MR volumes with masks of up to 117 structures.

What:       1,228 CT (version 2) and 616 MR volumes of the University Hospital Basel; or the reference files of the
            program's repository: a CT of 112 slices and a part of it, an MR, a DICOM series, each with what the program
            found, and its spine report.
Layout:     `s0000/ct.nii.gz` (or `mri.nii.gz`) with `s0000/segmentations/<structure>.nii.gz`, and `meta.csv`. Or
            `example_*.nii.gz`: maps of labels that name their structures in the header, folders of masks, and a folder of
            DICOM slices; each is joined to the volume whose very voxels it has. Read with any number of them.
Split unit: the subject. Of reference files: volumes with the same first voxel are of one patient. Splits of `meta.csv`.
Labels:     masks made by a model and corrected by hand, round after round; those of the reference files are the model's
            answers. A structure whose mask is empty is absent from the field of view: a label.
Defects:    masks of structures that reach the border are cut there. The reference files' body statistics and phases name no
            volume and are left out; numbers of the spine report stand at its vertebrae.
Samples:    a volume with every structure as a mask; one volume is in several samples where several programs' answers lie beside
            it, named in `provenance.annotation`.
Licence:    CC BY 4.0 (CT), CC BY-NC-SA 2.0 (MR); reference files Apache-2.0.
Source:     zenodo.org/records/10047292; Wasserthal et al. 2023, Radiology: Artificial Intelligence 5(5): e230024.
"""

import gzip
import json
import re
import struct
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from vesalius.clinical import keys, study
from vesalius.clinical.scanner import scanner_of
from vesalius.datasets.collections import masks
from vesalius.datasets.faults import Fault, Tell, refuse
from vesalius.datasets.sources import Files, Pictures, RecordRefused, table
from vesalius.errors import InputRefused
from vesalius.types import Finding, Image, Mask, Measurement, Provenance, Region, Sample, SampleImage
from vesalius.units import Unit

NAME = "totalsegmentator"
LICENCES = {"CT": "CC BY 4.0", "MR": "CC BY-NC-SA 2.0"}
REFERENCE_LICENCE = "Apache-2.0"
VOLUMES = {"ct.nii.gz": "CT", "mri.nii.gz": "MR"}
_SUBJECT = re.compile(r"s\d{4}")
_SPLITS: dict[str, Literal["train", "validation", "test"]] = {"train": "train", "val": "validation", "test": "test"}
_SEXES: dict[str, Literal["F", "M"]] = {"f": "F", "m": "M"}
_SPINE = "spine_report.json"
_MEASURED = re.compile(r"(vertebrae_\w+?)_(height_\w+_mm|height_difference|volume_ml|intensity|intensity_median)")
_UNITS: dict[str, Unit] = {"mm": "mm", "ml": "mL", "intensity": "[hnsf'U]", "median": "[hnsf'U]", "difference": "1"}
_EXTENSION_BYTES = 1 << 20

Found = tuple[str, Mask | None]  # a structure, and where it is; None: nowhere in the volume


def recognizes(root: Path) -> bool:
    """Whether `root` holds subjects with segmentations, or the repository's reference files."""
    if not root.is_dir():
        return False
    if any(root.glob("example_*.nii.gz")) and any(root.glob("example_seg*.nii.gz")):
        return True
    first = next((place for place in sorted(root.iterdir()) if _SUBJECT.fullmatch(place.name) and place.is_dir()), None)
    return first is not None and (first / "segmentations").is_dir() and any((first / name).is_file() for name in VOLUMES)


def read(root: Path, tell: Tell = refuse) -> Iterator[Sample]:
    """Every subject, or every segmentation among the reference files.

    Raises:
        InputRefused: `bad_dataset`: another layout.
    """
    if not recognizes(root):
        raise InputRefused(
            "bad_dataset",
            "The folder holds neither subjects with segmentations nor the reference files. Without them no structure is marked. "
            "Give the folder that holds s0000 and its siblings.",
        )
    pictures = Pictures(Files(root))
    if any(root.glob("example_*.nii.gz")):
        yield from _references(pictures, tell)
        return
    about = {row.get("image_id", ""): row for _, row in table(root / "meta.csv", ";")} if (root / "meta.csv").is_file() else {}
    for place in sorted(place for place in root.iterdir() if _SUBJECT.fullmatch(place.name)):
        try:
            yield _subject(place, about.get(place.name, {}), pictures, tell)
        except RecordRefused as wrong:
            tell(wrong.at(f"subject {place.name}"))


def _subject(place: Path, about: Mapping[str, str], pictures: Pictures, tell: Tell) -> Sample:
    name = next((name for name in VOLUMES if (place / name).is_file()), None)
    if name is None:
        raise RecordRefused("media_missing", "The subject has no volume.")
    scanner = scanner_of(about.get("manufacturer", ""), about.get("scanner_model", ""))
    image = pictures.open(f"{place.name}/{name}", modality=VOLUMES[name], scanner=scanner)
    structures = _masks(pictures, f"{place.name}/segmentations", image, f"subject {place.name}", tell)
    age = about.get("age", "")
    provenance = Provenance(
        source=NAME,
        licence=LICENCES[VOLUMES[name]],
        patient_key=keys.key(NAME, VOLUMES[name], place.name, salted=False),
        study_key=keys.key(NAME, VOLUMES[name], place.name, "study", salted=False),
        annotation="segmentations",
        split=_SPLITS.get(about.get("split", "")),
        site=about.get("institute") or None,
        age_years=float(age) if re.fullmatch(r"\d+(\.\d+)?", age) else None,
        sex=_SEXES.get(about.get("gender", "").lower()),
    )
    return _sample(image, structures, provenance, (NAME, VOLUMES[name], place.name))


def _references(pictures: Pictures, tell: Tell) -> Iterator[Sample]:
    """Each segmentation among the reference files with the volume that has its voxels."""
    root = pictures.files.root
    maps = [path for path in pictures.files.having([".nii.gz"]) if re.search(r"example_seg|totalseg", path.name)]
    maps = [path for path in maps if path.parent == root or path.name.startswith("totalseg")]
    folders = sorted({path.parent for path in pictures.files.having([".nii.gz"]) if path.parent.name.startswith("example_seg")})
    volumes = _volumes(pictures, tell)
    for path in [*maps, *folders]:
        where = path.relative_to(root).as_posix()
        try:
            yield _reference(path, where, volumes, pictures, tell)
        except RecordRefused as wrong:
            tell(wrong.at(where))


def _volumes(pictures: Pictures, tell: Tell) -> list[Image]:
    """The NIfTI volumes that are no segmentations, and the volumes of every folder of DICOM slices."""
    root, found = pictures.files.root, []
    for path in sorted(root.glob("example_*.nii.gz")):
        if "seg" not in path.name:
            try:
                found.append(pictures.at(path, modality="MR" if "_mr" in path.name else "CT"))
            except RecordRefused as wrong:
                tell(wrong.at(path.name))
    for place in sorted(root.glob("example_*_dicom")):
        studies = study.read([place])
        found += [image for each in studies.studies for series in each.series for image in series.images]
        for rejected in studies.rejected:
            tell(Fault("media_unreadable", f"{place.name}, file {rejected.item}", f"{rejected.code}: {rejected.message}"))
    return found


def _reference(path: Path, where: str, volumes: Sequence[Image], pictures: Pictures, tell: Tell) -> Sample:
    drawn = pictures.at(path if path.is_file() else next(p for p in pictures.files.paths if p.parent == path))
    image = next((volume for volume in volumes if _fits(drawn, volume)), None)
    if image is None:
        raise RecordRefused("mask_geometry", "No volume has the voxels of this segmentation.")
    if path.is_file():
        names = _names(path)
        found = masks.labeled(drawn, image).items()
        structures: list[Found] = [(names.get(label, f"label {label}"), mask) for label, mask in found]
    else:
        structures = _masks(pictures, where, image, where, tell)
    assert image.affine_lps_mm is not None, "its place fits"
    first = ",".join(f"{value:.0f}" for value in image.affine_lps_mm[:3, 3])
    patient = keys.key(NAME, "reference", first, salted=False)
    provenance = Provenance(NAME, REFERENCE_LICENCE, patient, keys.key(NAME, patient, "study", salted=False), where)
    sample = _sample(image, structures, provenance, (NAME, "reference", where))
    report = path.parent / _SPINE
    return _with_spine(sample, report, where, tell) if path.name == "totalseg.nii.gz" and report.is_file() else sample


def _fits(drawn: Image, volume: Image) -> bool:
    if volume.affine_lps_mm is None:
        return False
    try:
        masks.alignment(drawn, volume)
    except RecordRefused:
        return False
    return True


def _masks(pictures: Pictures, folder: str, image: Image, where: str, tell: Tell) -> list[Found]:
    """The structures of a folder of masks, in the order of their names; each mask is decoded once to see if it is empty."""
    place = pictures.files.root / folder
    paths = [path for path in pictures.files.paths if path.parent == place and path.name.endswith(".nii.gz")]
    pictures.expect(path.relative_to(pictures.files.root).as_posix() for path in paths)
    found: list[Found] = []
    for path in paths:
        name = path.name.removesuffix(".nii.gz")
        try:
            mask = masks.aligned(pictures.at(path), image)
            found.append((name, mask if mask.load().any() else None))
        except RecordRefused as wrong:
            tell(wrong.at(f"{where}, {name}"))
        except InputRefused as wrong:
            tell(Fault("media_unreadable", f"{where}, {name}", f"{wrong.code}: {wrong.message}"))
    return found


def _sample(image: Image, structures: Sequence[Found], provenance: Provenance, named: tuple[str, ...]) -> Sample:
    regions = tuple(Region(_said(name), mask) for name, mask in structures if mask is not None)
    labels: dict[str, Finding] = {_said(name): "absent" for name, mask in structures if mask is None}
    key = f"{NAME}-{keys.key(*named, salted=False)}"
    return Sample(key, "annotation", (SampleImage("current", image),), (), provenance, regions, labels=labels)


def _said(name: str) -> str:
    """vertebrae_L1 → vertebrae l1."""
    return name.replace("_", " ").lower()


def _with_spine(sample: Sample, report: Path, where: str, tell: Tell) -> Sample:
    """The sample with the report's numbers at its vertebrae."""
    places = {region.label: index for index, region in enumerate(sample.regions)}
    measured = []
    try:
        results = json.loads(report.read_text(encoding="utf-8"))["results"]
        for name, value in results.items():
            if (found := _MEASURED.fullmatch(name)) and _said(found[1]) in places:
                unit, what = _UNITS[found[2].rpartition("_")[2]], _said(re.sub(r"_(?:mm|ml)$", "", found[2]))
                measured.append(Measurement(what, float(value), unit, "computed from its mask", places[_said(found[1])]))
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        tell(Fault("record_malformed", f"{where}, {_SPINE}", f"The report is not as published ({type(wrong).__name__})."))
    return replace(sample, measurements=tuple(measured))


def _names(path: Path) -> dict[int, str]:
    """Label → structure, from the table that the program writes behind the header; empty where there is none.

    Source: nifti1.h, extensions; the LabelTable of Caret's volume information.
    """
    try:
        with gzip.open(path) as file:
            head = file.read(352)
            order = "<" if head[:4] == struct.pack("<i", 348) else ">"
            (first_voxel,) = struct.unpack(f"{order}f", head[108:112])
            text = file.read(int(min(max(first_voxel - 352, 0), _EXTENSION_BYTES)))[8:]
        start, end = text.find(b"<LabelTable>"), text.find(b"</LabelTable>")
        if start < 0 or end < 0 or b"<!" in text[start:end].replace(b"<![CDATA[", b""):
            return {}
        labels = ElementTree.fromstring(text[start : end + len(b"</LabelTable>")])
        return {int(label.get("Key", "")): (label.text or "").strip() for label in labels.iter("Label")}
    except (OSError, EOFError, struct.error, ValueError, OverflowError, ElementTree.ParseError):
        return {}
