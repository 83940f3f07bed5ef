"""phantoms: simulated patients with every text that can be said of them, as pairs to align an encoder on.

What:       the kinds of `vesalius.phantom`, one visit and one picture of each patient: its first.
Split unit: the patient, who is a seed. Test patients are seeds of the form 3i + 2, those of validation 3i + 1, those to learn
            from 3i: no run, whatever its numbers, learns from a patient that another one is tested on.
Labels:     exact: what was drawn. Regions are masks.
Texts:      see `pairs.texts`. Reports for training are in varied words, others in canonical ones. A clip of surgery has its
            narration as two recognizers heard it, in pieces by frame: the first is of one source, the second of the next.
Known:      what is drawn is seen at the size that was asked for: at 64 pixels the smallest findings have few of them.
Licence:    Apache-2.0, as the code that draws them.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import count, groupby, islice
from operator import itemgetter
from typing import Any, Literal

import numpy as np

from vesalius.datasets.compose.wording import terms
from vesalius.datasets.pairs import cleaning, dirt
from vesalius.datasets.pairs.class_texts import MOST_TEMPLATES, NORMAL, exams
from vesalius.datasets.pairs.pair import Pair, Text
from vesalius.datasets.pairs.texts import FORMS, checked, texts_of
from vesalius.datasets.phantoms.annotations import annotated
from vesalius.datasets.split import SPLITS, Split
from vesalius.errors import Problem, UsageError
from vesalius.phantom import world
from vesalius.phantom.bodies.surgery.story import PHASES, TOOLS
from vesalius.phantom.factors import Value
from vesalius.phantom.findings import FindingKind, timeline
from vesalius.phantom.truth import Event, Transcript
from vesalius.types import Finding, Mask, Sample

log = logging.getLogger(__name__)

NARRATIONS = "narrations"
LABELS = ("none", "finding", "phase", "kind")
Label = Literal["none", "finding", "phase", "kind"]
KEPT = 8192  # drawn patients that a process keeps: arms of a claim differ in texts far more often than in pictures
_FOREIGN = "skin"  # what a stream about something else is made of; endoscopy where it is about skin


@dataclass(frozen=True, eq=False)
class _Drawn:
    """A patient as drawn once: the sample without a split, and what happens and is said in a clip."""

    sample: Sample
    events: tuple[Event, ...]
    transcripts: tuple[Transcript, ...]


@dataclass(frozen=True)
class _Whom:
    """Which patients are drawn, and how: the arguments of `cohort` by the same names."""

    first_seed: int
    label: Label
    normal: bool
    severe: bool
    size_px: int
    volume_px: int
    frames: int
    word_error_rate: float


@dataclass(frozen=True)
class _What:
    """What is said of them: the arguments of `cohort` by the same names."""

    texts: tuple[str, ...]
    templates: int
    attributes: bool
    shuffled: bool
    held_out: tuple[str, ...]
    recognizers: int
    label: Label


def cohort(
    *,
    kinds: Sequence[str] = ("chest_xray",),
    patients: int,
    validation: int,
    test: int,
    tested: Sequence[str] = (),
    general: Sequence[str] = (),
    general_patients: int = 0,
    size_px: int = 64,
    volume_px: int = 32,
    frames: int = 4,
    first_seed: int = 0,
    texts: Sequence[str] = ("reports",),
    templates: int = 1,
    attributes: bool = False,
    label: Label = "none",
    normal: bool = False,
    severe: bool = False,
    held_out: Sequence[str] = (),
    shuffled: bool = False,
    recognizers: int = 2,
    word_error_rate: float = 0.2,
    dirty: float = 0.0,
    cleaned: bool = False,
) -> Iterator[Pair]:
    """Pairs of patients to learn from, then of those to validate and to test on; of each split one kind after the other.

    The same patients are drawn whatever is said of them, and kept in memory, so that arms that differ in texts cost little.

    Args:
        kinds: of phantom, see `vesalius phantom --list`.
        patients: to learn from, of each kind.
        validation: patients of each kind to choose by.
        test: patients of each kind to report on.
        tested: kinds that are validated and tested; those learnt from where none is named.
        general: kinds that are only learnt from, beside the others: what stands for pictures of anything else.
        general_patients: of each of them.
        size_px: side of pictures and frames, at least 32.
        volume_px: side of volumes in all three directions, at least 16.
        frames: of a clip, at least 2.
        first_seed: of the first patient of every split; other patients from another one on.
        texts: forms, each a source of texts of its own: reports, sentences, captions, names, definitions, descriptions,
            attributes; "names+descriptions" is one source of two forms; "narrations" of surgery are two sources. None: no
            text at all.
        templates: wordings of captions, up to 8; 1 is one fixed sentence with one name for each finding, 0 what is said in it,
            alone.
        attributes: captions tell what findings are like.
        label: the class of a pair: "finding" gives each patient exactly one finding, each of a kind equally often; "phase" is
            that of most frames of a clip of surgery, whose tools become labels too; "kind" is the kind.
        normal: with label "finding", patients without any are a class too.
        severe: with label "finding", each finding as bad as it gets, for small pictures.
        held_out: findings that no patient of training or validation has.
        shuffled: tell of every finding what is true of another one of its kind, always the same one; names stay true. Findings
            that are held out take no part, so that nothing is told of them in training either way.
        recognizers: 1 or 2 of the narration.
        word_error_rate: of both, 0 to 0.6.
        dirty: share of the pairs to learn from that are none: another patient's texts, a word or two, another kind's picture
            with its texts, or a pair that was there before.
        cleaned: keep of the pairs to learn from what `cleaning.clean` keeps.

    Raises:
        UsageError: `bad_option` with every value that is impossible; `unknown_name` for a kind.
    """
    whom = _Whom(first_seed, label, normal, severe, size_px, volume_px, frames, word_error_rate)
    what = _What(tuple(texts), templates, attributes, shuffled, tuple(held_out), recognizers, label)
    counts: dict[Split, int] = {"train": patients, "validation": validation, "test": test}
    least: dict[str, int] = {"patients": patients, "validation": validation, "test": test}
    least |= {"general_patients": general_patients, "first_seed": first_seed}
    _check([*kinds, *tested, *general], whom, what, held_out, dirty, least)
    for split in SPLITS:
        for kind in kinds if split == "train" else (tested or kinds):
            pairs = _pairs(kind, counts[split], split, whom, what, held_out if split != "test" else ())
            if split == "train" and dirty:
                strange = _pairs("endoscopy" if kind == _FOREIGN else _FOREIGN, counts[split], split, whom, what, ())
                pairs = dirt.dirtied(pairs, strange, dirty, seed=first_seed)
            if split == "train" and cleaned:
                pairs = _cleaned(pairs, kind)
            yield from pairs
    for kind in general:
        yield from _pairs(kind, general_patients, "train", whom, what, held_out)


def _check(
    kinds: Sequence[str], whom: _Whom, what: _What, held_out: Sequence[str], dirty: float, least: Mapping[str, int]
) -> None:
    """Refuse what is impossible, all of it at once."""
    checked([form for form in what.texts if form != NARRATIONS], (*FORMS, NARRATIONS))
    known = {item.name for kind in kinds for item in world.catalogue(kind)}
    problems = [Problem(f"data.{name}", "must be at least 0") for name, value in least.items() if value < 0]
    if whom.label not in LABELS:
        problems.append(Problem("data.label", f"there is no class by {whom.label}", LABELS))
    for name in held_out:
        if name not in known:
            problems.append(Problem("data.held_out", f"none of the kinds has {name}", tuple(sorted(known))))
    clips = {kind for kind in kinds if kind == "surgery"}
    if (NARRATIONS in what.texts or whom.label == "phase") and clips != set(kinds):
        problems.append(Problem("data.kinds", "narrations and phases are of surgery alone", ("surgery",)))
    if (whom.normal or whom.severe) and whom.label != "finding":
        problems.append(Problem("data.label", "normal and severe are said of one finding for each patient", ("finding",)))
    if not 0 <= what.templates <= MOST_TEMPLATES:
        problems.append(Problem("data.templates", f"must be 0 to {MOST_TEMPLATES}"))
    if what.recognizers not in (1, 2):
        problems.append(Problem("data.recognizers", "there are two", ("1", "2")))
    if not 0 <= dirty < 1:
        problems.append(Problem("data.dirty", "must be at least 0 and below 1"))
    if problems:
        listed = "; ".join(f"{p.key}: {p.message}" for p in problems)
        raise UsageError("bad_option", f"There are no such pairs · {listed} · correct what is named.", problems)


def _pairs(kind: str, many: int, split: Split, whom: _Whom, what: _What, without: Sequence[str]) -> Iterator[Pair]:
    """The pairs of one kind in one split."""
    wording = "varied" if split == "train" else "canonical"
    for seed, chosen in islice(_patients(kind, split, whom, without), many):
        given = {**_given(kind, whom), **chosen, "wording": wording}
        yield _told(_drawn(kind, seed, tuple(given.items())), kind, split, what)


def _patients(kind: str, split: Split, whom: _Whom, without: Sequence[str]) -> Iterator[tuple[int, dict[str, Value]]]:
    """Seeds without end, each with what is fixed of the patient."""
    catalogue = world.catalogue(kind)
    items = [item for item in catalogue if item.name not in without]
    chosen: list[dict[str, Value]] = [{}]
    if whom.label == "finding":
        chosen = [{"finding": item.name, **(_worst(item) if whom.severe else {})} for item in items]
        chosen += [{"finding": "none"}] if whom.normal or not chosen else []
    elif whom.label == "phase":
        chosen = [{"phase": phase} for phase in PHASES]
    for number in count(whom.first_seed):
        seed = len(SPLITS) * number + SPLITS.index(split)
        if whom.label != "finding" and without:
            first, _, _ = timeline(kind, seed, catalogue, {})
            if any(lesion.finding in without for lesion in first):
                continue
        yield seed, chosen[number % len(chosen)]


def _worst(item: FindingKind) -> dict[str, Value]:
    """The factors that make a finding as plain as it gets."""
    found: dict[str, Value] = {}
    if item.severities and item.size_mm:
        found["severity"] = [word for word, (least, _) in item.severities.items() if least < item.size_mm[1]][-1]
    elif item.grades:
        found["severity"] = item.grades[-1]
    elif item.size_mm:
        found["size_mm"] = item.size_mm[1]
    return {**found, "count": item.most} if item.most > 1 else found


def _given(kind: str, whom: _Whom) -> dict[str, Value]:
    """How a kind is drawn."""
    known = world.factors(kind)
    is_volume = known["spacing_mm"].numbers == 3
    found: dict[str, Value] = {"size_px": whom.volume_px if is_volume else whom.size_px}
    if "frames" in known:
        found["frames"] = whom.frames
    if "word_error_rate" in known:
        found["word_error_rate"] = whom.word_error_rate
    return found


@lru_cache(maxsize=KEPT)
def _drawn(kind: str, seed: int, given: tuple[tuple[str, Value], ...]) -> _Drawn:
    """A patient, drawn; masks are kept with eight pixels in a byte."""
    factors: dict[str, Any] = dict(given)
    phantom = world.make(kind, seed=seed, **factors)
    sample = annotated(phantom)
    first = [region for region in sample.regions if region.image == 0]
    kept = tuple(
        replace(region, geometry=_packed(region.geometry)) if isinstance(region.geometry, Mask) else region for region in first
    )
    return _Drawn(replace(sample, images=sample.images[:1], regions=kept, measurements=()), phantom.events, phantom.transcripts)


def _packed(mask: Mask) -> Mask:
    pixels = mask.load()
    bits, shape, size = np.packbits(pixels), pixels.shape, pixels.size
    return Mask(lambda: np.unpackbits(bits, count=size).astype(np.bool_).reshape(shape))


def _told(drawn: _Drawn, kind: str, split: Split, what: _What) -> Pair:
    """A patient in words."""
    sample = replace(drawn.sample, provenance=replace(drawn.sample.provenance, split=split))
    label: str | None = None
    if what.label == "kind":
        label = kind
    elif what.label == "finding":
        label = next((name for name, state in sample.labels.items() if state == "present"), NORMAL)
    elif what.label == "phase":
        phases = [event for event in drawn.events if event.sort == "phase"]
        label = max(phases, key=lambda event: event.end - event.begin).name
        used = {event.name for event in drawn.events if event.sort == "tool"}
        tools: dict[str, Finding] = {tool: "present" if tool in used else "absent" for tool in TOOLS}
        sample = replace(sample, labels={**sample.labels, **tools})
    found: list[Text] = []
    source = 0
    for form in what.texts:
        if form == NARRATIONS:
            for heard in drawn.transcripts[1 : 1 + what.recognizers]:  # the first is what was said
                found += [Text(words, source) for words in _pieces(heard)]
                source += 1
            continue
        texts = texts_of(
            drawn.sample,
            [form],
            exam=exams(kind)[0],
            kind=kind,
            templates=what.templates,
            attributes=what.attributes,
            instead=_instead(kind, what.held_out) if what.shuffled else None,
        )
        found += [replace(text, source=source) for text in texts]
        source += 1
    return Pair(sample, tuple(found), label)


def _pieces(heard: Transcript) -> Iterator[str]:
    """What is heard during each frame, where it is more than a word or two."""
    for _, words in groupby(zip(heard.frames, heard.words, strict=True), key=itemgetter(0)):
        said = [word for _, word in words]
        if len(said) > 2:
            yield " ".join(said)


@cache
def _instead(kind: str, without: tuple[str, ...]) -> dict[str, str]:
    """Which finding each one's description is exchanged for: the one half a catalogue further."""
    names = [item.name for item in world.catalogue(kind) if item.name not in without]
    return {name: names[(place + len(names) // 2) % len(names)] for place, name in enumerate(names)}


def _cleaned(pairs: Iterator[Pair], kind: str) -> Iterator[Pair]:
    """What is kept of a stream, and one line of what was left out."""
    dropped = Counter[str]()
    about = cleaning.vocabulary({terms()[item.name].part for item in world.catalogue(kind)}, exams(kind))
    yield from cleaning.clean(pairs, about, dropped)
    log.info("%s: left out: %s", kind, ", ".join(f"{number} {why}" for why, number in dropped.items()) or "nothing")
