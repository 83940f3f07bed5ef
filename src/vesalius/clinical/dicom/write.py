"""Radiographs written as DICOM files.

Object: Digital X-Ray Image Storage – For Presentation, DICOM PS3.3 A.26; the modules' required attributes are set and
those that may be empty are there, empty. Explicit VR little endian, uncompressed.
"""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from vesalius.errors import UsageError
from vesalius.types import Array

BITS_STORED = 12
# Day 0 of a phantom patient. Any day would do: a phantom has no calendar.
DAY_ZERO = date(2000, 1, 1)
# Made once from a random UUID (PS3.5 B.2): the writer, as the file's header names it.
IMPLEMENTATION_UID = UID("2.25.228687478045952734707659795884083274315")

# View Position → where a row and a column point to in the patient, and the view as a SNOMED code (PS3.16, CID 4010).
_VIEWS = {
    "PA": (["L", "F"], ("272479007", "postero-anterior")),
    "AP": (["L", "F"], ("399348003", "antero-posterior")),
    "LL": (["P", "F"], ("399173006", "left lateral")),
    "RL": (["A", "F"], ("399198007", "right lateral")),
}


def write_radiograph(
    path: Path,
    pixels_u16: Array,
    *,
    spacing_mm: tuple[float, float],
    patient_id: str,
    study_uid: str,
    series_uid: str,
    instance_uid: str,
    view: str,
    day: int,
    sex: str,
    age_years: float,
    manufacturer: str,
) -> None:
    """Write one chest radiograph; the same arguments give the same bytes.

    Args:
        path: the file to write; its folder must exist.
        pixels_u16: uint16 (Y, X), 0 to 4095; high values bright (MONOCHROME2).
        spacing_mm: (y, x) in the patient, both > 0; written as calibrated, with magnification 1.
        patient_id: as Patient ID; the name is left empty.
        study_uid: Study Instance UID.
        series_uid: Series Instance UID.
        instance_uid: SOP Instance UID.
        view: PA, AP, LL or RL.
        day: days since the patient's first visit; the study date is 2000-01-01 plus that.
        sex: F, M or O.
        age_years: 0 to 999, written in whole years.
        manufacturer: who made it; phantoms say `keys.PHANTOM_MANUFACTURER`.

    Raises:
        UsageError: `bad_option`, when a value has a type or range that the file cannot hold.
    """
    if pixels_u16.dtype != np.uint16 or pixels_u16.ndim != 2 or pixels_u16.size == 0:
        raise UsageError(
            "bad_option", "A radiograph is a filled uint16 array of two axes. Others fit no pixel module. Convert it."
        )
    if int(pixels_u16.max()) >= 2**BITS_STORED or max(pixels_u16.shape) > 0xFFFF:
        raise UsageError("bad_option", f"A value exceeds {BITS_STORED} bits, or a side 65535. The file cannot hold it. Scale it.")
    if view not in _VIEWS or sex not in ("F", "M", "O") or not 0 <= age_years < 1000:
        raise UsageError("bad_option", f"View is one of {', '.join(_VIEWS)}, sex one of F, M, O, age 0 to 999. Change the value.")
    if min(spacing_mm) <= 0:
        raise UsageError("bad_option", "A pixel size of 0 or less cannot be. Give both in millimetres.")
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = UID(instance_uid)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    meta.ImplementationVersionName = "VESALIUS"
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = instance_uid
    _set_patient_and_study(dataset, patient_id=patient_id, study_uid=study_uid, day=day, sex=sex, age_years=age_years)
    _set_series(dataset, series_uid=series_uid, manufacturer=manufacturer)
    _set_view(dataset, view)
    _set_detector(dataset, spacing_mm)
    _set_pixels(dataset, pixels_u16)
    dataset.save_as(path, enforce_file_format=True)


def _set_patient_and_study(dataset: Dataset, *, patient_id: str, study_uid: str, day: int, sex: str, age_years: float) -> None:
    stamp = (DAY_ZERO + timedelta(days=day)).strftime("%Y%m%d")
    dataset.PatientName = ""
    dataset.PatientID = patient_id
    dataset.PatientBirthDate = ""
    dataset.PatientSex = sex
    dataset.PatientAge = f"{int(age_years):03d}Y"
    dataset.StudyInstanceUID = study_uid
    dataset.StudyID = "1"
    dataset.AccessionNumber = ""
    dataset.ReferringPhysicianName = ""
    dataset.StudyDate = dataset.AcquisitionDate = dataset.ContentDate = stamp
    dataset.StudyTime = dataset.AcquisitionTime = dataset.ContentTime = "120000"


def _set_series(dataset: Dataset, *, series_uid: str, manufacturer: str) -> None:
    dataset.Modality = "DX"
    dataset.SeriesInstanceUID = series_uid
    dataset.SeriesNumber = 1
    dataset.InstanceNumber = 1
    dataset.PresentationIntentType = "FOR PRESENTATION"
    dataset.Manufacturer = manufacturer
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.BurnedInAnnotation = "NO"
    dataset.LossyImageCompression = "00"
    dataset.AcquisitionContextSequence = Sequence()


def _set_view(dataset: Dataset, view: str) -> None:
    directions, code = _VIEWS[view]
    dataset.ViewPosition = view
    dataset.ViewCodeSequence = _coded(*code)
    dataset.PatientOrientation = directions
    dataset.PositionerType = ""
    dataset.ImageLaterality = "U"
    dataset.BodyPartExamined = "CHEST"
    dataset.AnatomicRegionSequence = _coded("51185008", "Chest")


def _coded(value: str, meaning: str) -> Sequence:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return Sequence([item])


def _set_detector(dataset: Dataset, spacing_mm: tuple[float, float]) -> None:
    row_column = [f"{value:.10g}" for value in spacing_mm]
    dataset.DetectorType = ""
    dataset.ImagerPixelSpacing = row_column
    dataset.PixelSpacing = row_column
    dataset.PixelSpacingCalibrationType = "GEOMETRY"
    dataset.PixelSpacingCalibrationDescription = "Parallel projection, magnification 1"
    dataset.EstimatedRadiographicMagnificationFactor = "1"


def _set_pixels(dataset: Dataset, pixels_u16: Array) -> None:
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels_u16.shape
    dataset.BitsAllocated = 16
    dataset.BitsStored = BITS_STORED
    dataset.HighBit = BITS_STORED - 1
    dataset.PixelRepresentation = 0
    dataset.PixelIntensityRelationship = "LOG"
    dataset.PixelIntensityRelationshipSign = -1
    dataset.RescaleIntercept = "0"
    dataset.RescaleSlope = "1"
    dataset.RescaleType = "US"
    dataset.PresentationLUTShape = "IDENTITY"
    dataset.WindowCenter = str(2 ** (BITS_STORED - 1))
    dataset.WindowWidth = str(2**BITS_STORED)
    dataset.PixelData = pixels_u16.astype("<u2").tobytes()
