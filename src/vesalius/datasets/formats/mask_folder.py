"""Mask folders: pictures or volumes, and masks of them that lie in another folder or have another ending.

What:       pairs of files, found by their names alone; a picture may have several masks.
Layout:     masks lie in a folder called `masks`, `labels`, `gt`, `segmentations`, `1st_manual` or the like, beside that of the
            pictures (`train/images/a.jpg`, `train/masks/a.png`), in folders of labels below it (`masks/polyp/a.png`), or beside
            the pictures with a word more or another (`a_mask.png`, `a_Mask.png`, `label_0.png` of `img_0.png`). A folder of
            masks beside just one picture belongs to it, and each file is called as its label (`s01/ct.nii.gz`,
            `s01/segmentations/liver.nii.gz`). `labels.json` beside them may name numbers: {"1": "polyp"} or {"polyp": 1}.
Holds:      masks. One of a single value is that of a label: its folder's or file's name where that says more than "mask", else
            "foreground". Several values are several labels, called by `labels.json`, or "label 1", "label 2", …
Lacks:      boxes, outlines (of plane pictures they are filled), points, questions, reports, measurements, patients, licences;
            clips and slides. Objects of one label in one picture are one mask.
Split unit: the picture, because nobody is named.
Labels:     as drawn. What a picture has no mask of is not stated absent.
Defects:    masks in JPEG have blurred rims: what is brighter than half belongs to them. The same is done, and told
            (`annotation_conflict`), with masks of many gray levels, which were resized. Predictions (`pred_…`) are no masks.
Samples:    task "annotation", one for each picture with a mask, without turns; all pictures where there is no mask at all.
Licence:    not stated by the format.
Source:     the layouts of Kvasir-SEG, HC18, DRIVE, MoNuSeg's copies, ISIC and TotalSegmentator; there is no specification.
"""

import functools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from urllib.parse import quote, unquote

import numpy as np
import numpy.typing as npt

from vesalius.clinical.images import open_image, suffix_of
from vesalius.clinical.nifti_write import write_nifti
from vesalius.clinical.upload import files_below
from vesalius.datasets.annotated import count_unheld, label_of, pictures_in, sample_of, split_of
from vesalius.datasets.exports import Dropped, Export
from vesalius.datasets.faults import Fault, Tell, refuse
from vesalius.datasets.label_maps import check_geometry, joined, regions_of_map, whole_numbers
from vesalius.datasets.sources import Files, Pictures, RecordRefused, document
from vesalius.datasets.store.media import appearing
from vesalius.errors import InputRefused, UsageError
from vesalius.transforms.draw import png_bytes
from vesalius.types import Image, Mask, Region, Sample

NAME = "mask_folder"
FOREGROUND, NAMES = "foreground", "labels.json"
MOST_LOOKED_AT = 4000
MANY_LEVELS, HALF = 64, 127
LISTS = ("dataset.json", "data.yaml", "Annotations", "SegmentationClass", "dataset_info.json")  # another format says what is what
LOSSY = (".jpg", ".jpeg")
SUFFIXES = (".png", ".bmp", ".tif", ".tiff", ".gif", ".webp", ".nii", ".nii.gz", ".mha", ".mhd", ".nrrd", ".mgz", ".dcm", *LOSSY)
# Words, in lower case, of folders and of parts of files' names.
_GENERIC = {"mask", "masks", "label", "labels", "gt", "groundtruth", "seg", "segs", "segmentation", "segmentations"}
_GENERIC |= {"annotation", "annotations", "target", "targets"}
_MASKS = _GENERIC | {"manual", "manual1", "manual2", "1st manual", "2nd manual", "ground truth"}
_PICTURES = {"image", "images", "img", "imgs", "picture", "pictures", "input", "inputs", "scan", "scans", "original", "originals"}
_SAYING_NOTHING = _MASKS | _PICTURES | {"training", "test"}
_PREDICTED = {"pred", "preds", "predicted", "prediction", "predictions"}
_WORDS = re.compile(r"[^_\-. ]+")
Key = tuple[tuple[str, ...], str]


def recognizes(root: Path) -> bool:
    """Whether names of pictures and masks in the folder fit together, and no list of another format lies there."""
    if not root.is_dir() or any((root / name).exists() for name in LISTS):
        return False
    some = [path for path in islice(files_below(root), MOST_LOOKED_AT) if path.name.lower().endswith(SUFFIXES)]
    found = _Found.among(some, root)
    return any(key in found.masks for key in found.pictures)


def read(root: Path, tell: Tell = refuse, *, label: str = FOREGROUND) -> Iterator[Sample]:
    """A sample for each picture with a mask.

    Args:
        root: the folder.
        tell: takes faults: masks and pictures without a partner or with several, and masks that do not fit their picture.
        label: of masks of one value that nothing names.

    Raises:
        InputRefused: `bad_dataset`: no picture; `input_missing`, `size_limit`.
    """
    files = Files(root)
    found = _Found.among(files.having(SUFFIXES), files.root)
    if not found.pictures:
        raise InputRefused(
            "bad_dataset", "There is no picture beside masks in the folder. Nothing can be read. Check the folder."
        )
    names = {path.parent: _names(path) for path in files.paths if path.name == NAMES}
    pictures, used = Pictures(files), set[Path]()
    for number, (key, same) in enumerate(sorted(found.pictures.items()), start=1):
        masks = found.masks.get(key, [])
        used |= {file.path for file in masks}
        path, where = same[0].path, f"picture {number}"
        try:
            if len(same) > 1:
                raise RecordRefused("media_ambiguous", f"{len(same)} pictures have one name: a mask could be of any of them.")
            if not masks and found.masks:
                raise RecordRefused("media_missing", "It has no mask.")
            image = pictures.at(path)
            if image.kind not in ("image", "volume"):
                raise RecordRefused("record_malformed", f"It is a {image.kind}, and masks are of pictures and volumes.")
        except RecordRefused as wrong:
            tell(wrong.at(where))
            continue
        pictures.expect(str(file.path.relative_to(files.root)) for file in masks)
        regions = list(_regions(masks, image, pictures, _named(path, names), label, tell, where))
        parts = path.relative_to(files.root).parts
        yield sample_of(NAME, parts, [image], regions, annotation="masks", split=split_of(*parts[:-1]))
    if lone := sum(file.path not in used for each in found.masks.values() for file in each):
        tell(Fault("media_missing", "masks", f"{lone} masks have no picture of their name."))
    if found.predicted:
        tell(Fault("media_unused", "predictions", f"{found.predicted} files are called predictions; they were left."))


def write(samples: Iterable[Sample], out: Path, dropped: Dropped) -> None:
    """Write `images/<name>` and `masks/<label>/<name>`, below a folder for each split where there are splits.

    Pictures and their masks are PNG (0 and 255), volumes and theirs NIfTI (0 and 1) at the same place in the patient.

    Args:
        samples: any; pictures and volumes with masks or, on pictures, outlines are written.
        out: the folder; is made.
        dropped: counts what masks cannot hold.

    Raises:
        UsageError: `bad_option`: there is no mask.
    """
    exports: dict[str, Export] = {}
    for sample in samples:
        count_unheld(sample, dropped)
        folder = f"{sample.provenance.split}/" if sample.provenance.split else ""
        for image, regions in pictures_in(sample, dropped, ("image", "volume")):
            masks = joined(regions, image.shape, dropped)
            if not masks:
                dropped["pictures without a mask"] += 1
                continue
            if sample.provenance.licence != "unknown":
                dropped["licences: the format has none"] += 1
            name = exports.setdefault(folder, Export(out, dropped, media=f"{folder}images")).any(image)
            stem = Path(name).name.partition(".")[0]
            for label, mask in masks.items():
                _write_mask(out / f"{folder}masks" / quote(label, safe=" "), stem, mask, image)
    if not exports:
        raise UsageError("bad_option", "No sample has a mask or outline, and this format holds no others. Choose another format.")


@dataclass(frozen=True)
class _File:
    """What a file's name and folders say of it.

    `key` is common to a picture and its masks: the folders that stand for neither and the words of the name that do. `label` is
    that of a folder, or "". `is_alone` when it lies in a folder of masks, or in none of pictures.
    """

    path: Path
    kind: str
    key: Key
    label: str
    is_alone: bool

    @staticmethod
    def of(path: Path, root: Path) -> "_File":
        *folders, _ = path.relative_to(root).parts
        words = [word.lower() for word in _WORDS.findall(_stem(path))]
        spoken = [folder.lower().replace("_", " ") for folder in folders]
        plain = " ".join([word for word in words if word not in _SAYING_NOTHING] or words)
        masks_at = next((index for index, folder in enumerate(spoken) if folder in _MASKS), None)
        in_pictures = any(folder in _PICTURES for folder in spoken)
        # Folders below that of masks are labels, but not those that name a split.
        labels = (
            [] if masks_at is None else [f for f in folders[masks_at + 1 :] if not split_of(f) and f.lower() not in _PICTURES]
        )
        kept = tuple(f for f, s in zip(folders, spoken, strict=True) if s not in _MASKS | _PICTURES and f not in labels)
        label = unquote(labels[-1]) if labels else ""
        if masks_at is not None and not label and spoken[masks_at] not in _GENERIC:
            label = folders[masks_at]
        is_mask = masks_at is not None or (not in_pictures and not _MASKS.isdisjoint(words))
        kind = "predicted" if _PREDICTED & {*words, *spoken} else "mask" if is_mask else "picture"
        return _File(path, kind, (kept, plain), label, masks_at is not None if is_mask else not in_pictures)


@dataclass
class _Found:
    """The pictures and masks of a source by their keys."""

    pictures: dict[Key, list[_File]] = field(default_factory=dict)
    masks: dict[Key, list[_File]] = field(default_factory=dict)
    predicted: int = 0

    @staticmethod
    def among(paths: Sequence[Path], root: Path) -> "_Found":
        found = _Found()
        for file in (_File.of(path, root) for path in paths):
            found.predicted += file.kind == "predicted"
            if file.kind != "predicted":
                (found.masks if file.kind == "mask" else found.pictures).setdefault(file.key, []).append(file)
        found._adopt()
        return found

    def _adopt(self) -> None:
        """Give the masks below a folder that holds just one picture, and none of its name, to it; their names are labels then."""
        alone: dict[tuple[str, ...], list[Key]] = {}
        for key, files in self.pictures.items():
            alone.setdefault(key[0], []).append(key)
            if len(files) > 1 or not files[0].is_alone or key in self.masks or not key[0]:
                alone[key[0]] += [key]
        for key in list(self.masks):
            there = alone.get(key[0], [])
            if len(there) == 1 and all(file.is_alone and not file.label for file in self.masks[key]):
                named = [replace(file, label=_stem(file.path)) for file in self.masks.pop(key)]
                self.masks.setdefault(there[0], []).extend(named)


def _stem(path: Path) -> str:
    return path.name[: len(path.name) - len(suffix_of(path.name) or path.suffix)]


def _names(path: Path) -> dict[int, str]:
    """Number → name, of a file that says so; empty when it says something else."""
    stated = document(path)
    if not isinstance(stated, dict):
        return {}
    turned = all(isinstance(value, int) for value in stated.values())
    pairs = ((value, key) if turned else (key, value) for key, value in stated.items())
    return {int(number): name for number, name in pairs if str(number).isdigit() and isinstance(name, str)}


def _named(path: Path, names: Mapping[Path, dict[int, str]]) -> dict[int, str]:
    """The names that hold for a file: of the nearest folder above it."""
    return next((names[folder] for folder in path.parents if folder in names), {})


def _regions(
    masks: Sequence[_File], image: Image, pictures: Pictures, names: Mapping[int, str], label: str, tell: Tell, where: str
) -> Iterator[Region]:
    """The regions of a picture's masks."""
    times = Counter(file.label for file in masks)
    for name in (name for name, number in times.items() if number > 1):
        said = f"{times[name]} masks of one label have the name of the picture: each could be it. None was used."
        tell(Fault("media_ambiguous", where, said))
    for file in masks:
        if times[file.label] > 1:
            continue
        try:
            yield from _drawn(pictures.at(file.path), image, file, names, label, tell, where)
        except RecordRefused as wrong:
            tell(wrong.at(where))


def _drawn(drawn: Image, image: Image, file: _File, names: Mapping[int, str], label: str, tell: Tell, where: str) -> list[Region]:
    """The regions of one mask."""
    check_geometry(drawn, image)
    own = label_of(file.label or label)
    is_lossy = file.path.name.lower().endswith(LOSSY)
    levels = [] if is_lossy else np.unique(whole_numbers(drawn)).tolist()
    if is_lossy or (len(levels) > MANY_LEVELS and drawn.kind == "image" and max(levels) <= 2 * HALF + 1):
        if not is_lossy:
            said = f"A mask has {len(levels)} gray levels, as masks that were resized have; what is above half was taken."
            tell(Fault("annotation_conflict", where, said))
        mask = Mask(functools.partial(_bright, drawn))
        if not mask.load().any():
            raise RecordRefused("mask_all_zero", "A mask marks nothing; it is left out.")
        return [Region(own, mask)]
    marked = [level for level in levels if level]
    if len(marked) <= 1 and (not names or (marked and marked[0] not in names)):
        classes = {own: set(marked or [1])}
    elif names:
        classes = {label_of(name): {number} for number, name in names.items() if number}
    else:
        classes = {f"{own} {number}" if file.label else f"label {number}": {number} for number in marked}
    return regions_of_map(drawn, image, classes, lambda wrong: tell(wrong.at(where)))


def _bright(drawn: Image) -> npt.NDArray[np.bool_]:
    values = drawn.load()
    found: npt.NDArray[np.bool_] = (values if drawn.channels == 1 else values[..., 0]) > HALF
    return found


def _write_mask(folder: Path, stem: str, mask: npt.NDArray[np.bool_], image: Image) -> None:
    """A mask; with what stands there already of another sample of the picture."""
    path = folder / f"{stem}{'.nii.gz' if image.kind == 'volume' else '.png'}"
    folder.mkdir(parents=True, exist_ok=True)
    if path.exists():
        mask = mask | (open_image(path).load() != 0)
    with appearing(path) as draft:
        if image.kind == "volume":
            write_nifti(draft, mask, spacing_mm=image.spacing_mm, affine_lps_mm=image.affine_lps_mm)
        else:
            draft.write_bytes(png_bytes(np.where(mask, np.uint8(255), np.uint8(0))))
