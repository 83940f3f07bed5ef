"""QuPath: annotations, detections and cells of slides and pictures as GeoJSON, with classes and measurements.

What:       one file a picture: a `FeatureCollection`, or a list of features, of `objectType` annotation, detection, cell or tile.
Layout:     `<stem>.geojson` (or .json) and the picture of that stem or name (`a.geojson` or `a.svs.geojson` of `a.svs`), beside
            it or anywhere below the source; or the file's own member `image` names it.
Holds:      outlines in pixels of the finest level, (x, y) from the upper left corner of the first pixel. Holes are kept in the
            outline (`transforms/polygons.py`); pieces of a multipolygon are regions with one `object` in their attributes, and
            the nucleus of a cell is a region of its own with that `object`. Points. `classification` is the label, as
            "tumor: positive" when it has several names; else the object's `name`, else its type. `metadata` are attributes.
            Measurements in µm and µm² are mm and mm². Ellipses are outlines with the attribute `shape`.
Lacks:      questions, reports, labels of a picture as a whole, patients, licences; volumes and clips.
Split unit: the picture, because nobody is named.
Labels:     as annotated. What is not annotated may be there all the same, so that nothing is stated absent.
Defects:    measurements that are no finite number were not measured, and are left out. Lines have no area and are told. What we
            write of a box or a mask says so in `metadata`, and is read as that again; QuPath shows the outline.
Samples:    task "annotation", one for each file, without turns.
Licence:    not stated by the format.
Source:     qupath.readthedocs.io, "Exporting annotations" (QuPath 0.3): GeoJSON, its units and origin; RFC 7946.
"""

import functools
import json
import math
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vesalius.clinical.keys import content_sha256
from vesalius.datasets.annotated import count_unheld, finite, label_of, pictures_in, polygon_of, sample_of, split_of
from vesalius.datasets.exports import NAME_LENGTH, Dropped, Export
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.sources import HEAD_BYTES, Files, Pictures, RecordRefused, document
from vesalius.datasets.store.media import appearing
from vesalius.errors import InputRefused, UsageError
from vesalius.transforms.outline import outlines, signed_area_px
from vesalius.transforms.polygons import filled, rings, with_holes
from vesalius.types import Box, Geometry, Image, Mask, Measurement, Part, Point, Polygon, Region, Sample
from vesalius.units import Unit

NAME = "qupath"
SUFFIXES = (".geojson", ".json")
PICTURES = (".svs", ".tif", ".tiff", ".ndpi", ".scn", ".dcm", ".png", ".jpg", ".jpeg", ".bmp", ".webp")
PATTERNS = ("*.geojson", "*/*.geojson", "*/*/*.geojson", "*.json", "*/*.json")
MOST_LOOKED_AT = 32
OBJECT, SHAPE = "object", "shape"
BOX, MASK, ELLIPSE = "box", "mask", "ellipse"
UNITS: dict[str, tuple[Unit, float]] = {"µm^2": ("mm2", 1e-6), "um^2": ("mm2", 1e-6), "µm": ("mm", 1e-3), "um": ("mm", 1e-3)}
UNITS |= {"mm^2": ("mm2", 1.0), "mm": ("mm", 1.0), "(deg)": ("deg", 1.0), "(mL)": ("mL", 1.0), "(s)": ("s", 1.0)}
UNITS |= {"([hnsf'U])": ("[hnsf'U]", 1.0)}
_HEAD = re.compile(rb'"type"\s*:\s*"Feature')
_OURS = re.compile(rb'"(?:objectType|classification|isLocked|image|PathAnnotationObject|PathDetectionObject|PathCellObject)"')


def recognizes(root: Path) -> bool:
    """Whether a GeoJSON file with objects of QuPath is given, or lies in the folder or one below."""
    if root.is_file():
        return root.suffix.lower() in SUFFIXES and _is_objects(root)
    found = (path for pattern in PATTERNS for path in islice(root.glob(pattern), MOST_LOOKED_AT))
    return any(_is_objects(path) for path in found)


def read(root: Path, tell: Tell = refuse) -> Iterator[Sample]:
    """A sample for each file.

    Args:
        root: the folder, or one file.
        tell: takes faults. An object that has one is left out and the others of its picture stay; a file whose picture has one
            is left out.

    Raises:
        InputRefused: `bad_dataset`: no such file; `input_missing`, `size_limit`.
    """
    files = Files(root)
    pictures = Pictures(files)
    paths = [root.resolve()] if root.is_file() else [path for path in files.having(SUFFIXES) if _is_objects(path)]
    if not paths:
        raise InputRefused(
            "bad_dataset",
            "There is no GeoJSON file with objects of QuPath. Without one nothing says what the pictures show. Give the folder "
            "that holds it beside its picture, or the file itself.",
        )
    for number, path in enumerate(paths, start=1):
        where = f"file {number}"
        try:
            features, named = _features(path)
            image = pictures.at(_picture(path, named, files))
            if image.kind not in ("image", "slide"):
                raise RecordRefused("record_malformed", f"Its picture is a {image.kind}; places of QuPath lie in planes.")
        except RecordRefused as wrong:
            tell(wrong.at(where))
            continue
        regions: list[Region] = []
        measured: list[Measurement] = []
        for index, feature in enumerate(features, start=1):
            try:
                made = list(_regions(feature, image, str(index)))
                measured += _measurements(feature, len(regions))
                regions += made
            except RecordRefused as wrong:
                tell(wrong.at(f"{where}, object {index}"))
        parts = path.relative_to(files.root).parts
        split = split_of(*parts[:-1])
        yield sample_of(NAME, parts, [image], regions, annotation="QuPath objects", split=split, measurements=tuple(measured))


def write(samples: Iterable[Sample], out: Path, dropped: Dropped) -> None:
    """Write `images/<name>` and `images/<stem>.geojson`, below a folder for each split where there are splits.

    Outlines, boxes, points, masks (as outlines of the very same pixels) and measurements of regions are held. Slides are copied
    as they are. A picture of several samples has one file with the regions of all.

    Args:
        samples: any; plain pictures and slides are written.
        out: the folder; is made.
        dropped: counts what GeoJSON cannot hold.

    Raises:
        UsageError: `bad_option`: there is no such picture.
    """
    is_empty = True
    for sample in samples:
        count_unheld(sample, dropped, held=("measurements",))
        folder = f"{sample.provenance.split}/images" if sample.provenance.split else "images"
        for image, regions in pictures_in(sample, dropped, ("image", "slide")):
            name = _copied(image, out, folder) if image.kind == "slide" else Export(out, dropped, media=folder).picture(image)
            if name is None:
                dropped["slides that are no single file"] += 1
                continue
            is_empty = False
            if sample.provenance.licence != "unknown":
                dropped["licences: the format has none"] += 1
            _write_file(out / name, [*_written(sample, regions, image, dropped)])
        if any(measurement.region is None for measurement in sample.measurements):
            dropped["measurements of no region"] += 1
    if is_empty:
        raise UsageError(
            "bad_option", "No sample has a plain picture or slide. QuPath's GeoJSON is about such. Choose another format."
        )


def _is_objects(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:
        return False
    return head.lstrip()[:1] in (b"{", b"[") and _HEAD.search(head) is not None and _OURS.search(head) is not None


def _features(path: Path) -> tuple[list[Any], str]:
    """The objects of a file, and the name of the picture that it states, or ""."""
    try:
        found = document(path)
    except InputRefused as refused:
        raise RecordRefused("record_malformed", refused.message) from refused
    named = found.get("image") if isinstance(found, dict) else None
    features = found if isinstance(found, list) else found.get("features", [found]) if isinstance(found, dict) else None
    if not isinstance(features, list):
        raise RecordRefused("record_malformed", "It is no collection of features.")
    return features, named if isinstance(named, str) else ""


def _picture(path: Path, named: str, files: Files) -> Path:
    """The picture of a file: the one that it names, else one of its own name, nearest first."""
    if named:
        return files.find(named)
    stem = path.name[: -len(path.suffix)]
    beside = [
        place
        for place in files.paths
        if place.suffix.lower() in PICTURES and stem in (place.name, place.stem, place.name.partition(".")[0])
    ]
    near = [place for place in beside if place.parent == path.parent] or beside
    if not near:
        raise RecordRefused("media_missing", "No picture of its name lies anywhere below the source.")
    if len(near) > 1 and len({content_sha256(place) for place in near}) > 1:
        raise RecordRefused("media_ambiguous", f"{len(near)} pictures with different contents have its name.")
    return near[0]


def _regions(feature: Any, image: Image, number: str) -> Iterator[Region]:
    """The regions of an object."""
    if not isinstance(feature, dict) or not isinstance(feature.get("geometry"), dict):
        raise RecordRefused("record_malformed", "It is no feature with a geometry.")
    about = feature.get("properties")
    about = about if isinstance(about, dict) else {}
    kind = about.get("objectType") or about.get("object_type") or "annotation"
    label = _label(about, str(kind))
    stated = about.get("metadata")
    said = {str(k): str(v) for k, v in stated.items()} if isinstance(stated, dict) else {}
    said |= {"type": str(kind)} if kind != "annotation" else {}
    if about.get("name") and label != " ".join(str(about["name"]).lower().split()):
        said["name"] = str(about["name"])
    shape, place = said.pop(SHAPE, ""), feature["geometry"]
    plane = (image.shape[0], image.shape[1])
    pieces = list(_pieces(place, plane))
    nucleus = feature.get("nucleusGeometry")
    inner = list(_pieces(nucleus, plane)) if isinstance(nucleus, dict) else []
    own = str(feature.get("id") or about.get("id") or number)
    if len(pieces) + len(inner) > 1 and shape != MASK:
        said[OBJECT] = own
    if shape == MASK and all(isinstance(piece, Polygon) for piece in pieces):
        yield Region(label, _as_mask([piece for piece in pieces if isinstance(piece, Polygon)], plane), attributes=said)
        return
    if place.get("isEllipse") is True or shape == ELLIPSE:
        said[SHAPE] = ELLIPSE
    for piece in pieces:
        yield Region(label, _boxed(piece) if shape == BOX else piece, attributes=said)
    yield from (Region("nucleus", piece, attributes={OBJECT: own, "part of": label}) for piece in inner)


def _label(about: Mapping[str, Any], kind: str) -> str:
    stated = about.get("classification")
    stated = stated if isinstance(stated, dict) else {}
    names = stated.get("names")
    joined = ": ".join(str(name) for name in names) if isinstance(names, list) and names else stated.get("name")
    return label_of(joined or about.get("name") or kind)


def _pieces(place: Mapping[str, Any], plane: tuple[int, int]) -> Iterator[Geometry]:
    """The outlines or points of a geometry."""
    kind, coordinates = place.get("type"), place.get("coordinates")
    many = {"Polygon": "polygon", "MultiPolygon": "polygons", "Point": "point", "MultiPoint": "points"}.get(str(kind))
    if many is None:
        raise RecordRefused("record_malformed", "It is neither an outline nor a point: it has no area.")
    parts = [coordinates] if many in ("polygon", "point") else coordinates
    if not isinstance(parts, list) or not parts:
        raise RecordRefused("record_malformed", "Its geometry holds nothing.")
    for part in parts:
        if many.startswith("point"):
            x, y = finite(part[:2] if isinstance(part, list) else part, 2)
            if not (0 <= x <= plane[1] and 0 <= y <= plane[0]):
                raise RecordRefused("box_outside", f"A point lies at ({x:g}, {y:g}) in {plane[1]} × {plane[0]} px.")
            yield Point((y, x))
            continue
        if not isinstance(part, list) or not part:
            raise RecordRefused("record_malformed", "An outline has no ring.")
        outer, *holes = (_ring(ring, plane) for ring in part)
        yield with_holes(outer, holes) if holes else Polygon(outer)


def _ring(stated: Any, plane: tuple[int, int]) -> tuple[tuple[float, float], ...]:
    if not isinstance(stated, list) or not all(isinstance(vertex, list) and len(vertex) >= 2 for vertex in stated):
        raise RecordRefused("record_malformed", "A ring is no list of places.")
    numbers = finite([value for vertex in stated for value in vertex[:2]])
    return polygon_of(list(zip(numbers[::2], numbers[1::2], strict=True)), plane).vertices


def _boxed(piece: Geometry) -> Geometry:
    """The outline of a box as the box."""
    corners = np.array(piece.vertices) if isinstance(piece, Polygon) else np.zeros((0, 2))
    if len(corners) != 4:
        return piece
    return Box(tuple(corners.min(axis=0).tolist()), tuple(corners.max(axis=0).tolist()))


def _as_mask(pieces: Sequence[Polygon], plane: tuple[int, int]) -> Mask:
    """Outlines of a mask as the mask; a part of it without the rest."""

    def part(wanted: Part) -> npt.NDArray[np.bool_]:
        y0, x0, y1, x1 = wanted.box_yxyx_px or (0, 0, *plane)
        return filled(pieces, (y1 - y0, x1 - x0), origin_px=(y0, x0))

    return Mask(functools.partial(filled, pieces, plane), part)


def _measurements(feature: Any, region: int) -> Iterator[Measurement]:
    """What was measured of an object, in our units."""
    about = feature.get("properties")
    stated = about.get("measurements") if isinstance(about, dict) else None
    if isinstance(stated, list):
        stated = {item.get("name"): item.get("value") for item in stated if isinstance(item, dict)}
    for name, value in (stated or {}).items() if isinstance(stated, dict) else ():
        if (
            not isinstance(name, str)
            or isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not math.isfinite(value)
        ):
            continue
        plain, _, last = name.rpartition(" ")
        unit, factor = UNITS.get(last, ("1", 1.0))
        yield Measurement(plain if last in UNITS and plain else name, value * factor, unit, "QuPath", region)


@dataclass(frozen=True)
class _Whole:
    """An object in the making: the regions that are its pieces, and their indices in the sample."""

    regions: list[Region]
    indices: list[int]


def _written(sample: Sample, regions: Sequence[Region], image: Image, dropped: Dropped) -> Iterator[dict[str, Any]]:
    """The features of a picture."""
    wholes: dict[Any, _Whole] = {}
    for region in regions:
        index = next(i for i, each in enumerate(sample.regions) if each is region)
        own = region.attributes.get(OBJECT) if isinstance(region.geometry, Polygon) else None
        whole = wholes.setdefault(index if own is None else (region.label, own), _Whole([], []))
        whole.regions.append(region)
        whole.indices.append(index)
    for whole in wholes.values():
        first = whole.regions[0]
        parts, shape = _geometry([region.geometry for region in whole.regions], image)
        if not parts:
            dropped["masks that mark nothing, and masks of slides"] += 1
            continue
        place: dict[str, Any] = parts[0]
        if len(parts) > 1:
            place = {"type": "MultiPolygon", "coordinates": [part["coordinates"] for part in parts]}
        said = {name: value for name, value in first.attributes.items() if name not in (OBJECT, SHAPE, "type", "name")}
        if shape:
            said[SHAPE] = shape
        elif first.attributes.get(SHAPE) == ELLIPSE:
            place["isEllipse"] = True
        about: dict[str, Any] = {"objectType": first.attributes.get("type", "annotation")}
        about["classification"] = {"name": first.label, "color": [200, 0, 0]}
        about |= {"name": first.attributes["name"]} if "name" in first.attributes else {}
        about |= {"metadata": said} if said else {}
        measured = dict(_named(m) for m in sample.measurements if m.region in whole.indices)
        about |= {"measurements": measured} if measured else {}
        yield {"type": "Feature", "geometry": place, "properties": about}


def _geometry(pieces: Sequence[Geometry], image: Image) -> tuple[list[dict[str, Any]], str]:
    """The parts of an object's geometry, and what it was when it was no outline."""
    first = pieces[0]
    if isinstance(first, Point):
        y, x = first.at
        return [{"type": "Point", "coordinates": [x, y]}], ""
    if isinstance(first, Box):
        x0, y0, x1, y1 = first.xyxy_px
        return [{"type": "Polygon", "coordinates": [_closed(((y0, x0), (y0, x1), (y1, x1), (y1, x0)))]}], BOX
    if isinstance(first, Mask):
        return ([], MASK) if image.kind == "slide" else (_of_mask(first.load()), MASK)
    whole = [rings(piece) for piece in pieces if isinstance(piece, Polygon)]
    return [{"type": "Polygon", "coordinates": [_closed(outer), *map(_closed, holes)]} for outer, holes in whole], ""


def _of_mask(mask: npt.NDArray[np.bool_]) -> list[dict[str, Any]]:
    """The outlines of a mask, each outer rim with the holes in it."""
    found = outlines(mask)
    outer = sorted((rim for rim in found if signed_area_px(rim) > 0), key=signed_area_px)
    parts = [[_closed(rim.vertices)] for rim in outer]
    for hole in (rim for rim in found if signed_area_px(rim) < 0):
        y, x = min(hole.vertices)
        above = (round(y) - 1, round(x))  # a pixel of the mask on the rim of the hole
        inside = (index for index, rim in enumerate(outer) if filled([rim], (1, 1), origin_px=above)[0, 0])
        parts[next(inside)].append(_closed(hole.vertices))
    return [{"type": "Polygon", "coordinates": part} for part in parts]


def _closed(ring: Sequence[tuple[float, float]]) -> list[list[float]]:
    return [[x, y] for y, x in (*ring, ring[0])]


def _named(measurement: Measurement) -> tuple[str, float]:
    name, value = measurement.name, measurement.value
    match measurement.unit:
        case "mm2":
            return f"{name} µm^2", value * 1e6
        case "mm":
            return f"{name} µm", value * 1e3
        case "1":
            return name, value
        case unit:
            return f"{name} ({unit})", value


def _copied(image: Image, out: Path, folder: str) -> str | None:
    """A slide's file as it is; None when it is not one file."""
    path = image.source.path
    if path is None or not path.is_file():
        return None
    name = f"{folder}/{image.source.sha256[:NAME_LENGTH]}{path.suffix.lower()}"
    if not (out / name).is_file():
        with appearing(out / name) as draft:
            shutil.copyfile(path, draft)
    return name


def _write_file(picture: Path, features: Sequence[dict[str, Any]]) -> None:
    """The objects of a picture, with those that stand in its file already."""
    path = picture.with_suffix(".geojson")
    held = document(path)["features"] if path.exists() else []
    for feature in json.loads(json.dumps(features)):
        held += [feature] if feature not in held else []
    content = {"type": "FeatureCollection", "image": picture.name, "features": held}
    with appearing(path) as draft:
        draft.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")
