"""All bad inputs: the modules of this folder, one per kind of container."""

from tests.clinical.bad_inputs import dicom_container, dicom_pixels
from tests.clinical.bad_inputs.case import Case

MODULES = (dicom_container, dicom_pixels)


def cases() -> list[Case]:
    """Every case, by group and name."""
    return sorted((case for module in MODULES for case in module.cases()), key=lambda case: case.group)
