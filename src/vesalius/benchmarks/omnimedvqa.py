"""OmniMedVQA: multiple choice made from the labels of many collections of pictures, of many modalities."""

from pathlib import Path

from vesalius.benchmarks import medevalkit, wording
from vesalius.benchmarks.at_hand import Part, Published, questions
from vesalius.datasets.collections import omnimedvqa
from vesalius.types import Sample

CARD = """What: the open-access part of OmniMedVQA, 88,996 questions with two to four options about pictures of 42 collections;
of the restricted part, which is had from the collections' owners, with `restricted=True`. Tasks: the published kinds of
question (modality recognition, anatomy identification, disease diagnosis, lesion grading, other attributes); `provenance.site`
is the collection.
Patients: those of the collections; nobody is named: the unit of the intervals is the picture, and they are too narrow where
one patient has many.
Leaks: there is no published split. Med-R1, GMAI-VL and others train on a part of it that each chose for itself, and the
collections are public: whoever trained on one of them has seen its pictures. `part="by_patient"` is a test of a fifth of the
pictures, for models trained on the rest by the same rule; no part is free of leaks for models trained elsewhere.
Cannot show: diagnosis. Wrong options are drawn from other labels: many are of another organ or modality, and the question's
words give the collection away. Read the text-only row and the rows of the collections.
Licence: as each collection states."""

GET = "OmniMedVQA of Hu et al. 2024 (Hugging Face, foreverbeliever/OmniMedVQA, unpacked: `QA_information` and `Images`)"
FORM = {"*": "option"}
PROMPT = wording.SHORT
COMPAT = {"medevalkit": medevalkit.compat()}


def data_of(access: tuple[str, ...]) -> Published:
    """The data of some of the two parts."""
    return Published(
        title="OmniMedVQA",
        reader=lambda root, tell, *, text_alone, splits: omnimedvqa.read(root, tell, text_alone=text_alone, access=access),
        folders=("omnimedvqa", "OmniMedVQA"),
        get=GET,
        known=("record_malformed",),
    )


DATA = data_of(omnimedvqa.ACCESS[:1])


def read(source: Path | None, *, part: Part = "published", restricted: bool = False) -> list[Sample]:
    """The questions.

    Raises:
        MissingFromEnvironment: `missing_data`.
        InputRefused: as `at_hand.questions`.
    """
    return questions(data_of(omnimedvqa.ACCESS if restricted else omnimedvqa.ACCESS[:1]), source, part)
