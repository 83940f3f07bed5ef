"""Pictures whose pixels come through the gate: files opened, described, and turned into `Image`s."""

import contextlib
import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vesalius.clinical import gate, keys
from vesalius.clinical.picture import Description
from vesalius.clinical.pieces import together
from vesalius.clinical.reading import Facts
from vesalius.clinical.signatures import SUFFIXES
from vesalius.clinical.wire import pack, unpack
from vesalius.errors import InputRefused
from vesalius.types import Array, Image, Part, Source

BYTES_PER_S = 50e6  # the slowest reading and hashing that is waited for
_KNOWN = sorted((suffix for names in SUFFIXES.values() for suffix in names), key=len, reverse=True)


@dataclass(frozen=True, eq=False)
class Found:
    """A file that was described, and where its bytes lie."""

    place: gate.Place
    facts: Facts


class FileRefused(InputRefused):
    """The refusal of a file that could be read to its end: `sha256` is that of its content."""

    def __init__(self, code: str, message: str, sha256: str) -> None:
        super().__init__(code, message)
        self.sha256 = sha256


def describe(places: Sequence[gate.Place], suffixes: Sequence[str] | None = None) -> list[Found | InputRefused]:
    """What each file holds, by its content; headers only. A refusal stands for a file that cannot be read.

    `suffixes` are those of `suffix_of`, for places that have no path.
    """
    named = suffixes or [suffix_of(place.path.name) if place.path else "" for place in places]
    items = [_describing(place, suffix) for place, suffix in zip(places, named, strict=True)]
    return _told_apart(
        [
            result if isinstance(result, InputRefused) else _found(item.place, result)
            for item, result in zip(items, gate.run(items), strict=True)
        ]
    )


def _told_apart(results: Sequence[Found | InputRefused]) -> list[Found | InputRefused]:
    """Files that look alike by samples of their content are told apart by all of it."""
    sampled = {index: one for index, one in enumerate(results) if isinstance(one, Found) and one.facts.is_sampled}
    times = Counter(found.facts.sha256 for found in sampled.values())
    alike = {index: found for index, found in sampled.items() if times[found.facts.sha256] > 1}
    exact = dict(zip(alike, digests([found.place for found in alike.values()]), strict=True))
    return [
        replace(one, facts=replace(one.facts, sha256=exact[index])) if isinstance(one, Found) and index in exact else one
        for index, one in enumerate(results)
    ]


def suffix_of(name: str) -> str:
    """The end of a name by which files of a type are called, or ""."""
    return next((known for known in _KNOWN if name.lower().endswith(known)), "")


def digests(places: Sequence[gate.Place]) -> list[str]:
    """The sha256 of each file, looked at by the gate's workers and not here; "" for what cannot be opened."""
    items = [gate.Item("digest", place, limit_s=_reading_s(place)) for place in places]
    return ["" if isinstance(result, InputRefused) else str(result.get("sha256", "")) for result in gate.run(items)]


def open_image(
    path: Path,
    *,
    modality: str | None = None,
    spacing_mm: tuple[float, ...] | None = None,
    view: str | None = None,
    day: float | None = None,
    scanner: str | None = None,
) -> Image:
    """One file as the picture that it holds; what is given here is what the caller knows and the file does not say.

    Raises:
        InputRefused: what the readers refuse; `input_missing`; `no_pixels` for objects that hold no picture.
    """
    (image,) = open_images([path])
    if isinstance(image, InputRefused):
        raise image
    return known(image, modality=modality, spacing_mm=spacing_mm, view=view, day=day, scanner=scanner)


def open_images(paths: Sequence[Path]) -> list[Image | InputRefused]:
    """As `open_image`, of many files at once: the gate's workers share them. A refusal stands for a file without a picture."""
    missing = InputRefused("input_missing", "No file lies at the path that was given, so there is nothing to read. Check it.")
    there = [path for path in paths if path.is_file()]
    described = dict(zip(there, describe([gate.Place(path) for path in there]), strict=True))
    return [_picture(described[path]) if path in described else missing for path in paths]


def known(
    image: Image,
    *,
    modality: str | None = None,
    spacing_mm: tuple[float, ...] | None = None,
    view: str | None = None,
    day: float | None = None,
    scanner: str | None = None,
) -> Image:
    """The image with what the caller knows of it; a day that the file states itself stays."""
    image = replace(image, modality=modality or image.modality, view=view or image.view)
    image = replace(image, day=day if image.day is None else image.day, scanner=scanner or image.scanner)
    if spacing_mm is None:
        return image
    warnings = tuple(warning for warning in image.warnings if warning.code != "no_calibration")
    return replace(image, spacing_mm=spacing_mm, warnings=warnings)


def _picture(found: Found | InputRefused) -> Image | InputRefused:
    if isinstance(found, InputRefused):
        return found
    header, description = found.facts.header, found.facts.description
    if header is not None:
        description = header.picture if header.kind == "picture" else None
    if description is None:
        kind = header.kind if header else "archive"
        said = f"The object is of the kind '{kind}' and holds no picture. Name a file that holds one."
        return InputRefused("no_pixels", said)
    return image_of(found, description, day=header.day if header else None)


def image_of(found: Found, description: Description, *, day: float | None = None) -> Image:
    """The picture that a description is of, its pixels where `found` says."""
    return Image(
        kind=description.kind,
        shape=description.shape,
        channels=description.channels,
        load=functools.partial(load, found.place, description, Part()),
        source=Source(found.place.path, found.facts.sha256, description.format),
        spacing_mm=description.spacing_mm,
        frame_s=description.frame_s,
        affine_lps_mm=None if description.affine_lps_mm is None else np.array(description.affine_lps_mm),
        modality=description.modality,
        view=description.view,
        scanner=description.scanner,
        window=description.window,
        inverted=description.inverted,
        day=day,
        warnings=description.warnings,
        load_part=functools.partial(load, found.place, description),
        frame_times_s=description.frame_times_s,
        levels=description.levels,
    )


def load(place: gate.Place, description: Description, part: Part) -> Array:
    """The values of a part of one file."""
    shape = description.shape_of(part)
    return load_all([(place, description, part)], shape, description.dtype)


def load_all(pieces: Sequence[tuple[gate.Place, Description, Part]], shape: tuple[int, ...], dtype: str) -> Array:
    """Pieces of equal size, one after another in one array of `shape` and `dtype`.

    Raises:
        InputRefused: the first piece's refusal, saying which pieces could not be decoded.
    """
    itemsize = np.dtype(dtype).itemsize
    size = int(np.prod(shape, dtype=np.int64)) * itemsize
    each = size // len(pieces)
    items = []
    for index, (place, description, part) in enumerate(pieces):
        arguments = {"description": pack(description), "part": pack(part)}
        items.append(
            gate.Item(
                *("decode", place, arguments, index * each),
                out_shape=description.shape_of(part),
                out_dtype=dtype,
                limit_s=gate.decoding_s(each),
            )
        )
    with gate.Shared(size) as shared:
        refusals = {i: result for i, result in enumerate(gate.run(items, shared)) if isinstance(result, InputRefused)}
        if refusals:
            raise together(refusals, len(pieces), "Slices")
        return shared.array(shape, dtype)


def _found(place: gate.Place, said: Mapping[str, Any]) -> Found | InputRefused:
    """The facts that a worker has sent, if they are facts: a file may have brought it under its control."""
    try:
        facts = unpack(Facts, said)
        return Found(place, facts) if facts.refused is None else FileRefused(*facts.refused, facts.sha256)
    except (ValueError, AssertionError):
        return InputRefused("decode_failed", "The reader was brought down by the file's content. Nothing is guessed. Copy it.")


def _describing(place: gate.Place, suffix: str) -> gate.Item:
    if place.path is not None:
        with contextlib.suppress(OSError):  # opening it will say so
            status = place.path.stat()
            place = replace(place, seen=(status.st_size, status.st_mtime_ns))
    return gate.Item("describe", place, {"suffix": suffix, "salt": keys.salt()}, limit_s=_reading_s(place))


def _reading_s(place: gate.Place) -> float:
    """The processor time that reading a file to its end may take."""
    size = place.length or (place.seen[0] if place.seen else 0)
    return gate.ITEM_S + size / BYTES_PER_S
