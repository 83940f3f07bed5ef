"""clinical_files: any folder of clinical files, DICOM, NIfTI, MGH, NRRD and others, read as the studies that they are.

What:       pictures, volumes, clips and slides as they lie in a hospital's or a laboratory's folders, without a table.
Layout:     any. Recognized only where files of volumes or DICOM lie and nothing else tells what they are: no table, no JSON, no
            folder of masks or labels, no DICOM segmentation (`dicom_seg`). Else name it: `--from clinical_files`.
Holds:      a study: all its pictures, the segments of DICOM segmentations on their grid as masks, modality, place, spacing,
            every warning of the reader.
Lacks:      questions, labels and reports; what holds no picture (reports, plans, waveforms) is counted.
Split unit: the patient whom the DICOM header names, as a salted hash; a file of another format is a patient of its own.
Licence:    not stated by the files.
Source:     DICOM PS3.3 (patients, studies and series); the readers of `clinical/formats/`.
"""

import logging
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from vesalius.clinical import keys, study
from vesalius.clinical.upload import files_below
from vesalius.datasets.faults import Fault, Tell, refuse
from vesalius.datasets.formats import dicom_seg
from vesalius.datasets.sources import Files
from vesalius.errors import InputRefused
from vesalius.types import Image, Provenance, Region, Sample, SampleImage, Series, Study

log = logging.getLogger(__name__)

NAME = "clinical_files"
LICENCE = "not stated"
_VOLUMES = (".nii", ".nii.gz", ".mgh", ".mgz", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm", ".dicom")
_TABLES = (".json", ".jsonl", ".csv", ".tsv", ".parquet", ".xml", ".xlsx", ".yaml", ".yml", ".txt", ".tar")
_BESIDE = (*_TABLES, ".md", ".html", ".pdf", ".py", ".rst")
_ANNOTATED = re.compile(r"mask|label|seg|annot", re.IGNORECASE)
_MOST_LISTED, _MOST_OPENED = 2000, 32


def recognizes(root: Path) -> bool:
    """Whether DICOM files or volumes lie below the folder, and nothing that another format would know more about."""
    if not root.is_dir():
        return False
    listed = list(islice(files_below(root), _MOST_LISTED))
    names = [path.name.lower() for path in listed]
    folders = {part for path in listed for part in path.relative_to(root).parts[:-1]}
    if any(name.endswith(_TABLES) for name in names) or any(map(_ANNOTATED.search, folders)):
        return False
    is_clinical = any(name.endswith(_VOLUMES) for name in names) or any(map(_is_dicom, listed[:_MOST_OPENED]))
    return is_clinical and not dicom_seg.recognizes(root)


def read(root: Path, tell: Tell = refuse) -> Iterator[Sample]:
    """A sample a study, in the order of the files.

    Args:
        root: the folder.
        tell: takes what could not be read, by the file's number in sorted order.

    Raises:
        InputRefused: `input_missing`; `input_empty`: it holds no file but texts and tables.
    """
    paths = [path for path in Files(root).paths if not path.name.lower().endswith(_BESIDE)]
    if not paths:
        raise InputRefused("input_empty", "The folder holds no clinical file. There is nothing to read. Name another one.")
    found = study.read(paths)
    for rejected in found.rejected:
        number, _, _ = rejected.item.partition("-")
        tell(Fault("media_unreadable", f"file {int(number) + 1}", f"It cannot be read ({rejected.code}). {rejected.message}"))
    without = Counter[str]()
    for each in found.studies:
        without.update(series.kind for series in each.series if not series.images)
        if any(series.images for series in each.series):
            yield _sample(each)
    for kind, times in without.items():
        log.warning("clinical_files: series without a picture, of the kind %s, left out: %d", kind, times)


def _is_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _sample(each: Study) -> Sample:
    """A study with its pictures one after another, and its regions where they lie."""
    shown: list[SampleImage] = []
    regions: list[Region] = []
    for series in each.series:
        regions += [replace(region, image=region.image + len(shown)) for region in series.regions]
        shown += [SampleImage("current", _warned(image, series, each)) for image in series.images]
    annotation = "segmentations of the study" if regions else ""
    provenance = Provenance(NAME, LICENCE, each.patient_key, each.study_key, annotation)
    key = f"{NAME}-{keys.key(NAME, each.patient_key, each.study_key, salted=False)}"
    return Sample(key, "annotation", tuple(shown), (), provenance, tuple(regions))


def _warned(image: Image, series: Series, each: Study) -> Image:
    """The picture with the warnings of its series and its study."""
    known = {warning.code for warning in image.warnings}
    more = tuple(warning for warning in (*series.warnings, *each.warnings) if warning.code not in known)
    return replace(image, warnings=(*image.warnings, *more))
