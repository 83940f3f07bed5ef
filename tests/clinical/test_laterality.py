"""What files say of left and right: doubted where it cannot all be true, and only there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom import uid
from pydicom.dataset import Dataset

from vesalius.clinical import study
from vesalius.types import CodedWarning

Write = Callable[..., Path]
XRAY: dict[str, Any] = {
    "SOPClassUID": uid.DigitalXRayImageStorageForPresentation,
    "Modality": "DX",
    "ImagePositionPatient": None,
    "ImageOrientationPatient": None,
    "ViewPosition": "PA",
}


def doubts(path: Path) -> list[CodedWarning]:
    (found,) = study.read([path]).studies
    return [doubt for doubt in found.series[0].images[0].warnings if doubt.code == "laterality_uncertain"]


@pytest.mark.parametrize(
    ("attributes", "contradicts"),
    [
        ({"PatientOrientation": ["R", "P"]}, "orientation"),
        ({"PatientOrientation": ["L", "A"]}, "orientation"),
        ({"PatientOrientation": ["L", "R"], "ImageOrientationPatient": None, "ImagePositionPatient": None}, "orientation"),
        ({"Laterality": "L", "ImageLaterality": "R"}, "laterality"),
        ({"PatientPosition": "HFS", "ImageOrientationPatient": [-1, 0, 0, 0, 1, 0]}, "position"),
        ({"PatientPosition": "FFS", "ImageOrientationPatient": [1, 0, 0, 0, -1, 0]}, "position"),
        (XRAY | {"PatientOrientation": ["R", "F"]}, "view"),
        (XRAY | {"PatientOrientation": ["RF", "FL"], "ViewPosition": "AP"}, "view"),
    ],
)
def test_what_cannot_all_be_true_is_doubted(write_dicom: Write, attributes: dict[str, Any], contradicts: str) -> None:
    (doubt,) = doubts(write_dicom(**attributes))
    assert doubt.at == {"contradicts": contradicts}


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"PatientOrientation": ["L", "P"], "PatientPosition": "HFS"},
        {"PatientOrientation": ["LA", "PL"], "ImageOrientationPatient": [0.8, -0.6, 0, 0.6, 0.8, 0]},
        {"PatientOrientation": ["ZEBRA", "P"]},
        {"PatientOrientation": ["L"]},
        {"Laterality": "L", "ImageLaterality": "L"},
        {"Laterality": "", "ImageLaterality": "U"},
        {"PatientPosition": "HFP", "ImageOrientationPatient": [-1, 0, 0, 0, -1, 0]},
        {"PatientPosition": "HFS", "ImageOrientationPatient": [-1, 0, 0, 0, 1, 0], "ImageType": ["DERIVED", "SECONDARY"]},
        {"PatientPosition": "HFS", "ImageOrientationPatient": [0, 1, 0, 0, 0, -1]},
        {"PatientPosition": "ZEBRA", "ImageOrientationPatient": [-1, 0, 0, 0, 1, 0]},
        XRAY | {"PatientOrientation": ["L", "F"]},
        XRAY | {"PatientOrientation": ["R", "F"], "ViewPosition": "LL"},
        XRAY | {"PatientOrientation": ["R", "F"], "Laterality": "R"},  # one hand, as it came to lie
        XRAY | {"PatientOrientation": ["A", "F"], "ViewPosition": "MLO", "ImageLaterality": "L"},
    ],
)
def test_what_is_unusual_or_unsaid_is_not(write_dicom: Write, attributes: dict[str, Any]) -> None:
    assert doubts(write_dicom(**attributes)) == []


def test_sides_of_frames_count_too(write_dicom: Write) -> None:
    anatomy, shared = Dataset(), Dataset()
    anatomy.FrameLaterality = "R"
    shared.FrameAnatomySequence = [anatomy]
    enhanced = {"SOPClassUID": uid.EnhancedMRImageStorage, "Modality": "MR", "SharedFunctionalGroupsSequence": [shared]}
    (doubt,) = doubts(write_dicom(**enhanced, Laterality="L"))
    assert doubt.at == {"contradicts": "laterality"}


def test_the_doubt_names_nobody(write_dicom: Write) -> None:
    (doubt,) = doubts(write_dicom(PatientOrientation=["R", "P"], PatientName="Zebra^Q"))
    assert "Zebra" not in str(doubt.to_json())
