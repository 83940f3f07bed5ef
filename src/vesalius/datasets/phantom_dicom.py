"""A phantom written as the DICOM file that a radiography room would send."""

from pathlib import Path

from vesalius.clinical.dicom.write import write_radiograph
from vesalius.clinical.keys import PHANTOM_MANUFACTURER
from vesalius.datasets import phantoms
from vesalius.phantom.truth import Phantom


def write(phantom: Phantom, folder: Path) -> Path:
    """Write one picture as `<kind>-<seed>-visit-<visit>.dcm` into `folder`, which is made; the same bytes every time.

    Patient, study and file carry the numbers from which `phantoms.samples_of` makes the patient's and the study's keys;
    the two visits of a patient are two studies.

    Returns:
        The file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    patient = phantoms.patient_id(phantom)
    path = folder / f"{patient}-visit-{phantom.visit}.dcm"
    write_radiograph(
        path,
        phantom.stored(),
        spacing_mm=phantom.spacing_mm,
        patient_id=patient,
        study_uid=phantoms.uid(phantom, "study"),
        series_uid=phantoms.uid(phantom, "series"),
        instance_uid=phantoms.uid(phantom, "instance"),
        view=phantom.view,
        day=phantom.day,
        sex=str(phantom.facts["sex"]),
        age_years=float(phantom.facts["age_years"]),
        manufacturer=PHANTOM_MANUFACTURER,
    )
    return path
