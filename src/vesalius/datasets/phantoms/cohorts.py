"""phantoms: simulated patients with every question about them, made while they are asked for.

What:       the kinds of `vesalius.phantom`, any number of patients; one or two visits of each.
Split unit: the patient, who is a seed. The caller gives each split seeds of its own.
Labels:     exact: what was drawn. Boxes are tight around the masks.
Questions:  modality, plane, findings, report; presence, place, number, side and every other attribute of each finding;
            places of anatomy; with a prior, what has changed. Questions whose answer is mostly "no", "none" or "0" are left
            out at random until each answer is about as frequent as any other, so that the text of a question tells nothing.
Known:      modality and plane have one answer each, and "where" for anatomy has one text: the boxes are what counts.
Licence:    Apache-2.0, as the code that draws them.
Citation:   none.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import numpy as np

from vesalius.clinical import keys
from vesalius.datasets.compose import questions
from vesalius.datasets.compose.questions import Composed
from vesalius.datasets.phantoms.dicom import patient_id, uid
from vesalius.datasets.phantoms.image import to_image
from vesalius.datasets.split import Split
from vesalius.phantom import findings, world
from vesalius.phantom.findings import FindingKind
from vesalius.phantom.paint import stream as random_stream
from vesalius.phantom.truth import Lesion, Phantom
from vesalius.types import Box, Measurement, Provenance, Region, Sample, SampleImage

NAME = "phantoms"
LICENCE = "Apache-2.0"
FOLLOW_UPS = 0.3
PLANE_QUESTION = "Which projection is this radiograph, PA, AP, AP Supine or lateral (L)?"
REPORT_QUESTION = "Describe the findings."
MODALITIES = {
    "DX": "X-ray",
    "CT": "CT",
    "MR": "MRI",
    "US": "ultrasound",
    "OP": "fundus photography",
    "OPT": "optical coherence tomography",
    "XC": "photography",
    "SM": "microscopy",
    "ES": "endoscopy",
}
_ORGANS_ASKED = 3  # the first parts of a picture's anatomy are asked for, all but one of them
_COUNTED_ON = 1500  # patients on whom the share of each finding is counted
_QUESTIONS, _FOLLOW_UP, _REPHRASE = 501, 502, 503  # streams of random numbers; the phantom itself has those below 500


def stream(
    *,
    kind: str = "chest_xray",
    patients: int,
    size_px: int,
    first_seed: int,
    split: Split | None = "train",
    follow_ups: float = FOLLOW_UPS,
) -> Iterator[list[Sample]]:
    """All questions about one patient after another; patients are the seeds from `first_seed` on.

    Args:
        kind: of phantom.
        patients: how many.
        size_px: side of the pictures.
        first_seed: splits must not share seeds.
        split: written into the samples; only "train" asks in other than the canonical words.
        follow_ups: share of the patients who come twice and are asked what has changed.
    """
    for seed in range(first_seed, first_seed + patients):
        yield read_phantom(kind, seed, size_px=size_px, visits=visits_of(kind, seed, follow_ups), split=split)


def visits_of(kind: str, seed: int, follow_ups: float = FOLLOW_UPS) -> int:
    """How often a patient comes, 1 or 2, where nobody has said; a share of `follow_ups` comes twice."""
    return 2 if random_stream(kind, seed, _FOLLOW_UP).random() < follow_ups else 1


def cohort(
    *,
    kind: str = "chest_xray",
    patients: int,
    validation: int = 200,
    size_px: int = 160,
    first_seed: int = 0,
    follow_ups: float = FOLLOW_UPS,
) -> Iterator[Sample]:
    """The samples of a training run: patients to learn from, then patients held out, each a seed of its own.

    Args:
        kind: of phantom.
        patients: how many to learn from: seeds from `first_seed` on.
        validation: how many to hold out: the seeds after those.
        size_px: side of the pictures.
        first_seed: of the first patient.
        follow_ups: share of the patients who come twice and are asked what has changed.
    """
    held_out = first_seed + patients
    for start, count, split in ((first_seed, patients, "train"), (held_out, validation, "validation")):
        named: Split = "train" if split == "train" else "validation"
        of_split = stream(kind=kind, patients=count, size_px=size_px, first_seed=start, split=named, follow_ups=follow_ups)
        for samples in of_split:
            yield from samples


def read_phantom(
    kind: str,
    seed: int,
    *,
    size_px: int,
    visits: int = 1,
    split: Split | None = None,
    factors: Mapping[str, object] | None = None,
) -> list[Sample]:
    """All questions about one patient, as samples over shared pictures.

    Args:
        kind: of phantom.
        seed: the patient's number.
        size_px: side of the pictures.
        visits: 1, or 2: then the questions are about the second visit, and what has changed is asked too.
        split: written into the samples; "train" draws wordings of questions and report, all else is canonical.
        factors: fixed for every picture, see `world.make`.

    Raises:
        UsageError: `unknown_name` for the kind, `bad_factor`.
    """
    wording = "varied" if split == "train" else "canonical"
    given = {"wording": wording, **(factors or {}), "size_px": size_px}
    seen = [world.make(kind, seed=seed, visit=visit, **given) for visit in range(visits)]
    return samples_of(seen[-1], seen[0] if visits == 2 else None, split=split)


def samples_of(current: Phantom, prior: Phantom | None = None, *, split: Split | None = None) -> list[Sample]:
    """All questions about a visit that has been drawn, and the visit before if there is one."""
    rng = random_stream(current.kind, current.seed, _QUESTIONS, current.visit)
    shown = tuple(SampleImage("current", to_image(picture, current)) for picture in current.pictures)
    before = () if prior is None else tuple(SampleImage("prior", to_image(picture, prior)) for picture in prior.pictures)
    boxes = current.picture.boxes()
    about_one = [*_plain(current, boxes), *_presence(current, boxes, rng), *_places(current, boxes, rng)]
    provenance = _provenance(current, split)
    samples = [_sample(composed, shown, current, provenance) for composed in about_one]
    if prior is not None:
        samples += [
            _sample(composed, shown + before, current, provenance) for composed in _comparisons(current, boxes, shown + before)
        ]
    # The draw of a wording depends on the sample's key alone, never on what stands beside it.
    return [questions.rephrase(sample, seed=_REPHRASE) for sample in samples] if split == "train" else samples


def named(finding: str) -> str:
    """A finding in a question of presence: "evidence of a nodule" would need articles that differ by word."""
    return f"evidence of {finding}"


@cache
def shares(kind: str) -> dict[str, float]:
    """How many of a kind's patients have each finding, counted."""
    catalogue = world.catalogue(kind)
    counts = dict.fromkeys((item.name for item in catalogue), 0)
    for seed in range(_COUNTED_ON):
        first, _, _ = findings.timeline(kind, seed, catalogue, {})
        for name in {lesion.finding for lesion in first}:
            counts[name] += 1
    return {name: count / _COUNTED_ON for name, count in counts.items()}


def _plain(phantom: Phantom, boxes: Mapping[str, Box]) -> list[Composed]:
    """What is asked of every visit."""
    regions, pictures = _regions(phantom.lesions, boxes), len(phantom.pictures)
    asked = [questions.conversation("modality", "What imaging modality is shown?", MODALITIES[phantom.picture.modality])]
    if phantom.picture.view is not None:
        asked.append(questions.conversation("plane", PLANE_QUESTION, phantom.picture.view))
    present = ", ".join(_present(phantom)) or "normal"
    asked.append(questions.conversation("finding", "Which finding is shown?", present, regions, pictures=pictures))
    asked.append(questions.conversation("report", REPORT_QUESTION, phantom.report.findings, regions, pictures=pictures))
    return asked


def _presence(phantom: Phantom, boxes: Mapping[str, Box], rng: np.random.Generator) -> list[Composed]:
    """Whether each finding is there, how many, and what it is like; absent ones as often as present ones."""
    asked, pictures = [], len(phantom.pictures)
    for item in world.catalogue(phantom.kind):
        lesions = [lesion for lesion in phantom.lesions if lesion.finding == item.name]
        regions = _regions(lesions, boxes)
        if rng.random() < _ask_absent(phantom.kind, item) or lesions:
            said = "yes" if lesions else "no"
            question = f"Is there {named(item.name)}?"
            asked.append(questions.conversation("presence", question, said, regions, pictures=pictures))
        if item.most > 1 and (rng.random() < _ask_absent(phantom.kind, item) / item.most or lesions):
            question = f"How many findings of {item.name} are visible?"
            asked.append(questions.conversation("count", question, str(len(lesions)), regions, pictures=pictures))
        if len(lesions) == 1:
            asked += _attributes(item, lesions[0], pictures)
    return asked


def _attributes(item: FindingKind, lesion: Lesion, pictures: int) -> Iterator[Composed]:
    """What the one lesion of its finding is like; what it is always like is not asked."""
    for name, value in lesion.attributes.items():
        if len(item.attributes.get(name, ())) == 1:
            continue
        question = f"On which side is the {item.name}?" if name == "side" else f"What is the {name} of the {item.name}?"
        yield questions.conversation("side" if name == "side" else "attribute", question, value, pictures=pictures)


def _places(phantom: Phantom, boxes: Mapping[str, Box], rng: np.random.Generator) -> list[Composed]:
    """Where some parts of the anatomy are, and where each finding is or that it is not there; in the first picture."""
    lesions = {lesion.mask for lesion in phantom.lesions}
    organs = [name for name in phantom.picture.masks if name not in lesions][:_ORGANS_ASKED]
    skipped = int(rng.integers(max(len(organs), 1)))
    asked = [
        questions.where(name, [Region(name, boxes[name])])
        for index, name in enumerate(organs)
        if index != skipped and name in boxes
    ]
    for item in world.catalogue(phantom.kind):
        regions = _regions([lesion for lesion in phantom.lesions if lesion.finding == item.name], boxes)
        if rng.random() < _ask_absent(phantom.kind, item) or regions:
            asked.append(questions.where(item.name, regions))
    return asked


def _ask_absent(kind: str, item: FindingKind) -> float:
    """Share of the patients without a finding who are asked about it, so that there are as many "no" as "yes"."""
    share = shares(kind)[item.name]
    return share / (1 - share)


def _comparisons(current: Phantom, boxes: Mapping[str, Box], images: Sequence[SampleImage]) -> Iterator[Composed]:
    """What has become of each finding that is there now or was there before."""
    for item in world.catalogue(current.kind):
        lesions = [lesion for lesion in current.lesions if lesion.finding == item.name]
        gone = [lesion for lesion in current.resolved if lesion.finding == item.name]
        if lesions or gone:
            change = str((lesions or gone)[0].change)
            question = f"Has the {item.name} changed since the prior?"
            yield questions.conversation("comparison", question, change, _regions(lesions, boxes), pictures=len(images))


def _regions(lesions: Sequence[Lesion], boxes: Mapping[str, Box]) -> list[Region]:
    """The lesions' boxes in the first picture; one too small for its pixels, or outside it, has none."""
    found = []
    for lesion in lesions:
        if lesion.mask in boxes:
            size = {} if lesion.size_mm is None else {"size_mm": f"{lesion.size_mm:.1f}"}
            found.append(Region(lesion.finding, boxes[lesion.mask], attributes={**lesion.attributes, **size}))
    return found


def _present(phantom: Phantom) -> list[str]:
    """The findings that are there, in their fixed order."""
    return [name for name, state in phantom.labels.items() if state == "present"]


def _sample(composed: Composed, images: tuple[SampleImage, ...], phantom: Phantom, provenance: Provenance) -> Sample:
    """One question as a sample."""
    subject = composed.turns[0].text.rsplit(">", 1)[-1]
    sizes = {item.name: item.size_is for item in world.catalogue(phantom.kind) if item.size_mm}
    measured = tuple(
        Measurement("size", float(region.attributes["size_mm"]), "mm", sizes[region.label], index)
        for index, region in enumerate(composed.regions)
        if "size_mm" in region.attributes
    )
    digest = hashlib.sha256(subject.encode()).hexdigest()[:8]
    return Sample(
        key=f"{patient_id(phantom)}-{phantom.visit}-{composed.task}-{digest}",
        task=composed.task,
        images=images,
        turns=composed.turns,
        provenance=provenance,
        regions=composed.regions,
        measurements=measured,
        labels=phantom.labels,
        report=phantom.report,
    )


def _provenance(phantom: Phantom, split: Split | None) -> Provenance:
    """Whom the sample is about; the keys are those that the reader of the DICOM file finds."""
    return Provenance(
        source=f"phantom:{phantom.kind}",
        licence=LICENCE,
        patient_key=keys.phantom_patient_key(patient_id(phantom)),
        study_key=keys.phantom_study_key(uid(phantom, "study")),
        annotation="as drawn",
        split=split,
        site=str(phantom.facts["site"]),
        age_years=float(phantom.facts["age_years"]),
        sex="F" if phantom.facts["sex"] == "F" else "M",
    )
