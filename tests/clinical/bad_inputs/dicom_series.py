"""Groups 36 to 46: files that are each right and together wrong, and pictures that are not what they seem."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow
from pydicom.uid import (
    ChestCADSRStorage,
    DigitalXRayImageStorageForPresentation,
    MRImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
)
from tests.clinical.bad_inputs import builders as b
from tests.clinical.bad_inputs.builders import one_file
from tests.clinical.bad_inputs.case import CANARY, CANARY_WORD, NAME, Case
from tests.clinical.bad_inputs.dicom_objects import report, segmentation
from tests.clinical.bad_inputs.dicom_pixels import SCENE

Array = np.ndarray[Any, Any]
Build = Callable[[Path], None]
STEP_MM = 2.0


def cases() -> list[Case]:
    """Groups 36 to 46 without those that need a model."""
    return [*_patients(), *_series(), *_uid_conflicts(), *_steps(), *_numbers(), *_sides(), *_captures(), *_annotated()]


@dataclass(frozen=True)
class Slice:
    """A slice at `z_mm`; its pixels are told apart by `shade`, its file by `name`."""

    z_mm: float
    shade: int
    changes: tuple[tuple[str, Any], ...] = ()

    @property
    def values(self) -> Array:
        """As they load."""
        return np.asarray(b.VALUES + self.shade)


def at(z_mm: float, shade: int, **changes: Any) -> Slice:
    """A slice with some attributes of its own."""
    return Slice(z_mm, shade, tuple(changes.items()))


def stack(count: int, **changes: Any) -> list[Slice]:
    """Slices that lie evenly on one another."""
    return [at(STEP_MM * index, index, **changes) for index in range(count)]


def laid(slices: Sequence[Slice], *, prefix: str = NAME, series: str = "1.2.3.200", first: int = 0, **common: Any) -> Build:
    """Writes slices as files of one series, numbered from 1 in the order given."""

    def build(folder: Path) -> None:
        for index, one in enumerate(slices):
            attributes: dict[str, Any] = {
                "SOPInstanceUID": f"{series}.{first + index}",
                "SeriesInstanceUID": series,
                "InstanceNumber": index + 1,
                "ImagePositionPatient": [-10.0, -20.0, one.z_mm],
            }
            content = b.one(pixels=b.STORED + np.uint16(one.shade), **{**attributes, **common, **dict(one.changes)})
            b.put(folder, content, f"{prefix}/{first + index:03d}")

    return build


def together(*builds: Build) -> Build:
    """All of them in one upload."""

    def build(folder: Path) -> None:
        for one in builds:
            one(folder)

    return build


def volume(slices: Sequence[Slice]) -> Array:
    """What slices load as, in the order given."""
    return np.stack([one.values for one in slices])


def _patients() -> list[Case]:
    second = {"PatientID": f"{CANARY_WORD}2", "PatientName": f"{CANARY}2", "StudyInstanceUID": "1.2.8.1"}
    two = together(laid(stack(3)), laid(stack(3), prefix="other", series="1.2.8.2", **second))
    same_study = together(laid(stack(3)), laid(stack(3), prefix="other", series="1.2.8.2", PatientID=f"{CANARY_WORD}2"))
    return [
        Case(36, "two_are_listed", two, "several_patients", "warned", values=volume(stack(3))),
        Case(36, "two_cannot_be_asked_about", two, "mixed_patients", "refused_by_ask"),
        Case(36, "two_with_one_study_number", same_study, "mixed_patients", "refused_by_ask"),
        Case(36, "two_with_one_study_number_are_listed", same_study, "several_patients", "warned"),
    ]


def _series() -> list[Case]:
    main = stack(5)
    localizer = laid([at(0.0, 9)], prefix="scout", series="1.2.3.201", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    reformat = laid(stack(9), prefix="mpr", series="1.2.3.202", ImageType=["DERIVED", "SECONDARY", "REFORMATTED"])
    magnetic = {"SOPClassUID": MRImageStorage, "Modality": "MR", "RescaleIntercept": "0", "RescaleSlope": "1"}
    other = laid(stack(3), prefix="mr", series="1.2.3.203", **magnetic)
    radiograph = b.one(b.DX, SOPInstanceUID="1.2.3.301", SeriesInstanceUID="1.2.3.204")
    chosen = {"values": volume(main), "kind": "volume"}
    return [
        Case(37, "localizer_beside", together(laid(main), localizer), "localizer", "warned", **chosen),
        Case(37, "reformat_beside", together(laid(main), reformat), "derived", "warned", **chosen),
        Case(37, "two_modalities", together(laid(main), other), "", "golden", **chosen),
        Case(37, "radiograph_beside", together(laid(main), lambda folder: b.put(folder, radiograph)), "", "golden", **chosen),
        Case(
            37,
            "localizer_of_the_same_series",
            together(
                laid(main),
                laid(
                    [at(0.0, 9)],
                    prefix="scout",
                    first=50,
                    ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
                    ImageOrientationPatient=[1, 0, 0, 0, 0, -1],
                ),
            ),
            "localizer",
            "warned",
            **chosen,
        ),
    ]


def _uid_conflicts() -> list[Case]:
    main = stack(3)
    changed = laid([at(2.0, 77)], prefix="again", SOPInstanceUID="1.2.3.200.1", InstanceNumber=2)
    elsewhere = laid([at(6.0, 77)], prefix="again", SOPInstanceUID="1.2.3.200.1", InstanceNumber=4)
    copies = laid(main, prefix="copy")
    return [
        Case(38, "other_pixels_at_the_same_place", together(laid(main), changed), "uid_conflict", "warned"),
        Case(38, "other_pixels_elsewhere", together(laid(main), elsewhere), "uid_conflict", "warned"),
        Case(38, "copies", together(laid(main), copies), "slices_duplicate", "warned", values=volume(main)),
        Case(38, "copies_are_no_conflict", together(laid(main), copies), "uid_conflict", "golden", values=volume(main)),
    ]


def _steps() -> list[Case]:
    gap = [one for one in stack(8) if one.shade not in (3, 4)]
    twice = [*stack(4), at(2.0, 50)]
    uneven = [at(z_mm, index) for index, z_mm in enumerate((0.0, 2.0, 4.7, 6.0, 8.0))]
    tilted = [at(STEP_MM * i, i, ImagePositionPatient=[-10.0, -20.0 + 0.6 * i, STEP_MM * i]) for i in range(4)]
    mixed = [*stack(4), at(0.0, 9, ImageOrientationPatient=[0, 1, 0, 0, 0, -1])]
    nowhere = stack(3, ImagePositionPatient=None)
    return [
        Case(39, "two_missing", laid(gap), "slices_missing", "warned", values=volume(gap)),
        Case(39, "two_at_one_place", laid(twice), "slices_duplicate", "warned", values=volume(stack(4))),
        Case(39, "overlapping", laid(stack(4), SliceThickness="10"), "slices_overlapping", "warned", values=volume(stack(4))),
        Case(
            39,
            "overlapping_by_half_is_no_harm",
            laid(stack(4), SliceThickness="4"),
            "slices_overlapping",
            "golden",
            values=volume(stack(4)),
            spacing_mm=(2.0, 0.5, 0.4),
        ),
        Case(39, "unequal", laid(uneven), "spacing_unequal", "warned", values=volume(uneven)),
        Case(39, "tilted", laid(tilted), "gantry_tilt", "warned", values=volume(tilted)),
        Case(39, "two_orientations", laid(mixed), "mixed_orientation", "warned", values=volume(stack(4))),
        Case(39, "no_positions", laid(nowhere), "position_unknown", "warned", values=volume(stack(3)), affine="unknown"),
        Case(
            39,
            "spacings_contradict",
            laid([*stack(4), at(8.0, 4, PixelSpacing=[0.7, 0.7])]),
            "",
            "golden",
            values=volume(stack(4)),
            spacing_mm=(2.0, 0.5, 0.4),
        ),
    ]


def _numbers() -> list[Case]:
    backwards = stack(4)[::-1]
    shuffled = [stack(4)[index] for index in (2, 0, 3, 1)]
    right = volume(stack(4))
    return [
        Case(40, "all_one", laid(stack(4), InstanceNumber=1), "instance_order", "warned", values=right),
        Case(40, "two_share_one", laid([*stack(3), at(6.0, 3, InstanceNumber=2)]), "instance_order", "warned", values=right),
        Case(40, "shuffled", laid(shuffled), "instance_order", "warned", values=right),
        Case(40, "missing", laid(stack(4), InstanceNumber=None), "", "golden", values=right),
        Case(40, "backwards_is_no_harm", laid(backwards), "instance_order", "golden", values=right),
        Case(40, "words", laid(stack(4), InstanceNumber="abc"), "", "golden", values=right),
    ]


def _sides() -> list[Case]:
    frontal = {**b.DX, "ViewPosition": "PA", "BodyPartExamined": "CHEST", "PatientOrientation": ["L", "F"]}
    knee = {**b.DX, "BodyPartExamined": "KNEE", "ViewPosition": "AP", "PatientOrientation": ["L", "F"]}
    prone = {"PatientPosition": "HFS", "ImageOrientationPatient": [-1, 0, 0, 0, -1, 0]}
    against = {"PatientOrientation": ["R", "P"], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
    doubtful: dict[str, bytes] = {
        "sides_of_picture_and_series_differ": b.one(knee, ImageLaterality="L", Laterality="R"),
        "frontal_chest_turned_over": b.one(frontal, PatientOrientation=["R", "F"]),
        "supine_with_the_axes_of_prone": b.one(**prone),
        "letters_against_directions": b.one(**against),
    }
    return [
        *(one_file(42, name, content, "laterality_uncertain", "warned") for name, content in doubtful.items()),
        one_file(42, "frontal_chest_is_no_harm", b.one(frontal), "laterality_uncertain", "golden", values=b.STORED),
        one_file(42, "knee_is_no_harm", b.one(knee, ImageLaterality="L", Laterality="L"), "laterality_uncertain", "golden"),
        one_file(
            42,
            "prone_is_no_harm",
            b.one(PatientPosition="HFP", ImageOrientationPatient=[-1, 0, 0, 0, -1, 0]),
            "laterality_uncertain",
            "golden",
            values=b.VALUES,
        ),
    ]


def _captures() -> list[Case]:
    base = {**b.DX, "SOPClassUID": SecondaryCaptureImageStorage, "Modality": "OT"}
    colors = np.stack([SCENE] * 3, axis=-1)
    film = {**base, "SOPClassUID": MultiFrameTrueColorSecondaryCaptureImageStorage, "FrameTime": "40"}
    low = {"code": "secondary_capture_low_trust", "behavior": "warned"}
    return [
        one_file(
            45, "screenshot", b.one(base, ConversionType="WSD", RescaleSlope=None, RescaleIntercept=None), values=b.STORED, **low
        ),
        one_file(45, "screenshot_in_color", b.one(base, pixels=colors, ConversionType="SI"), values=colors, **low),
        one_file(45, "screenshot_called_ct", b.one(base, Modality="CT"), **low),
        one_file(45, "film_of_screenshots", b.one(film, pixels=colors[None]), **low),
    ]


def _annotated() -> list[Case]:
    overlay = np.zeros((b.ROWS, b.COLUMNS), dtype=np.uint8)
    overlay[1:4, 1:4] = 1
    packed = np.packbits(overlay.ravel(), bitorder="little").tobytes()
    drawn = b.parts(b.DX)
    for tag, kind, value in (
        (0x60000010, "US", b"\6\0"),
        (0x60000011, "US", b"\5\0"),
        (0x60000040, "CS", b"G "),
        (0x60000050, "SS", b"\1\0\1\0"),
        (0x60000100, "US", b"\1\0"),
        (0x60000102, "US", b"\0\0"),
        (0x60003000, "OW", packed),
    ):
        drawn[tag] = b.raw(tag, kind, value)
    boxed = np.stack([np.tile(SCENE, (4, 4))] * 3, axis=-1)
    gray = boxed.copy()
    boxed[20:23, 20:100], boxed[77:80, 20:100] = (255, 0, 0), (255, 0, 0)
    boxed[20:80, 20:23], boxed[20:80, 97:100] = (255, 0, 0), (255, 0, 0)
    own = {"SeriesInstanceUID": "1.2.3.290", "SOPInstanceUID": "1.2.3.291"}

    def picture(pixels: Array) -> Build:
        return lambda folder: Pillow.fromarray(pixels).save(folder / f"{NAME}.png")

    def beside(content: bytes) -> Build:
        return together(laid(stack(3)), lambda folder: b.put(folder, content, "annotation"))

    marked = {"code": "prior_annotation", "behavior": "warned"}
    photo = {**b.DX, "SOPClassUID": DigitalXRayImageStorageForPresentation, "WindowCenter": None, "WindowWidth": None}
    plain = {"RescaleSlope": None, "RescaleIntercept": None}
    return [
        one_file(46, "said_in_the_header", b.one(BurnedInAnnotation="YES"), values=b.VALUES, **marked),
        one_file(46, "overlay_graphics", b.dicom(drawn), values=b.STORED, **marked),
        Case(46, "findings_of_a_program", beside(report(ChestCADSRStorage, **own)), values=volume(stack(3)), **marked),
        Case(46, "segmentation", beside(segmentation(**own)), values=volume(stack(3)), **marked),
        Case(46, "red_box_in_a_gray_picture", picture(boxed), "prior_annotation", "warned_by_ask", values=boxed),
        one_file(
            46,
            "red_box_in_a_gray_dicom",
            b.one({**photo, **plain}, pixels=boxed),
            "prior_annotation",
            "warned_by_ask",
            values=boxed,
        ),
        Case(46, "gray_in_three_colors_is_no_harm", picture(gray), "prior_annotation", "golden", values=gray),
        one_file(
            46, "report_of_a_person_is_no_harm", b.one(BurnedInAnnotation="NO"), "prior_annotation", "golden", values=b.VALUES
        ),
    ]
