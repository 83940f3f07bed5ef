"""Groups 1 to 13: what is wrong with a DICOM file before any attribute of it means something."""

import struct
import zlib
from pathlib import Path

import numpy as np
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
)
from tests.clinical.bad_inputs import builders as b
from tests.clinical.bad_inputs.builders import one_file
from tests.clinical.bad_inputs.case import CANARY, CANARY_WORD, NAME, Case

PIXELS = 0x7FE00010
_REQUEST = 0x00400275  # Request Attributes Sequence: stands in the middle of a data set and means nothing to a picture
_NOISE = np.random.default_rng(1).integers(0, 256, 3000, dtype=np.uint8).tobytes()


def cases() -> list[Case]:
    """Groups 1 to 13."""
    return [
        *_not_dicom(),
        *_preambles(),
        *_cut(),
        *_short_pixels(),
        *_trailing(),
        *_file_meta(),
        *_lengths(),
        *_nesting(),
        *_encodings(),
        *_transfer_syntaxes(),
        *_deflated(),
    ]


def _not_dicom() -> list[Case]:
    text = f"Patient {CANARY} was seen on 3 February.\n".encode() * 40
    page = f"<html><body>Session expired, {CANARY}</body></html>".encode() * 10
    return [
        *(one_file(1, f"empty_{name}", b"", "input_empty", file=name) for name in (f"{NAME}.dcm", f"{NAME}.png", NAME)),
        one_file(2, "random_bytes", _NOISE, "not_dicom"),
        one_file(2, "text", text, "not_dicom"),
        one_file(2, "text_utf16", text.decode().encode("utf-16"), "not_dicom", file=f"{NAME}.dicom"),
        one_file(2, "login_page", page, "not_dicom", file=f"{NAME}.DCM"),
        one_file(2, "zeros", b"\0" * 4096, "not_dicom"),
        one_file(2, "less_than_a_preamble", b"\0" * 100, "not_dicom"),
        one_file(2, "random_bytes_without_a_type", _NOISE, "unsupported_type", file=NAME),
        one_file(2, "text_without_a_type", text, "unsupported_type", file=f"{NAME}.txt"),
    ]


def _preambles() -> list[Case]:
    whole = b.one()
    bare = {"code": "no_preamble", "behavior": "warned", "values": b.VALUES}
    portable = b"MZ" + b"\x90\0" * 29 + struct.pack("<I", 0x40) + b"PE\0\0"
    programs = {
        "pe": portable,
        "pe_two_letters": b"MZ",
        "elf": b"\x7fELF\2\1\1" + b"\0" * 9 + struct.pack("<HH", 2, 62),
        "mach_o_64": b"\xcf\xfa\xed\xfe\7\0\0\1",
        "mach_o_32": b"\xce\xfa\xed\xfe\7\0\0\0",
        "mach_o_big": b"\xfe\xed\xfa\xcf\1\0\0\7",
        "mach_o_fat": b"\xca\xfe\xba\xbe\0\0\0\2",
    }
    return [
        one_file(3, "explicit_data_set_alone", b.joined(b.parts(b.CT)), **bare),
        one_file(3, "implicit_data_set_alone", b.joined(b.implicit_little()), **bare),
        one_file(3, "meta_without_preamble", whole[132:], **bare),
        one_file(3, "named_without_a_type", b.joined(b.parts(b.CT)), file=NAME, **bare),
        *(one_file(4, name, b.dicom(b.parts(b.CT), preamble=magic), "suspicious_preamble") for name, magic in programs.items()),
        one_file(
            4,
            "a_preamble_of_text_is_no_harm",
            b.dicom(b.parts(b.CT), preamble=b"made by X"),
            "suspicious_preamble",
            "golden",
            values=b.VALUES,
        ),
    ]


def _cut() -> list[Case]:
    whole, elements = b.one(), b.parts(b.CT)
    start = len(whole) - len(b.joined(elements))
    name, rows = whole.index(CANARY.encode(), start), whole.index(elements[b.tag_of("Rows")])
    request = b.raw(_REQUEST, "SQ", b.item(b.raw(0x00400007, "LO", CANARY.encode() + b" ")) + b.SEQUENCE_END, b.UNDEFINED)
    nested = b.dicom({**elements, _REQUEST: request})
    deflated = b.one(syntax=DeflatedExplicitVRLittleEndian)
    cuts = {
        "after_the_prefix": whole[:132],
        "in_the_meta": whole[:150],
        "after_the_meta": whole[:start],
        "in_a_value": whole[: name + 4],
        "in_the_head_of_an_element": whole[: rows + 3],
        "in_a_length": whole[: rows + 7],
        "in_a_sequence": nested[: nested.index(request) + 25],
        "in_the_head_of_the_pixels": whole[: whole.index(elements[PIXELS]) + 9],
        "in_a_deflated_stream": deflated[: len(deflated) - 40],
    }
    return [one_file(5, name, content, "truncated") for name, content in cuts.items()]


def _short_pixels() -> list[Case]:
    whole = b.one()
    clip = b.one(b.US_CLIP, pixels=b.CLIP)
    rle = [b"\1\0\0\0\x40\0\0\0" + b"\0" * 56 + b"\x1d" + bytes(frame.tobytes()) for frame in b.CLIP]
    run = b.compressed(b.US_CLIP, b.CLIP, rle, RLELossless)
    declared = b.parts(b.CT)
    declared[PIXELS] = b.raw(PIXELS, "OW", b.STORED.tobytes()[:-10])
    series = {"code": "pixel_data_short", "behavior": "part_refused"}

    def series_of_three(folder: Path) -> None:
        for index in range(3):
            place = {"InstanceNumber": index + 1, "ImagePositionPatient": [-10.0, -20.0, 2.0 * index]}
            content = b.one(SOPInstanceUID=f"1.2.3.{index}", pixels=b.STORED + np.uint16(index), **place)
            b.put(folder, content[: len(content) - 10 * (index == 2)], f"{NAME}{index}.dcm")

    return [
        one_file(6, "one_row_missing", whole[:-10], "pixel_data_short"),
        one_file(6, "one_byte_missing", whole[:-1], "pixel_data_short"),
        one_file(6, "declared_short", b.dicom(declared), "pixel_data_short"),
        one_file(6, "empty_pixels", b.dicom({**declared, PIXELS: b.raw(PIXELS, "OW", b"")}), "pixel_data_short"),
        one_file(6, "one_frame_of_rle_cut", b.compressed(b.CT, b.CLIP[0], rle[:1], RLELossless)[:-20], "pixel_data_short"),
        one_file(6, "no_whole_frame", clip[: len(clip) - 65], "pixel_data_short"),
        one_file(6, "last_frame_short", clip[:-7], "frames_contradictory", "warned", values=b.CLIP[:2], kind="clip"),
        one_file(6, "last_compressed_frame_cut", run[:-20], "frames_contradictory", "warned", values=b.CLIP[:2], kind="clip"),
        Case(6, "one_slice_of_three", series_of_three, **series, values=np.stack([b.VALUES, b.VALUES + 1])),
    ]


def _trailing() -> list[Case]:
    whole = b.one()
    rle = [b"\1\0\0\0\x40\0\0\0" + b"\0" * 56 + b"\x1d" + b.CLIP[0].tobytes()]
    run = b.compressed({**b.CT, "RescaleIntercept": "0"}, b.CLIP[0], rle, RLELossless)
    warned = {"code": "trailing_bytes", "behavior": "warned", "values": b.VALUES}
    padding = b.raw(0xFFFCFFFC, "OB", b"\0" * 512)
    return [
        one_file(7, "noise", whole + _NOISE[:500], **warned),
        one_file(7, "zeros", whole + b"\0" * 300, **warned),
        one_file(7, "text", whole + CANARY.encode() * 9, **warned),
        one_file(7, "behind_compressed_pixels", run + _NOISE[:99], "trailing_bytes", "warned", values=b.CLIP[0]),
        one_file(7, "padding_of_the_standard_is_no_harm", whole + padding, "trailing_bytes", "golden", values=b.VALUES),
        one_file(
            7,
            "private_elements_behind_are_no_harm",
            whole + b.raw(0x7FE10010, "LO", CANARY_WORD.encode()),
            "trailing_bytes",
            "golden",
            values=b.VALUES,
        ),
    ]


def _file_meta() -> list[Case]:
    good, elements = b.meta(), b.parts(b.CT)
    inner = good[12:]
    unknown = b.raw(0x00020016, "ZZ", CANARY_WORD.encode() + b"\0\0")
    letters = b.raw(0x00020016, "\x01\x02", CANARY_WORD.encode())
    heads = {
        "length_too_long": b.with_length(inner, len(inner) + 1000),
        "length_too_short": b.with_length(inner, len(inner) - 20),
        "length_zero": b.with_length(inner, 0),
        "length_all_ones": b.with_length(inner, b.UNDEFINED),
        "unknown_vr": b.with_length(inner + unknown),
        "unknown_vr_of_control_characters": b.with_length(inner + letters),
        "unknown_vr_of_four_gigabytes": b.with_length(inner + b.raw(0x00020016, "ZZ", b"", 0xFFFFFFF0)),
        "value_longer_than_the_file": b.with_length(inner + b.raw(0x00020102, "OB", b"abcd", 0x7FFFFFFF)),
    }
    return [one_file(8, name, b.dicom(elements, head=head), "bad_file_meta") for name, head in heads.items()]


def _lengths() -> list[Case]:
    elements = b.parts(b.CT)
    icon = 0x00420011  # Encapsulated Document: nothing that a picture needs
    swapped = b.implicit_little()
    request = b.raw(_REQUEST, "SQ", b.item(b.raw(0x00400007, "LO", b"text"), 0x7FFFFF00))
    broken: dict[str, bytes] = {
        "one_less_than_undefined": b.dicom({**elements, icon: b.raw(icon, "OB", b"1234", 0xFFFFFFFE)}),
        "two_gigabytes": b.dicom({**elements, icon: b.raw(icon, "OB", b"1234", 0x7FFFFFFE)}),
        "text_longer_than_the_file": b.dicom({**elements, 0x00204000: b.raw(0x00204000, "LT", b"1234", 0xFFFE)}),
        "unlimited_text_of_undefined_length": b.dicom({**elements, 0x0040A160: b.raw(0x0040A160, "UT", b"1234", b.UNDEFINED)}),
        "implicit": b.dicom(
            {**swapped, icon: b.raw(icon, "OB", b"1234", 0xFFFFFFF0, implicit=True)}, syntax=ImplicitVRLittleEndian
        ),
        "item": b.dicom({**elements, _REQUEST: request}),
        "sequence": b.dicom({**elements, _REQUEST: b.raw(_REQUEST, "SQ", b.item(b""), 0x7FFFFF00)}),
        "pixels": b.dicom({**elements, PIXELS: b.raw(PIXELS, "OW", b.STORED.tobytes(), 0xFFFFFFFE)}),
    }
    return [one_file(9, name, content, "bad_length") for name, content in broken.items()]


def nested(depth: int, *, closed: bool = True, lengths: bool = False) -> bytes:
    """A sequence within a sequence, `depth` of them, each with one item."""
    if lengths:
        content = b.raw(0x00400007, "LO", b"deep")
        for _ in range(depth):
            content = b.raw(_REQUEST, "SQ", b.item(content))
        return content
    opened = b.raw(_REQUEST, "SQ", struct.pack("<HHI", 0xFFFE, 0xE000, b.UNDEFINED), b.UNDEFINED)
    return opened * depth + b.raw(0x00400007, "LO", b"deep") + (b.ITEM_END + b.SEQUENCE_END) * depth * closed


def _nesting() -> list[Case]:
    elements = b.parts(b.CT)
    unknown = b.raw(0x00290010, "LO", b"MAKER ") + b"".join(
        [
            b.raw(0x00291001, "UN", struct.pack("<HHI", 0xFFFE, 0xE000, b.UNDEFINED), b.UNDEFINED),
            (struct.pack("<HHI", 0x0029, 0x1001, b.UNDEFINED) + struct.pack("<HHI", 0xFFFE, 0xE000, b.UNDEFINED)) * 5000,
        ]
    )
    deep = {
        "33_deep": nested(33),
        "33_deep_by_lengths": nested(33, lengths=True),
        "1000_deep_by_lengths": nested(1000, lengths=True),
        "10000_deep": nested(10_000),
        "10000_deep_never_closed": nested(10_000, closed=False),
    }
    opened = b.raw(_REQUEST, "SQ", b.item(b.raw(0x00400007, "LO", b"text")), b.UNDEFINED)
    half = b.raw(_REQUEST, "SQ", struct.pack("<HHI", 0xFFFE, 0xE000, b.UNDEFINED), b.UNDEFINED)
    rest = {tag: content for tag, content in elements.items() if tag < _REQUEST}
    return [
        *(one_file(10, name, b.dicom({**elements, _REQUEST: content}), "nesting_limit") for name, content in deep.items()),
        one_file(10, "of_unknown_type", b.dicom({**elements, 0x00291001: unknown}), "nesting_limit"),
        one_file(10, "32_deep_is_read", b.dicom({**elements, _REQUEST: nested(32)}), "nesting_limit", "golden", values=b.VALUES),
        one_file(10, "sequence_never_closed", b.dicom({**rest, _REQUEST: opened}), "truncated"),
        one_file(10, "item_never_closed", b.dicom({**rest, _REQUEST: half + b.raw(0x00400007, "LO", b"text")}), "truncated"),
    ]


def _encodings() -> list[Case]:
    explicit, implicit, big = b.parts(b.CT), b.implicit_little(), b.big()
    warned = {"code": "encoding_mismatch", "behavior": "warned", "values": b.VALUES}
    split = b.tag_of("SamplesPerPixel")
    mixed = {tag: (explicit if tag < split else implicit)[tag] for tag in explicit}
    gray = {**b.CT, "RescaleIntercept": "0"}
    wrapped = {**explicit, PIXELS: b.fragments(b.STORED.tobytes())}
    return [
        one_file(11, "implicit_called_explicit", b.dicom(implicit, syntax=ExplicitVRLittleEndian), **warned),
        one_file(11, "explicit_called_implicit", b.dicom(explicit, syntax=ImplicitVRLittleEndian), **warned),
        one_file(11, "big_called_little", b.dicom(big, syntax=ExplicitVRLittleEndian), **warned),
        one_file(11, "little_called_big", b.dicom(explicit, syntax=ExplicitVRBigEndian), **warned),
        one_file(11, "implicit_called_big", b.dicom(implicit, syntax=ExplicitVRBigEndian), **warned),
        one_file(11, "explicit_at_first_implicit_then", b.dicom(mixed), "bad_attribute"),
        one_file(
            11,
            "native_pixels_called_jpeg",
            b.dicom(b.parts(gray, pixels=b.CLIP[0]), syntax=JPEGBaseline8Bit),
            "encoding_mismatch",
            "warned",
            values=b.CLIP[0],
        ),
        one_file(11, "fragments_called_native", b.dicom(wrapped), "bad_attribute"),
    ]


def _transfer_syntaxes() -> list[Case]:
    elements = b.parts(b.CT)
    unknown = {
        "private": "1.2.840.113845.1.1",
        "private_of_a_maker": "1.2.840.113619.5.2",
        "of_nobody": "1.2.3.4.5.6",
        "fetched_from_elsewhere": "1.2.840.10008.1.2.4.94",
        "jpeg_xl": "1.2.840.10008.1.2.4.110",
        "a_name": CANARY_WORD,
    }
    return [
        one_file(12, name, b.dicom(elements, syntax=syntax), "unsupported_transfer_syntax") for name, syntax in unknown.items()
    ]


def _deflated() -> list[Case]:
    def bomb(folder: Path, *, in_a_value: bool = False) -> None:
        elements = b.parts(b.CT)
        if in_a_value:
            elements = {tag: content for tag, content in elements.items() if tag < 0x00420011}
            elements[0x00420011] = b.raw(0x00420011, "OB", b"", 0xF0000000)
        squeezer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        head = squeezer.compress(b.joined(elements)) + squeezer.flush(zlib.Z_FULL_FLUSH)
        b.put(folder, b"\0" * 128 + b"DICM" + b.meta(DeflatedExplicitVRLittleEndian) + head + b.zeros(6 * 1024) + b"\3\0")

    whole = b.one(syntax=DeflatedExplicitVRLittleEndian)
    damaged = whole[:-300] + bytes(byte ^ 0xA5 for byte in whole[-300:-100]) + whole[-100:]
    blank = np.full((512, 512), 1024, dtype=np.uint16)
    return [
        Case(13, "six_gigabytes_behind_the_pixels", bomb, "decompression_limit"),
        Case(13, "six_gigabytes_in_a_value", lambda folder: bomb(folder, in_a_value=True), "decompression_limit"),
        one_file(
            13,
            "a_blank_picture_is_no_bomb",
            b.one(pixels=blank, syntax=DeflatedExplicitVRLittleEndian),
            "decompression_limit",
            "golden",
            values=np.zeros((512, 512)),
        ),
        one_file(13, "deflated_stream_damaged", damaged, "bad_attribute", other_code="decode_failed"),
    ]
