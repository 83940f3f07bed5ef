"""DICOM files built by Hypothesis and broken in one attribute, one length or one byte: read, or refused with a code.

Files are put together element by element here, not by pydicom, so that anything can be written that a file can hold.
"""

import itertools
import json
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import uid

from vesalius.clinical import study
from vesalius.errors import REFUSALS, WARNINGS, InputRefused

CANARY = "ZZCANARY"
LONG_VRS = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}
VRS = sorted(
    LONG_VRS | {"AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST", "TM"}
)
UNDEFINED = 0xFFFFFFFF
EXTREME_LENGTHS = (0, 1, 3, 0x7FFF, 0xFFFE, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFF0, 0xFFFFFFFE, UNDEFINED)
NASTY = (
    b"",
    b"0",
    b"-1",
    b"abc",
    b"1e308",
    b"nan",
    b"inf",
    b"65536",
    b"../../etc/passwd",
    b"\\\\\\",
    b"\0" * 8,
    b"\xff" * 8,
    b"1\\2\\3\\4\\5\\6\\7",
)
OURS_BY_FAULT = {"reader_fault", "internal"}  # codes that say that we are to blame
PATH = re.compile(r"(?<![\w.<])/(?:[\w.+-]+/)+[\w.+-]*")
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{5,}|https?://|Traceback")

moderate = settings(max_examples=150, derandomize=True, database=None, deadline=None)


@dataclass(frozen=True)
class Element:
    """One element as it is written; `length` is what it claims, `len(value)` if None."""

    tag: int
    vr: str
    value: bytes
    length: int | None = None


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file whose name holds a canary, as the path of a real one may."""
    return tmp_path_factory.mktemp(CANARY) / f"{CANARY}.dcm"


@st.composite
def pictures(draw: st.DrawFn) -> list[Element]:
    """A whole, readable picture: a slice, a radiograph, an ultrasound picture or clip, gray or in color."""
    sop_class, modality, frames, colors = draw(
        st.sampled_from(
            [
                (uid.CTImageStorage, "CT", 1, 1),
                (uid.MRImageStorage, "MR", 1, 1),
                (uid.DigitalXRayImageStorageForPresentation, "DX", 1, 1),
                (uid.UltrasoundImageStorage, "US", 1, 3),
                (uid.UltrasoundMultiFrameImageStorage, "US", 3, 1),
            ]
        )
    )
    bits = 8 if modality == "US" else 16
    rows, columns = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    stored = draw(st.binary(min_size=16, max_size=16))
    count = frames * rows * columns * colors * bits // 8
    pixels = (stored * (count // 16 + 1))[:count]
    found = [
        text(0x00080005, "CS", "ISO_IR 100"),
        text(0x00080008, "CS", "ORIGINAL\\PRIMARY\\AXIAL"),
        text(0x00080016, "UI", sop_class),
        text(0x00080018, "UI", "2.25.771.1"),
        text(0x00080020, "DA", "20110203"),
        text(0x00080060, "CS", modality),
        text(0x00081030, "LO", f"{CANARY} said so"),
        text(0x00100010, "PN", f"{CANARY}^QX"),
        text(0x00100020, "LO", f"{CANARY}-77"),
        text(0x00180050, "DS", "2.5"),
        text(0x0020000D, "UI", "2.25.771.2"),
        text(0x0020000E, "UI", "2.25.771.3"),
        text(0x00200013, "IS", "7"),
        text(0x00200032, "DS", "-10\\20.5\\30"),
        text(0x00200037, "DS", "1\\0\\0\\0\\1\\0"),
        numbers(0x00280002, colors),
        text(0x00280004, "CS", "RGB" if colors == 3 else draw(st.sampled_from(["MONOCHROME1", "MONOCHROME2"]))),
        *([numbers(0x00280006, 0)] if colors == 3 else []),
        *(
            [text(0x00280008, "IS", str(frames)), Element(0x00280009, "AT", struct.pack("<HH", 0x18, 0x1063))]
            if frames > 1
            else []
        ),
        numbers(0x00280010, rows),
        numbers(0x00280011, columns),
        text(0x00280030, "DS", "0.5\\0.4"),
        numbers(0x00280100, bits),
        numbers(0x00280101, bits),
        numbers(0x00280102, bits - 1),
        numbers(0x00280103, draw(st.integers(0, int(bits == 16)))),
        text(0x00281050, "DS", "40"),
        text(0x00281051, "DS", "400"),
        *(
            [text(0x00281052, "DS", "-1024"), text(0x00281053, "DS", draw(st.sampled_from(["1", "0.5"])))]
            if modality == "CT"
            else []
        ),
        Element(0x7FE00010, "OW" if bits == 16 else "OB", pixels + b"\0" * (count % 2)),
    ]
    if frames > 1:
        found.append(text(0x00181063, "DS", "40"))
    return sorted(found, key=lambda element: element.tag)


def text(tag: int, vr: str, value: str) -> Element:
    padding = b"\0" if vr == "UI" else b" "
    return Element(tag, vr, value.encode() + padding * (len(value) % 2))


def numbers(tag: int, *values: int) -> Element:
    return Element(tag, "US", struct.pack(f"<{len(values)}H", *values))


def written(elements: list[Element], *, implicit: bool = False) -> bytes:
    """A file with preamble and meta information, little endian."""
    syntax = uid.ImplicitVRLittleEndian if implicit else uid.ExplicitVRLittleEndian
    meta = b"".join(map(encoded, (text(0x00020002, "UI", uid.CTImageStorage), text(0x00020010, "UI", syntax))))
    head = encoded(Element(0x00020000, "UL", struct.pack("<I", len(meta)))) + meta
    return b"\0" * 128 + b"DICM" + head + b"".join(encoded(element, implicit=implicit) for element in elements)


def encoded(element: Element, *, implicit: bool = False) -> bytes:
    tag = struct.pack("<HH", element.tag >> 16, element.tag & 0xFFFF)
    length = len(element.value) if element.length is None else element.length
    if implicit:
        return tag + struct.pack("<I", length & UNDEFINED) + element.value
    if element.vr in LONG_VRS:
        return tag + element.vr.encode() + b"\0\0" + struct.pack("<I", length & UNDEFINED) + element.value
    return tag + element.vr.encode() + struct.pack("<H", length & 0xFFFF) + element.value


def read_or_refused(place: Path, content: bytes) -> list[str]:
    """Read a file and load what it holds; every code that was said. Whatever is neither picture nor refusal fails."""
    place.write_bytes(content)
    codes: list[str] = []
    for code, said in outcomes(place):
        assert code in REFUSALS or code in WARNINGS or code == "", code
        assert code not in OURS_BY_FAULT, said
        assert CANARY not in said, said
        assert not PATH.search(said), said
        assert not ADDRESS.search(said), said
        codes += [code] if code else []
    return codes


def outcomes(place: Path) -> Iterator[tuple[str, str]]:
    """Codes with their words; what says no more than that something was read has an empty one."""
    inventory = study.read([place])
    assert inventory.studies or inventory.rejected
    shown = inventory.to_json()
    yield "", json.dumps(shown, ensure_ascii=False)
    series = [one for found in inventory.studies for one in found.series]
    listed = [one["warnings"] for found in shown["studies"] for one in found["series"]]
    yield from ((rejected.code, rejected.message) for rejected in inventory.rejected)
    yield from ((warning["code"], warning["message"]) for warning in itertools.chain(shown["warnings"], *listed))
    for image in (image for one in series for image in one.images):
        try:
            values = image.load()
        except InputRefused as refusal:
            yield refusal.code, refusal.message
        else:
            assert values.shape == (*image.shape, *((3,) if image.channels == 3 else ()))
            assert values.dtype.kind != "f" or np.isfinite(values).all()


@moderate
@given(elements=pictures(), implicit=st.booleans())
def test_what_is_whole_is_read(place: Path, elements: list[Element], implicit: bool) -> None:
    assert not set(read_or_refused(place, written(elements, implicit=implicit))) & set(REFUSALS)


BREAKS: dict[str, Callable[[Element, st.DrawFn], list[Element]]] = {
    "gone": lambda element, draw: [],
    "twice": lambda element, draw: [element, replace(element, value=draw(st.binary(max_size=8)))],
    "another value": lambda element, draw: [replace(element, value=draw(st.sampled_from(NASTY) | st.binary(max_size=70)))],
    "cut value": lambda element, draw: [replace(element, value=element.value[: draw(st.integers(0, len(element.value)))])],
    "another VR": lambda element, draw: [replace(element, vr=draw(st.sampled_from(VRS)))],
    "another number": lambda element, draw: [replace(element, value=struct.pack("<H", draw(st.integers(0, 0xFFFF))))],
}


@st.composite
def one_attribute_broken(draw: st.DrawFn) -> list[Element]:
    elements = draw(pictures())
    index = draw(st.integers(0, len(elements) - 1))
    how = BREAKS[draw(st.sampled_from(sorted(BREAKS)))]
    return [*elements[:index], *how(elements[index], draw), *elements[index + 1 :]]


@settings(moderate, max_examples=400)
@given(elements=one_attribute_broken(), implicit=st.booleans())
def test_one_broken_attribute_is_read_or_refused(place: Path, elements: list[Element], implicit: bool) -> None:
    read_or_refused(place, written(elements, implicit=implicit))


@st.composite
def one_length_broken(draw: st.DrawFn) -> list[Element]:
    elements = draw(pictures())
    index = draw(st.integers(0, len(elements) - 1))
    near = st.integers(-4, 4).map(lambda more: max(0, len(elements[index].value) + more))
    length = draw(near | st.sampled_from(EXTREME_LENGTHS) | st.integers(0, UNDEFINED))
    return [*elements[:index], replace(elements[index], length=length), *elements[index + 1 :]]


@settings(moderate, max_examples=300)
@given(elements=one_length_broken(), implicit=st.booleans())
def test_one_broken_length_is_read_or_refused(place: Path, elements: list[Element], implicit: bool) -> None:
    read_or_refused(place, written(elements, implicit=implicit))


@settings(moderate, max_examples=300)
@given(elements=pictures(), implicit=st.booleans(), where=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
def test_one_broken_byte_is_read_or_refused(
    place: Path, elements: list[Element], implicit: bool, where: float, byte: int
) -> None:
    content = bytearray(written(elements, implicit=implicit))
    content[128 + int(where * (len(content) - 128))] = byte
    read_or_refused(place, bytes(content))


@moderate
@given(elements=pictures(), implicit=st.booleans(), where=st.floats(0, 1, exclude_max=True))
def test_a_file_that_ends_early_is_refused(place: Path, elements: list[Element], implicit: bool, where: float) -> None:
    content = written(elements, implicit=implicit)
    said = read_or_refused(place, content[: int(where * len(content))])
    assert set(said) & set(REFUSALS)


@moderate
@given(
    elements=pictures(),
    index=st.integers(0, 40),
    depth=st.integers(1, 40),
    closed=st.booleans(),
    inner=st.binary(max_size=24),
)
def test_sequences_within_sequences_are_read_or_refused(
    place: Path, elements: list[Element], index: int, depth: int, closed: bool, inner: bytes
) -> None:
    opening = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, UNDEFINED) + struct.pack("<HHI", 0xFFFE, 0xE000, UNDEFINED)
    closing = struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    before, after = written(elements[:index]), b"".join(map(encoded, elements[index:]))
    read_or_refused(place, before + opening * depth + inner + (closing * depth if closed else b"") + after)
