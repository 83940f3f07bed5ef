"""grid: one closed question form over modality × part of the body × task, with cells that can be held out.

Paper:    Med-MAT, arXiv:2412.20070: subsets keyed by modality, area and task; a model that has seen each element of a held-out
          cell elsewhere should do better on it than one that has not.
In:       annotated pictures of several collections, whose labels `knowledge/terms.json` places in a part of the body.
Out:      single choice with at most four options, six instructions alike, task "grid"; the cell stands in the provenance as
          "cell CT | chest | finding". Tasks of the grid: "finding" (which one is there), "structure" (what a region is), and
          every attribute that tells a label's values apart ("side", "shape", "severity", …).
Arms:     "target" gives the held-out cell alone, all others never give it: "all" the rest; "related" the cells that share an
          element with it, or without those that share the one that `without` names; "unrelated" those that share nothing.
Size:     `per_cell` samples of each cell and split at most, so that arms can be made equally large.
Options:  distractors come from the same cell: findings stated to be absent, other structures, other values.
Differs:  the paper's cells are 53 merged subsets of public datasets; ours are what the given samples hold.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

from vesalius.datasets.compose.answers import Deck, Vocabulary, absent, choice, distractors, said
from vesalius.datasets.compose.captions import part_of
from vesalius.datasets.compose.changes import Make
from vesalius.datasets.compose.made import Again, Talk
from vesalius.datasets.compose.places import in_one_frame
from vesalius.datasets.compose.view import Place, View, views
from vesalius.datasets.compose.wording import Speech, draw, same
from vesalius.errors import Problem, UsageError
from vesalius.types import Sample

Arm = Literal["all", "related", "unrelated", "target"]
Element = Literal["", "modality", "area", "task"]
_OPTIONS = 4


@dataclass(frozen=True, order=True)
class Cell:
    """A place in the grid."""

    modality: str
    area: str
    task: str

    def __str__(self) -> str:
        return f"{self.modality} | {self.area} | {self.task}"


def compose(
    samples: Iterable[Sample],
    *,
    seed: int = 0,
    language: str = "en",
    held_out: str = "",
    arm: Arm = "all",
    without: Element = "",
    per_cell: int = 0,
) -> Iterator[Sample]:
    """Samples of the cells of one arm.

    Args:
        samples: annotated; gone through three times.
        seed: of wordings, options and positions.
        language: en, zh or ar.
        held_out: the target, "CT | chest | finding"; "" holds out none, and only the arm "all" can be asked for.
        arm: which cells.
        without: of the arm "related": leave out the cells that share this element with the target.
        per_cell: samples of each cell and split; 0 gives all.

    Raises:
        UsageError: `bad_option`: no such cell, with those that there are; or an arm that needs a target.
    """
    speech, several, deck = Speech(language, seed), Again(samples), Deck(seed)
    vocabulary = Vocabulary.of(several)
    target = _target(held_out, arm, without, several, vocabulary, speech)
    given: Counter[tuple[Cell, str | None]] = Counter()
    for sample in several:
        for cell, make in _questions(sample, vocabulary, speech, deck):
            if not belongs(cell, target, arm, without):
                continue
            place = (cell, sample.provenance.split)
            if not per_cell or given[place] < per_cell:
                given[place] += 1
                yield make()


def cells(samples: Iterable[Sample], *, seed: int = 0, language: str = "en") -> Counter[Cell]:
    """How many questions each cell of a grid has."""
    several, speech = Again(samples), Speech(language, seed)
    vocabulary, deck = Vocabulary.of(several), Deck(seed)
    return Counter(cell for sample in several for cell, _ in _questions(sample, vocabulary, speech, deck))


def belongs(cell: Cell, target: Cell | None, arm: Arm, without: Element) -> bool:
    """Whether a cell is in an arm."""
    if target is None or arm == "target" or cell == target:
        return target is None or (arm == "target" and cell == target)
    shared = {name for name in ("modality", "area", "task") if getattr(cell, name) == getattr(target, name)}
    if arm == "related":
        return bool(shared) and without not in shared
    return arm == "all" or not shared


def _target(
    held_out: str, arm: Arm, without: Element, samples: Iterable[Sample], vocabulary: Vocabulary, speech: Speech
) -> Cell | None:
    """The cell that was named."""
    problems = []
    if not held_out:
        if arm != "all":
            problems.append(
                Problem("held_out", f"the arm {arm} is told by the cell that is held out", ("MODALITY | AREA | TASK",))
            )
        target = None
    else:
        deck = Deck(0)
        known = {str(cell): cell for sample in samples for cell, _ in _questions(sample, vocabulary, speech, deck)}
        target = known.get(" | ".join(part.strip() for part in held_out.split("|")))
        if target is None:
            problems.append(Problem("held_out", "the samples have no such cell", tuple(sorted(known))))
    if without and arm != "related":
        problems.append(Problem("without", "only the arm related leaves an element out", ("",)))
    if problems:
        said = "The grid cannot be cut so · a cell that is not there, or an arm without a target · see the list."
        raise UsageError("bad_option", said, problems)
    return target


def _questions(sample: Sample, vocabulary: Vocabulary, speech: Speech, deck: Deck) -> Iterator[tuple[Cell, Make]]:
    """Every question of a sample with its cell; a position is dealt when it is made."""
    for whole in views(sample):
        seen = in_one_frame(whole, speech.seed)
        area, modality = part_of(sample), whole.image.modality
        if seen is None or area is None or modality is None:
            continue
        for task, make in [
            *_findings(seen, vocabulary, speech, deck),
            *_structures(seen, speech, deck),
            *_attributes(seen, vocabulary, speech, deck),
        ]:
            cell = Cell(modality, area, task)
            yield cell, partial(make, what=f"cell {cell}: {make.keywords['what']}")


def _findings(seen: View, vocabulary: Vocabulary, speech: Speech, deck: Deck) -> Iterator[tuple[str, "partial[Sample]"]]:
    present = [label for label, state in seen.sample.labels.items() if state == "present" and speech.term(label)]
    if len(present) == 1:  # with several, several options could be right
        label = present[0]
        random = draw(speech.seed, seen.sample, f"grid {label}")
        wrong = said(distractors(label, seen.sample, vocabulary, random, of=absent(seen.sample)), speech, _OPTIONS - 1)
        if wrong:
            what = seen.tag(f"finding {label}")
            question = speech.say(seen.sample, "grid_finding", what)
            yield "finding", _choice(seen, what, question, str(speech.term(label)), wrong, deck)


def _structures(seen: View, speech: Speech, deck: Deck) -> Iterator[tuple[str, "partial[Sample]"]]:
    """What a region is: one of those that are no finding, drawn for each picture."""
    anatomy = [p for p in seen.places if p.label not in seen.sample.labels and p.box is not None and speech.term(p.label)]
    if len({place.label for place in anatomy}) < 2:
        return
    random = draw(speech.seed, seen.sample, f"grid structure {seen.index}")
    place: Place = random.choice(anatomy)
    others = list(dict.fromkeys(p.label for p in anatomy if not same(p.label, place.label) and p.box != place.box))
    wrong = said(random.sample(others, len(others)), speech, _OPTIONS - 1)
    if wrong:
        what, talk = seen.tag(f"structure {place.label}, region {place.at}"), Talk()
        question = speech.say(seen.sample, "grid_structure", what, region=talk.mark(place.boxed()))
        yield "structure", _choice(seen, what, question, str(speech.term(place.label)), wrong, deck, talk)


def _attributes(seen: View, vocabulary: Vocabulary, speech: Speech, deck: Deck) -> Iterator[tuple[str, "partial[Sample]"]]:
    """The values of attributes of what is there once."""
    for label in seen.labels:
        places, term = seen.of(label), speech.term(label)
        if len(places) != 1 or term is None:
            continue
        for name, value in places[0].region.attributes.items():
            right, asked = speech.word("values", value), speech.word("attributes", name)
            others = [other for other in sorted(vocabulary.values[(label, name)]) if other != value]
            random = draw(speech.seed, seen.sample, f"grid {name} {label}")
            words = [
                word for other in random.sample(others, len(others)) if (word := speech.word("values", other)) and word != right
            ]
            wrong = list(dict.fromkeys(words))[: _OPTIONS - 1]
            if right and asked and wrong:
                what = seen.tag(f"{name} of {label}, region {places[0].at}")
                question = speech.say(seen.sample, "grid_attribute", what, name=asked, label=term)
                yield name, _choice(seen, what, question, right, wrong, deck)


def _choice(
    seen: View, what: str, question: str, right: str, wrong: list[str], deck: Deck, talk: Talk | None = None
) -> "partial[Sample]":
    return partial(
        choice,
        seen.sample,
        "grid",
        what=what,
        task="grid",
        question=question,
        right=right,
        wrong=wrong,
        deck=deck,
        images=(seen.shown,),
        regions=talk.regions if talk else (),
    )
