"""Slices of CT and MR as DICOM files, one slice a file.

Objects: CT Image Storage and MR Image Storage, DICOM PS3.3 A.3 and A.4.
"""

from collections.abc import Sequence as Listed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, MRImageStorage

from vesalius.clinical.dicom import write
from vesalius.clinical.dicom.write import Names, Visit
from vesalius.errors import UsageError
from vesalius.types import Array

# What makes a sequence, where its name says it (PS3.3, C.8.3.1): Scanning Sequence.
_SEQUENCES = {"t1": ["SE"], "t2": ["SE"], "pd": ["SE"], "pd_fs": ["SE"], "flair": ["SE", "IR"]}
_PAIRED = ("KNEE",)  # parts of the body that the side has to be stated of


@dataclass(frozen=True, eq=False)
class Stack:
    """A volume on its way to files.

    Attributes:
        voxels: (Z, Y, X): int16 HU of a CT, uint16 of 12 bits of an MR.
        affine_lps_mm: (4, 4), (z, y, x, 1) at voxel centers → LPS mm; its columns must be orthogonal.
        frame_uid: Frame of Reference UID; the same for volumes whose places can be compared.
        body_part: as DICOM's term: CHEST, BRAIN, …
        window: (center, width) for display.
        sequence: of an MR: t1, t2, flair, …
        side: L or R of a part that there are two of; empty when it is not known.
    """

    voxels: Array
    affine_lps_mm: Array
    frame_uid: str
    body_part: str
    window: tuple[float, float] | None = None
    sequence: str = ""
    side: str = ""


def write_ct(paths: Listed[Path], stack: Stack, visit: Visit, names: Listed[Names]) -> str:
    """Write one file per slice; the values are Hounsfield units as they are. Gives back the SOP Class UID.

    Raises:
        UsageError: `bad_option`, when the volume has a type, range or geometry that the files cannot hold.
    """
    if stack.voxels.dtype != np.int16:
        raise UsageError("bad_option", "A CT is int16, in Hounsfield units. The files could hold nothing else. Convert it.")
    for index, (path, own) in enumerate(zip(paths, names, strict=True)):
        dataset = write.begin(CTImageStorage, "CT", visit, own)
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        dataset.KVP = None
        dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = "0", "1", "HU"
        _set_slice(dataset, stack, index)
        write.save(dataset, path)
    return CTImageStorage


def write_mr(paths: Listed[Path], stack: Stack, visit: Visit, names: Listed[Names]) -> str:
    """Write one file per slice. Echo and repetition times are left empty. Gives back the SOP Class UID.

    Raises:
        UsageError: `bad_option`, as `write_ct`.
    """
    if stack.voxels.dtype != np.uint16:
        raise UsageError("bad_option", "An MR is uint16 of 12 bits. The files are made for nothing else. Convert it.")
    for index, (path, own) in enumerate(zip(paths, names, strict=True)):
        dataset = write.begin(MRImageStorage, "MR", visit, own)
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
        dataset.ScanningSequence = _SEQUENCES.get(stack.sequence, ["RM"])
        dataset.SequenceVariant = "NONE"
        dataset.ScanOptions = dataset.MRAcquisitionType = ""
        dataset.RepetitionTime = dataset.EchoTime = dataset.EchoTrainLength = None
        if "IR" in dataset.ScanningSequence:
            dataset.InversionTime = None
        dataset.SpacingBetweenSlices = write.decimal(_spacing_mm(stack)[0])
        _set_slice(dataset, stack, index)
        write.save(dataset, path)
    return MRImageStorage


def _set_slice(dataset: Dataset, stack: Stack, index: int) -> None:
    """Place and pixels of one slice. Source: PS3.3, C.7.6.2."""
    spacing_mm = _spacing_mm(stack)
    affine = stack.affine_lps_mm
    dataset.FrameOfReferenceUID = stack.frame_uid
    dataset.PositionReferenceIndicator = ""
    dataset.PatientPosition = "HFS"
    dataset.PatientOrientation = ""
    dataset.BodyPartExamined = stack.body_part
    if stack.body_part in _PAIRED:
        dataset.Laterality = stack.side
    dataset.AcquisitionNumber = 1
    dataset.PixelSpacing = write.decimals(spacing_mm[1:])
    dataset.SliceThickness = write.decimal(spacing_mm[0])
    dataset.ImageOrientationPatient = write.decimals([*(affine[:3, 2] / spacing_mm[2]), *(affine[:3, 1] / spacing_mm[1])])
    dataset.ImagePositionPatient = write.decimals(affine[:3, 3] + index * affine[:3, 0])
    write.set_window(dataset, stack.window)
    write.set_gray(dataset, stack.voxels[index])


def _spacing_mm(stack: Stack) -> tuple[float, float, float]:
    """(z, y, x), the lengths of the affine's columns.

    Raises:
        UsageError: `bad_option`, when the columns are no grid of right angles.
    """
    columns = stack.affine_lps_mm[:3, :3]
    z, y, x = (float(length) for length in np.sqrt((columns**2).sum(axis=0)))
    write.checked_spacing((z, y, x))
    angles = np.array([columns[:, 0] @ columns[:, 1], columns[:, 1] @ columns[:, 2], columns[:, 0] @ columns[:, 2]])
    if np.abs(angles).max() > 1e-6 * max(z, y, x) ** 2:
        raise UsageError("bad_option", "The volume's axes are not at right angles. Slices cannot be stacked so. Resample it.")
    return z, y, x
