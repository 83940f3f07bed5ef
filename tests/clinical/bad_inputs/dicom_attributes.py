"""Groups 23 to 27: attributes that turn stored numbers into values, places and gray, and pixels that must come out right."""

from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
)
from tests.clinical.bad_inputs import builders as b
from tests.clinical.bad_inputs.builders import one_file
from tests.clinical.bad_inputs.case import Case
from tests.clinical.bad_inputs.dicom_pixels import SCENE, jpeg_2000, jpeg_ls, palette, rle

Array = np.ndarray[Any, Any]
PLAIN = {**b.DX, "RescaleSlope": None, "RescaleIntercept": None, "WindowCenter": None, "WindowWidth": None}
US = {
    **{k: v for k, v in PLAIN.items() if not k.startswith("PixelSpacing")},
    "SOPClassUID": UltrasoundImageStorage,
    "Modality": "US",
}
COLORS = np.stack([SCENE, 255 - SCENE, np.full_like(SCENE, 77)], axis=-1)
_PIXELS = 0x7FE00010


def cases() -> list[Case]:
    """Groups 23 to 27."""
    return [*_rescale(), *_spacing(), *_orientation(), *_window(), *_golden_gray(), *_golden_color(), *_golden_codecs()]


def _rescale() -> list[Case]:
    wrong: dict[str, dict[str, Any]] = {
        "slope_zero": {"RescaleSlope": "0"},
        "slope_nan": {"RescaleSlope": "NaN"},
        "slope_1e308": {"RescaleSlope": "1e308"},
        "slope_infinite": {"RescaleSlope": "inf"},
        "slope_a_word": {"RescaleSlope": "abc"},
        "intercept_nan": {"RescaleIntercept": "nan"},
        "intercept_1e308": {"RescaleIntercept": "-1e308"},
    }
    missing = b.one(RescaleSlope=None, RescaleIntercept=None)
    return [
        *(one_file(23, name, b.one(**changes), "bad_rescale") for name, changes in wrong.items()),
        one_file(23, "ct_without", missing, "no_rescale", "warned", values=b.STORED),
        one_file(23, "radiograph_without_is_no_harm", b.one(PLAIN), "no_rescale", "golden", values=b.STORED),
    ]


def _spacing() -> list[Case]:
    unknown: dict[str, Any] = {
        "zero": ["0", "0"],
        "one_zero": ["0.5", "0"],
        "negative": ["-0.5", "0.5"],
        "nan": ["nan", "nan"],
        "infinite": ["inf", "inf"],
        "one_number": "0.5",
        "words": ["abc", "def"],
        "empty": "",
        "missing": None,
    }
    detector = {"PixelSpacing": None, "PixelSpacingCalibrationType": None, "ImagerPixelSpacing": [0.2, 0.1]}
    return [
        *(
            one_file(
                24, f"{name}_ct", b.one(PixelSpacing=value), "no_calibration", "warned", values=b.VALUES, spacing_mm="unknown"
            )
            for name, value in unknown.items()
        ),
        one_file(24, "missing_ultrasound", b.one(US), "no_calibration", "warned", values=b.STORED, spacing_mm="unknown"),
        one_file(
            24,
            "only_at_the_detector",
            b.one({**PLAIN, **detector}),
            "detector_spacing",
            "warned",
            values=b.STORED,
            spacing_mm=(0.2, 0.1),
        ),
        one_file(
            24,
            "detector_zero",
            b.one({**PLAIN, **detector, "ImagerPixelSpacing": ["0", "0"]}),
            "no_calibration",
            "warned",
            values=b.STORED,
            spacing_mm="unknown",
        ),
    ]


def _orientation() -> list[Case]:
    wrong: dict[str, dict[str, Any]] = {
        "not_perpendicular": {"ImageOrientationPatient": [1, 0, 0, 0.7, 0.7, 0]},
        "parallel": {"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]},
        "too_long": {"ImageOrientationPatient": [2, 0, 0, 0, 2, 0]},
        "zeros": {"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]},
        "nan": {"ImageOrientationPatient": ["nan", "0", "0", "0", "1", "0"]},
        "five_numbers": {"ImageOrientationPatient": [1, 0, 0, 0, 1]},
        "words": {"ImageOrientationPatient": ["a", "b", "c", "d", "e", "f"]},
        "position_nan": {"ImagePositionPatient": ["nan", "0", "0"]},
        "position_infinite": {"ImagePositionPatient": ["0", "inf", "0"]},
        "position_of_two": {"ImagePositionPatient": [0, 0]},
    }
    flat = {"behavior": "warned", "code": "affine_unknown", "values": b.STORED, "affine": "unknown"}
    return [
        *(one_file(25, name, b.one(**changes), "bad_geometry") for name, changes in wrong.items()),
        *(
            one_file(25, f"{name}_in_a_radiograph", b.one(PLAIN, ImagePositionPatient=[0, 0, 0], **wrong[name]), **flat)
            for name in ("not_perpendicular", "nan", "zeros")
        ),
        one_file(
            25,
            "slice_without",
            b.one(ImageOrientationPatient=None, ImagePositionPatient=None),
            "affine_unknown",
            "warned",
            values=b.VALUES,
            affine="unknown",
        ),
    ]


def _window() -> list[Case]:
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [4, 0, 16], b"\0\0\1\0\2\0\3\0"
    alone = {"WindowCenter": None, "WindowWidth": None, "VOILUTSequence": Sequence([table])}
    bad: dict[str, dict[str, Any]] = {
        "width_zero": {"WindowWidth": "0"},
        "width_negative": {"WindowWidth": "-400"},
        "width_nan": {"WindowWidth": "nan"},
        "width_infinite": {"WindowWidth": "inf"},
        "width_a_word": {"WindowWidth": "wide"},
        "center_missing": {"WindowCenter": None},
        "width_missing": {"WindowWidth": None},
        "table_only": alone,
    }
    several = {"WindowCenter": ["40", "-600"], "WindowWidth": ["400", "1500"]}
    return [
        *(
            one_file(26, name, b.one(**changes), "bad_window", "warned", values=b.VALUES, window="unknown")
            for name, changes in bad.items()
        ),
        one_file(26, "two", b.one(**several), "several_windows", "warned", values=b.VALUES, window=(40.0, 400.0)),
        one_file(26, "none_is_no_harm", b.one(WindowCenter=None, WindowWidth=None), "bad_window", "golden", window="unknown"),
    ]


def _golden(name: str, content: bytes, values: Array, **more: Any) -> Case:
    return one_file(27, name, content, "", "golden", values=values, **more)


def _golden_gray() -> list[Case]:
    signed = (b.STORED.astype(np.int16) - 700).astype(np.int16)
    padded = signed.copy()
    padded[0] = -2000
    twelve = signed & 0x0FFF  # 12 bits of two's complement with nothing above them
    crowned = b.STORED.copy() | np.uint16(0xA000)  # an old overlay in the bits above
    wide = (b.STORED.astype(np.uint32) * 100_003).astype(np.uint32)
    odd = SCENE[:3, :5]
    table = Dataset()
    entries = np.arange(1200, dtype=np.uint16)[::-1] * 3
    table.LUTDescriptor, table.LUTData, table.ModalityLUTType = [1200, 0, 16], entries.tobytes(), "US"
    by_table = {**PLAIN, "ModalityLUTSequence": Sequence([table])}
    twelve_bits = {"BitsStored": 12, "HighBit": 11}
    return [
        _golden("monochrome1", b.one(PLAIN, PhotometricInterpretation="MONOCHROME1"), b.STORED, inverted=True),
        _golden("monochrome2", b.one(PLAIN), b.STORED, inverted=False),
        _golden("signed", b.one(pixels=signed), signed - 1024.0),
        _golden("padding_of_minus_2000", b.one(pixels=padded, PixelPaddingValue=-2000), padded - 1024.0),
        _golden("signed_of_12_bits", b.one(pixels=twelve, PixelRepresentation=1, **twelve_bits), signed - 1024.0),
        _golden("overlay_in_the_upper_bits", b.one(pixels=crowned, **twelve_bits), b.VALUES),
        _golden("32_bits", b.one(PLAIN, pixels=wide), wide),
        _golden("8_bits_of_odd_length", b.one(PLAIN, pixels=odd), odd),
        _golden("slope_that_is_not_whole", b.one(RescaleSlope="0.25", RescaleIntercept="-10.5"), b.STORED * 0.25 - 10.5),
        _golden("slope_negative", b.one(RescaleSlope="-2", RescaleIntercept="7"), b.STORED * -2.0 + 7.0),
        _golden("modality_table", b.one(by_table), entries[b.STORED]),
        _golden("big_endian", b.dicom(b.big(), syntax=ExplicitVRBigEndian), b.VALUES),
        _golden("implicit", b.dicom(b.implicit_little(), syntax=ImplicitVRLittleEndian), b.VALUES),
        _golden("deflated", b.one(syntax=DeflatedExplicitVRLittleEndian), b.VALUES),
    ]


def _golden_color() -> list[Case]:
    ybr = np.full((4, 6, 3), [76, 85, 255], dtype=np.uint8)  # pure red
    ybr[:, 3:] = [150, 44, 21]  # pure green
    halved = np.empty((4, 3, 4), dtype=np.uint8)  # Y Y Cb Cr of each pair along a row
    halved[..., 0], halved[..., 1] = ybr[:, ::2, 0], ybr[:, 1::2, 0]
    halved[..., 2], halved[..., 3] = ybr[:, ::2, 1], ybr[:, ::2, 2]
    planes = np.ascontiguousarray(COLORS.transpose(2, 0, 1)).tobytes()
    base = {**PLAIN, "SOPClassUID": SecondaryCaptureImageStorage, "Modality": "OT"}
    wide = COLORS.astype(np.uint16) * 257
    indices = np.array([[0, 1, 2, 3], [3, 2, 1, 0]], dtype=np.uint8)
    colored = np.stack([indices * 64, 255 - indices * 64, np.full_like(indices, 7)], axis=-1)
    by_palette = b.one(base, pixels=indices, PhotometricInterpretation="PALETTE COLOR", **palette())
    return [
        _golden("rgb", b.one(base, pixels=COLORS), COLORS),
        _golden("rgb_by_planes", b.one(base, pixels=COLORS, PixelData=planes, PlanarConfiguration=1), COLORS),
        _golden("rgb_of_16_bits", b.one(base, pixels=wide), wide),
        _golden("ybr_full", b.one(base, pixels=ybr, PhotometricInterpretation="YBR_FULL"), _rgb(ybr), tolerance=2.0),
        _golden(
            "ybr_full_422",
            b.one(base, pixels=ybr, PhotometricInterpretation="YBR_FULL_422", PixelData=halved.tobytes()),
            _rgb(ybr, pairs=True),
            tolerance=2.0,
        ),
        _golden("palette", by_palette, colored),
    ]


def _rgb(ybr: Array, *, pairs: bool = False) -> Array:
    """By the formula of PS3.3, C.7.6.3.1.2; with `pairs` the color of every second pixel stands for two."""
    y, cb, cr = (ybr[..., index].astype(float) for index in range(3))
    if pairs:
        cb, cr = (np.repeat(color[:, ::2], 2, axis=1) for color in (cb, cr))
    cb, cr = cb - 128, cr - 128
    rgb = np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], axis=-1)
    return np.asarray(rgb.round().clip(0, 255))


def _golden_codecs() -> list[Case]:
    gray = {"jpeg_2000": (JPEG2000Lossless, jpeg_2000), "jpeg_ls": (JPEGLSLossless, jpeg_ls), "rle": (RLELossless, rle)}
    deep = (SCENE.astype(np.uint16) * 16 + 5).astype(np.uint16)
    found = []
    for name, (syntax, encode) in gray.items():
        found.append(_golden(name, b.compressed(PLAIN, SCENE, [encode(SCENE)], syntax), SCENE))
        found.append(_golden(f"{name}_of_16_bits", b.compressed(b.CT, deep, [encode(deep)], syntax), deep - 1024.0))
        film = np.stack([SCENE, SCENE[::-1]])
        clip = b.compressed(b.US_CLIP, film, [encode(frame) for frame in film], syntax)
        found.append(_golden(f"{name}_clip", clip, film, kind="clip"))
    lossless = b.compressed(PLAIN, COLORS, [jpeg_2000(COLORS)], JPEG2000Lossless, PhotometricInterpretation="YBR_RCT")
    return [*found, _golden("jpeg_2000_color", lossless, COLORS)]
