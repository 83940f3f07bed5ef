"""Pascal VOC: pictures with boxes around objects, an XML file each, and maps of classes and objects where there are any.

What:       `Annotations/<stem>.xml` for each picture; `ImageSets/**/<split>.txt` lists the stems of each published split.
Layout:     the XML files may lie in `Annotations` below the source (`VOCdevkit/VOC2012/Annotations`) or beside their pictures
            (`train/<stem>.xml`); pictures anywhere, found by `filename` or else by the stem. `SegmentationObject/<stem>.png`
            numbers the objects in the order of the XML file, `SegmentationClass/<stem>.png` the classes, as VOC's own colors;
            `labelmap.txt` (label:red,green,blue:…:…) gives other colors and names. White (224, 224, 192) is nobody's.
Holds:      corners as pixels, the first 1, both inside: xmin 1 and xmax 640 cover our 0 to 640. An object's mask is its region,
            with the box checked against it; the box where there is no mask. `pose`, `truncated`, `difficult`, `occluded` and
            `attributes` that say something are the region's attributes.
Lacks:      outlines, points, questions, reports, measurements, patients; volumes, clips and slides. Corners of parts of pixels
            are written with the part, which the devkit reads and some tools cut off.
Split unit: the picture, because VOC names no patients: pictures of one patient may lie on both sides.
Labels:     as annotated. What is not annotated may be there all the same, so that nothing is stated absent.
Defects:    some programs count pixels from 0: a corner at 0 shows it and is told (`box_space`), but boxes that do not touch the
            upper or left edge look right and lie a pixel too far up and left; `read(…, first_pixel=0)` reads such files. A size
            of 0 × 0 means that nobody measured it.
Samples:    task "annotation", one for each XML file, without turns.
Licence:    not stated by the format.
Source:     the development kit of the Pascal VOC challenge 2012, sections 3.1, 4 and 9; CVAT's documentation for `labelmap.txt`.
"""

import functools
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from vesalius.datasets.annotated import (
    box_of,
    contradiction,
    count_unheld,
    extent,
    label_of,
    pictures_in,
    sample_of,
    split_of,
)
from vesalius.datasets.exports import Dropped, Export
from vesalius.datasets.faults import Fault, Tell, refuse
from vesalius.datasets.label_maps import check_geometry
from vesalius.datasets.sources import Files, Pictures, RecordRefused
from vesalius.datasets.split import Split
from vesalius.datasets.store.media import appearing
from vesalius.errors import InputRefused, UsageError
from vesalius.types import Array, Box, Image, Mask, Region, Sample

NAME = "voc"
FOLDERS = ("Annotations", "annotations", "*/Annotations", "*/*/Annotations", ".", "train", "valid", "val", "test")
MOST_LOOKED_AT = 8
MOST_BYTES = 1 << 26  # of one XML file
PICTURES_IN = ("", "JPEGImages", "images", "Images")
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".dcm")
SPLIT_LISTS = {"train": "train", "validation": "val", "test": "test"}
AT_ONCE = 64
# Section 3.1 of the development kit: the numbers of classes in maps, from 1.
_CLASSES = """aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person pottedplant sheep
sofa train tvmonitor"""
CLASSES = tuple(_CLASSES.split())
VOID = 255
Color = tuple[int, ...]
_FLAGS = ("truncated", "difficult", "occluded")
_HEAD = re.compile(rb"<annotation[\s>]")
_HOLDS = re.compile(rb"<(?:filename|size|object)[\s>/]")


def recognizes(root: Path) -> bool:
    """Whether an XML file in the folder of annotations, or beside pictures, is an `annotation` of a picture."""
    if not root.is_dir():
        return False
    found = (path for folder in FOLDERS for path in islice(root.glob(f"{folder}/*.xml"), MOST_LOOKED_AT))
    return any(_is_annotation(path) for path in islice(found, MOST_LOOKED_AT))


def read(root: Path, tell: Tell = refuse, *, first_pixel: int = 1) -> Iterator[Sample]:
    """A sample for each XML file.

    Args:
        root: the folder, at any height above the annotations.
        tell: takes faults. A region that has one is left out and the others of its picture stay; a picture that has one is
            left out.
        first_pixel: what the first pixel of a row or column is called: 1, or 0 for files of programs that do otherwise.

    Raises:
        InputRefused: `bad_dataset`: no annotation; `input_missing`, `size_limit`.
    """
    files = Files(root)
    paths = [path for path in files.having([".xml"]) if path.parent.name.lower() == "annotations" or _is_annotation(path)]
    if not paths:
        raise InputRefused(
            "bad_dataset",
            "There is no XML file with an annotation of a picture. Without one nothing says what the pictures show. Give the "
            "folder that holds Annotations and JPEGImages.",
        )
    pictures = Pictures(files)
    folder = _Folder(pictures, frozenset(files.paths), _published(files), _label_map(files), first_pixel)
    for start in range(0, len(paths), AT_ONCE):
        some = [(number, path, _parsed(path)) for number, path in enumerate(paths[start : start + AT_ONCE], start=start + 1)]
        places = [(path, _place(path, tree, folder.known)) for _, path, tree in some if isinstance(tree, ElementTree.Element)]
        pictures.expect(str(place.relative_to(files.root)) for _, place in places if place)
        for number, path, tree in some:
            where = f"annotation {number}"
            try:
                yield _sample(path, tree, where, folder, tell)
            except RecordRefused as wrong:
                tell(wrong.at(where))


def write(samples: Iterable[Sample], out: Path, dropped: Dropped) -> None:
    """Write `JPEGImages/`, `Annotations/` and `ImageSets/Main/<train, val or test>.txt`.

    Boxes are held; of outlines and masks their boxes, which `dropped` counts. A picture of several samples has one XML file
    with the regions of all.

    Args:
        samples: any; pictures of kind "image" are written.
        out: the folder; is made.
        dropped: counts what VOC cannot hold.

    Raises:
        UsageError: `bad_option`: there is no such picture.
    """
    export, lists, is_empty = Export(out, dropped, media="JPEGImages"), dict[str, dict[str, None]](), True
    for sample in samples:
        count_unheld(sample, dropped)
        for image, regions in pictures_in(sample, dropped):
            name, is_empty = export.picture(image), False
            _write_annotation(out, name, image, regions, dropped)
            if sample.provenance.split:
                lists.setdefault(SPLIT_LISTS[sample.provenance.split], {})[Path(name).stem] = None
            if sample.provenance.licence != "unknown":
                dropped["licences: the format has none"] += 1
    if is_empty:
        raise UsageError("bad_option", "No sample has a plain picture, and VOC holds no others. Choose another format.")
    for split, stems in lists.items():
        with appearing(out / "ImageSets" / "Main" / f"{split}.txt") as draft:
            draft.write_text("".join(f"{stem}\n" for stem in stems), encoding="utf-8")


@dataclass(frozen=True, eq=False)
class _Folder:
    """What is known of a source as a whole: its pictures and files, splits by file stem, names by color, what 1 is called."""

    pictures: Pictures
    known: frozenset[Path]
    published: Mapping[str, set[Split]]
    names: Mapping[Color, str]
    first_pixel: int


def _is_annotation(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return False
    return _HEAD.search(head) is not None and _HOLDS.search(head) is not None


def _parsed(path: Path) -> ElementTree.Element | RecordRefused:
    """The root of an XML file, or why it has none."""
    if path.stat().st_size > MOST_BYTES:
        return RecordRefused("record_malformed", f"The XML file is larger than {MOST_BYTES >> 20} MiB.")
    try:
        found = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, ValueError, LookupError):
        return RecordRefused("record_malformed", "The file is no well-formed XML, or is cut off.")
    return found if found.tag == "annotation" else RecordRefused("record_malformed", "The XML file is no annotation.")


def _place(path: Path, tree: ElementTree.Element, known: frozenset[Path]) -> Path | None:
    """The picture of an XML file where it is looked for first: beside it, or in the folder of pictures beside its own."""
    name = re.split(r"[\\/]", tree.findtext("filename", default="").strip())[-1]
    names = [name, *(f"{stem}{end}" for stem in dict.fromkeys((path.stem, Path(name).stem)) for end in SUFFIXES)]
    folders = [path.parent, *(path.parent.parent / folder for folder in PICTURES_IN)]
    return next((folder / each for each in names if each for folder in folders if folder / each in known), None)


def _sample(path: Path, tree: ElementTree.Element | RecordRefused, where: str, folder: "_Folder", tell: Tell) -> Sample:
    """The sample of one XML file."""
    if isinstance(tree, RecordRefused):
        raise tree
    place = _place(path, tree, folder.known)
    image = (
        folder.pictures.at(place) if place else folder.pictures.open(tree.findtext("filename", default="").strip() or path.stem)
    )
    if image.kind != "image":
        raise RecordRefused("record_malformed", f"It is about a {image.kind}, and VOC's boxes lie in pictures.")
    stated = [(tree.findtext(f"size/{side}") or "0").strip() for side in ("width", "height")]
    if "0" not in stated and stated != [str(image.shape[1]), str(image.shape[0])]:
        raise RecordRefused(
            "box_space",
            f"It states {' × '.join(stated)[:40]} px and the picture has {image.shape[1]} × {image.shape[0]}: its boxes belong "
            "to another grid.",
        )
    splits = folder.published.get(path.stem, set())
    if len(splits) > 1:
        tell(Fault("picture_across_splits", where, f"The lists name it in {len(splits)} splits."))
    regions = list(_regions(path, tree, where, image, folder, tell))
    relative = path.relative_to(folder.pictures.files.root)
    split = min(splits) if len(splits) == 1 else None if splits else split_of(*relative.parts[:-1])
    return sample_of(NAME, relative.parts, [image], regions, annotation="VOC objects", split=split)


def _regions(path: Path, tree: ElementTree.Element, where: str, image: Image, folder: "_Folder", tell: Tell) -> Iterator[Region]:
    """The objects of a picture, each by its mask or else its box, their parts, and what the map of classes adds."""
    maps = {}
    for kind in ("SegmentationObject", "SegmentationClass"):
        drawn = path.parent.parent / kind / f"{path.stem}.png"
        if drawn in folder.known:
            try:
                maps[kind] = _Map.opened(folder.pictures.at(drawn), image, folder.names if kind == "SegmentationClass" else {})
            except RecordRefused as wrong:
                tell(wrong.at(where))
    boxed: list[str] = []
    objects = maps.get("SegmentationObject")
    items = tree.findall("object")
    for number, item in enumerate(items, start=1):
        at = f"{where}, object {number}"
        try:
            label = label_of(item.findtext("name"))
            box = _box(item, image, folder.first_pixel)
            parts = [(label_of(part.findtext("name")), _box(part, image, folder.first_pixel)) for part in item.findall("part")]
        except RecordRefused as wrong:
            tell(wrong.at(at))
            continue
        boxed.append(label)
        mask = objects.mask(number) if objects else None
        taken = extent(mask) if mask else None
        if taken and (conflict := contradiction(box, taken)):
            tell(Fault("annotation_conflict", at, f"{conflict} The mask was used."))
        yield Region(label, mask or box, attributes=_said(item))
        yield from (Region(name, part, attributes={"part of": label}) for name, part in parts)
    if objects and (surplus := [n for n in objects.codes if n > len(items)]):
        tell(Fault("label_unknown", where, f"The map of objects has number {surplus[0]} and the file lists {len(items)}."))
    classes = maps.get("SegmentationClass")
    if classes and not objects:
        yield from _of_classes(classes, folder.names, boxed, where, tell)


def _of_classes(classes: "_Map", names: Mapping[Color, str], boxed: Sequence[str], where: str, tell: Tell) -> Iterator[Region]:
    """A mask of all objects of a class, for each class of the map."""
    listed = list(names.values()) or ["background", *CLASSES]
    for number in classes.codes:
        try:
            label = label_of(listed[number] if number < len(listed) else None)
        except RecordRefused as wrong:
            tell(wrong.at(f"{where}, class {number} of its map"))
            continue
        if mask := classes.mask(number):
            yield Region(label, mask, attributes={"objects": "all"} if label in boxed else {})
    if classes.others:
        tell(Fault("label_unknown", where, f"The map of classes has {classes.others} colors that no class has."))


@dataclass(frozen=True, eq=False)
class _Map:
    """A map of numbers, stored as such in gray or in VOC's colors (or those of `labelmap.txt`)."""

    image: Image
    picture: Image
    codes: dict[int, int]  # of every number but 0 and void that is in the map, how its pixels are packed
    others: int  # colors that are no number's

    @staticmethod
    def opened(image: Image, picture: Image, own: Mapping[Color, str]) -> "_Map":
        check_geometry(image, picture)
        if image.channels == 1:
            found = np.unique(_packed(image)).tolist()
            return _Map(image, picture, {n: n for n in found if n not in (0, VOID)}, 0)
        colors = list(own) if own else [_color(number) for number in range(VOID)]
        known = {_pack(color): number for number, color in enumerate(colors)}
        void = _pack(_color(VOID))
        here = [code for code in np.unique(_packed(image)).tolist() if code not in (0, void)]
        codes = {known[code]: code for code in here if code in known}
        return _Map(image, picture, codes, sum(code not in known for code in here))

    def mask(self, number: int) -> Mask | None:
        """What has this number; None for nothing."""
        code = self.codes.get(number)
        return None if code is None else Mask(functools.partial(_having, self.image, code))


def _color(number: int) -> Color:
    """The color of a number: its bits, lowest first, dealt to red, green and blue from their highest down (section 9)."""
    return tuple(sum((number >> (3 * place + channel) & 1) << (7 - place) for place in range(3)) for channel in range(3))


def _pack(color: Color) -> int:
    return color[0] << 16 | color[1] << 8 | color[2]


@functools.lru_cache(maxsize=1)
def _packed(image: Image) -> npt.NDArray[np.int32]:
    """The colors of a map as single numbers, kept until another map is asked for."""
    try:
        values: Array = image.load()
    except InputRefused as refused:
        raise RecordRefused("media_unreadable", f"A map cannot be decoded ({refused.code}). {refused.message}") from refused
    if image.channels == 1:
        return values.astype(np.int32)
    deep = values.astype(np.int32)
    return deep[..., 0] << 16 | deep[..., 1] << 8 | deep[..., 2]


def _having(image: Image, code: int) -> npt.NDArray[np.bool_]:
    try:
        found: npt.NDArray[np.bool_] = _packed(image) == code
    except RecordRefused as wrong:
        raise InputRefused("file_changed", "A map has changed since it was described. Read the dataset again.") from wrong
    return found


def _box(item: ElementTree.Element, image: Image, first_pixel: int) -> Box:
    """The box of an object, in our pixels."""
    try:
        corners = [float(item.findtext(f"bndbox/{name}") or "") for name in ("xmin", "ymin", "xmax", "ymax")]
    except ValueError:
        raise RecordRefused("record_malformed", "Its box is not four numbers.") from None
    if not all(map(math.isfinite, corners)):
        raise RecordRefused("record_malformed", "Its box is not four finite numbers.")
    x0, y0, x1, y1 = corners
    plane = (image.shape[0], image.shape[1])
    inside = first_pixel - 1
    if first_pixel == 1 and min(x0, y0) == 0 and x1 > x0 and y1 > y0 and x1 <= plane[1] and y1 <= plane[0]:
        said = f"Its box runs from ({x0:g}, {y0:g}) to ({x1:g}, {y1:g}) (xmin, ymin, xmax, ymax)"
        raise RecordRefused("box_space", f"{said}, and the first pixel is 1: it is counted from 0.")
    if x1 < x0 or y1 < y0:
        raise RecordRefused("box_inverted", f"Its box runs from ({x0:g}, {y0:g}) to ({x1:g}, {y1:g}): it ends before it begins.")
    if x1 == x0 or y1 == y0:
        # One pixel wide by the letter, but what programs write for a click without a box.
        said = f"Its box runs from ({x0:g}, {y0:g}) to ({x1:g}, {y1:g})"
        raise RecordRefused("box_without_extent", f"{said}: it has no extent on an axis.")
    if max(corners) <= 1:
        raise RecordRefused("box_space", "All numbers of its box are at most 1: they are stated in parts of the picture.")
    return box_of((x0 - first_pixel, y0 - first_pixel, x1 - inside, y1 - inside), plane)


def _said(item: ElementTree.Element) -> dict[str, str]:
    """What an object's entry says besides its name and box; what it does not specify is left out."""
    said = {flag: "yes" for flag in _FLAGS if (item.findtext(flag) or "").strip().lower() in ("1", "true", "yes")}
    pose = (item.findtext("pose") or "").strip()
    said |= {"pose": pose} if pose.lower() not in ("", "unspecified") else {}
    for entry in item.findall("attributes/attribute"):
        name, value = ((entry.findtext(part) or "").strip() for part in ("name", "value"))
        said |= {name: value} if name and value else {}
    return said


def _published(files: Files) -> dict[str, set[Split]]:
    """File stem → the splits whose lists name it: `train`, `val` and `test`, not those of single classes."""
    found: dict[str, set[Split]] = {}
    for path in files.having([".txt"]):
        split = split_of(path.stem)
        if split and "imagesets" in (part.lower() for part in path.parts) and re.fullmatch("[a-z]+", path.stem.lower()):
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                if words := line.split():
                    found.setdefault(words[0], set()).add(split)
    return found


def _label_map(files: Files) -> dict[Color, str]:
    """Color → name, of `labelmap.txt`; empty without one."""
    found: dict[Color, str] = {}
    for path in files.paths:
        if path.name.lower() == "labelmap.txt":
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                name, _, rest = line.partition(":")
                numbers = re.fullmatch(r"\s*(\d{1,3}),\s*(\d{1,3}),\s*(\d{1,3})\s*", rest.partition(":")[0])
                if numbers and not line.startswith("#"):
                    found[tuple(int(value) for value in numbers.groups())] = name.strip()
    return found


def _write_annotation(out: Path, name: str, image: Image, regions: Sequence[Region], dropped: Dropped) -> None:
    """The XML file of a picture, or the one that is there with the objects that are new."""
    path = out / "Annotations" / f"{Path(name).stem}.xml"
    tree = ElementTree.parse(path).getroot() if path.exists() else _begun(name, image)
    there = {_same(item) for item in tree.findall("object")}
    for region in regions:
        box = extent(region.geometry)
        if box is None:
            dropped["points, and masks that mark nothing: the format has boxes alone"] += 1
            continue
        if min(box.size) <= 1:
            dropped["boxes no more than a pixel across: the format takes them for none"] += 1
            continue
        if not isinstance(region.geometry, Box):
            dropped[f"{type(region.geometry).__name__.lower()}s: their boxes were written, the format has no others"] += 1
        item = _object(region, box)
        if _same(item) not in there:
            there.add(_same(item))
            tree.append(item)
    ElementTree.indent(tree)
    with appearing(path) as draft:
        draft.write_bytes(ElementTree.tostring(tree, encoding="utf-8") + b"\n")


def _begun(name: str, image: Image) -> ElementTree.Element:
    tree = ElementTree.Element("annotation")
    size = {"width": image.shape[1], "height": image.shape[0], "depth": image.channels}
    _add(tree, "folder", "JPEGImages")
    _add(tree, "filename", Path(name).name)
    measured = ElementTree.SubElement(tree, "size")
    for side, value in size.items():
        _add(measured, side, str(value))
    _add(tree, "segmented", "0")
    return tree


def _object(region: Region, box: Box) -> ElementTree.Element:
    item, said = ElementTree.Element("object"), dict(region.attributes)
    _add(item, "name", region.label)
    _add(item, "pose", said.pop("pose", "Unspecified"))
    for flag in _FLAGS:
        _add(item, flag, "1" if said.pop(flag, "no") == "yes" else "0")
    x0, y0, x1, y1 = box.xyxy_px
    corners = ElementTree.SubElement(item, "bndbox")
    for corner, value in (("xmin", x0 + 1), ("ymin", y0 + 1), ("xmax", x1), ("ymax", y1)):
        _add(corners, corner, str(int(value)) if value == int(value) else repr(float(value)))
    if said:
        entries = ElementTree.SubElement(item, "attributes")
        for name, stated in said.items():
            entry = ElementTree.SubElement(entries, "attribute")
            _add(entry, "name", name)
            _add(entry, "value", stated)
    return item


def _same(item: ElementTree.Element) -> str:
    """Equal for entries that say the same, however they are indented."""
    return ElementTree.canonicalize(ElementTree.tostring(item, encoding="unicode"), strip_text=True)


def _add(parent: ElementTree.Element, tag: str, text: str) -> None:
    ElementTree.SubElement(parent, tag).text = text
