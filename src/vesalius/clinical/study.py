"""An upload as studies: grouped by patient, study and series, with everything about them that is doubtful."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vesalius.clinical.dicom.facts import Header
from vesalius.clinical.geometry import orientation_of
from vesalius.clinical.images import Found, image_of
from vesalius.clinical.keys import key
from vesalius.clinical.pyramid import level_of, slides_of
from vesalius.clinical.segments import Segmented, regions_of
from vesalius.clinical.series import LARGEST_ORIGINAL, choose
from vesalius.clinical.stack import images_of, merged
from vesalius.clinical.upload import DIRECTORY, Origin, look
from vesalius.errors import InputRefused
from vesalius.types import CodedWarning, Image, Region, Series, Study

Dicom = tuple[Found, Header]


@dataclass(frozen=True)
class Rejected:
    """A file that could not be read: its index with the beginning of its sha256, and why."""

    item: str
    code: str
    message: str

    def to_json(self) -> dict[str, str]:
        """As CONTRACTS has it."""
        return {"item": self.item, "code": self.code, "message": self.message}


@dataclass(frozen=True, eq=False)
class Inventory:
    """What an input holds.

    `files` are all files that were looked at, in the order that items are numbered by: the files, sorted by path, and after
    them the members of each archive, sorted by name. An archive is an item too, beside its members.
    """

    studies: tuple[Study, ...]
    rejected: tuple[Rejected, ...]
    warnings: tuple[CodedWarning, ...]
    files: tuple[Origin, ...]

    def to_json(self) -> dict[str, Any]:
        """As CONTRACTS' `inspect --json`."""
        return {
            "studies": [_study_json(study) for study in self.studies],
            "rejected": [rejected.to_json() for rejected in self.rejected],
            "warnings": [warning.to_json() for warning in self.warnings],
        }


def read(paths: Sequence[Path]) -> Inventory:
    """Read the headers of everything below `paths`; pixels stay where they are.

    DICOM files are grouped by patient, study and series; a file of another format says nothing about its patient, so each
    is a study of its own. Of files with the same content the first is read.

    Raises:
        InputRefused: `input_missing` when a path does not exist, `input_empty` when there is no file at all.
        UsageError: `bad_option` for an address.
    """
    upload = look(paths)
    found = [item.result for item in upload.items if isinstance(item.result, Found)]
    copies = Counter(one.facts.sha256 for one in found)
    kept = {one.facts.sha256: one for one in reversed(found)}  # of copies the first
    found = [one for one in found if kept[one.facts.sha256] is one]
    dicom = [(one, header) for one in found if (header := one.facts.header) is not None and header.kind != DIRECTORY]
    others = [image_of(one, description) for one in found if (description := one.facts.description) is not None]
    studies = tuple(map(choose, (*_dicom_studies(dicom, copies), *(_lone_study(image, copies) for image in others))))
    rejected = tuple(
        Rejected(name, item.result.code, item.result.message)
        for name, item in zip(upload.names(), upload.items, strict=True)
        if isinstance(item.result, InputRefused)
    )
    files = tuple(item.origin for item in upload.items)
    return Inventory(studies, rejected, (*upload.warnings, *_warnings(studies, rejected)), files)


def _dicom_studies(files: Sequence[Dicom], copies: Mapping[str, int]) -> list[Study]:
    bearers = Counter(header.instance_key for _, header in files if header.instance_key)
    shared = {instance_key for instance_key, times in bearers.items() if times > 1}
    grouped: dict[tuple[str, str], list[Dicom]] = {}
    for found, header in files:
        grouped.setdefault((header.patient_key, header.study_key), []).append((found, header))
    return [_study(patient_key, study_key, same, copies, shared) for (patient_key, study_key), same in grouped.items()]


def _study(patient_key: str, study_key: str, files: Sequence[Dicom], copies: Mapping[str, int], shared: set[str]) -> Study:
    by_series: dict[str, list[Dicom]] = {}
    for found, header in files:
        by_series.setdefault(header.series_key, []).append((found, header))
    series = _with_regions([one for same in by_series.items() for one in _series(*same, copies, shared)], files)
    marks = [header for _, header in files if _is_annotation(header)]
    if not marks:
        return Study(study_key, patient_key, tuple(series))
    said = f"Annotations lie beside the pictures of this study ({len(marks)}): it was read before, by a person or a program."
    doubt = CodedWarning("prior_annotation", said, {"objects": len(marks)})
    return Study(study_key, patient_key, tuple(series), (doubt,))


def _with_regions(series: Sequence[Series], files: Sequence[Dicom]) -> list[Series]:
    """Every series with the regions that segmentations of the study delineate on the very grid of one of its pictures."""
    regions: dict[str, list[Region]] = {}
    for found, header in files:
        if header.kind == "segmentation":
            drawn = _drawn(found, [picture for picture, other in files if other.kind == "picture"])
            if drawn is not None and drawn.image is not None:
                regions.setdefault(drawn.image.source.sha256, []).extend(drawn.regions)
    bound = []
    for one in series:
        own = [replace(r, image=i) for i, image in enumerate(one.images) for r in regions.get(image.source.sha256, ())]
        bound.append(replace(one, regions=tuple(own)))
    return bound


def _drawn(segmentation: Found, pictures: Sequence[Found]) -> Segmented | None:
    """What a segmentation delineates; None for one that is not made of pixels, or too large."""
    try:
        return regions_of(segmentation, pictures)
    except InputRefused:
        return None


def _is_annotation(header: Header) -> bool:
    """Whether an object without a picture says what somebody has seen: a segmentation, or what a program has found."""
    if header.kind == "picture":
        return False
    return header.kind == "segmentation" or any(warning.code == "prior_annotation" for warning in header.warnings)


def _series(series_key: str, files: Sequence[Dicom], copies: Mapping[str, int], shared: set[str]) -> Iterator[Series]:
    """One series, and one more for each kind of object without a picture that bears the same number."""
    by_kind: dict[str, list[Dicom]] = {}
    for found, header in files:
        by_kind.setdefault(header.kind, []).append((found, header))
    for kind, same in by_kind.items():
        doubts = _identity_doubts(same, copies, shared)
        if kind == "picture":
            founds = [found for found, _ in same]
            images, warnings = images_of([found for found in founds if level_of(found) is None])
            images = (*slides_of(founds), *images)
            yield _picture_series(series_key, images, len(same), (*warnings, *doubts))
        else:
            doubts = (*merged([header.warnings for _, header in same]), *doubts)
            segments = sum(len(header.segments) for _, header in same)
            yield Series(series_key, kind, same[0][1].modality, (), len(same), warnings=doubts, segments=segments)


def _identity_doubts(files: Sequence[Dicom], copies: Mapping[str, int], shared: set[str]) -> tuple[CodedWarning, ...]:
    doubts = _copies(sum(copies[found.facts.sha256] - 1 for found, _ in files))
    conflicts = len({header.instance_key for _, header in files} & shared)
    if not conflicts:
        return doubts
    said = f"Files of different content bear the same SOP Instance UID ({conflicts} of them): which one is meant is unclear."
    return (*doubts, CodedWarning("uid_conflict", said, {"instances": conflicts}))


def _copies(count: int) -> tuple[CodedWarning, ...]:
    said = f"{count} files are copies of others, to the byte; each was read once."
    return (CodedWarning("slices_duplicate", said, {"copies": count}),) if count else ()


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


def _lone_study(image: Image, copies: Mapping[str, int]) -> Study:
    sha256 = image.source.sha256
    series = _picture_series(key("file", "series", sha256), (image,), 1, _copies(copies[sha256] - 1))
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
    return {
        "study_key": study.study_key,
        "patient_key": study.patient_key,
        "series_choice": LARGEST_ORIGINAL.label,
        "series": [_series_json(series) for series in study.series],
        "warnings": [warning.to_json() for warning in study.warnings],
    }


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
    if first and (first.kind == "clip" or len(first.shape) == 4):
        shown["frame_s"] = first.frame_s
    if series.kind == "segmentation":
        shown["segments"] = series.segments
    if series.regions:
        shown["regions"] = [{"label": region.label, "image": region.image} for region in series.regions]
    if first and first.levels:
        shown["levels"] = [list(level) for level in first.levels]
    return shown
