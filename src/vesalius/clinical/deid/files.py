"""De-identification and its proof for one file of any type: what the gate's workers do.

A file's type is told by its content. What has no cleaner here is refused, and so never copied.
"""

from collections.abc import Mapping
from io import BufferedReader
from typing import Any, BinaryIO, cast

from vesalius.clinical.deid import dicom, findings, nifti, raster, sidecar, tiff
from vesalius.clinical.deid.rules import Rules
from vesalius.clinical.deid.seeds import Patterns
from vesalius.clinical.deid.told import Left, Told
from vesalius.clinical.signatures import HEAD_BYTES, types_of
from vesalius.clinical.wire import pack
from vesalius.errors import InputRefused

_CLEANERS = {
    "dicom": dicom.clean,
    "nifti": nifti.clean,
    "raster": raster.clean,
    "gif": raster.clean,
    "tiff": tiff.clean,
    "json": sidecar.clean,
}


def clean_file(source: BufferedReader, target: BinaryIO, rules: Rules) -> Told:
    """Write a de-identified copy.

    Raises:
        InputRefused: `input_empty`, `unsupported_type`, `type_conflict`, `not_cleanable`, or what the type's cleaner raises.
    """
    return _CLEANERS[type_of(source)](source, target, rules)


def findings_of(source: BufferedReader, seeds: list[str]) -> dict[str, int]:
    """What is left in a file that should be de-identified: how much by code, nothing when all is well.

    Raises:
        InputRefused: as `clean_file`; such a file should not be there at all.
    """
    kind = type_of(source)
    found = findings.of_dicom(source) if kind == "dicom" else _of_others(source, kind)
    source.seek(0)
    identities = findings.identities(source, Patterns(seeds))
    return {**found, **({"identity_left": identities} if identities else {})}


def type_of(source: BufferedReader) -> str:
    """dicom, nifti, raster, tiff or json.

    Raises:
        InputRefused: `input_empty`, `unsupported_type`, `type_conflict`, `not_cleanable`.
    """
    head = source.read(HEAD_BYTES)
    source.seek(0)
    if not head:
        raise InputRefused("input_empty", "The file is empty. There is nothing to copy. Copy it again from its source.")
    types = types_of(head)
    if types[:1] == ["dicom"]:
        return "dicom"  # whatever its preamble also makes it: nothing of the preamble is copied
    if len(types) > 1:
        raise InputRefused(
            "type_conflict",
            "The file is of two types at once. What cleans one leaves the other. Export it again from its source.",
        )
    if not types and head.lstrip().startswith(b"{"):
        return "json"
    if not types:
        raise InputRefused(
            "unsupported_type", "The content is of no type that is known here. Nothing of it can be called safe. It was left out."
        )
    if types[0] not in _CLEANERS:
        raise InputRefused(
            "not_cleanable",
            "The file is a video, an archive or a volume whose texts are not taken apart. It was left out. Convert it to DICOM, "
            "NIfTI, PNG, JPEG or TIFF, or unpack it.",
        )
    return types[0]


def clean(source: BufferedReader, arguments: Mapping[str, Any], out: object, target: BinaryIO) -> dict[str, Any]:
    """The gate's task: `arguments` hold the rules."""
    told = clean_file(source, target, Rules.from_json(arguments["rules"]))
    target.flush()  # the reply says that the copy is whole
    return cast("dict[str, Any]", pack(told))


def verify(source: BufferedReader, arguments: Mapping[str, Any], out: object, target: object) -> dict[str, Any]:
    """The gate's task: `arguments` hold the seeds."""
    found = findings_of(source, arguments["seeds"])
    return cast("dict[str, Any]", pack(Left(tuple(found.items()))))


def _of_others(source: BufferedReader, kind: str) -> dict[str, int]:
    if kind in ("raster", "gif"):
        has_more = raster.side_matter(raster.read_whole(source, raster.LIMIT_FILE_BYTES))
        return {**({"metadata_left": 1} if has_more else {}), "burned_in_risk": 1}
    if kind == "tiff":
        risk = {} if tiff.is_slide(source) else {"burned_in_risk": 1}
        return {**({"metadata_left": 1} if tiff.side_matter(source) else {}), **risk}
    has_more = nifti.side_matter(source) if kind == "nifti" else sidecar.side_matter(source)
    return {"metadata_left": 1} if has_more else {}
