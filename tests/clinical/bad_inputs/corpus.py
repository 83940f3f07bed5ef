"""All bad inputs: the modules of this folder, one per kind of container."""

from tests.clinical.bad_inputs import (
    dicom_attributes,
    dicom_container,
    dicom_objects,
    dicom_pixels,
    dicom_series,
    pictures,
    tiff_files,
    volumes,
)
from tests.clinical.bad_inputs.case import Case

MODULES = (dicom_container, dicom_pixels, dicom_attributes, dicom_objects, dicom_series, volumes, pictures, tiff_files)


def cases() -> list[Case]:
    """Every case, by group and name."""
    return sorted((case for module in MODULES for case in module.cases()), key=lambda case: case.group)
