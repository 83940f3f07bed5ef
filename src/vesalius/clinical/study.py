"""Files and folders as studies: found, told apart by content, grouped by patient, study and series."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vesalius.clinical.dicom.facts import Header
from vesalius.clinical.gate import Place
from vesalius.clinical.geometry import orientation_of
from vesalius.clinical.images import Found, describe, image_of
from vesalius.clinical.keys import content_sha256, key
from vesalius.clinical.series import choose
from vesalius.clinical.stack import images_of, merged
from vesalius.errors import InputRefused
from vesalius.types import CodedWarning, Image, Series, Study

ITEM_HEX = 12


@dataclass(frozen=True)
class Rejected:
    """A file that could not be read: its index in sorted order with the beginning of its sha256, and why."""

    item: str
    code: str
    message: str

    def to_json(self) -> dict[str, str]:
        """As CONTRACTS has it."""
        return {"item": self.item, "code": self.code, "message": self.message}


@dataclass(frozen=True, eq=False)
class Inventory:
    """What an input holds. `files` are all files that were looked at, in the order that items are numbered by."""

    studies: tuple[Study, ...]
    rejected: tuple[Rejected, ...]
    warnings: tuple[CodedWarning, ...]
    files: tuple[Path, ...]

    def to_json(self) -> dict[str, Any]:
        """As CONTRACTS' `inspect --json`."""
        return {
            "studies": [_study_json(study) for study in self.studies],
            "rejected": [rejected.to_json() for rejected in self.rejected],
            "warnings": [warning.to_json() for warning in self.warnings],
        }


def read(paths: Sequence[Path]) -> Inventory:
    """Read the headers of everything below `paths`; pixels stay where they are.

    Content decides what a file is, never its name. Files whose names begin with a full stop are left out of folders.
    DICOM files are grouped by patient, study and series; a NIfTI or raster file says nothing about its patient, so
    each is a study of its own.

    Raises:
        InputRefused: `input_missing` when a path does not exist, `input_empty` when there is no file at all.
    """
    files = _files(paths)
    if not files:
        raise InputRefused("input_empty", "The folder holds no file. There is nothing to read. Name another one.")
    dicom: list[tuple[Found, Header]] = []
    others: list[Image] = []
    rejected: list[Rejected] = []
    for index, found in enumerate(describe([Place(path) for path in files])):
        if isinstance(found, InputRefused):
            rejected.append(Rejected(f"{index}-{_short_hash(files[index])}", found.code, found.message))
        elif found.facts.header is not None:
            dicom.append((found, found.facts.header))
        elif found.facts.description is not None:
            others.append(image_of(found, found.facts.description))
    studies = (*_dicom_studies(dicom), *map(_lone_study, others))
    return Inventory(tuple(map(choose, studies)), tuple(rejected), _warnings(studies, rejected), files)


def _files(paths: Sequence[Path]) -> tuple[Path, ...]:
    """All files, once each, sorted by path."""
    found: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise InputRefused("input_missing", "Nothing lies at a path that was given. It cannot be read. Check its spelling.")
        found.update(_below(path.resolve()) if path.is_dir() else [path.resolve()])
    return tuple(sorted(found))


def _below(folder: Path) -> Iterator[Path]:
    """Files below a folder; links are followed, each folder is entered once, and depth costs no recursion."""
    waiting, seen = [folder], set()
    while waiting:
        place = waiting.pop()
        try:
            status = place.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(place) as entries:
                shown = [entry for entry in entries if not entry.name.startswith(".")]
            waiting += [Path(entry.path) for entry in shown if entry.is_dir()]
            yield from (Path(entry.path) for entry in shown if entry.is_file() or (entry.is_symlink() and not entry.is_dir()))
        except OSError:
            yield place  # a folder that cannot be entered is listed as an item that cannot be opened


def _short_hash(path: Path) -> str:
    try:
        return content_sha256(path)[:ITEM_HEX]
    except OSError:
        return "0" * ITEM_HEX  # what cannot be opened has no content


def _dicom_studies(files: Sequence[tuple[Found, Header]]) -> list[Study]:
    grouped: dict[tuple[str, str], dict[str, list[tuple[Found, Header]]]] = {}
    for found, header in files:
        grouped.setdefault((header.patient_key, header.study_key), {}).setdefault(header.series_key, []).append((found, header))
    return [
        Study(study_key, patient_key, tuple(series for same in by_series.items() for series in _series(*same)))
        for (patient_key, study_key), by_series in grouped.items()
    ]


def _series(series_key: str, files: Sequence[tuple[Found, Header]]) -> Iterator[Series]:
    """One series, and one more for each kind of object without a picture that bears the same number."""
    by_kind: dict[str, list[tuple[Found, Header]]] = {}
    for found, header in files:
        by_kind.setdefault(header.kind, []).append((found, header))
    for kind, same in by_kind.items():
        if kind == "picture":
            images, warnings = images_of([found for found, _ in same])
            yield _picture_series(series_key, images, len(same), warnings)
        else:
            doubts = merged([header.warnings for _, header in same])
            yield Series(series_key, kind, same[0][1].modality, (), len(same), warnings=doubts)


def _picture_series(
    series_key: str, images: tuple[Image, ...], instances: int, warnings: tuple[CodedWarning, ...] = ()
) -> Series:
    first = images[0]
    return Series(
        series_key=series_key,
        kind=first.kind,
        modality=first.modality,
        images=images,
        instances=instances,
        orientation=orientation_of(first.affine_lps_mm),
        warnings=warnings,
    )


def _lone_study(image: Image) -> Study:
    sha256 = image.source.sha256
    series = _picture_series(key("file", "series", sha256), (image,), 1)
    return Study(key("file", "study", sha256), key("file", "patient", sha256), (series,))


def _warnings(studies: Sequence[Study], rejected: Sequence[Rejected]) -> tuple[CodedWarning, ...]:
    warnings = []
    patients = len({study.patient_key for study in studies})
    if len(studies) > 1:
        said = f"The input holds {len(studies)} studies; patients: {patients}, where a file that names none counts as one."
        warnings.append(CodedWarning("several_patients", said, {"studies": len(studies), "patients": patients}))
    if rejected and studies:
        said = f"Files that could not be read: {len(rejected)}; they are listed."
        warnings.append(CodedWarning("some_rejected", said, {"files": len(rejected)}))
    return tuple(warnings)


def _study_json(study: Study) -> dict[str, Any]:
    series = [_series_json(series) for series in study.series]
    return {"study_key": study.study_key, "patient_key": study.patient_key, "series": series}


def _series_json(series: Series) -> dict[str, Any]:
    first = series.images[0] if series.images else None
    warnings = [*series.warnings, *merged([image.warnings for image in series.images])]
    shown: dict[str, Any] = {
        "series_key": series.series_key,
        "kind": series.kind,
        "modality": series.modality,
        "shape": list(first.shape) if first else None,
        "spacing_mm": [round(value, 6) for value in first.spacing_mm] if first and first.spacing_mm else None,
        "orientation": series.orientation,
        "images": series.instances,
        "pictures": len(series.images),
        "chosen": series.chosen,
        "why": series.why,
        "warnings": [warning.to_json() for warning in warnings],
    }
    if first and first.kind == "clip":
        shown["frame_s"] = first.frame_s
    return shown
