"""COCO: pictures with boxes, outlines, masks and key points of objects, listed in JSON files of instances.

What:       JSON objects with `images`, `annotations` and `categories`; one file for each split, or a single one.
Layout:     the files may lie anywhere below the source (`annotations/instances_train2017.json`, `train/_annotations.coco.json`)
            and the pictures too; a picture is found by the end of its `file_name`. Or give one such file; its pictures lie
            beside or below it.
Holds:      a box as `bbox` [x, y, width, height] in pixels from the upper left corner, from 0: our corners (x, y, x + width,
            y + height) exactly. Outlines as polygons [x0, y0, x1, y1, …], kept as outlines; an object of several pieces is
            several regions with one `object` in their attributes. Masks as run lengths, as numbers or as text. `iscrowd` is
            the attribute `crowd`, `attributes` of an annotation are the region's. Key points that are labeled are points.
Lacks:      questions, reports, labels of a picture as a whole, measurements, patients; volumes, clips and slides.
Split unit: the picture, because COCO names no patients: pictures of one patient may lie on both sides.
Labels:     as annotated. What is not annotated may be there all the same, so that nothing is stated absent.
Defects:    an object has its outline or mask as region, or else its box; a box that overlaps that by less than half is told.
            A picture whose list states another size than it has is left out: its boxes belong to another grid.
Samples:    task "annotation", one for each picture that a file lists, without turns.
Licence:    per picture, as the file's `licenses` has it; "unknown" where it states none.
Source:     cocodataset.org, "Data format" 1 and 2; run lengths and their text as in cocoapi's maskApi; pycocotools 2.0.11.
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np

from vesalius.datasets.annotated import (
    box_of,
    contradiction,
    count_unheld,
    extent,
    finite,
    label_of,
    pictures_in,
    polygon_of,
    sample_of,
    split_of,
)
from vesalius.datasets.exports import Dropped, Export
from vesalius.datasets.faults import Fault, Tell, refuse
from vesalius.datasets.sources import HEAD_BYTES, Files, Pictures, RecordRefused, document
from vesalius.datasets.store.media import appearing
from vesalius.errors import InputRefused, UsageError
from vesalius.transforms.outline import signed_area_px
from vesalius.transforms.run_lengths import bounds, counts_of, counts_of_text, mask_of, text_of
from vesalius.types import Box, Geometry, Image, Mask, Point, Polygon, Region, Sample

NAME = "coco"
MOST_LOOKED_AT = 64  # JSON files that are looked into before a folder is taken to be something else
FOLDERS = ("*.json", "*/*.json", "*/*/*.json")
OBJECT, CROWD = "object", "crowd"
SPLIT_NAMES = {"train": "train", "validation": "val", "test": "test", None: "default"}
_LISTS = ("images", "annotations", "categories")
_MARKS = (b'"file_name"', b'"image_id"', b'"categories"')


def recognizes(root: Path) -> bool:
    """Whether a JSON file of instances is given, or lies in the folder or up to two folders below it."""
    if root.is_file():
        return root.suffix.lower() == ".json" and _is_instances(root)
    found = (path for pattern in FOLDERS for path in sorted(islice(root.glob(pattern), MOST_LOOKED_AT)))
    return any(_is_instances(path) for path in islice(found, MOST_LOOKED_AT))


def read(root: Path, tell: Tell = refuse) -> Iterator[Sample]:
    """A sample for each picture that a file of instances lists.

    Args:
        root: the folder, or one file of instances.
        tell: takes faults. A region that has one is left out and the others of its picture stay; a picture that has one is
            left out.

    Raises:
        InputRefused: `bad_dataset`: no file of instances, or one that is damaged; `input_missing`, `size_limit`.
    """
    files = Files(root)
    pictures = Pictures(files)
    lists = [root.resolve()] if root.is_file() else [path for path in files.having([".json"]) if _is_instances(path)]
    if not lists:
        raise InputRefused(
            "bad_dataset",
            "There is no JSON file with images, annotations and categories. Without one nothing says what the pictures show. "
            "Give the folder that holds it, or the file itself.",
        )
    for number, path in enumerate(lists, start=1):
        yield from _read_list(path, f" of list {number}" if len(lists) > 1 else "", pictures, tell)


def write(samples: Iterable[Sample], out: Path, dropped: Dropped) -> None:
    """Write `images/` and, for each split, `annotations/instances_<train, val, test or default>.json`.

    Boxes, outlines and masks (as the text of run lengths) are held exactly. A picture of several samples is listed once, with
    the regions of all. Records wait on disk, not in memory, until their file is put together.

    Args:
        samples: any; pictures of kind "image" are written.
        out: the folder; is made.
        dropped: counts what COCO cannot hold.

    Raises:
        UsageError: `bad_option`: there is no such picture.
    """
    export, categories, lists = Export(out, dropped), dict[str, int](), dict[str, _List]()
    try:
        for sample in samples:
            count_unheld(sample, dropped)
            for image, regions in pictures_in(sample, dropped):
                name = SPLIT_NAMES[sample.provenance.split]
                if name not in lists:
                    lists[name] = _List.begun(out / "annotations" / f".{name}")
                lists[name].add(export.picture(image), image, regions, sample.provenance.licence, categories, dropped)
        if not lists:
            raise UsageError("bad_option", "No sample has a plain picture, and COCO holds no others. Choose another format.")
        for name, each in lists.items():
            each.finish(out / "annotations" / f"instances_{name}.json", categories)
    finally:
        for each in lists.values():
            each.clear()


def _is_instances(path: Path) -> bool:
    """Told by the beginning and the end of the file: the lists in it may be of any length and in any order."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            file.seek(max(HEAD_BYTES, path.stat().st_size - HEAD_BYTES))
            ends = head + file.read(HEAD_BYTES)
    except OSError:
        return False
    if not head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return False
    if len(head) == HEAD_BYTES:
        return all(mark in ends for mark in _MARKS[:2])
    if not all(b'"' + name.encode() + b'"' in ends for name in _LISTS):
        return False
    try:
        found = json.loads(head.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    if not all(isinstance(found.get(name), list) for name in _LISTS):
        return False
    some = [item for item in found["annotations"][:MOST_LOOKED_AT] if isinstance(item, dict)]
    return not found["annotations"] or any("bbox" in item or "segmentation" in item for item in some)


def _read_list(path: Path, which: str, pictures: Pictures, tell: Tell) -> Iterator[Sample]:
    """The samples of one file of instances; `which` says which one, for faults."""
    lists = document(path)
    if not isinstance(lists, dict) or not all(isinstance(lists.get(name), list) for name in _LISTS):
        raise InputRefused(
            "bad_dataset", "A file of instances lacks the lists images, annotations and categories. Copy it again, or mend it."
        )
    categories = {item.get("id"): item for item in lists["categories"] if isinstance(item, dict) and _is_id(item.get("id"))}
    licences = {item.get("id"): item.get("name") for item in lists.get("licenses") or [] if isinstance(item, dict)}
    split = split_of(*path.relative_to(pictures.files.root).with_suffix("").parts)
    listed = {item.get("id") for item in lists["images"] if isinstance(item, dict)}
    marks: defaultdict[Any, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for number, item in enumerate(lists["annotations"], start=1):
        of = item.get("image_id") if isinstance(item, dict) else None
        if not _is_id(of) or of not in listed:
            tell(Fault("record_malformed", f"annotation {number}{which}", "It names no picture of the list."))
        else:
            marks[of].append((f"annotation {number}{which}", item))
    pictures.expect(
        item["file_name"] for item in lists["images"] if isinstance(item, dict) and isinstance(item.get("file_name"), str)
    )
    seen: set[Any] = set()
    for number, item in enumerate(lists["images"], start=1):
        where = f"image {number}{which}"
        try:
            name, image = _picture(item, seen, pictures)
        except RecordRefused as wrong:
            tell(wrong.at(where))
            continue
        regions = [region for at, mark in marks[item["id"]] for region in _regions(at, mark, image, categories, tell)]
        licence = licences.get(item.get("license")) if _is_id(item.get("license")) else None
        yield sample_of(
            NAME,
            (path.name, str(item["id"]), name),
            [image],
            regions,
            annotation="COCO instances",
            split=split or split_of(*Path(name).parts[:-1]),
            licence=licence if isinstance(licence, str) and licence else "unknown",
        )


def _is_id(value: Any) -> bool:
    return isinstance(value, (int, str)) and not isinstance(value, bool)


def _picture(item: Any, seen: set[Any], pictures: Pictures) -> tuple[str, Image]:
    """The name and the picture of an entry of `images`."""
    if not isinstance(item, dict) or not _is_id(item.get("id")) or not isinstance(item.get("file_name"), str):
        raise RecordRefused("record_malformed", "It has no id or no file_name.")
    if item["id"] in seen:
        raise RecordRefused("record_malformed", "Its id is that of a picture before it: annotations could mean either.")
    seen.add(item["id"])
    image = pictures.open(item["file_name"])
    if image.kind != "image":
        raise RecordRefused("record_malformed", f"It names a {image.kind}, and COCO's places lie in pictures.")
    stated = (item.get("height"), item.get("width"))
    if None not in stated and stated != image.shape:
        raise RecordRefused(
            "box_space",
            f"The list states {stated[1]} × {stated[0]} px and the picture has {image.shape[1]} × {image.shape[0]}: its "
            "annotations belong to another grid.",
        )
    return item["file_name"], image


def _regions(
    where: str, mark: dict[str, Any], image: Image, categories: Mapping[Any, dict[str, Any]], tell: Tell
) -> Iterator[Region]:
    """The regions of one annotation: its outline or mask, else its box; and its key points."""
    plane = (image.shape[0], image.shape[1])
    try:
        of = mark.get("category_id")
        category = categories.get(of, {}) if _is_id(of) else {}
        label = label_of(category.get("name"))
        box = _box(mark, plane)
        drawn = _pieces(mark.get("segmentation"), plane)
        points = list(_key_points(mark, category, plane))
        if not (drawn or box or points):
            raise RecordRefused("record_malformed", "It has neither a box nor an outline, a mask or key points.")
    except RecordRefused as wrong:
        tell(wrong.at(where))
        return
    if drawn:
        taken = _taken(drawn, mark, plane)
        if taken is None:
            tell(Fault("mask_all_zero", where, "Its mask marks nothing; it is left out."))
            return
        if box and (conflict := contradiction(box, taken)):
            tell(Fault("annotation_conflict", where, f"{conflict} The outline or mask was used."))
    pieces = drawn or ([box] if box else [])
    own = mark.get("attributes")
    said = {str(name): _said(value) for name, value in (own if isinstance(own, dict) else {}).items() if value is not None}
    said |= {CROWD: "yes"} if mark.get("iscrowd") == 1 else {}
    said |= {OBJECT: str(mark.get("id", where))} if len(pieces) + len(points) > 1 else {}
    yield from (Region(label, piece, attributes=said) for piece in pieces)
    yield from (Region(name, point, attributes=said) for name, point in points)


def _box(mark: dict[str, Any], plane: tuple[int, int]) -> Box | None:
    stated = mark.get("bbox")
    if stated is None or stated == []:
        return None
    x, y, width, height = finite(stated, 4)
    return box_of((x, y, x + width, y + height), plane, otherwise=((x, y, width, height), "x0, y0, x1, y1"))


def _pieces(stated: Any, plane: tuple[int, int]) -> list[Geometry]:
    """The outlines or the mask of an object; none where there is no segmentation."""
    if stated is None or stated == [] or stated == {}:
        return []
    if isinstance(stated, dict):
        return [Mask(partial(mask_of, _counts(stated, plane), plane))]
    if not isinstance(stated, list) or not all(isinstance(ring, list) for ring in stated):
        raise RecordRefused("record_malformed", "Its segmentation is neither a list of outlines nor run lengths.")
    found: list[Geometry] = []
    for ring in stated:
        numbers = finite(ring)
        if len(numbers) % 2:
            raise RecordRefused("record_malformed", f"An outline has {len(numbers)} numbers: the last has no partner.")
        found.append(polygon_of(list(zip(numbers[::2], numbers[1::2], strict=True)), plane))
    return found


def _counts(stated: dict[str, Any], plane: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Run lengths that fit the picture; nothing of the picture's size is made before they do."""
    size = stated.get("size")
    if size != list(plane):
        said = " × ".join(str(int(side)) for side in finite(size, 2))
        raise RecordRefused("mask_geometry", f"Its mask is {said} and the picture {plane[0]} × {plane[1]} (rows × columns).")
    written = stated.get("counts")
    total = math.prod(plane)
    try:
        if isinstance(written, str):
            counts = counts_of_text(written)
        else:
            lengths = finite(written)
            if not all(0 <= value <= total and value.is_integer() for value in lengths):
                raise ValueError("a run's length is no whole number from 0 to the size of the picture")
            counts = np.array(lengths, np.int64)
        if counts.size and (counts.min() < 0 or counts.max() > total):
            raise ValueError(f"a run is {counts.min()} or {counts.max()} long, and the picture has {total} pixels")
        if int(counts.sum()) != total:
            raise ValueError(f"the runs add up to {int(counts.sum())}, and the picture has {total} pixels")
    except ValueError as wrong:
        raise RecordRefused("mask_geometry", f"Its run lengths do not fit the picture: {wrong}.") from wrong
    return counts


def _taken(pieces: Sequence[Geometry], mark: dict[str, Any], plane: tuple[int, int]) -> Box | None:
    """What the pieces of an object take up; of run lengths without making the mask."""
    if isinstance(pieces[0], Mask):
        found = bounds(_counts(mark["segmentation"], plane), plane[0])
        return found and Box(tuple(map(float, found[:2])), tuple(map(float, found[2:])))
    boxes = [box for piece in pieces if (box := extent(piece))]
    low, high = (zip(*(getattr(box, end) for box in boxes), strict=True) for end in ("low", "high"))
    return Box(tuple(map(min, low)), tuple(map(max, high)))


def _key_points(mark: dict[str, Any], category: dict[str, Any], plane: tuple[int, int]) -> Iterator[tuple[str, Point]]:
    """The name and place of each key point that is labeled (visibility 1 or 2)."""
    stated, names = mark.get("keypoints"), category.get("keypoints")
    if not stated:
        return
    values = finite(stated)
    if not isinstance(names, list) or len(values) != 3 * len(names):
        raise RecordRefused("record_malformed", f"It has {len(values)} numbers of key points; three for each name are needed.")
    for name, x, y, visible in zip(names, values[::3], values[1::3], values[2::3], strict=True):
        if visible > 0:
            if not (0 <= x <= plane[1] and 0 <= y <= plane[0]):
                raise RecordRefused("box_outside", f"A key point lies at ({x:g}, {y:g}) in {plane[1]} × {plane[0]} px.")
            yield label_of(name), Point((y, x))


def _said(value: Any) -> str:
    """A fact of an annotation in words."""
    return (
        {True: "yes", False: "no"}[value] if isinstance(value, bool) else value if isinstance(value, str) else json.dumps(value)
    )


@dataclass
class _List:
    """A file of instances in the making: its two long lists as lines in drafts."""

    images: IO[str]
    marks: IO[str]
    pictures: dict[str, int] = field(default_factory=dict)
    licences: dict[str, int] = field(default_factory=dict)
    seen: set[tuple[int, bytes]] = field(default_factory=set)
    count: int = 0

    @staticmethod
    def begun(draft: Path) -> "_List":
        draft.parent.mkdir(parents=True, exist_ok=True)
        places = [draft.with_name(f"{draft.name}.{what}") for what in _LISTS[:2]]
        return _List(places[0].open("w+", encoding="utf-8"), places[1].open("w+", encoding="utf-8"))

    def add(
        self, name: str, image: Image, regions: Sequence[Region], licence: str, categories: dict[str, int], dropped: Dropped
    ) -> None:
        """List a picture unless it is, and the regions that are new of it."""
        number = self.pictures.get(name)
        if number is None:
            number = self.pictures[name] = len(self.pictures) + 1
            height, width = image.shape
            stated = {"id": number, "file_name": Path(name).name, "width": width, "height": height}
            stated["license"] = self.licences.setdefault(licence, len(self.licences) + 1)
            self.images.write(json.dumps(stated) + "\n")
        for mark in _marks(regions, categories, (image.shape[0], image.shape[1]), dropped):
            same = (number, sha256(json.dumps(mark).encode()).digest())
            if same not in self.seen:
                self.seen.add(same)
                self.count += 1
                self.marks.write(json.dumps({"id": self.count, "image_id": number, **mark}) + "\n")

    def finish(self, path: Path, categories: Mapping[str, int]) -> None:
        """Put the file together."""
        short = {
            "info": {"description": "Written by Vesalius"},
            "licenses": [{"id": number, "name": name, "url": ""} for name, number in self.licences.items()],
            "categories": [{"id": number, "name": name, "supercategory": ""} for name, number in categories.items()],
        }
        with appearing(path) as draft, draft.open("w", encoding="utf-8") as file:
            file.write(json.dumps(short)[:-1])
            for name, lines in (("images", self.images), ("annotations", self.marks)):
                file.write(f',\n"{name}": [')
                lines.seek(0)
                for index, line in enumerate(lines):
                    file.write((",\n" if index else "\n") + line.rstrip("\n"))
                file.write("\n]")
            file.write("}\n")

    def clear(self) -> None:
        """Remove the drafts."""
        for draft in (self.images, self.marks):
            draft.close()
            Path(draft.name).unlink()


def _marks(
    regions: Sequence[Region], categories: dict[str, int], plane: tuple[int, int], dropped: Dropped
) -> Iterator[dict[str, Any]]:
    """The annotations of a picture; outlines of one object are one."""
    objects: dict[Any, list[Region]] = {}
    for index, region in enumerate(regions):
        whole = region.attributes.get(OBJECT) if isinstance(region.geometry, Polygon) else None
        objects.setdefault(index if whole is None else (region.label, whole), []).append(region)
    for pieces in objects.values():
        first = pieces[0]
        if isinstance(first.geometry, Point):
            dropped["points: the format has key points of objects alone"] += 1
            continue
        boxes = [box for piece in pieces if (box := extent(piece.geometry))]
        if not boxes:
            dropped["masks that mark nothing"] += 1
            continue
        low = [min(box.low[axis] for box in boxes) for axis in (0, 1)]
        high = [max(box.high[axis] for box in boxes) for axis in (0, 1)]
        drawn, area = _drawn([piece.geometry for piece in pieces], plane)
        said = {name: value for name, value in first.attributes.items() if name not in (OBJECT, CROWD)}
        yield {
            "category_id": categories.setdefault(first.label, len(categories) + 1),
            "bbox": [low[1], low[0], high[1] - low[1], high[0] - low[0]],
            "area": area or (high[0] - low[0]) * (high[1] - low[1]),
            "segmentation": drawn,
            "iscrowd": int(first.attributes.get(CROWD) == "yes"),
            **({"attributes": said} if said else {}),
        }


def _drawn(pieces: Sequence[Geometry], plane: tuple[int, int]) -> tuple[Any, float]:
    """The `segmentation` of an object and its area: outlines, run lengths, or none of a box."""
    first = pieces[0]
    if isinstance(first, Mask):
        counts = counts_of(first.load())
        return {"size": list(plane), "counts": text_of(counts)}, float(counts[1::2].sum())
    outlines = [piece for piece in pieces if isinstance(piece, Polygon)]
    rings = [[value for y, x in outline.vertices for value in (x, y)] for outline in outlines]
    return rings, sum(abs(signed_area_px(outline)) for outline in outlines)
