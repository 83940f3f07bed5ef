"""Left and right: whether what a file says of them agrees with itself.

Only what cannot all be true is doubted, and pictures that are turned over against how everybody looks at them.
Source: DICOM PS3.3, C.7.6.1.1.1 (Patient Orientation), C.7.3.1 (Laterality), C.7.3.1.1.2 (Patient Position).
"""

from collections.abc import Iterable

from pydicom.dataset import Dataset

from vesalius.clinical.dicom.facts import Triple
from vesalius.clinical.dicom.values import text, values
from vesalius.types import CodedWarning

# How a patient lies: head or feet first; supine, prone or on a side (PS3.3, C.7.3.1.1.2).
POSITIONS = frozenset(end + side for end in ("HF", "FF", "LF", "RF", "AF", "PF") for side in ("S", "P", "DR", "DL"))
_FRONTAL = frozenset({"AP", "PA"})
_TOWARDS: dict[str, Triple] = {
    "L": (1.0, 0.0, 0.0),
    "R": (-1.0, 0.0, 0.0),
    "P": (0.0, 1.0, 0.0),
    "A": (0.0, -1.0, 0.0),
    "H": (0.0, 0.0, 1.0),
    "F": (0.0, 0.0, -1.0),
}


def patient_position(dataset: Dataset) -> str | None:
    """How the patient lay, where the file says it as the standard lists it."""
    stated = text(dataset, "PatientPosition")
    return stated if stated in POSITIONS else None


def sides_of(dataset: Dataset) -> set[str]:
    """The sides of the body that a file states: L, R, or B for both."""
    return {text(dataset, keyword) for keyword in ("Laterality", "ImageLaterality")} & {"L", "R", "B"}


def doubts(
    dataset: Dataset, row: Triple | None, column: Triple | None, *, sides: Iterable[str], is_acquired_ct: bool
) -> list[CodedWarning]:
    """What a picture's statements about left and right contradict.

    Args:
        dataset: the object.
        row: direction of its rows in LPS; None when the file does not say.
        column: direction of its columns.
        sides: of the body, that the file states anywhere.
        is_acquired_ct: a CT slice as it was taken, whose columns run to the back of a patient who lies on it.
    """
    found = []
    stated = [str(value) for value in values(dataset, "PatientOrientation")]
    if len(stated) == 2 and all(stated):
        if not {*stated[0], *stated[1]} <= _TOWARDS.keys():
            stated = []
        elif row is not None and column is not None and not (_agrees(stated[0], row) and _agrees(stated[1], column)):
            found.append(_doubt("Patient Orientation and Image Orientation point to different sides.", "orientation"))
        elif {stated[0][0], stated[1][0]} in ({"L", "R"}, {"A", "P"}, {"H", "F"}) or stated[0][0] == stated[1][0]:
            found.append(_doubt("Patient Orientation lets rows and columns run along one line.", "orientation"))
        elif text(dataset, "ViewPosition") in _FRONTAL and stated[0].startswith("R") and not set(sides):
            found.append(_doubt("A frontal view whose rows run to the patient's right: it is turned over.", "view"))
    if {"L", "R"} <= set(sides):
        found.append(_doubt("The file names both the left and the right side as the one that is shown.", "laterality"))
    lies = patient_position(dataset)
    is_turned = row is not None and column is not None and (row[0] < -0.5 or column[1] < -0.5)
    if is_acquired_ct and lies in ("HFS", "FFS") and is_turned:
        found.append(_doubt("The patient lay on the back, and rows or columns run as if not.", "position"))
    return found


def _doubt(what: str, where: str) -> CodedWarning:
    return CodedWarning("laterality_uncertain", f"{what} Left and right may be exchanged.", {"contradicts": where})


def _agrees(letters: str, direction: Triple) -> bool:
    """Whether a direction points at least a little to where its first letter says."""
    return sum(one * other for one, other in zip(_TOWARDS[letters[0]], direction, strict=True)) > 0
