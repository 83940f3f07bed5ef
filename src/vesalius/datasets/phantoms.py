"""phantoms: simulated patients with every question about them, made while they are asked for.

What:       pictures of `vesalius.phantom`, any number of patients; today one kind, frontal chest radiographs.
Split unit: the patient, who is a seed. The caller gives each split seeds of its own.
Labels:     exact: what was drawn. Boxes are tight around the masks.
Questions:  modality, plane, finding, report; presence and place of each finding, number of nodules, side; places of
            anatomy; with a prior, what has changed. Questions whose answer is mostly "no", "none" or "0" are left out
            at random until each answer is as frequent as any other, so that the text of a question tells nothing.
Known:      modality and plane have one answer each, and "where" for anatomy has one text: the boxes are what counts.
Licence:    Apache-2.0, as the code that draws them.
Citation:   none.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from vesalius.clinical import keys
from vesalius.datasets import compose
from vesalius.datasets.compose import Composed
from vesalius.datasets.split import Split
from vesalius.phantom import world
from vesalius.phantom.paint import stream as random_stream
from vesalius.phantom.truth import Lesion, Phantom
from vesalius.types import Box, Finding, Image, Measurement, Provenance, Region, Sample, SampleImage, Source

NAME = "phantoms"
LICENCE = "Apache-2.0"
FOLLOW_UPS = 0.3
PLANE_QUESTION = "Which projection is this radiograph, PA, AP, AP Supine or lateral (L)?"

# How each finding is named in a question of presence.
ASKED = {"effusion": "a pleural effusion", "nodule": "a nodule", "consolidation": "consolidation"}
# Share of the patients without a finding who are asked about it: as many "no" as "yes" (39 % have each finding).
_ASK_ABSENT, _ASK_ZERO = 0.65, 0.217
_ANATOMY = ("right lung", "left lung", "heart")
_QUESTIONS, _FOLLOW_UP, _REPHRASE = 100, 101, 102  # streams of random numbers, apart from those of the picture
_MEASURED = {"nodule": "diameter", "effusion": "depth", "consolidation": "diameter"}


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
        visits: 1, or 2: then the questions are about the second picture, and what has changed is asked too.
        split: written into the samples; "train" draws wordings of questions and report, all else is canonical.
        factors: fixed for every picture, see `world.make`.

    Raises:
        UsageError: `unknown_name` for the kind, `bad_factor`.
    """
    wording = "varied" if split == "train" else "canonical"
    given = {"wording": wording, **(factors or {}), "size_px": size_px}
    pictures = [world.make(kind, seed=seed, visit=visit, **given) for visit in range(visits)]
    return samples_of(pictures[-1], pictures[0] if visits == 2 else None, split=split)


def samples_of(current: Phantom, prior: Phantom | None = None, *, split: Split | None = None) -> list[Sample]:
    """All questions about a picture that has been made, and its prior if there is one."""
    rng = random_stream(current.kind, current.seed, _QUESTIONS, current.visit)
    shown = (SampleImage("current", to_image(current)),)
    before = () if prior is None else (SampleImage("prior", to_image(prior)),)
    boxes = current.boxes()
    about_one = [*_plain(current, boxes), *_presence(current, boxes, rng), *_places(current, boxes, rng)]
    provenance = _provenance(current, split)
    samples = [_sample(composed, shown, current, provenance) for composed in about_one]
    if prior is not None:
        samples += [_sample(composed, shown + before, current, provenance) for composed in _comparisons(current, boxes)]
    # The draw of a wording depends on the sample's key alone, never on what stands beside it.
    return [compose.rephrase(sample, seed=_REPHRASE) for sample in samples] if split == "train" else samples


def to_image(phantom: Phantom) -> Image:
    """The phantom's picture as every reader gives one: the values that its DICOM file holds, in memory."""
    stored = phantom.stored()
    return Image(
        kind="image",
        shape=stored.shape,
        channels=1,
        load=lambda: stored,
        source=Source(None, hashlib.sha256(stored.tobytes()).hexdigest(), "phantom"),
        spacing_mm=phantom.spacing_mm,
        modality=phantom.modality,
        view=phantom.view,
        day=float(phantom.day),
    )


def patient_id(phantom: Phantom) -> str:
    """The number that the phantom's DICOM files carry: kind and seed."""
    return f"{phantom.kind}-{phantom.seed}"


def uid(phantom: Phantom, level: str) -> str:
    """The UID of the phantom's "study", "series" or "instance": the same for the same pixels, never the same for others."""
    content = hashlib.sha256(phantom.stored().tobytes()).hexdigest()
    name = f"{level}|{patient_id(phantom)}|{phantom.visit}|{content}"
    return f"2.25.{int.from_bytes(hashlib.sha256(name.encode()).digest()[:15], 'big')}"


def _plain(phantom: Phantom, boxes: Mapping[str, Box]) -> list[Composed]:
    """What is asked of every picture."""
    present = _present(phantom)
    regions = _regions(phantom.lesions, boxes)
    return [
        compose.conversation("modality", "What imaging modality is shown?", "X-ray"),
        compose.conversation("plane", PLANE_QUESTION, phantom.view),
        compose.conversation("finding", "Which finding is shown?", ", ".join(present) or "normal", regions),
        compose.conversation("report", "Describe this radiograph.", phantom.report.findings, regions),
    ]


def _presence(phantom: Phantom, boxes: Mapping[str, Box], rng: np.random.Generator) -> list[Composed]:
    """Whether each finding is there, how many nodules, on which side; absent ones as often as present ones."""
    asked = []
    for finding, named in ASKED.items():
        lesions = [lesion for lesion in phantom.lesions if lesion.finding == finding]
        regions, kept = _regions(lesions, boxes), rng.random() < _ASK_ABSENT
        if lesions or kept:
            asked.append(compose.conversation("presence", f"Is there {named}?", "yes" if lesions else "no", regions))
        if len(lesions) == 1:
            asked.append(compose.conversation("side", f"On which side is the {finding}?", lesions[0].side))
    nodules = [lesion for lesion in phantom.lesions if lesion.finding == "nodule"]
    if rng.random() < _ASK_ZERO or nodules:
        asked.append(compose.how_many("nodules", _regions(nodules, boxes)))
    return asked


def _places(phantom: Phantom, boxes: Mapping[str, Box], rng: np.random.Generator) -> list[Composed]:
    """Where two of the three organs are, and where each finding is or that it is not there."""
    skipped = int(rng.integers(len(_ANATOMY)))
    organs = [organ for index, organ in enumerate(_ANATOMY) if index != skipped and organ in boxes]
    asked = [compose.where(organ, [Region(organ, boxes[organ])]) for organ in organs]
    for finding in ASKED:
        regions = _regions([lesion for lesion in phantom.lesions if lesion.finding == finding], boxes)
        if rng.random() < _ASK_ABSENT or regions:
            asked.append(compose.where(finding, regions))
    return asked


def _comparisons(current: Phantom, boxes: Mapping[str, Box]) -> list[Composed]:
    """What has become of each finding that is there now or was there before."""
    asked = []
    for finding in ASKED:
        lesions = [lesion for lesion in current.lesions if lesion.finding == finding]
        gone = [lesion for lesion in current.resolved if lesion.finding == finding]
        if lesions or gone:
            change = str((lesions or gone)[0].change)
            question = f"Has the {finding} changed since the prior?"
            asked.append(compose.conversation("comparison", question, change, _regions(lesions, boxes), pictures=2))
    return asked


def _regions(lesions: Sequence[Lesion], boxes: Mapping[str, Box]) -> list[Region]:
    """The lesions' boxes; one too small for the picture's pixels has none."""
    found = []
    for lesion in lesions:
        told = {"side": lesion.side, "zone": lesion.zone, "severity": lesion.severity, "size_mm": f"{lesion.size_mm:.1f}"}
        attributes = {name: value for name, value in told.items() if value is not None}
        if lesion.mask in boxes:
            found.append(Region(lesion.finding, boxes[str(lesion.mask)], attributes=attributes))
    return found


def _present(phantom: Phantom) -> list[str]:
    """The findings that are there, in their fixed order."""
    return [finding for finding in ASKED if any(lesion.finding == finding for lesion in phantom.lesions)]


def _sample(composed: Composed, images: tuple[SampleImage, ...], phantom: Phantom, provenance: Provenance) -> Sample:
    """One question as a sample."""
    subject = composed.turns[0].text.rsplit(">", 1)[-1]
    present = _present(phantom)
    labels: dict[str, Finding] = {finding: "present" if finding in present else "absent" for finding in ASKED}
    measured = tuple(
        Measurement(_MEASURED[region.label], float(region.attributes["size_mm"]), "mm", "as drawn", index)
        for index, region in enumerate(composed.regions)
        if region.label in _MEASURED
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
        labels=labels,
        report=phantom.report,
    )


def _provenance(phantom: Phantom, split: Split | None) -> Provenance:
    """Whom the sample is about; the keys are those that the reader of the DICOM file finds."""
    sex = phantom.facts["sex"]
    return Provenance(
        source=f"phantom:{phantom.kind}",
        licence=LICENCE,
        patient_key=keys.phantom_patient_key(patient_id(phantom)),
        study_key=keys.phantom_study_key(uid(phantom, "study")),
        annotation="as drawn",
        split=split,
        age_years=float(phantom.facts["age_years"]),
        sex="F" if sex == "F" else "M",
    )
