"""What workers do with a file: tell what it is and describe it, or decode the part of it that is asked for."""

import hashlib
import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BufferedReader, BufferedWriter
from types import ModuleType
from typing import Any, cast

import numpy as np

from vesalius.clinical import keys
from vesalius.clinical.dicom.facts import Header
from vesalius.clinical.picture import Description
from vesalius.clinical.signatures import (
    EXECUTABLES,
    HEAD_BYTES,
    PDF,
    SUFFIXES,
    TAIL_BYTES,
    ends_as_zip,
    has_preamble,
    is_misnamed,
    types_of,
)
from vesalius.clinical.wire import pack, unpack
from vesalius.errors import InputRefused
from vesalius.types import Array, CodedWarning, Part

SAMPLE_BYTES = 2**14


@dataclass(frozen=True)
class Facts:
    """What is known of one file: a DICOM header, the description of a picture of another format, or why it is refused.

    `sha256` is that of the content, but of a DICOM file that is read and larger than 32 KiB (`is_sampled`) that of its size,
    its first and its last 16 KiB: a series of hundreds of slices is described without reading all of it.
    `refused` is a code with its message. An archive has none of the three, and its doubts are in `warnings`: what is in it
    is asked by another task.
    """

    sha256: str
    is_sampled: bool = False
    header: Header | None = None
    description: Description | None = None
    refused: tuple[str, str] | None = None
    warnings: tuple[CodedWarning, ...] = ()

    @property
    def is_archive(self) -> bool:
        """Whether the file's members are the files that are meant."""
        return self.header is None and self.description is None and self.refused is None


def describe(file: BufferedReader, arguments: Mapping[str, Any], out: Array | None, _: BufferedWriter | None) -> dict[str, Any]:
    """`Facts` of a file. Arguments: `suffix` (of its name), `salt` (of the keys)."""
    os.environ[keys.SALT_VARIABLE] = arguments["salt"]
    try:
        facts = _facts(file, arguments["suffix"])
    except InputRefused as refusal:
        facts = Facts(_sha256(file), refused=(refusal.code, refusal.message))
    return cast("dict[str, Any]", pack(facts))


def digest(file: BufferedReader, arguments: Mapping[str, Any], out: Array | None, _: BufferedWriter | None) -> dict[str, Any]:
    """The sha256 of a file whose content is not looked at: of one that has brought a reader down."""
    return {"sha256": _sha256(file)}


def _facts(file: BufferedReader, suffix: str) -> Facts:
    head = file.read(HEAD_BYTES)
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - TAIL_BYTES))
    name = _type(head, file.read(), suffix)
    file.seek(0)
    said = CodedWarning("extension_mismatch", "The file is named as another type than it is; its content decided.")
    doubts = (said,) if is_misnamed(suffix, name, head) else ()
    is_sampled = name == "dicom" and size > 2 * SAMPLE_BYTES
    sha256 = _sampled(file, size) if is_sampled else _sha256(file)
    file.seek(0)
    if name == "archive":
        return Facts(sha256, warnings=doubts)
    found = _format(name).describe(file, sha256) if name == "dicom" else _format(name).describe(file)
    found = replace(found, warnings=(*found.warnings, *doubts))
    if isinstance(found, Header) and found.picture is not None:
        found = replace(found, picture=replace(found.picture, warnings=(*found.picture.warnings, *doubts)))
    if isinstance(found, Header):
        return Facts(sha256, is_sampled, header=found)
    return Facts(sha256, description=found)


def decode(file: BufferedReader, arguments: Mapping[str, Any], out: Array | None, _: BufferedWriter | None) -> dict[str, Any]:
    """Pixels into `out`. Arguments: `description`, `part`.

    Raises:
        InputRefused: the pixels are damaged.
    """
    assert out is not None, "pixels need a place"
    description, part = unpack(Description, arguments["description"]), unpack(Part, arguments["part"])
    reader = _format(description.format)
    if part.box_yxyx_px is None or description.kind == "slide":  # a slide's readers decode a box without the rest
        reader.decode(file, description, part, out)
        return {}
    plane = replace(part, box_yxyx_px=None)
    whole = np.empty(description.shape_of(plane), out.dtype)
    reader.decode(file, description, plane, whole)
    y0, x0, y1, x1 = part.box_yxyx_px
    out[...] = whole[..., y0:y1, x0:x1, :] if description.channels == 3 else whole[..., y0:y1, x0:x1]
    return {}


def _sha256(file: BufferedReader) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


def _sampled(file: BufferedReader, size: int) -> str:
    file.seek(0)
    begin = file.read(SAMPLE_BYTES)
    file.seek(-SAMPLE_BYTES, os.SEEK_END)
    return hashlib.sha256(size.to_bytes(8, "big") + begin + file.read()).hexdigest()


def _type(head: bytes, tail: bytes, suffix: str) -> str:
    """Which reader the content is for."""
    if not head:
        raise InputRefused("input_empty", "The file is empty. It holds no picture. Copy it again from its source.")
    names = types_of(head)
    if "dicom" in names and len(names) > 1 and (not has_preamble(head) or names == ["dicom", "tiff"]):
        # A preamble may hold a TIFF header (PS3.10, 7.1); and what merely could be a bare data set is the other thing.
        names = ["dicom"] if has_preamble(head) else names[1:]
    if has_preamble(head) and head.startswith(EXECUTABLES):
        raise InputRefused(
            "suspicious_preamble", "The file is DICOM and begins like a program. It could be run. Have its origin checked."
        )
    if names and "archive" not in names and ends_as_zip(tail):
        names = [*names, "archive"]
    if len(names) > 1 or (has_preamble(head) and PDF in head[:128]):
        raise InputRefused(
            "type_conflict", "The content is two types of file at once. Which one is meant is unclear. Export it again."
        )
    if not names and suffix in SUFFIXES["dicom"]:
        raise InputRefused(
            "not_dicom", "The file is named like DICOM but is none. Its content was not recognized. Check its origin."
        )
    if not names:
        raise InputRefused(
            "unsupported_type", "The content is of no type that is read (`vesalius info` lists them). Convert it to one of them."
        )
    return names[0]


def _format(name: str) -> ModuleType:
    return importlib.import_module(f"vesalius.clinical.formats.{name}")
