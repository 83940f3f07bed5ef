"""Files and folders as studies: found, told apart by content, grouped by patient, study and series."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vesalius.clinical import dicom, nifti, raster
from vesalius.clinical.dicom_header import Header, read_header
from vesalius.clinical.geometry import orientation_of
from vesalius.clinical.keys import content_sha256, key
from vesalius.clinical.series import choose
from vesalius.clinical.stack import images_of, merged
from vesalius.errors import InputRefused
from vesalius.types import CodedWarning, Image, Series, Study

HEAD_BYTES = 4096
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
    headers: list[Header] = []
    others: list[Image] = []
    rejected: list[Rejected] = []
    for index, path in enumerate(files):
        try:
            _read_file(path, headers, others)
        except InputRefused as refusal:
            rejected.append(Rejected(f"{index}-{_short_hash(path)}", refusal.code, refusal.message))
    studies = (*_dicom_studies(headers), *map(_lone_study, others))
    return Inventory(tuple(map(choose, studies)), tuple(rejected), _warnings(studies, rejected), files)


def _read_file(path: Path, headers: list[Header], others: list[Image]) -> None:
    """Add what one file holds to either list."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        if not head:
            raise InputRefused("input_empty", "The file is empty. It holds no picture. Copy it again from its source.")
        if dicom.recognizes(head):
            headers.append(read_header(path))
            return
        others.append(_reader(path, head)(path))
    except OSError as error:
        raise InputRefused("unreadable", "The file could not be opened. It may be protected or broken. Check it.") from error


def _reader(path: Path, head: bytes) -> Callable[[Path], Image]:
    if nifti.recognizes(head):
        return nifti.open_image
    if raster.recognizes(head):
        return raster.open_image
    if path.suffix.lower() in (".dcm", ".dicom"):
        raise InputRefused(
            "not_dicom", "The file is named like DICOM but is none. Its content was not recognized. Check its origin."
        )
    raise InputRefused(
        "unsupported_type",
        "The content is none of DICOM, NIfTI, PNG and JPEG, which alone are read yet. Convert it to one of them.",
    )


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


def _dicom_studies(headers: Sequence[Header]) -> list[Study]:
    grouped: dict[tuple[str, str], dict[str, list[Header]]] = {}
    for header in headers:
        grouped.setdefault((header.patient_key, header.study_key), {}).setdefault(header.series_key, []).append(header)
    return [
        Study(study_key, patient_key, tuple(series for found in by_series.items() for series in _series(*found)))
        for (patient_key, study_key), by_series in grouped.items()
    ]


def _series(series_key: str, headers: Sequence[Header]) -> Iterator[Series]:
    """One series, and one more for each kind of object without a picture that bears the same number."""
    by_kind: dict[str, list[Header]] = {}
    for header in headers:
        by_kind.setdefault(header.kind, []).append(header)
    for kind, same in by_kind.items():
        if kind == "picture":
            images, warnings = images_of(same)
            yield _picture_series(series_key, images, len(same), warnings)
        else:
            doubts = merged([header.warnings for header in same])
            yield Series(series_key, kind, same[0].modality, (), len(same), warnings=doubts)


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
