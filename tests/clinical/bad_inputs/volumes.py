"""Groups 49 to 51: NIfTI, whole and compressed, and the other formats that hold a volume."""

import gzip
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tests.clinical.bad_inputs import builders as b
from tests.clinical.bad_inputs.builders import one_file
from tests.clinical.bad_inputs.case import CANARY, NAME, Case

Array = np.ndarray[Any, Any]
VOXELS = (np.arange(60, dtype=np.int16).reshape(4, 3, 5) * 7 - 100).astype(np.int16)  # (k, j, i)
_ONE = {  # field -> (offset, format)
    "sizeof_hdr": (0, "i"), "db_name": (14, "18s"), "dim": (40, "8h"), "datatype": (70, "h"), "bitpix": (72, "h"),
    "pixdim": (76, "8f"), "vox_offset": (108, "f"), "scl_slope": (112, "f"), "scl_inter": (116, "f"), "xyzt_units": (123, "B"),
    "cal_max": (124, "f"), "cal_min": (128, "f"), "descrip": (148, "80s"), "aux_file": (228, "24s"), "qform_code": (252, "h"),
    "sform_code": (254, "h"), "quatern": (256, "3f"), "qoffset": (268, "3f"), "srow_x": (280, "4f"), "srow_y": (296, "4f"),
    "srow_z": (312, "4f"), "magic": (344, "4s"),
}  # fmt: skip
_TWO = {
    "sizeof_hdr": (0, "i"), "magic": (4, "8s"), "datatype": (12, "h"), "bitpix": (14, "h"), "dim": (16, "8q"),
    "pixdim": (104, "8d"), "vox_offset": (168, "q"), "scl_slope": (176, "d"), "scl_inter": (184, "d"), "descrip": (240, "80s"),
    "qform_code": (344, "i"), "sform_code": (348, "i"), "quatern": (352, "3d"), "qoffset": (376, "3d"), "srow_x": (400, "4d"),
    "srow_y": (432, "4d"), "srow_z": (464, "4d"), "xyzt_units": (500, "i"),
}  # fmt: skip
_PLACED = {"sform_code": 1, "srow_x": (-0.4, 0, 0, 90), "srow_y": (0, -0.5, 0, 80), "srow_z": (0, 0, 2, -70)}
_NAN, _INF = float("nan"), float("inf")


def cases() -> list[Case]:
    """Groups 49 to 51."""
    return [*_headers(), *_version_2(), *_compressed(), *_doubts(), *_others()]


def nifti(voxels: Array = VOXELS, *, order: str = "<", version: int = 1, between: bytes = b"\0\0\0\0", **fields: Any) -> bytes:
    """A NIfTI file of an array in (…, k, j, i); `fields` replace what the header says."""
    layout, size = (_ONE, 348) if version == 1 else (_TWO, 540)
    shape = voxels.shape[::-1]
    values: dict[str, Any] = {
        "sizeof_hdr": size,
        "dim": (voxels.ndim, *shape, *[1] * (7 - voxels.ndim)),
        "datatype": {"int16": 4, "uint8": 2, "float32": 16}[voxels.dtype.name],
        "bitpix": 8 * voxels.itemsize,
        "pixdim": (1, 0.4, 0.5, 2, 1, 1, 1, 1),
        "vox_offset": size + len(between),
        "xyzt_units": 2,
        "descrip": CANARY.encode(),
        "magic": b"n+1\0" if version == 1 else b"n+2\0\r\n\x1a\n",
        **_PLACED,
        **({"db_name": CANARY.encode(), "aux_file": CANARY.encode()} if version == 1 else {}),
        **fields,
    }
    header = bytearray(size)
    for name, value in values.items():
        offset, kind = layout[name]
        struct.pack_into(order + kind, header, offset, *(value if isinstance(value, tuple) else (value,)))
    return bytes(header) + between + voxels.astype(voxels.dtype.newbyteorder(order)).tobytes()


def _volume(group: int, name: str, content: bytes, code: str, behavior: Any = "refused", **more: Any) -> Case:
    return one_file(group, name, content, code, behavior, f"{NAME}.nii", **more)


def _headers() -> list[Case]:
    flat = {"srow_x": (0, 0, 0, 0), "srow_y": (0, 0, 0, 0), "srow_z": (0, 0, 0, 0)}
    numbers: dict[str, dict[str, Any]] = {
        "sides_negative": {"dim": (3, -5, 3, 4, 1, 1, 1, 1)},
        "side_zero": {"dim": (3, 5, 0, 4, 1, 1, 1, 1)},
        "dimensions_zero": {"dim": (0, 5, 3, 4, 1, 1, 1, 1)},
        "dimensions_nine": {"dim": (9, 5, 3, 4, 1, 1, 1, 1)},
        "dimensions_negative": {"dim": (-3, 5, 3, 4, 1, 1, 1, 1)},
        "bits_against_type": {"bitpix": 8},
        "bits_zero": {"bitpix": 0},
        "voxels_inside_the_header": {"vox_offset": 10.0},
        "voxels_before_the_file": {"vox_offset": -352.0},
        "voxels_at_nan": {"vox_offset": _NAN},
        "voxels_at_infinity": {"vox_offset": _INF},
    }
    places: dict[str, dict[str, Any]] = {
        "affine_nan": {"srow_x": (_NAN, 0, 0, 0)},
        "affine_infinite": {"srow_z": (0, 0, _INF, 0)},
        "affine_zero": flat,
        "affine_flat": {"srow_z": (0, 0.5, 0, 0)},
        "turn_nan": {"sform_code": 0, "qform_code": 1, "quatern": (_NAN, 0, 0)},
        "turn_longer_than_one": {"sform_code": 0, "qform_code": 1, "quatern": (2, 2, 2)},
    }
    types = {"type_zero": {"datatype": 0}, "type_of_nobody": {"datatype": 999}, "complex": {"datatype": 32, "bitpix": 64}}
    either = {"other_code": "bad_attribute"}
    conflict = {"qform_code": 1, "quatern": (0, 0, 0), "qoffset": (500, 500, 500)}
    return [
        *(_volume(49, name, nifti(**fields), "bad_attribute") for name, fields in numbers.items()),
        *(_volume(49, name, nifti(**fields), "bad_geometry") for name, fields in places.items()),
        *(_volume(49, name, nifti(**fields), "unsupported_type", **either) for name, fields in types.items()),
        _volume(49, "32767_in_seven_dimensions", nifti(dim=(7, *[32767] * 7)), "size_limit", other_code="unsupported_dimensions"),
        _volume(49, "32767_in_three_dimensions", nifti(dim=(3, *[32767] * 3, 1, 1, 1, 1)), "size_limit"),
        _volume(49, "voxels_behind_the_file", nifti(vox_offset=1e9), "truncated"),
        _volume(49, "slope_infinite", nifti(scl_slope=_INF), "bad_rescale", other_code="bad_attribute"),
        _volume(49, "two_orientations", nifti(**conflict), "orientation_conflict", "warned", values=VOXELS),
        _volume(
            49,
            "extension_without_length",
            nifti(between=b"\1\0\0\0" + struct.pack("<ii", 0, 4) + b"\0" * 8),
            "",
            "golden",
            values=VOXELS,
        ),
        _volume(
            49,
            "extension_longer_than_the_file",
            nifti(between=b"\1\0\0\0" + struct.pack("<ii", 2**30, 4) + b"\0" * 8),
            "",
            "golden",
            values=VOXELS,
        ),
        _volume(49, "voxels_cut", nifti()[:-7], "truncated"),
        _volume(49, "header_cut", nifti()[:347] + b"\0", "unsupported_type", other_code="truncated"),
        _volume(49, "big_endian_is_no_harm", nifti(order=">"), "", "golden", values=VOXELS, kind="volume"),
    ]


def _version_2() -> list[Case]:
    fields: dict[str, tuple[str, dict[str, Any]]] = {
        "side_of_2_to_the_62": ("size_limit", {"dim": (3, 2**62, 3, 4, 1, 1, 1, 1)}),
        "sides_whose_product_wraps": ("size_limit", {"dim": (3, 2**32, 2**32, 4, 1, 1, 1, 1)}),
        "voxels_before_the_file": ("bad_attribute", {"vox_offset": -(2**62)}),
        "voxels_far_behind": ("truncated", {"vox_offset": 2**62}),
        "side_negative": ("bad_attribute", {"dim": (3, -(2**62), 3, 4, 1, 1, 1, 1)}),
        "affine_nan": ("bad_geometry", {"srow_x": (_NAN, 0, 0, 0)}),
    }
    return [
        *(_volume(49, f"version_2_{name}", nifti(version=2, **changes), code) for name, (code, changes) in fields.items()),
        _volume(49, "version_2_is_no_harm", nifti(version=2), "", "golden", values=VOXELS),
    ]


def _compressed() -> list[Case]:
    whole, squeezed = nifti(), gzip.compress(nifti(), mtime=0)
    noise = np.random.default_rng(5).integers(-1000, 1000, (16, 16, 16)).astype(np.int16)
    large = gzip.compress(nifti(noise), mtime=0)
    wrong_sum = squeezed[:-8] + bytes(byte ^ 0xFF for byte in squeezed[-8:-4]) + squeezed[-4:]
    wrong_length = squeezed[:-4] + b"\x01\x02\x03\x04"
    middle = len(large) // 2
    flipped = large[:middle] + bytes(byte ^ 0x5A for byte in large[middle : middle + 200]) + large[middle + 200 :]
    mask = np.zeros((64, 128, 128), dtype=np.uint8)
    mask[30, 40, 50] = 1

    def bomb(folder: Path) -> None:
        squeezer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        body = squeezer.compress(whole) + squeezer.flush(zlib.Z_FULL_FLUSH) + b.zeros(6 * 1024) + b"\3\0"
        b.put(folder, b"\x1f\x8b\x08\0\0\0\0\0\0\3" + body + struct.pack("<II", 0, 0), f"{NAME}.nii.gz")

    def bomb_before(folder: Path) -> None:
        squeezer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        head = nifti(vox_offset=float(2**32))[:352]
        body = squeezer.compress(head) + squeezer.flush(zlib.Z_FULL_FLUSH) + b.zeros(6 * 1024) + b"\3\0"
        b.put(folder, b"\x1f\x8b\x08\0\0\0\0\0\0\3" + body + struct.pack("<II", 0, 0), f"{NAME}.nii.gz")

    def one(name: str, content: bytes, code: str, behavior: Any = "refused_by_load", **more: Any) -> Case:
        return one_file(50, name, content, code, behavior, f"{NAME}.nii.gz", **more)

    members = gzip.compress(whole[:400], mtime=0) + gzip.compress(whole[400:], mtime=0)
    named = b"\x1f\x8b\x08\x08\0\0\0\0\0\3" + CANARY.encode() + b"\0" + squeezed[10:]
    return [
        one("text_named_so", CANARY.encode() * 50, "unsupported_type", "refused"),
        one("compressed_text", gzip.compress(CANARY.encode() * 50), "unsupported_type", "refused"),
        one("compressed_twice", gzip.compress(squeezed), "unsupported_type", "refused"),
        one("not_compressed_at_all_is_read", whole, "", "golden", values=VOXELS),
        one("cut_in_the_voxels", large[: len(large) // 2], "truncated"),
        one("cut_in_the_header", squeezed[:40], "truncated", other_code="unsupported_type"),
        one("cut_before_the_sum", squeezed[:-8], "truncated"),
        one("wrong_sum", wrong_sum, "decode_failed"),
        one("wrong_length", wrong_length, "decode_failed"),
        one("bits_flipped", flipped, "decode_failed", other_code="truncated"),
        Case(50, "six_gigabytes_behind_the_voxels", bomb, "decompression_limit", "refused_by_load"),
        Case(50, "voxels_behind_four_gigabytes", bomb_before, "decompression_limit", "refused_by_load"),
        one("more_voxels_than_memory", gzip.compress(nifti(dim=(3, 32767, 32767, 32767, 1, 1, 1, 1))), "size_limit", "refused"),
        one("an_empty_mask_is_no_bomb", gzip.compress(nifti(mask)), "decompression_limit", "golden", values=mask),
        one("two_members_are_no_harm", members, "", "golden", values=VOXELS),
        one("a_name_inside_is_not_shown", named, "", "golden", values=VOXELS),
    ]


def _doubts() -> list[Case]:
    series = np.stack([VOXELS, VOXELS + np.int16(5)])
    unplaced = {"sform_code": 0, "qform_code": 0}
    return [
        _volume(51, "no_units", nifti(xyzt_units=0), "units_unknown", "warned", values=VOXELS),
        _volume(51, "units_of_nobody", nifti(xyzt_units=7), "units_unknown", "warned", values=VOXELS),
        _volume(51, "no_orientation", nifti(**unplaced), "affine_unknown", "warned", values=VOXELS, affine="unknown"),
        _volume(
            51,
            "no_orientation_and_no_size",
            nifti(**unplaced, pixdim=(0,) * 8),
            "no_calibration",
            "warned",
            values=VOXELS,
            affine="unknown",
            spacing_mm="unknown",
        ),
        _volume(51, "over_time", nifti(series), "", "golden", values=series, kind="volume"),
        _volume(51, "vectors_over_time", nifti(np.stack([series, series, series])), "unsupported_dimensions"),
        _volume(
            51, "five_dimensions_of_one_are_three", nifti(VOXELS[None, None]), "unsupported_dimensions", "golden", values=VOXELS
        ),
    ]


def nrrd(data: bytes = VOXELS.tobytes(), **fields: str) -> bytes:
    """An NRRD file with its voxels behind the header."""
    said = {
        "type": "short",
        "dimension": "3",
        "space": "left-posterior-superior",
        "sizes": "5 3 4",
        "space directions": "(0.4,0,0) (0,0.5,0) (0,0,2)",
        "space origin": "(0,0,0)",
        "endian": "little",
        "encoding": "raw",
        "content": CANARY,
        **{name.replace("_", " "): value for name, value in fields.items()},
    }
    lines = [f"{name}: {value}" for name, value in said.items() if value]
    return ("NRRD0004\n" + "\n".join(lines) + "\n\n").encode() + data


def meta_image(data: bytes = VOXELS.tobytes(), **fields: str) -> bytes:
    """A MetaImage file with its voxels behind the header."""
    said = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": "False",
        "TransformMatrix": "1 0 0 0 1 0 0 0 1",
        "Offset": "0 0 0",
        "Comment": CANARY,
        "ElementSpacing": "0.4 0.5 2",
        "DimSize": "5 3 4",
        "ElementType": "MET_SHORT",
        "ElementDataFile": "LOCAL",
        **fields,
    }
    last = said.pop("ElementDataFile")
    return "".join(f"{name} = {value}\n" for name, value in {**said, "ElementDataFile": last}.items()).encode() + data


def mgh(voxels: Array = VOXELS, **changes: Any) -> bytes:
    """A FreeSurfer volume: 284 bytes of header, the high byte first."""
    said = {"version": 1, "sides": voxels.shape[::-1], "frames": 1, "type": 4, "good": 1, "spacing": (0.4, 0.5, 2.0), **changes}
    head = struct.pack(">7i", said["version"], *said["sides"], said["frames"], said["type"], 0)
    place = struct.pack(">h15f", said["good"], *said["spacing"], -1, 0, 0, 0, 0, -1, 0, 1, 0, 0, 0, 0)
    return (head + place).ljust(284, b"\0") + voxels.astype(">i2").tobytes()


def _others() -> list[Case]:
    packed = zlib.compress(VOXELS.tobytes())
    write: dict[str, tuple[str, Callable[..., bytes]]] = {
        "nrrd": ("nrrd", nrrd),
        "metaimage": ("mha", meta_image),
        "mgh": ("mgh", mgh),
    }
    wrong: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
        "nrrd": [
            ("too_large", "size_limit", {"sizes": "60000 60000 60000"}),
            ("side_negative", "bad_attribute", {"sizes": "-5 3 4"}),
            ("sides_missing", "bad_attribute", {"sizes": ""}),
            ("side_of_many_digits", "size_limit", {"sizes": "5 3 " + "9" * 30}),
            ("type_of_nobody", "unsupported_type", {"type": CANARY}),
            ("axes_nan", "bad_geometry", {"space_directions": "(nan,0,0) (0,0.5,0) (0,0,2)"}),
            ("axes_flat", "bad_geometry", {"space_directions": "(0,0,0) (0,0.5,0) (0,0,2)"}),
            ("data_elsewhere_climbing", "path_outside_root", {"data_file": "../../../../etc/passwd"}),
            ("data_elsewhere_absolute", "path_outside_root", {"data_file": "/etc/passwd"}),
            ("data_elsewhere_listed", "path_outside_root", {"data_file": "LIST\n../../../../etc/passwd"}),
            ("skips_before_the_file", "bad_attribute", {"byte_skip": "-99999999"}),
        ],
        "metaimage": [
            ("too_large", "size_limit", {"DimSize": "60000 60000 60000"}),
            ("side_negative", "bad_attribute", {"DimSize": "-5 3 4"}),
            ("type_of_nobody", "unsupported_type", {"ElementType": CANARY}),
            ("axes_nan", "bad_geometry", {"TransformMatrix": "nan 0 0 0 1 0 0 0 1"}),
            ("axes_flat", "bad_geometry", {"TransformMatrix": "0 0 0 0 1 0 0 0 1"}),
            ("data_elsewhere_climbing", "path_outside_root", {"ElementDataFile": "../../../../etc/passwd"}),
            ("data_elsewhere_absolute", "path_outside_root", {"ElementDataFile": "/etc/passwd"}),
            ("data_elsewhere_listed", "path_outside_root", {"ElementDataFile": "LIST\n../../../../etc/passwd"}),
        ],
        "mgh": [
            ("too_large", "size_limit", {"sides": (60000, 60000, 60000)}),
            ("side_negative", "bad_attribute", {"sides": (-5, 3, 4)}),
            ("type_of_nobody", "unsupported_type", {"type": 77}),
            ("axes_nan", "bad_geometry", {"spacing": (_NAN, 1.0, 1.0)}),
        ],
    }  # fmt: skip
    other = {"path_outside_root": "unsupported_type", "unsupported_type": "bad_attribute", "bad_geometry": "bad_attribute"}
    found = [
        one_file(
            49, f"{kind}_{name}", write[kind][1](**changes), code, file=f"{NAME}.{write[kind][0]}", other_code=other.get(code)
        )
        for kind, listed in wrong.items()
        for name, code, changes in listed
    ]
    for kind, (ending, make) in write.items():
        found.append(one_file(49, f"{kind}_cut", make()[:-9], "truncated", "refused_by_load", f"{NAME}.{ending}"))
        found.append(one_file(49, f"{kind}_is_no_harm", make(), "", "golden", f"{NAME}.{ending}", values=VOXELS, kind="volume"))
    squeezed = {"CompressedData": "True", "CompressedDataSize": str(len(packed))}
    zipped = gzip.compress(VOXELS.tobytes())
    return [
        *found,
        one_file(
            50,
            "metaimage_damaged",
            meta_image(packed[:20] + b"\xff" * 9 + packed[29:], **squeezed),
            "decode_failed",
            "refused_by_load",
            f"{NAME}.mha",
            other_code="truncated",
        ),
        one_file(
            50,
            "metaimage_that_inflates_further",
            meta_image(_bomb(), CompressedData="True"),
            "decompression_limit",
            "refused_by_load",
            f"{NAME}.mha",
        ),
        one_file(
            50,
            "nrrd_damaged",
            nrrd(zipped[:30] + b"\xff" * 9 + zipped[39:], encoding="gzip"),
            "decode_failed",
            "refused_by_load",
            f"{NAME}.nrrd",
            other_code="truncated",
        ),
        one_file(50, "nrrd_compressed_is_no_harm", nrrd(zipped, encoding="gzip"), "", "golden", f"{NAME}.nrrd", values=VOXELS),
        one_file(50, "mgh_compressed_is_no_harm", gzip.compress(mgh()), "", "golden", f"{NAME}.mgz", values=VOXELS),
        one_file(
            50, "mgh_compressed_and_cut", gzip.compress(mgh(), mtime=0)[:-20], "truncated", "refused_by_load", f"{NAME}.mgz"
        ),
    ]


def _bomb() -> bytes:
    """A zlib stream of 6 GiB of zeros."""
    return b"\x78\x9c" + b.zeros(6 * 1024) + b"\3\0" + b"\0\0\0\0"
