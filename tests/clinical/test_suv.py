"""Standardized uptake values: the factor by hand, for each way in which scanners state what it needs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom import uid
from pydicom.dataset import Dataset

from vesalius.clinical import study
from vesalius.types import Image

Write = Callable[..., Path]
HALF_LIFE_S, DOSE_BQ, WEIGHT_KG = 6586.2, 3.7e8, 70.0
PET: dict[str, Any] = {
    "SOPClassUID": uid.PositronEmissionTomographyImageStorage,
    "Modality": "PT",
    "RescaleSlope": 2,
    "RescaleIntercept": 0,
    "Units": "BQML",
    "DecayCorrection": "START",
    "CorrectedImage": ["DECY", "ATTN", "SCAT"],
    "PatientWeight": WEIGHT_KG,
    "SeriesDate": "20200304",
    "SeriesTime": "110000",
    "AcquisitionDate": "20200304",
    "AcquisitionTime": "110500",
}
HOUR_S = 3600.0


def drug(**changes: Any) -> list[Dataset]:
    item = Dataset()
    values = {"RadionuclideHalfLife": HALF_LIFE_S, "RadionuclideTotalDose": DOSE_BQ, "RadiopharmaceuticalStartTime": "100000.00"}
    for keyword, value in (values | changes).items():
        if value is not None:
            setattr(item, keyword, value)
    return [item]


def expected(decay_s: float) -> float:
    return 1000 * WEIGHT_KG / (DOSE_BQ * 2 ** (-decay_s / HALF_LIFE_S))


def image(write: Write, *, medicine: list[Dataset] | None = None, private: tuple[Any, ...] = (), **changes: Any) -> Image:
    """A PET of two slices."""
    medicine = drug() if medicine is None else medicine
    for z in (0, 2):
        path = write(**PET | changes, ImagePositionPatient=[0, 0, z], RadiopharmaceuticalInformationSequence=medicine)
        if private:
            dataset = pydicom.dcmread(path)
            group, creator, *elements = private
            for element in elements:
                dataset.private_block(group, creator, create=True).add_new(*element)
            dataset.save_as(path)
    (found,) = study.read([path.parent]).studies
    return found.series[0].images[0]


def doubts(found: Image) -> set[str]:
    return {warning.code for warning in found.warnings}


def test_values_stay_activity_and_the_factor_makes_uptake(write_dicom: Write) -> None:
    pet = image(write_dicom, pixels=np.full((6, 5), 500, dtype=np.uint16))
    np.testing.assert_array_equal(pet.load(), np.full((2, 6, 5), 1000.0))
    assert pet.suv_factor == pytest.approx(expected(HOUR_S))
    assert pet.suv_factor * 5285.7 == pytest.approx(1.0 * 2 ** (HOUR_S / HALF_LIFE_S), rel=1e-4)  # the whole dose, spread evenly
    assert "suv_unavailable" not in doubts(pet)


@pytest.mark.parametrize(
    ("medicine", "changes", "factor"),
    [
        ({}, {"DecayCorrection": "ADMIN"}, expected(0)),
        ({"RadiopharmaceuticalStartDateTime": "20200304093000"}, {}, expected(1.5 * HOUR_S)),
        ({"RadiopharmaceuticalStartDateTime": "20200304093000.5+0100"}, {}, expected(1.5 * HOUR_S - 0.5)),
        ({"RadiopharmaceuticalStartTime": "233000"}, {"SeriesTime": "003000", "AcquisitionTime": "003100"}, expected(HOUR_S)),
        # a series that was made anew is dated later than its pictures: the scan's start is computed back from a picture
        (
            {},
            {"SeriesDate": "20210101", "FrameReferenceTime": 300_000, "ActualFrameDuration": 1},
            expected(HOUR_S + 5 * 60 - 300),
        ),
        ({}, {"Units": "GML"}, 1.0),
        ({}, {"Units": "GML", "SUVType": "BW"}, 1.0),
    ],
)
def test_the_factor_follows_what_the_file_says(
    write_dicom: Write, medicine: dict[str, Any], changes: dict[str, Any], factor: float
) -> None:
    pet = image(write_dicom, medicine=drug(**medicine), **changes)
    assert pet.suv_factor == pytest.approx(factor, rel=1e-6)


def test_the_average_of_a_long_frame_is_not_its_middle(write_dicom: Write) -> None:
    """Activity falls fastest at first: of a frame of one half-life the mean rate is reached after 0.4712 of it."""
    made_anew = {"SeriesDate": "20210101", "FrameReferenceTime": 1000 * HALF_LIFE_S, "ActualFrameDuration": 1000 * HALF_LIFE_S}
    pet = image(write_dicom, **made_anew)
    start_s = HOUR_S + 5 * 60 - HALF_LIFE_S + 0.471234 * HALF_LIFE_S
    assert pet.suv_factor == pytest.approx(expected(start_s), rel=1e-5)


def test_scanners_that_state_the_factor_themselves_are_believed(write_dicom: Write) -> None:
    philips = (0x7053, "Philips PET Private Group", (0x00, "DS", "0.000551"))
    assert image(write_dicom, private=philips, Units="CNTS").suv_factor == pytest.approx(0.000551)


def test_counts_that_are_scaled_to_activity_have_a_factor(write_dicom: Write) -> None:
    philips = (0x7053, "Philips PET Private Group", (0x09, "DS", "2.5"))
    assert image(write_dicom, private=philips, Units="CNTS").suv_factor == pytest.approx(2.5 * expected(HOUR_S))


def test_the_scan_start_of_a_series_that_was_made_anew_is_the_scanners_own(write_dicom: Write) -> None:
    scanned = (0x0009, "GEMS_PETD_01", (0x0D, "DT", "20200304104500.00"))
    pet = image(write_dicom, private=scanned, SeriesDate="20210101")
    assert pet.suv_factor == pytest.approx(expected(0.75 * HOUR_S))


@pytest.mark.parametrize(
    ("medicine", "changes"),
    [
        ({"RadionuclideTotalDose": None}, {}),
        ({"RadionuclideTotalDose": 370}, {}),  # in other units
        ({"RadionuclideTotalDose": 0}, {}),
        ({"RadionuclideHalfLife": None}, {}),
        ({"RadiopharmaceuticalStartTime": None}, {}),
        ({"RadiopharmaceuticalStartDateTime": "20190304093000"}, {}),  # a year before
        ({"RadiopharmaceuticalStartDateTime": "20200304120000"}, {}),  # after the scan
        ({}, {"PatientWeight": None}),
        ({}, {"PatientWeight": 0}),
        ({}, {"DecayCorrection": "NONE"}),
        ({}, {"CorrectedImage": ["ATTN"]}),
        ({}, {"CorrectedImage": ["DECY"]}),
        ({}, {"Units": "CNTS"}),
        ({}, {"Units": "GML", "SUVType": "LBM"}),
        ({}, {"SeriesDate": "20210101"}),  # and nothing to compute back from
    ],
)
def test_without_all_that_it_needs_there_is_no_factor(
    write_dicom: Write, medicine: dict[str, Any], changes: dict[str, Any]
) -> None:
    pet = image(write_dicom, medicine=drug(**medicine), **changes)
    assert pet.suv_factor is None
    assert "suv_unavailable" in doubts(pet)


def test_other_pictures_have_no_factor_and_no_doubt(write_dicom: Write) -> None:
    (found,) = study.read([write_dicom()]).studies
    assert found.series[0].images[0].suv_factor is None
    assert "suv_unavailable" not in doubts(found.series[0].images[0])
