"""Scanners: known words pass, anything else that a file may say does not."""

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import uid

from vesalius.clinical import keys, study
from vesalius.clinical.images import open_image
from vesalius.clinical.scanner import scanner_of
from vesalius.types import Image

Write = Callable[..., Path]


@pytest.mark.parametrize(
    ("maker", "model", "expected"),
    [
        ("SIEMENS", "TrioTim", "Siemens Trio"),
        ("Siemens Healthineers", "SOMATOM Definition AS+", "Siemens Definition"),
        ("SIEMENS", "Biograph40_mCT 4R", "Siemens Biograph"),
        ("G.E. Medical Systems", "LOGIQ 700", "GE LOGIQ"),
        ("GE MEDICAL SYSTEMS", "GENESIS_SIGNA", "GE Signa"),
        ("TOSHIBA_MEC", "MRT50H1", "Toshiba MRT50"),
        ("FUJIFILM SonoSite, Inc.", "", "SonoSite"),
        ("FUJI PHOTO FILM CO. LTD.", "IRS", "Fujifilm"),
    ],
)
def test_the_ways_of_writing_a_maker_and_a_line_are_one_scanner(maker: str, model: str, expected: str) -> None:
    assert scanner_of(maker, model) == expected


@pytest.mark.parametrize("maker", ["", " ", "-", "Zebra^Q", "GEORGE", "Acme Medical Devices", keys.PHANTOM_MANUFACTURER])
def test_a_maker_that_the_table_does_not_have_is_none(maker: str) -> None:
    assert scanner_of(maker, "SOMATOM") is None


def test_no_word_passes_that_is_not_in_the_table() -> None:
    assert scanner_of("SIEMENS of Zebra^Q", "SOMATOM Emotion of Zebra^Q, 12345") == "Siemens Emotion"
    assert scanner_of("SIEMENS", "Zebra^Q") == "Siemens"


def test_every_line_of_the_table_can_be_found() -> None:
    makers = json.loads(files("vesalius.knowledge").joinpath("scanners.json").read_text(encoding="utf-8"))["makers"]
    for name, about in makers.items():
        assert {scanner_of(written) for written in about["written"]} == {name}
        assert [scanner_of(about["written"][0], line) for line in about["lines"]] == [f"{name} {line}" for line in about["lines"]]


def said(write: Write, **attributes: Any) -> Image:
    """A CT of two slices whose files state all that tells a device from others."""
    device = {"DeviceSerialNumber": "SN-73311", "StationName": "ZEBRA-CT2", "InstitutionName": "Zebra clinic"}
    for z in (0, 2):
        path = write(**device | attributes, ImagePositionPatient=[0, 0, z])
    return study.read([path.parent]).studies[0].series[0].images[0]


def test_slices_bear_the_scanner_and_not_what_tells_the_device_from_others(write_dicom: Write) -> None:
    found = said(write_dicom, Manufacturer="SIEMENS", ManufacturerModelName="SOMATOM Force SN-73311")
    assert (found.shape, found.scanner) == ((2, 6, 5), "Siemens Force")


def test_one_slice_alone_bears_it_too(write_dicom: Write) -> None:
    path = write_dicom(Manufacturer="Philips", ManufacturerModelName="iCT 256")
    assert open_image(path).scanner == study.read([path]).studies[0].series[0].images[0].scanner == "Philips iCT"


def test_files_that_do_not_say_have_none(write_dicom: Write) -> None:
    assert said(write_dicom).scanner is None


def test_the_maker_of_a_captured_screen_is_not_that_of_the_scanner(write_dicom: Write) -> None:
    path = write_dicom(
        SOPClassUID=uid.SecondaryCaptureImageStorage, Manufacturer="SIEMENS", pixels=np.zeros((6, 5), np.uint8), RescaleSlope=None
    )
    assert open_image(path).scanner is None


def test_the_real_files_say_which_scanner_took_them(public_data: Path) -> None:
    found = study.read([public_data / "dicom_real"])
    scanners = {image.scanner for each in found.studies for series in each.series for image in series.images}
    assert {"GE LightSpeed", "Philips EPIQ", "Siemens Avanto", "Agfa ADC", "Toshiba MRT50", None} <= scanners
