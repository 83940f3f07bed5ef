"""The header of one DICOM file, checked and cut down to what pictures need: no name, no date, no free text."""

import math
import re
from dataclasses import replace
from datetime import date
from io import BufferedReader

from pydicom.dataset import Dataset, FileDataset

from vesalius.clinical import keys
from vesalius.clinical.dicom import sop_classes
from vesalius.clinical.dicom.facts import Header
from vesalius.clinical.dicom.file import Contents, quiet, read_contents
from vesalius.clinical.dicom.items import key_of
from vesalius.clinical.dicom.laterality import patient_position
from vesalius.clinical.dicom.picture import with_picture
from vesalius.clinical.dicom.segmentation import with_segments
from vesalius.clinical.dicom.slide import with_level
from vesalius.clinical.dicom.values import number, text
from vesalius.clinical.dicom.write import DAY_ZERO
from vesalius.clinical.scanner import scanner_of
from vesalius.errors import InputRefused
from vesalius.types import CodedWarning

# Values that may be shown are those that the standard lists (PS3.3, C.7.3.1.1.1): others could be anybody's name.
# fmt: off
MODALITIES = frozenset({
    "AR", "AU", "BI", "BMD", "CR", "CT", "DG", "DMS", "DOC", "DX", "ECG", "EPS", "ES", "FID", "GM", "HC", "HD", "IO",
    "IVOCT", "IVUS", "KER", "KO", "LS", "MG", "MR", "NM", "OAM", "OCT", "OP", "OPM", "OPT", "OPV", "OSS", "OT", "PLAN", "PR",
    "PT", "PX", "REG", "RF", "RG", "RTDOSE", "RTIMAGE", "RTPLAN", "RTRECORD", "RTSTRUCT", "RWV", "SEG", "SM", "SMR", "SR",
    "SRF", "TG", "US", "VA", "XA", "XC",
})
# fmt: on
_UID = re.compile(r"[0-9A-Za-z._-]{1,64}")  # letters too: they come from anonymizing, and harm nobody


def read_header(file: BufferedReader, sha256: str) -> Header:
    """Read and check everything before the pixels.

    Args:
        file: the whole file.
        sha256: of its content; it stands for what the file does not name.

    Raises:
        InputRefused: with the code of what is wrong; the pixels themselves are not looked at.
    """
    contents = read_contents(file)
    dataset = contents.dataset
    with quiet():
        sop_class = text(dataset, "SOPClassUID") or text(dataset.file_meta, "MediaStorageSOPClassUID")
        if not sop_class and contents.place is None:
            raise InputRefused(
                "bad_attribute", "The file states no SOP Class UID and holds no pixels. It is no whole object. Export it again."
            )
        kind = sop_classes.kind_of(sop_class)
        if sop_class == sop_classes.DOSE and contents.place is None:
            kind = "plan"  # volumes and doses as curves
        header = _identity(contents, sha256, kind)
        if sop_class in sop_classes.FOUND_BY_PROGRAMS:
            said = CodedWarning("prior_annotation", "A report of what a program has found lies beside the pictures.")
            header = replace(header, warnings=(*header.warnings, said))
        if sop_class == sop_classes.WHOLE_SLIDE:
            return with_level(contents, header)
        if kind == "picture":
            return with_picture(contents, sop_class, header)
        return with_segments(contents, header) if sop_class in sop_classes.SEGMENTATIONS else header


def _identity(contents: Contents, sha256: str, kind: str) -> Header:
    dataset, doubts = contents.dataset, list(contents.warnings)
    if contents.meta.preamble is None:
        doubts.append(CodedWarning("no_preamble", "The file has no DICOM preamble; it was read all the same."))
    study, series, guesses = _grouping(dataset, sha256)
    patient, instance_uid = text(dataset, "PatientID"), _uid(dataset, "SOPInstanceUID")
    maker = text(dataset, "Manufacturer")
    is_phantom = maker == keys.PHANTOM_MANUFACTURER
    if is_phantom:
        patient_key, study_key = keys.phantom_patient_key(patient), keys.phantom_study_key(study)
    else:
        # Without a number nobody can tell whose it is: such a study stands for a patient of its own.
        patient_key = keys.key("dicom", "patient", patient) if patient else keys.key("dicom", "patient of study", study)
        study_key = keys.key("dicom", "study", study)
    modality = text(dataset, "Modality")
    return Header(
        kind=kind,
        patient_key=patient_key,
        study_key=study_key,
        series_key=keys.key("dicom", "series", study, series, salted=not is_phantom),
        modality=modality if modality in MODALITIES else None,
        scanner=scanner_of(maker, text(dataset, "ManufacturerModelName")),
        day=_day(dataset, patient_key, is_phantom),
        number=instance if math.isfinite(instance := number(dataset, "InstanceNumber", math.inf)) else math.inf,
        instance_key=key_of(instance_uid),
        reference_key=key_of(text(dataset, "FrameOfReferenceUID")),
        patient_position=patient_position(dataset),
        warnings=(*doubts, *guesses),
    )


def _grouping(dataset: Dataset, sha256: str) -> tuple[str, str, list[CodedWarning]]:
    """What names the study and the series. Where anonymizing has emptied the UIDs, the frame of reference serves."""
    study, series = _uid(dataset, "StudyInstanceUID"), _uid(dataset, "SeriesInstanceUID")
    if study and series:
        return study, series, []
    frame = text(dataset, "FrameOfReferenceUID")
    said = "The file does not say to which study and series it belongs; it was put by its frame of reference, or alone."
    rest = [text(dataset, keyword) for keyword in ("Modality", "SeriesNumber", "SeriesTime")] if frame else [sha256]
    return study or frame or sha256, series or "/".join([frame, *rest]), [CodedWarning("grouping_guessed", said)]


def _uid(dataset: Dataset, keyword: str) -> str:
    """A UID; empty when there is none.

    Raises:
        InputRefused: `bad_uid` for what is none.
    """
    found = text(dataset, keyword)
    if found and _UID.fullmatch(found) is None:
        raise InputRefused(
            "bad_uid",
            f"{keyword} is no UID: too long, or with other characters than UIDs have. It names nothing. Export it anew.",
        )
    return found


def _day(dataset: FileDataset, patient_key: str, is_phantom: bool) -> float | None:
    """Days since an origin that is the same for all of a patient's files, and says nothing of the calendar."""
    for keyword in ("AcquisitionDate", "StudyDate"):
        digits = text(dataset, keyword)
        try:
            days = (date(int(digits[:4]), int(digits[4:6]), int(digits[6:8])) - DAY_ZERO).days
        except ValueError:
            continue
        return float(days) if is_phantom else float(days + int(keys.key("calendar", patient_key), 16) % 36524)
    return None
