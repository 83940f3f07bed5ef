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
from vesalius.clinical.signatures import EXECUTABLES, HEAD_BYTES, SUFFIXES, has_preamble, types_of
from vesalius.clinical.wire import pack, unpack
from vesalius.errors import InputRefused
from vesalius.types import Array, CodedWarning, Part

BY_REGION = frozenset({"slide"})  # formats that decode a box of a plane without the rest


@dataclass(frozen=True)
class Facts:
    """What is known of one file: a DICOM header, or the description of a picture of another format."""

    sha256: str
    header: Header | None = None
    description: Description | None = None


def describe(file: BufferedReader, arguments: Mapping[str, Any], out: Array | None, _: BufferedWriter | None) -> dict[str, Any]:
    """`Facts` of a file. Arguments: `suffix` (of its name), `salt` (of the keys).

    Raises:
        InputRefused: the file holds nothing that is read, or is broken.
    """
    os.environ[keys.SALT_VARIABLE] = arguments["salt"]
    name = _type(file.read(HEAD_BYTES), arguments["suffix"])
    file.seek(0)
    sha256 = _sha256(file)
    file.seek(0)
    found = _format(name).describe(file, sha256) if name == "dicom" else _format(name).describe(file)
    if arguments["suffix"] not in ("", *SUFFIXES[name]) and any(arguments["suffix"] in known for known in SUFFIXES.values()):
        said = CodedWarning("extension_mismatch", "The file is named as another type than it is; its content decided.")
        found = replace(found, warnings=(*found.warnings, said))
    facts = Facts(sha256, header=found) if isinstance(found, Header) else Facts(sha256, description=found)
    return cast("dict[str, Any]", pack(facts))


def decode(file: BufferedReader, arguments: Mapping[str, Any], out: Array | None, _: BufferedWriter | None) -> dict[str, Any]:
    """Pixels into `out`. Arguments: `description`, `part`.

    Raises:
        InputRefused: the pixels are damaged.
    """
    assert out is not None, "pixels need a place"
    description, part = unpack(Description, arguments["description"]), unpack(Part, arguments["part"])
    reader = _format(description.format)
    if part.box_yxyx_px is None or description.format in BY_REGION:
        reader.decode(file, description, part, out)
        return {}
    plane = replace(part, box_yxyx_px=None)
    whole = np.empty(description.shape_of(plane), out.dtype)
    reader.decode(file, description, plane, whole)
    y0, x0, y1, x1 = part.box_yxyx_px
    out[...] = whole[..., y0:y1, x0:x1, :] if description.channels == 3 else whole[..., y0:y1, x0:x1]
    return {}


def _type(head: bytes, suffix: str) -> str:
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
    if len(names) > 1:
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


def _sha256(file: BufferedReader) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()
