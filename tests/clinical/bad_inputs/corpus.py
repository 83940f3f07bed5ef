"""All bad inputs: the modules of this folder, one per kind of container."""

from tests.clinical.bad_inputs import (
    archives,
    dicom_attributes,
    dicom_container,
    dicom_objects,
    dicom_pixels,
    dicom_series,
    foreign,
    pictures,
    tiff_files,
    video,
    volumes,
)
from tests.clinical.bad_inputs.case import Case

MODULES = (
    dicom_container,
    dicom_pixels,
    dicom_attributes,
    dicom_objects,
    dicom_series,
    volumes,
    pictures,
    tiff_files,
    foreign,
    archives,
    video,
)


def cases() -> list[Case]:
    """Every case, by group and name."""
    return sorted((case for module in MODULES for case in module.cases()), key=lambda case: case.group)
