"""A DICOM file, de-identified: header by the profile, file meta information of our own, pixels as they are or blackened."""

import hashlib
import io
from io import BufferedReader
from typing import BinaryIO

from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import (
    UID,
    AllTransferSyntaxes,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from vesalius.clinical.deid import burned_in, dataset, pixels, seeds
from vesalius.clinical.deid.rules import Rules
from vesalius.clinical.deid.told import Change, Told
from vesalius.clinical.dicom.file import PARSE_FAULTS, PixelPlace, quiet, read_dataset
from vesalius.clinical.dicom.write import IMPLEMENTATION_UID
from vesalius.errors import InputRefused

_ROOT = "1.2.840.10008.5.1.4.1.1."
# Objects whose content is a document, a voice, raw data or a list of files: nothing of theirs can be cleaned.
_CLOSED = ("1.2.840.10008.1.3.10", _ROOT + "104.", _ROOT + "66.1.", _ROOT + "9.4.", _ROOT + "601.")
_CLOSED_EXACT = frozenset({_ROOT + "66", _ROOT + "66.6"})
_VIDEO = "1.2.840.10008.1.2.4.10"  # MPEG-2, MPEG-4 and HEVC: 100 to 108
_NATIVE = {(True, True): ImplicitVRLittleEndian, (False, True): ExplicitVRLittleEndian, (False, False): ExplicitVRBigEndian}
_SLIDE = _ROOT + "77.1.6"


def clean(source: BufferedReader, target: BinaryIO, rules: Rules) -> Told:
    """Write a de-identified copy and tell what was done; nothing that was written is of use when it is refused.

    Raises:
        InputRefused: `not_cleanable`, or what reading raises.
    """
    original, place = read_dataset(source)
    with quiet():
        return _cleaned(source, target, rules, original, place)


def _cleaned(source: BufferedReader, target: BinaryIO, rules: Rules, header: FileDataset, place: PixelPlace | None) -> Told:
    syntax, encoding = _syntax(header, place)
    _complete(header)
    _check_class(header)
    found = seeds.seeds_of(header, rules.options)
    patient = dataset.patient_of(header)
    folders = (
        rules.pseudonym(patient),
        rules.key("study", str(header.get("StudyInstanceUID", ""))),
        rules.key("series", str(header.get("SeriesInstanceUID", ""))),
    )
    at_risk = place is not None and burned_in.is_written_on(header)
    plan = None if place is None else pixels.plan(header, place, rules, is_little=encoding[1])
    content: BinaryIO = source
    if place is not None and place.begin is None:  # the file was inflated as a whole
        content = io.BytesIO(header[place.keyword].value)
        place = PixelPlace(place.keyword, place.length, place.bytes_left, 0)
    header.pop("PixelData", None)
    cleaning = dataset.Cleaning(rules, patient, seeds.Patterns(found))
    dataset.clean(header, cleaning)
    if plan is not None:
        pixels.adapt(header, plan)
        if plan.mask is not None:
            dataset.state_clean_pixels(header)
        if plan.decodes:
            syntax, encoding = ExplicitVRLittleEndian, (False, True)
    header.preamble = bytes(128)
    header.file_meta = _file_meta(header, syntax)
    _write(target, header, encoding)
    changed: list[Change] = []
    if place is not None and plan is not None:
        changed = pixels.write(content, target, place, header, plan, encoding)
    return Told(".dcm", folders, tuple(changed), at_risk and "pixels" not in changed, tuple(sorted(found)))


def _syntax(header: FileDataset, place: PixelPlace | None) -> tuple[UID, tuple[bool, bool]]:
    """The transfer syntax of the copy, and its encoding: implicit, little endian."""
    is_implicit, is_little = header.original_encoding
    encoding = (bool(is_implicit), bool(is_little))
    stated = UID(str(header.file_meta.get("TransferSyntaxUID", "")))
    if place is None or place.length is not None:
        if stated and stated not in AllTransferSyntaxes:
            raise _unsupported()
        return _NATIVE[encoding], encoding
    if stated not in AllTransferSyntaxes or not stated.is_compressed or stated == DeflatedExplicitVRLittleEndian:
        raise _unsupported()
    if stated.startswith(_VIDEO):
        raise InputRefused(
            "not_cleanable",
            "The file holds a video stream, which may carry sound and texts. It cannot be cleaned and was left out.",
        )
    return stated, (False, True)


def _complete(header: FileDataset) -> None:
    """Fill in identifiers that an object must have and some exports leave empty.

    They come from the file meta information, or are made of what the files of a study and of a series have in common.
    """
    for keyword, in_meta in (("SOPClassUID", "MediaStorageSOPClassUID"), ("SOPInstanceUID", "MediaStorageSOPInstanceUID")):
        if not header.get(keyword) and header.file_meta.get(in_meta):
            setattr(header, keyword, str(header.file_meta[in_meta].value))
    study = ("PatientID", "PatientName", "AccessionNumber", "StudyID", "StudyDate", "StudyTime", "FrameOfReferenceUID")
    series = (*study, "Modality", "SeriesNumber", "SeriesTime", "SeriesDescription")
    for keyword, common in (("StudyInstanceUID", study), ("SeriesInstanceUID", series)):
        if not header.get(keyword):
            setattr(header, keyword, _made_up_uid("\0".join(dataset.text(header, part) for part in common)))


def _check_class(header: FileDataset) -> None:
    """Refuse what cannot be cleaned by attributes.

    Raises:
        InputRefused: `not_cleanable`, `bad_attribute`.
    """
    sop_class = str(header.get("SOPClassUID", "")).strip()
    if not sop_class or not header.get("SOPInstanceUID"):
        raise InputRefused(
            "bad_attribute", "The file does not say what object it is. What it holds cannot be judged. It was left out."
        )
    is_label = sop_class == _SLIDE and {"LABEL", "OVERVIEW"} & {str(value) for value in header.get("ImageType") or []}
    is_closed = sop_class.startswith(_CLOSED) or sop_class in _CLOSED_EXACT or UID(sop_class).type != "SOP Class"
    if is_closed or is_label:
        raise InputRefused(
            "not_cleanable",
            "The object is a document, a label, a sound, raw or private data, or a list of files. It cannot be cleaned by its "
            "attributes. It was left out.",
        )


def _made_up_uid(content: str) -> str:
    """A UID that is mapped like any other: it never leaves the worker."""
    return f"2.25.{int(hashlib.sha256(content.encode('utf-8', 'replace')).hexdigest()[:31], 16)}"


def _file_meta(header: FileDataset, syntax: UID) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = header.SOPClassUID
    meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    meta.ImplementationVersionName = f"VESALIUS {dataset.our_version()}"[:16]
    return meta


def _write(target: BinaryIO, header: FileDataset, encoding: tuple[bool, bool]) -> None:
    is_implicit, is_little = encoding
    try:
        dcmwrite(target, header, implicit_vr=is_implicit, little_endian=is_little, enforce_file_format=True)
    except PARSE_FAULTS:
        raise InputRefused(
            "bad_attribute", "The file's elements break the standard. They cannot be written again. Export it again."
        ) from None


def _unsupported() -> InputRefused:
    return InputRefused(
        "unsupported_transfer_syntax",
        "The pixels are stored in a way that the standard does not know. Nobody can say what is in them. Export the file again.",
    )
