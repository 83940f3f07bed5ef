"""nnU-Net v2: volumes or plane pictures in channels, a map of labels for each case, and `dataset.json`.

What:       cases; a case is one image a channel, all on one grid, and one map of labels on the same grid.
Layout:     `dataset.json` with `channel_names`, `labels` and `file_ending`; `imagesTr/<case>_0000<ending>`, one file a channel,
            `labelsTr/<case><ending>`, `imagesTs`, sometimes `labelsTs`. Or `dataset` in that file lists `images` and `label` of
            each case, wherever they lie. A folder of several such folders (`nnUNet_raw`) is read as one source.
Holds:      masks, one for each label that a map holds. Labels may be several numbers (`"whole tumor": [1, 2, 3]`), so that they
            overlap; `ignore` is no label. Several channels are several images of one sample, in order.
Lacks:      boxes, outlines (of plane pictures they are filled), points, attributes, questions, reports, measurements, patients,
            licences (but one for all); clips and slides. Objects of one label in one case are one mask.
Split unit: the case, because nnU-Net names no patients.
Labels:     as segmented. A label that a case does not have is not stated absent.
Defects:    `imagesTr` is train and `imagesTs` test; where `splits_final.json` has just one fold, its `val` is validation.
Samples:    task "annotation", one for each case, without turns; cases of `imagesTs` without labels show nothing but pictures.
Licence:    the `licence` or `license` of `dataset.json`, or "unknown".
Source:     documentation/dataset_format.md and region_based_training.md of MIC-DKFZ/nnUNet, version 2.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from vesalius.clinical import keys
from vesalius.clinical.nifti_write import write_nifti
from vesalius.datasets.annotated import count_unheld, label_of, sample_of
from vesalius.datasets.exports import Dropped, Export
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.label_maps import Combinations, check_geometry, joined, regions_of_map
from vesalius.datasets.sources import Files, Pictures, RecordRefused, document, first_record
from vesalius.datasets.split import Split
from vesalius.datasets.store.media import appearing
from vesalius.errors import InputRefused, UsageError
from vesalius.transforms.draw import png_bytes
from vesalius.transforms.intensity import to_display
from vesalius.types import Array, Image, Region, Sample

NAME = "nnunet"
LIST, FOLDS = "dataset.json", "splits_final.json"
MOST_LOOKED_AT = 32
FOLDERS: tuple[tuple[str, Split], ...] = (("imagesTr", "train"), ("imagesTs", "test"))
MODALITIES = {"ct": "CT", "pet": "PT", "us": "US", "mr": "MR", "mri": "MR", "adc": "MR", "flair": "MR", "dwi": "MR"}
VOLUMES, PICTURES = ".nii.gz", ".png"
_CHANNEL = re.compile(r"(.+)_(\d{4})")


def recognizes(root: Path) -> bool:
    """Whether a `dataset.json` with channels, labels and a file ending lies in the folder or one below."""
    return any(_is_list(path) for path in _lists(root))


def read(root: Path, tell: Tell = refuse) -> Iterator[Sample]:
    """A sample for each case.

    Args:
        root: the folder that holds `dataset.json`, or the one above several such folders.
        tell: takes faults. A case whose images or map are missing, unreadable or on different grids is left out.

    Raises:
        InputRefused: `bad_dataset`: no such list, or one without labels; `input_missing`, `size_limit`.
    """
    files = Files(root)
    lists = [path for path in _lists(files.root) if _is_list(path)]
    if not lists:
        raise InputRefused(
            "bad_dataset",
            f"There is no {LIST} with channel_names, labels and file_ending. Without it nothing says what the numbers of a map "
            "mean. Give the folder that holds it.",
        )
    pictures, number = Pictures(files), 0
    for path in lists:
        about = document(path)
        classes, ignored = _classes(about["labels"])
        licence = about.get("licence") or about.get("license")
        folds = _folds(path.parent / FOLDS)
        for case in _cases(path.parent, about, files):
            number += 1
            try:
                images, regions = _opened(case, about, classes, ignored, pictures, tell, f"case {number}")
            except RecordRefused as wrong:
                tell(wrong.at(f"case {number}"))
                continue
            yield sample_of(
                NAME,
                (path.parent.name, case.split, case.name),
                images,
                regions,
                annotation=f"nnU-Net labels; channels {', '.join(map(str, about['channel_names'].values()))}",
                split="validation" if case.name in folds and case.split == "train" else case.split,
                licence=licence if isinstance(licence, str) and licence else "unknown",
            )


def write(samples: Iterable[Sample], out: Path, dropped: Dropped) -> None:
    """Write `imagesTr`, `labelsTr`, `imagesTs`, `labelsTs`, `dataset.json` and, for validation, `splits_final.json`.

    Masks are held; where they overlap, labels are made of several numbers, as for training by regions. The first sample decides
    whether volumes (`.nii.gz`) or plane pictures (`.png`) are written, and how many images a case has.

    Args:
        samples: any whose images lie on one grid; those to learn from without a mask are left out.
        out: the folder; is made. nnU-Net wants it to be called `Dataset<three digits>_<name>`.
        dropped: counts what nnU-Net cannot hold.

    Raises:
        UsageError: `bad_option`: there is nothing that it can hold.
    """
    made = _Made(out, dropped)
    for sample in samples:
        made.add(sample)
    made.finish()


def _lists(root: Path) -> list[Path]:
    if root.is_file():
        return []
    found = [root / LIST, *islice(sorted(root.glob(f"*/{LIST}")), MOST_LOOKED_AT)]
    return [path for path in found if path.is_file()]


def _is_list(path: Path) -> bool:
    about = first_record(path)
    if not isinstance(about, dict) or not isinstance(about.get("file_ending"), str):
        return False
    return isinstance(about.get("channel_names"), dict) and isinstance(about.get("labels"), dict)


@dataclass(frozen=True)
class _Case:
    """Names of the files of one case, channel → name, and of its map where it has one."""

    name: str
    split: Split
    images: dict[int, str]
    labels: str | None


def _classes(stated: Mapping[str, Any]) -> tuple[dict[str, tuple[int, ...]], tuple[int, ...]]:
    """Label → numbers, without the background; and the numbers that nobody has labeled."""
    classes: dict[str, tuple[int, ...]] = {}
    ignored: tuple[int, ...] = ()
    for name, value in stated.items():
        numbers = tuple(value) if isinstance(value, list) else (value,)
        if not all(isinstance(number, int) and not isinstance(number, bool) for number in numbers):
            raise InputRefused("bad_dataset", f"A label of {LIST} is no number and no list of numbers. Write name: number there.")
        if name == "ignore":
            ignored = numbers
        elif numbers != (0,):
            try:
                classes[label_of(name)] = numbers
            except RecordRefused as wrong:
                raise InputRefused("bad_dataset", f"A label of {LIST} cannot be used. {wrong.message} Rename it.") from wrong
    return classes, ignored


def _folds(path: Path) -> set[str]:
    """The cases of validation, where the file has just one fold; with several everything is to learn from."""
    folds = document(path) if path.is_file() else None
    one = folds[0] if isinstance(folds, list) and len(folds) == 1 else None
    return {name for name in one.get("val", ()) if isinstance(name, str)} if isinstance(one, dict) else set()


def _cases(folder: Path, about: Mapping[str, Any], files: Files) -> Iterator[_Case]:
    """The cases that the list names, or else those of the folders."""
    listed = about.get("dataset")
    if isinstance(listed, dict):
        for name, entry in sorted(listed.items()):
            images = entry.get("images") if isinstance(entry, dict) else None
            names = [each for each in images if isinstance(each, str)] if isinstance(images, list) else []
            labels = entry.get("label") if isinstance(entry, dict) else None
            yield _Case(name, "train", dict(enumerate(names)), labels if isinstance(labels, str) else "")
    ending = about["file_ending"]
    for images_in, split in FOLDERS:
        if images_in == "imagesTr" and isinstance(listed, dict):
            continue
        place = folder / images_in
        found: dict[str, dict[int, str]] = {}
        for path in files.paths:
            if path.parent == place and path.name.endswith(ending) and (m := _CHANNEL.fullmatch(path.name[: -len(ending)])):
                found.setdefault(m[1], {})[int(m[2])] = str(path.relative_to(files.root))
        for name, channels in sorted(found.items()):
            labels_at = folder / images_in.replace("images", "labels") / f"{name}{ending}"
            labels = str(labels_at.relative_to(files.root)) if labels_at.is_file() else "" if split == "train" else None
            yield _Case(name, split, channels, labels)


def _opened(
    case: _Case,
    about: Mapping[str, Any],
    classes: Mapping[str, tuple[int, ...]],
    ignored: tuple[int, ...],
    pictures: Pictures,
    tell: Tell,
    where: str,
) -> tuple[list[Image], list[Region]]:
    """The images of a case in the order of its channels, and the regions of its map."""
    names = {int(key): str(name) for key, name in about["channel_names"].items() if str(key).isdigit()}
    if case.labels == "":
        raise RecordRefused("media_missing", "It has images to learn from and no map of labels.")
    pictures.expect(filter(None, [*case.images.values(), case.labels]))
    images = [
        pictures.open(case.images[channel], modality=MODALITIES.get(names.get(channel, "").lower()))
        for channel in sorted(case.images)
    ]
    lacking = [channel for channel in sorted(names) if channel not in case.images]
    if not images or (lacking and not (len(images) == 1 and images[0].channels == len(names))):
        raise RecordRefused("media_missing", f"It lacks {len(lacking)} of {len(names)} channels.")
    for other in images[1:]:
        check_geometry(other, images[0], "A channel")
    if case.labels is None:
        return images, []
    return images, regions_of_map(
        pictures.open(case.labels), images[0], classes, lambda wrong: tell(wrong.at(where)), ignored=ignored
    )


@dataclass
class _Made:
    """A dataset in the making."""

    out: Path
    dropped: Dropped
    ending: str = ""
    channels: int = 0
    combinations: Combinations = field(default_factory=Combinations)
    modalities: tuple[str, ...] = ()
    licences: set[str] = field(default_factory=set)
    cases: dict[str, list[str]] = field(default_factory=dict)

    def add(self, sample: Sample) -> None:
        """Write a case, if it is one."""
        images = [shown.image for shown in sample.images]
        why = self._why_not(sample, images)
        if why:
            self.dropped[why] += 1
            return
        count_unheld(sample, self.dropped)
        masks = joined([region for region in sample.regions if region.space == "pixel"], images[0].shape, self.dropped)
        split = sample.provenance.split or "train"
        if not masks and split != "test":
            self.dropped["samples to learn from without a mask"] += 1
            return
        self._begin(images)
        self.licences.add(sample.provenance.licence)
        name, end = f"case_{keys.key(sample.key, salted=False)}", "Ts" if split == "test" else "Tr"
        for channel, image in enumerate(images):
            self._write_image(image, self.out / f"images{end}" / f"{name}_{channel:04}{self.ending}")
        if masks:
            self._write_map(self.combinations.map_of(masks), images[0], self.out / f"labels{end}" / f"{name}{self.ending}")
        self.cases.setdefault(split, []).append(name)

    def finish(self) -> None:
        """Write the list."""
        if not self.cases:
            raise UsageError(
                "bad_option",
                "No sample has a volume or plane picture with a mask, and nnU-Net holds no others. Choose another format.",
            )
        classes = self.combinations.classes()
        is_plain = all(len(numbers) == 1 for numbers in classes.values())
        about: dict[str, Any] = {
            "channel_names": {str(channel): name for channel, name in enumerate(self.modalities)},
            "labels": {"background": 0} | {name: n[0] if is_plain else n for name, n in classes.items()},
            "numTraining": len(self.cases.get("train", [])) + len(self.cases.get("validation", [])),
            "file_ending": self.ending,
        }
        if not is_plain:
            about["regions_class_order"] = [numbers[0] for numbers in classes.values()]
        if self.licences != {"unknown"}:
            about["licence"] = ", ".join(sorted(self.licences))
        _write_json(self.out / LIST, about)
        if "validation" in self.cases:
            _write_json(self.out / FOLDS, [{"train": self.cases.get("train", []), "val": self.cases["validation"]}])

    def _why_not(self, sample: Sample, images: Sequence[Image]) -> str:
        if not images or any(image.kind not in ("image", "volume") or len(image.shape) > 3 for image in images):
            return "samples with clips, slides, series of volumes or no picture: the format has volumes and plane pictures"
        if len({image.shape for image in images}) > 1:
            return "samples whose images lie on different grids"
        if self.ending and (_ending(images[0]), len(images)) != (self.ending, self.channels):
            return "samples of another kind or number of images than the first: a dataset has one"
        return ""

    def _begin(self, images: Sequence[Image]) -> None:
        if not self.ending:
            self.ending, self.channels = _ending(images[0]), len(images)
            is_color = len(images) == 1 and images[0].channels == 3
            self.modalities = ("R", "G", "B") if is_color else tuple(image.modality or "unknown" for image in images)

    def _write_image(self, image: Image, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if self.ending == VOLUMES:
            drafts = Export(self.out, self.dropped, media=".drafts")
            (self.out / drafts.volume(image)).replace(path)
            (self.out / ".drafts").rmdir()
            return
        pixels = image.load()
        if pixels.dtype.name not in ("uint8", "uint16"):
            self.dropped["pictures whose values are not 8 or 16 bits: shown through their window, as 8 bits"] += 1
            pixels = to_display(pixels, image)
        if image.spacing_mm:
            self.dropped["sizes of pixels: PNG states none"] += 1
        path.write_bytes(png_bytes(pixels))

    def _write_map(self, numbers: Array, image: Image, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        values: Array = numbers.astype(np.uint8) if numbers.max() < 256 else numbers
        if self.ending == VOLUMES:
            write_nifti(path, values, spacing_mm=image.spacing_mm, affine_lps_mm=image.affine_lps_mm)
        else:
            path.write_bytes(png_bytes(values))


def _ending(image: Image) -> str:
    return VOLUMES if image.kind == "volume" else PICTURES


def _write_json(path: Path, content: Any) -> None:
    with appearing(path) as draft:
        draft.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
