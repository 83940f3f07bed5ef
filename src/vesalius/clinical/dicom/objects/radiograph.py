"""Radiographs as DICOM files.

Object: Digital X-Ray Image Storage – For Presentation, DICOM PS3.3 A.26; the modules' required attributes are set and
those that may be empty are there, empty.
"""

from pathlib import Path

import numpy as np
from pydicom.sequence import Sequence
from pydicom.uid import DigitalXRayImageStorageForPresentation

from vesalius.clinical.dicom import write
from vesalius.clinical.dicom.write import GRAY_BITS, Names, Visit
from vesalius.errors import UsageError
from vesalius.types import Array

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
    visit: Visit,
    names: Names,
    *,
    spacing_mm: tuple[float, float],
    view: str,
    window: tuple[float, float] | None = None,
) -> str:
    """Write one chest radiograph.

    Args:
        path: the file to write; its folder must exist.
        pixels_u16: uint16 (Y, X), 0 to 4095; high values bright (MONOCHROME2).
        visit: whose it is.
        names: of the object.
        spacing_mm: (y, x) in the patient, both > 0; written as calibrated, with magnification 1.
        view: PA, AP, LL or RL.
        window: (center, width) for display; None: the whole range.

    Returns:
        The SOP Class UID.

    Raises:
        UsageError: `bad_option`, when a value has a type or range that the file cannot hold.
    """
    if view not in _VIEWS or pixels_u16.dtype != np.uint16:
        raise UsageError("bad_option", f"A radiograph is uint16, and its view one of {', '.join(_VIEWS)}. Change the value.")
    dataset = write.begin(DigitalXRayImageStorageForPresentation, "DX", visit, names)
    dataset.PresentationIntentType = "FOR PRESENTATION"
    dataset.AcquisitionContextSequence = Sequence()
    directions, code = _VIEWS[view]
    dataset.ViewPosition = view
    dataset.ViewCodeSequence = write.coded(*code)
    dataset.PatientOrientation = directions
    dataset.PositionerType = ""
    dataset.ImageLaterality = "U"
    dataset.BodyPartExamined = "CHEST"
    dataset.AnatomicRegionSequence = write.coded("51185008", "Chest")
    dataset.DetectorType = ""
    dataset.ImagerPixelSpacing = dataset.PixelSpacing = write.decimals(write.checked_spacing(spacing_mm))
    dataset.PixelSpacingCalibrationType = "GEOMETRY"
    dataset.PixelSpacingCalibrationDescription = "Parallel projection, magnification 1"
    dataset.EstimatedRadiographicMagnificationFactor = "1"
    write.set_gray(dataset, pixels_u16)
    dataset.PixelIntensityRelationship = "LOG"
    dataset.PixelIntensityRelationshipSign = -1
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = "0", "1", "US"
    dataset.PresentationLUTShape = "IDENTITY"
    write.set_window(dataset, window or (2 ** (GRAY_BITS - 1), 2**GRAY_BITS))
    return write.save(dataset, path)
