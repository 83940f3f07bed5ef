"""Groups 14 to 22: pixels that are too many, contradict their description, or cannot be decoded."""

import io
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow
from pydicom.pixels.encoders.base import get_encoder
from pydicom.uid import (
    JPEG2000,
    EnhancedCTImageStorage,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
    SecondaryCaptureImageStorage,
)
from tests.clinical.bad_inputs import builders as b
from tests.clinical.bad_inputs.builders import one_file
from tests.clinical.bad_inputs.case import CANARY_WORD, NAME, Case

Array = np.ndarray[Any, Any]
PIXELS = 0x7FE00010
# Large enough for a codec to have something to stumble over.
SCENE = ((np.add.outer(np.arange(32) * 3, np.arange(40) * 2) + np.eye(32, 40) * 60) % 256).astype(np.uint8)
FILM = np.stack([SCENE, SCENE[::-1], SCENE[:, ::-1]])
GRAY = {**b.DX, "WindowCenter": None, "WindowWidth": None}
_SIDE = "1048576"
FRAMES = b.US_CLIP


def cases() -> list[Case]:
    """Groups 14 to 22."""
    return [
        *_sizes(),
        *_types_of_sides(),
        *_pixel_modules(),
        *_frame_counts(),
        *_palettes(),
        *_damaged_frames(),
        *_makers_own(),
        *_offset_tables(),
        *_other_sizes(),
    ]


def jpeg(pixels: Array, **options: Any) -> bytes:
    """A baseline JPEG."""
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, "JPEG", quality=95, **options)
    return file.getvalue()


def jpeg_2000(pixels: Array) -> bytes:
    """A lossless JPEG 2000 codestream without a container."""
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, "JPEG2000", no_jp2=True, irreversible=False)
    return file.getvalue()


def jpeg_ls(pixels: Array) -> bytes:
    """A lossless JPEG-LS stream."""
    return _encoded(pixels, JPEGLSLossless)


def rle(pixels: Array) -> bytes:
    """One frame of DICOM's run lengths."""
    return _encoded(pixels, RLELossless)


def _encoded(pixels: Array, syntax: str) -> bytes:
    bits = 8 * pixels.itemsize
    described = {
        "rows": pixels.shape[0],
        "columns": pixels.shape[1],
        "samples_per_pixel": 1 if pixels.ndim == 2 else 3,
        "number_of_frames": 1,
        "bits_allocated": bits,
        "bits_stored": bits,
        "pixel_representation": 0,
        "photometric_interpretation": "MONOCHROME2" if pixels.ndim == 2 else "RGB",
        **({"planar_configuration": 0} if pixels.ndim == 3 else {}),
    }
    return bytes(get_encoder(syntax).encode(np.ascontiguousarray(pixels), **described))


CODECS: dict[str, tuple[str, Callable[[Array], bytes]]] = {
    "jpeg": (JPEGBaseline8Bit, jpeg),
    "jpeg_2000": (JPEG2000Lossless, jpeg_2000),
    "jpeg_ls": (JPEGLSLossless, jpeg_ls),
    "rle": (RLELossless, rle),
}


def _sizes() -> list[Case]:
    short = b"\0" * 1024
    native = {**b.pixel_module(b.STORED), "Rows": 65535, "Columns": 65535, "PixelData": short}
    enhanced = {**b.CT, "SOPClassUID": EnhancedCTImageStorage}
    jpeg_of_all = b.parts(GRAY, pixels=SCENE, Rows=65535, Columns=65535)
    many = np.zeros((20_001, 2, 2), dtype=np.uint8)

    def over_four_gibibytes(folder: Path) -> None:
        content = b.one()
        with (folder / f"{NAME}.dcm").open("wb") as file:
            file.write(content)
            file.truncate(2**32 + 2**20)  # sparse: the disk holds the first kilobytes only

    def value_of_65_mebibytes(folder: Path) -> None:
        elements = b.parts(b.CT)
        first = b.joined({tag: content for tag, content in elements.items() if tag < 0x00420011})
        rest = b.joined({tag: content for tag, content in elements.items() if tag > 0x00420011})
        size = 65 * 2**20
        with (folder / f"{NAME}.dcm").open("wb") as file:
            file.write(b"\0" * 128 + b"DICM" + b.meta() + first + b.raw(0x00420011, "OB", b"", size))
            file.seek(size, 1)
            file.write(rest)

    def sixty_thousand_elements(folder: Path) -> None:
        elements = b.parts(b.CT)
        private = {((0x0033 + 2 * (index // 50_000)) << 16) + 0x1000 + index % 50_000: index for index in range(60_000)}
        filler = {tag: struct.pack("<HH", tag >> 16, tag & 0xFFFF) + b"SH\2\0ab" for tag in private}
        b.put(folder, b.dicom({**elements, **filler}))

    huge: dict[str, bytes] = {
        "65535_by_65535_by_60000": b.one(FRAMES, pixels=None, **{**native, "NumberOfFrames": 60_000}),
        "enhanced_65535_by_65535_by_60000": b.one(enhanced, pixels=None, **{**native, "NumberOfFrames": 60_000}),
        "65535_by_65535": b.one(pixels=None, **native),
        "65535_by_65535_in_a_small_jpeg": b.dicom({**jpeg_of_all, PIXELS: b.fragments(jpeg(SCENE))}, syntax=JPEGBaseline8Bit),
        "20001_frames": b.one(FRAMES, pixels=many),
        "two_billion_frames": b.one(FRAMES, pixels=b.CLIP, NumberOfFrames="2147483647"),
    }
    return [
        *(one_file(14, name, content, "size_limit") for name, content in huge.items()),
        Case(14, "file_of_over_four_gibibytes", over_four_gibibytes, "size_limit", alone=True),
        Case(14, "value_of_65_mebibytes", value_of_65_mebibytes, "size_limit"),
        Case(14, "60000_elements", sixty_thousand_elements, "size_limit"),
    ]


def _types_of_sides() -> list[Case]:
    def changed(tag: int, element: bytes | None) -> bytes:
        elements = b.parts(b.CT)
        return b.dicom({**{t: c for t, c in elements.items() if t != tag}, **({tag: element} if element is not None else {})})

    rows, columns = b.tag_of("Rows"), b.tag_of("Columns")
    wrong = {
        "rows_as_ul": changed(rows, b.raw(rows, "UL", struct.pack("<I", 6))),
        "columns_as_ul": changed(columns, b.raw(columns, "UL", struct.pack("<I", 5))),
        "columns_as_ul_that_wraps": changed(columns, b.raw(columns, "UL", struct.pack("<I", 0x55555556))),
        "rows_as_text": changed(rows, b.raw(rows, "DS", b"6 ")),
        "rows_of_four_bytes": changed(rows, b.raw(rows, "US", struct.pack("<HH", 6, 5))),
        "rows_of_one_byte": changed(rows, b.raw(rows, "US", b"\6")),
        "rows_zero": changed(rows, b.raw(rows, "US", b"\0\0")),
        "rows_empty": changed(rows, b.raw(rows, "US", b"")),
        "rows_missing": changed(rows, None),
        "columns_missing": changed(columns, None),
    }
    twice = b.parts(b.CT)
    twice[rows] = b.raw(rows, "US", b"\x06\0") + b.raw(rows, "US", b"\xff\0")
    backwards = b"".join(content for _, content in sorted(b.parts(b.CT).items(), reverse=True))
    return [
        *(one_file(15, name, content, "bad_attribute") for name, content in wrong.items()),
        one_file(15, "rows_twice", b.dicom(twice), "bad_attribute"),
        one_file(15, "elements_backwards", b"\0" * 128 + b"DICM" + b.meta() + backwards, "bad_attribute"),
    ]


def _pixel_modules() -> list[Case]:
    wrong: dict[str, dict[str, Any]] = {
        **{f"{bits}_bits_allocated": {"BitsAllocated": bits} for bits in (0, 1, 7, 12, 24, 64)},
        "17_bits_stored_of_16": {"BitsStored": 17},
        "no_bits_stored": {"BitsStored": 0},
        "high_bit_in_the_middle": {"BitsStored": 12, "HighBit": 3},
        "high_bit_at_the_top": {"BitsStored": 12, "HighBit": 15},
        "two_samples": {"SamplesPerPixel": 2},
        "three_samples_of_gray": {"SamplesPerPixel": 3},
        "one_sample_of_color": {"PhotometricInterpretation": "RGB"},
        "colors_of_nobody": {"PhotometricInterpretation": CANARY_WORD},
        "colors_not_said": {"PhotometricInterpretation": None},
        "sign_of_two": {"PixelRepresentation": 2},
        "planes_of_two": {
            "PixelRepresentation": 0,
            "SamplesPerPixel": 3,
            "PhotometricInterpretation": "RGB",
            "PlanarConfiguration": 2,
        },
    }
    return [one_file(16, name, b.one(**changes), "bad_pixel_module") for name, changes in wrong.items()]


def _frame_counts() -> list[Case]:
    def counted(said: str) -> bytes:
        elements = b.parts(FRAMES, pixels=b.CLIP)
        tag = b.tag_of("NumberOfFrames")
        return b.dicom({**elements, tag: b.raw(tag, "IS", said.encode().ljust(len(said) + len(said) % 2))})

    frames = [rle(frame) for frame in b.CLIP]
    warned = {"code": "frames_contradictory", "behavior": "warned", "kind": "clip"}
    return [
        *(
            one_file(17, name, counted(said), "bad_attribute")
            for name, said in {
                "zero": "0",
                "minus_one": "-1",
                "abc": "abc",
                "one_and_a_half": "1.5",
                "two_values": "3\\4",
            }.items()
        ),
        one_file(17, "five_of_three", b.one(FRAMES, pixels=b.CLIP, NumberOfFrames=5), values=b.CLIP, **warned),
        one_file(17, "two_of_three", b.one(FRAMES, pixels=b.CLIP, NumberOfFrames=2), values=b.CLIP[:2], **warned),
        *(
            one_file(
                17,
                f"{count}_of_three_compressed",
                b.compressed(FRAMES, b.CLIP, frames, RLELossless, NumberOfFrames=count),
                values=b.CLIP[: min(count, 3)],
                **warned,
            )
            for count in (2, 5)
        ),
    ]


def palette(length: int = 4, bits: int = 16, **changes: Any) -> dict[str, Any]:
    """A palette whose entry i is (64 i, 255 − 64 i, 7), with the high byte repeated in the low one."""
    steps = np.arange(length) * 64 % 256
    colors = {"Red": steps, "Green": 255 - steps, "Blue": np.full(length, 7)}
    tables: dict[str, Any] = {}
    for name, values in colors.items():
        stored = values.astype("<u2") * 257 if bits == 16 else values.astype(np.uint8)
        tables[f"{name}PaletteColorLookupTableData"] = stored.tobytes()
        tables[f"{name}PaletteColorLookupTableDescriptor"] = [length, 0, bits]
    return {**tables, **changes}


def _palettes() -> list[Case]:
    stored = np.array([[0, 1, 2, 3], [3, 2, 1, 0]], dtype=np.uint8)
    base = {**{k: v for k, v in GRAY.items() if not k.startswith("Rescale")}, "SOPClassUID": SecondaryCaptureImageStorage}

    def picture(pixels: Array = stored, **tables: Any) -> bytes:
        return b.one(base, pixels=pixels, PhotometricInterpretation="PALETTE COLOR", **tables)

    def described(numbers: list[int]) -> bytes:
        return picture(**palette(**{f"{name}PaletteColorLookupTableDescriptor": numbers for name in ("Red", "Green", "Blue")}))

    blue = {f"BluePaletteColorLookupTable{part}": None for part in ("Data", "Descriptor")}
    jump = struct.pack("<HHHHH", 0, 1, 0, 2, 50) + struct.pack("<HHH", 1, 60_000, 60_000)  # copies 1 segment from far outside
    segmented = {f"Segmented{name}PaletteColorLookupTableData": jump for name in ("Red", "Green", "Blue")} | {
        f"{name}PaletteColorLookupTableData": None for name in ("Red", "Green", "Blue")
    }
    wrong = {
        "none": picture(),
        "no_blue": picture(**palette(**blue)),
        "red_short": picture(**palette(RedPaletteColorLookupTableData=b"\1\2")),
        "all_short": described([256, 0, 16]),
        "descriptors_differ": picture(**palette(RedPaletteColorLookupTableDescriptor=[3, 0, 16])),
        "entries_of_99_bits": described([4, 0, 99]),
        "zero_means_65536_entries": described([0, 0, 16]),
    }
    beyond = np.array([[0, 1, 2, 200]], dtype=np.uint8)
    return [
        *(one_file(18, name, content, "bad_pixel_module") for name, content in wrong.items()),
        one_file(18, "pixel_past_the_last_entry", picture(beyond, **palette()), "bad_pixel_module", "refused_at_load"),
        one_file(18, "segment_copied_from_outside", picture(**palette(**segmented)), "bad_pixel_module", "refused_by_load"),
    ]


def _damaged_frames() -> list[Case]:
    found = []
    for name, (syntax, encode) in CODECS.items():
        whole = encode(SCENE)
        frames = [encode(frame) for frame in FILM]
        file = partial(b.compressed, GRAY, SCENE, syntax=syntax)
        noise = np.random.default_rng(3).integers(0, 256, 600, dtype=np.uint8).tobytes()
        for damage, content in {
            "half": whole[: len(whole) // 2 & ~1],
            "noise": noise,
            "head_then_noise": whole[: len(whole) // 8 & ~1] + noise,
            "two_bytes": b"\xff\xd8",
        }.items():
            found.append(one_file(19, f"{name}_{damage}", file(frames=[content]), "decode_failed", "refused_at_load"))
        empty = file(frames=[], element=b.fragments(b"", table=b""))
        found.append(one_file(19, f"{name}_empty_fragment", empty, "decode_failed", "refused_by_load", other_code="bad_offsets"))
        second = [frames[0], frames[1][: len(frames[1]) // 2 & ~1], frames[2]]
        clip = b.compressed(FRAMES, FILM, second, syntax)
        readable = {"readable_part": (0,), "values": FILM[0], "tolerance": 12.0 if name == "jpeg" else 0.0, "kind": "clip"}
        found.append(one_file(19, f"{name}_second_frame", clip, "decode_failed", "refused_at_load", **readable))
        for seed in range(4):
            flipped = bytearray(whole)
            for place in np.random.default_rng(seed).integers(len(whole) // 10, len(whole), 5):
                flipped[place] ^= 1 << seed
            found.append(one_file(19, f"{name}_bits_flipped_{seed}", file(frames=[bytes(flipped)]), "decode_failed", "survived"))
        swapped = next(stream(SCENE) for other, (_, stream) in CODECS.items() if other != name)
        found.append(one_file(19, f"{name}_of_another_codec", file(frames=[swapped]), "decode_failed", "survived"))
    return [
        *found,
        *_runs(),
        *_real_streams(),
        Case(
            19,
            "second_of_three_slices",
            _damaged_slice,
            "decode_failed",
            "refused_at_load",
            readable_part=(0,),
            values=b.VALUES.clip(-1024, -1024) + SLICES[0],
            kind="volume",
        ),
    ]


SLICES = np.stack([np.full((b.ROWS, b.COLUMNS), 10 * index, dtype=np.uint8) + np.arange(5, dtype=np.uint8) for index in range(3)])


def _damaged_slice(folder: Path) -> None:
    for index, pixels in enumerate(SLICES):
        stream = jpeg_2000(pixels)
        place = {"InstanceNumber": index + 1, "ImagePositionPatient": [-10.0, -20.0, 2.0 * index]}
        frames = [stream if index != 1 else stream[:60]]
        changes = {"SOPInstanceUID": f"1.2.3.{index}", **place}
        b.put(folder, b.compressed(b.CT, pixels, frames, JPEG2000Lossless, **changes), f"{NAME}{index}.dcm")


def _real_streams() -> list[Case]:
    """Codecs that nothing here can write: published files with noise in the middle of their pixels, or their end missing."""
    files = {
        "high_throughput_jpeg_2000": "dicom_real/pydicom-data/HTJ2K_08_RGB.dcm",
        "jpeg_lossless": "dicom_real/pydicom-data/JPGLosslessP14SV1_1s_1f_8b.dcm",
        "jpeg_of_12_bits": "dicom_real/pydicom/JPEG-lossy.dcm",
        "jpeg_ls_of_16_bits": "dicom_real/pydicom-data/JLSL_16_15_1_1F.dcm",
        "jpeg_2000_of_a_scanner": "dicom_real/pydicom-data/693_J2KR.dcm",
    }

    def noisy(content: bytes) -> bytes:
        middle = len(content) // 2
        noise = np.random.default_rng(7).integers(0, 255, 400, dtype=np.uint8).tobytes()
        return content[:middle] + noise + content[middle + 400 :]

    def cut(content: bytes) -> bytes:
        return content[: len(content) // 2]

    return [
        *(b.from_public(19, f"{name}_noise", file, noisy, "", "survived") for name, file in files.items()),
        *(b.from_public(6, f"{name}_cut", file, cut, "pixel_data_short") for name, file in files.items()),
    ]


def _runs() -> list[Case]:
    """RLE that is wrong in its own ways."""
    plane = b.CLIP[0]
    body = b"\x1d" + plane.tobytes()

    def head(count: int, *offsets: int) -> bytes:
        return struct.pack("<16I", count, *offsets, *[0] * (15 - len(offsets)))

    wrong = {
        "no_segment": head(0) + body,
        "255_segments": head(255, 64) + body,
        "two_segments_of_one": head(2, 64, 70) + body,
        "segment_outside": head(1, 60_000) + body,
        "segment_in_the_head": head(1, 8) + body,
        "segments_backwards": head(3, 90, 70, 64) + body,
        "head_cut": head(1, 64)[:40],
        "literal_past_the_end": head(1, 64) + b"\x7f" + plane.tobytes()[:9],
        "too_few_bytes": head(1, 64) + b"\x03abcd",
        "only_no_operations": head(1, 64) + b"\x80" * 400,
    }
    file = partial(b.compressed, GRAY, plane, syntax=RLELossless)
    return [
        one_file(19, f"rle_{name}", file(frames=[content]), "decode_failed", "refused_at_load", other_code="pixel_mismatch")
        for name, content in wrong.items()
    ]


def _makers_own() -> list[Case]:
    """Compressed pixels in a private element, as Philips scanners wrote them."""
    elements = {tag: content for tag, content in b.implicit_little().items() if tag != PIXELS}
    private = partial(b.raw, implicit=True)
    elements[0x07A10010] = private(0x07A10010, "LO", b"ELSCINT1")
    elements[0x07A1100A] = private(0x07A1100A, "OW", bytes(22) + b"\xa5\xff")
    elements[0x07A11011] = private(0x07A11011, "CS", b"PMSCT_RLE1")
    explicit = {tag: content for tag, content in b.parts(b.CT).items() if tag != PIXELS}
    explicit[0x07A10010] = b.raw(0x07A10010, "LO", b"ELSCINT1")
    explicit[0x07A1100A] = b.raw(0x07A1100A, "OW", b"\x5a" * 9 + b"\xa5")
    explicit[0x07A11011] = b.raw(0x07A11011, "CS", b"PMSCT_RLE1")
    return [
        one_file(20, "in_place_of_pixels", b.dicom(elements, syntax=ImplicitVRLittleEndian), "unsupported_transfer_syntax"),
        one_file(20, "explicit", b.dicom(explicit), "unsupported_transfer_syntax"),
    ]


def _offset_tables() -> list[Case]:
    frames = [rle(frame) for frame in b.CLIP]
    step = len(frames[0]) + len(frames[0]) % 2 + 8
    right = [0, step, 2 * step]

    def clip(offsets: list[int] | bytes | None, *, streams: list[bytes] = frames, extended: Any = None) -> bytes:
        table = offsets if isinstance(offsets, bytes) else None if offsets is None else struct.pack(f"<{len(offsets)}I", *offsets)
        element = b.fragments(*streams, table=table)
        changes = {}
        if extended is not None:
            at, lengths = extended
            changes["ExtendedOffsetTable"] = struct.pack(f"<{len(at)}Q", *at)
            changes["ExtendedOffsetTableLengths"] = struct.pack(f"<{len(lengths)}Q", *lengths)
        return b.compressed(FRAMES, b.CLIP, streams, RLELossless, element=element, **changes)

    size = len(frames[0])
    wrong = {
        "outside": clip([0, step, 0x7FFFFFF0]),
        "just_outside": clip([0, step, 3 * step]),
        "not_from_zero": clip([8, step, 2 * step]),
        "not_at_a_fragment": clip([0, step + 2, 2 * step]),
        "backwards": clip([0, 2 * step, step]),
        "twice_the_same": clip([0, step, step]),
        "one_too_few": clip([0, step]),
        "one_too_many": clip([0, step, 2 * step, 2 * step]),
        "length_of_seven": clip(struct.pack("<3I", *right)[:7]),
        "extended_outside": clip(b"", extended=([0, step, 2**40], [size] * 3)),
        "extended_length_outside": clip(b"", extended=(right, [size, size, 2**40])),
        "extended_overlapping": clip(b"", extended=(right, [2 * step, size, size])),
        "extended_twice_the_same": clip(b"", extended=([0, step, step], [size] * 3)),
        "extended_wraps": clip(b"", extended=([0, step, 2**64 - 8], [size] * 3)),
        "extended_one_too_few": clip(b"", extended=(right[:2], [size] * 2)),
        "no_fragments": b.compressed(FRAMES, b.CLIP, [], RLELossless, element=b.fragments(table=b"")),
        "no_table_and_no_fragments": b.compressed(
            FRAMES, b.CLIP, [], RLELossless, element=b.raw(PIXELS, "OB", b.SEQUENCE_END, b.UNDEFINED)
        ),
        "one_picture_without_fragments": b.compressed(GRAY, SCENE, [], JPEG2000, element=b.fragments(table=b"")),
    }
    cut = rle(SCENE)
    pieces = b.fragments(cut[:200], cut[200:], table=b"")
    swarm = b.fragments(*[b""] * 200_001, table=b"")
    golden = {"code": "frames_contradictory", "behavior": "golden", "values": b.CLIP, "kind": "clip"}
    return [
        *(one_file(21, name, content, "bad_offsets") for name, content in wrong.items()),
        one_file(21, "200001_fragments", b.compressed(GRAY, SCENE, [], RLELossless, element=swarm), "size_limit"),
        one_file(21, "right_offsets_are_read", clip(right), **golden),
        one_file(21, "no_offsets_are_read", clip(b""), **golden),
        one_file(21, "right_extended_offsets_are_read", clip(b"", extended=(right, [size] * 3)), **golden),
        one_file(
            21,
            "one_picture_in_two_fragments",
            b.compressed(GRAY, SCENE, [], RLELossless, element=pieces),
            "bad_offsets",
            "golden",
            values=SCENE,
        ),
    ]


def _other_sizes() -> list[Case]:
    found = []
    for name, (syntax, encode) in CODECS.items():
        if name == "rle":
            continue  # run lengths state no size: too few bytes are group 19
        for other, pixels in {
            "smaller": SCENE[:16, :16],
            "larger": np.tile(SCENE, (2, 2)),
            "turned": np.ascontiguousarray(SCENE.T),
            "colored": np.stack([SCENE] * 3, axis=-1),
        }.items():
            content = b.compressed(GRAY, SCENE, [encode(pixels)], syntax)
            found.append(one_file(22, f"{name}_{other}", content, "pixel_mismatch", "refused_by_load"))
    deep = SCENE.astype(np.uint16) * 200
    wide = b.compressed(GRAY, SCENE, [jpeg_2000(deep)], JPEG2000Lossless)
    gray_as_color = b.compressed(GRAY, np.stack([SCENE] * 3, axis=-1), [jpeg_2000(SCENE)], JPEG2000Lossless)
    long = b.compressed(GRAY, SCENE, [rle(np.tile(SCENE, (2, 1)))], RLELossless)
    return [
        *found,
        one_file(22, "jpeg_2000_of_16_bits_in_8", wide, "pixel_mismatch", "refused_by_load"),
        one_file(22, "jpeg_2000_of_one_color_in_three", gray_as_color, "pixel_mismatch", "refused_by_load"),
        one_file(22, "rle_longer", long, "pixel_mismatch", "refused_by_load", other_code="decode_failed"),
    ]
