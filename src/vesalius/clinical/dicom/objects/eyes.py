"""Photographs of the back of the eye, and sections through the retina, as DICOM files.

Objects: Ophthalmic Photography 8 Bit Image Storage (PS3.3 A.41) and Ophthalmic Tomography Image Storage (A.52). What they ask
about the light and the lenses of a camera is left empty where it may be; a simulated device has a code of its own, so that
nothing of what a real scanner must state (wavelength, power, resolution) is made up.
"""

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import OphthalmicPhotography8BitImageStorage, OphthalmicTomographyImageStorage

from vesalius.clinical.dicom import write
from vesalius.clinical.dicom.write import NOON, OWN_CODES, Names, Visit
from vesalius.errors import UsageError
from vesalius.types import Array

_RETINA = ("5665001", "Retina")
_FUNDUS_CAMERA = ("409898007", "Fundus Camera")
_SIDES = ("L", "R", "B")


def write_fundus(path: Path, pixels_u8: Array, visit: Visit, names: Names, *, spacing_mm: tuple[float, float], eye: str) -> str:
    """Write one photograph of the back of the eye.

    Args:
        path: the file to write; its folder must exist.
        pixels_u8: uint8 RGB (Y, X, 3).
        visit: whose it is.
        names: of the object.
        spacing_mm: (y, x) at the retina, both > 0.
        eye: L, R, or B where it is not known which of both.

    Returns:
        The SOP Class UID.

    Raises:
        UsageError: `bad_option`, when a value has a type or range that the file cannot hold.
    """
    dataset = write.begin(OphthalmicPhotography8BitImageStorage, "OP", visit, names)
    dataset.PatientOrientation = ""
    dataset.SynchronizationTrigger, dataset.AcquisitionTimeSynchronized = "NO TRIGGER", "N"
    dataset.SynchronizationFrameOfReferenceUID = write.uid_of("clock", visit.study_uid)
    write.set_frames(dataset, 1, 0)  # a film of one frame, as PS3.3, C.7.6.6.1.2 has it
    dataset.AcquisitionDateTime = visit.stamp + NOON
    dataset.PixelSpacing = write.decimals(write.checked_spacing(spacing_mm))
    dataset.PatientEyeMovementCommanded = "NO"
    _set_eye(dataset, eye)
    _set_unknown(dataset)
    dataset.DetectorType = ""
    dataset.AcquisitionDeviceTypeCodeSequence = write.coded(*_FUNDUS_CAMERA)
    dataset.IlluminationTypeCodeSequence = dataset.ImagePathFilterTypeStackCodeSequence = Sequence()
    dataset.LensesCodeSequence = Sequence()
    write.set_color(dataset, pixels_u8)
    return write.save(dataset, path)


def write_section(
    path: Path, pixels: Array, visit: Visit, names: Names, *, affine_lps_mm: Array, eye: str, frame_uid: str
) -> str:
    """Write one section through the retina, as a multi-frame object of one frame.

    Args:
        path: the file to write; its folder must exist.
        pixels: uint8, or uint16 of 12 bits (Y, X).
        visit: whose it is.
        names: of the object.
        affine_lps_mm: (4, 4), (0, y, x, 1) at pixel centers → LPS mm; z is 0.
        eye: L, R, or B where it is not known which of both.
        frame_uid: Frame of Reference UID.

    Returns:
        The SOP Class UID.

    Raises:
        UsageError: `bad_option`, when a value has a type or range that the file cannot hold.
    """
    dataset = write.begin(OphthalmicTomographyImageStorage, "OPT", visit, names)
    del dataset.AcquisitionDate, dataset.AcquisitionTime
    dataset.FrameOfReferenceUID, dataset.PositionReferenceIndicator = frame_uid, ""
    dataset.SynchronizationTrigger, dataset.AcquisitionTimeSynchronized = "NO TRIGGER", "N"
    dataset.SynchronizationFrameOfReferenceUID = write.uid_of("clock", frame_uid)
    dataset.AcquisitionDateTime = visit.stamp + NOON
    dataset.AcquisitionDuration = 0.0
    dataset.AcquisitionNumber = 1
    dataset.AcquisitionContextSequence = Sequence()
    dataset.NumberOfFrames = 1
    # The object is never split, and has to say so (C.8.17.7).
    dataset.ConcatenationFrameOffsetNumber, dataset.InConcatenationNumber, dataset.InConcatenationTotalNumber = 0, 1, 1
    organization = write.uid_of("dimensions", names.instance_uid)
    dataset.DimensionOrganizationSequence = write.only(DimensionOrganizationUID=organization)
    dataset.DimensionIndexSequence = write.only(
        DimensionOrganizationUID=organization, DimensionIndexPointer=0x00209057, FunctionalGroupPointer=0x00209111
    )
    y_mm, x_mm = (float(length) for length in np.sqrt((affine_lps_mm[:3, 1:3] ** 2).sum(axis=0)))
    dataset.SharedFunctionalGroupsSequence = write.only(
        PixelMeasuresSequence=write.only(PixelSpacing=write.decimals(write.checked_spacing((y_mm, x_mm)))),
        PlaneOrientationSequence=write.only(
            ImageOrientationPatient=write.decimals([*(affine_lps_mm[:3, 2] / x_mm), *(affine_lps_mm[:3, 1] / y_mm)])
        ),
        FrameAnatomySequence=write.only(FrameLaterality=_side(eye), AnatomicRegionSequence=write.coded(*_RETINA)),
    )
    dataset.PerFrameFunctionalGroupsSequence = write.only(
        FrameContentSequence=write.only(
            FrameAcquisitionDateTime=visit.stamp + NOON,
            FrameReferenceDateTime=visit.stamp + NOON,
            FrameAcquisitionDuration=0.0,
            StackID="1",
            InStackPositionNumber=1,
            DimensionIndexValues=[1],
        ),
        PlanePositionSequence=write.only(ImagePositionPatient=write.decimals(affine_lps_mm[:3, 3])),
    )
    _set_eye(dataset, eye)
    _set_unknown(dataset)
    dataset.AxialLengthOfTheEye = None
    dataset.DetectorType = "SIMULATED"
    dataset.AcquisitionDeviceTypeCodeSequence = write.coded("SIMULATED OCT", "Simulated optical coherence tomography", OWN_CODES)
    dataset.PresentationLUTShape = "IDENTITY"
    write.set_gray(dataset, pixels)
    return write.save(dataset, path)


def _set_eye(dataset: Dataset, eye: str) -> None:
    dataset.ImageLaterality = _side(eye)
    dataset.AnatomicRegionSequence = write.coded(*_RETINA)


def _side(eye: str) -> str:
    if eye not in _SIDES:
        raise UsageError("bad_option", f"The eye is one of {', '.join(_SIDES)}. The file knows no other. Change the value.")
    return eye


def _set_unknown(dataset: Dataset) -> None:
    """What both kinds of object ask about the eye and may leave empty."""
    dataset.EmmetropicMagnification = dataset.IntraOcularPressure = dataset.HorizontalFieldOfView = None
    dataset.PupilDilated = ""
    dataset.RefractiveStateSequence = dataset.LightPathFilterTypeStackCodeSequence = Sequence()
