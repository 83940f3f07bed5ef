"""rad_restruct: structured reports of chest radiographs as questions that lead from one level to the next.

What:       the radiographs of the Indiana collection (OpenI), each with the questions that fill one structured report.
Layout:     `{train,val,test}_qa_pairs/<report>.json`: lists of [question, answers, history, {answer_type, options, path}];
            `id_to_img_mapping_frontal_reports.json`: report → names of its frontal pictures; pictures `<name>.png` below the
            same folder. With `text_alone` the pictures are left out, and each report is asked about once.
Split unit: the report, which is one examination of one patient. The split is that of the folder.
Labels:     made from the published findings of the reports by people and rules.
Defects:    answers of the questions before are the true ones; a model that answers step by step gives its own instead. In most
            reports most answers are "no".
Samples:    a question with its history as turns before it, its options, and its answers; several are joined by ", ". `task` is
            "yes or no", "single choice" or "multiple choice", `provenance.annotation` the path in the report's tree. Where
            several answers are right, `options` is empty and the options stand in the question's text.
Licence:    as its publisher states; not looked up.
Source:     github.com/ChantalMP/Rad-ReStruct; Pellegrini et al. 2023, arXiv 2307.05766.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vesalius.clinical import keys
from vesalius.datasets.asked import asked
from vesalius.datasets.faults import Fault, Tell, refuse
from vesalius.datasets.foreign import Source
from vesalius.datasets.sources import RecordRefused, document
from vesalius.datasets.split import Split
from vesalius.errors import InputRefused
from vesalius.types import Image, Provenance, Sample

NAME = "rad_restruct"
LICENCE = "as its publisher states"
FOLDERS: dict[str, Split] = {"train_qa_pairs": "train", "val_qa_pairs": "validation", "test_qa_pairs": "test"}
MAPPING = "id_to_img_mapping_frontal_reports.json"


def recognizes(root: Path) -> bool:
    """Whether `root` holds one of the folders of questions."""
    return any((root / folder).is_dir() for folder in FOLDERS) and (root / MAPPING).is_file()


def read(root: Path, tell: Tell = refuse, *, text_alone: bool = False) -> Iterator[Sample]:
    """Every question of every report, about each of its frontal pictures.

    Args:
        root: the folder `radrestruct`.
        tell: takes faults.
        text_alone: leave the pictures out.

    Raises:
        InputRefused: `bad_dataset`: another layout.
    """
    if not recognizes(root):
        raise InputRefused(
            "bad_dataset",
            f"The folder does not hold {MAPPING} beside folders of questions. There is nothing to read. Give radrestruct/.",
        )
    source, named = Source(NAME, root, tell, text_alone=text_alone), document(root / MAPPING)
    for folder, split in FOLDERS.items():
        for number, place in enumerate(sorted((root / folder).glob("*.json")), start=1):
            where = f"report {number} of {folder}"
            pictures = named.get(place.stem) if isinstance(named, dict) else None
            if not isinstance(pictures, list) or not pictures:
                tell(Fault("record_malformed", where, "The mapping names no picture of it."))
                continue
            try:
                images = [None] if text_alone else [source.open(f"{name}.png") for name in pictures]
                asked_of = document(place)
            except RecordRefused as wrong:
                tell(wrong.at(where))
                continue
            for view, image in enumerate(images):
                pairs = ((f"question {at} of {where}", pair) for at, pair in enumerate(asked_of, start=1))
                yield from source(pairs, _Asking(place.stem, view, image, split))


class _Asking:
    """Makes samples of the questions about one picture of one report."""

    def __init__(self, report: str, view: int, image: Image | None, split: Split) -> None:
        self.report, self.view, self.image, self.split = report, view, image, split

    def __call__(self, where: str, pair: Any) -> Sample:
        try:
            question, answers, history, about = pair
            before = [(str(told), ", ".join(map(str, said))) for told, said in history]
            options, path, kind = [str(option) for option in about["options"]], str(about["path"]), str(about["answer_type"])
            several = kind == "multi_choice"
            answer = ", ".join(str(each) for each in answers)
        except (TypeError, ValueError, KeyError) as wrong:
            raise RecordRefused("record_malformed", "It is not [question, answers, history, facts].") from wrong
        if several and not set(map(str, answers)) <= set(options):
            raise RecordRefused("record_malformed", "One of its answers is none of its options.")
        task = "multiple choice" if several else "yes or no" if set(options) == {"yes", "no"} else "single choice"
        text = f"{question} Choose all that apply: {', '.join(options)}." if several else str(question)
        patient = keys.key(NAME, self.report, salted=False)
        study = keys.key(NAME, self.report, "study", salted=False)
        provenance = Provenance(NAME, LICENCE, patient, study, path, self.split)
        key = f"{NAME}-{keys.key(NAME, self.report, str(self.view), path, where, salted=False)}"
        images = [] if self.image is None else [self.image]
        return asked(key, task, text, answer, images, provenance, options=[] if several else options, before=before)
