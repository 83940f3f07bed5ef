"""sizes: masks and spacing → questions of length, area, volume, distance and angle, with units.

Paper:    MedVision: detection, lesion size, angle and distance as answers with units; the pixel size stands in the prompt.
In:       annotated pictures and volumes with masks, polygons, boxes or landmarks, and a spacing that is known.
Out:      task "measurement": the value with its unit and the regions that it was measured on; `measurements` holds the exact
          value, how it is defined and how sure it is (one voxel diagonal). "choice" offers four values of which the right one
          is the smallest, the largest or between equally often.
Asked:    "diameter" the greatest length of a mask; "axes" that and the greatest width at right angles to it, in a plane; "area";
          "volume"; "distance" from middle to middle of two regions; "angle" at one landmark between two others; "lines"
          between the long axes of two masks; "extent" height and width of a box. All is computed from mask and spacing.
Not asked: anything in a picture whose spacing is unknown, or known only at the detector; what a label marks twice.
Differs:  the paper measures the axes of an ellipse that is fitted to a mask; ours are the mask's own, as RECIST has them.
          Volumes are measured as volumes, not slice by slice; and values are text with a unit, not bare numbers.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from random import Random
from typing import Literal, TypeVar

from vesalius.datasets.compose import measure
from vesalius.datasets.compose.answers import Deck, choice
from vesalius.datasets.compose.made import Talk, made
from vesalius.datasets.compose.places import in_one_frame
from vesalius.datasets.compose.view import Place, View, views
from vesalius.datasets.compose.wording import Speech, draw
from vesalius.types import Measurement, Point, Sample
from vesalius.units import Unit

T = TypeVar("T")
Task = Literal["diameter", "axes", "area", "volume", "distance", "angle", "lines", "extent"]
TASKS: tuple[Task, ...] = ("diameter", "axes", "area", "volume", "distance", "angle", "lines", "extent")
Form = Literal["open", "choice"]
LEAST_PIXELS = 3  # of a mask that is measured
_ELONGATED = 2.0  # times longer than wide: only then has a mask a long axis
_SMALLER, _LARGER = (0.35, 0.5, 0.7), (1.4, 2.0, 2.8)  # wrong values, as parts and multiples of the right one
_METHODS = {
    "diameter": "greatest length of the mask",
    "axes": "greatest length of the mask, then its greatest width at right angles to that",
    "area": "pixels of the mask times the area of one",
    "volume": "voxels of the mask times the volume of one",
    "distance": "between the centers of the two regions",
    "angle": "at the landmark between the lines to the two others",
    "lines": "between the long axes of the two masks, by their second moments",
    "extent": "height and width of the box",
}
Found = tuple[Task, tuple[Place, ...], tuple[float, ...], Unit]


def compose(
    samples: Iterable[Sample],
    *,
    seed: int = 0,
    language: str = "en",
    tasks: tuple[Task, ...] = TASKS,
    form: Form = "open",
    state_spacing: bool = True,
    assume_mm: bool = False,
    pairs: int = 4,
) -> Iterator[Sample]:
    """Questions of size.

    Args:
        samples: annotated.
        seed: of wordings, of pairs and of options.
        language: en, zh or ar.
        tasks: what is measured.
        form: whether the value is to be said or chosen.
        state_spacing: tell the distance of the pixels with the question.
        assume_mm: measure too where a file gives numbers without a unit, as many NIfTI files do.
        pairs: for each of distance, angle and lines, how many pairs of regions a picture is asked about.
    """
    speech, deck = Speech(language, seed), Deck(seed)
    for sample in samples:
        for whole in views(sample):
            seen = in_one_frame(whole, seed)
            spacing = None if seen is None else seen.assumed_mm if assume_mm else seen.spacing_mm
            if seen is not None and spacing is not None:
                for found in _measured(seen, spacing, tasks, pairs, speech):
                    yield _question(seen, found, spacing, speech, deck if form == "choice" else None, state_spacing)


def told(value: float, unit: Unit, speech: Speech) -> str:
    """A value with its unit, at three significant digits."""
    return speech.fixed("quantity", value=f"{float(f'{value:.3g}'):g}", unit=str(speech.word("units", unit)))


def _measured(seen: View, spacing: Sequence[float], tasks: Sequence[Task], pairs: int, speech: Speech) -> Iterator[Found]:
    single = [place for place in seen.places if len(seen.of(place.label)) == 1 and speech.term(place.label)]
    plane = len(spacing) == 2
    for place in single:
        pixels = place.pixels
        if pixels is not None and pixels.ndim == len(spacing) and pixels.sum() >= LEAST_PIXELS:
            if "diameter" in tasks:
                yield "diameter", (place,), (measure.diameter_mm(pixels, spacing),), "mm"
            if "axes" in tasks and plane:
                yield "axes", (place,), measure.axes_mm(pixels, spacing), "mm"
            if "area" in tasks and plane:
                yield "area", (place,), (measure.area_mm2(pixels, spacing),), "mm2"
            if "volume" in tasks and not plane:
                yield "volume", (place,), (measure.volume_ml(pixels, spacing),), "mL"
        elif pixels is None and place.box is not None and "extent" in tasks and plane and len(place.box.size) == 2:
            height, width = (side * step for side, step in zip(place.box.size, spacing, strict=True))
            yield "extent", (place,), (height, width), "mm"
    fit = [place for place in single if place.center is not None and len(place.center) == len(spacing)]
    random = draw(speech.seed, seen.sample, f"pairs {seen.index}")
    if "distance" in tasks:
        for one, other in _some(list(combinations(fit, 2)), pairs, random):
            yield "distance", (one, other), (measure.distance_mm(_at(one), _at(other), spacing),), "mm"
    if "angle" in tasks:
        landmarks = [place for place in fit if isinstance(place.region.geometry, Point)]
        for vertex, one, other in _some(_vertices(landmarks), pairs, random):
            angle = measure.angle_deg(_at(one), _at(vertex), _at(other), spacing)
            if angle is not None:
                yield "angle", (vertex, one, other), (angle,), "deg"
    if "lines" in tasks:
        axes = [(place, axis) for place in fit if (axis := _axis(place, spacing)) is not None]
        for (one, first), (other, second) in _some(list(combinations(axes, 2)), pairs, random):
            yield "lines", (one, other), (measure.between_lines_deg(first, second),), "deg"


def _question(
    seen: View, found: Found, spacing: Sequence[float], speech: Speech, deck: Deck | None, state_spacing: bool
) -> Sample:
    task, places, values, unit = found
    talk, what = Talk(), seen.tag(f"{task} of {', '.join(f'{place.label} region {place.at}' for place in places)}")
    slots = dict(zip(("label", "other", "third"), (str(speech.term(place.label)) for place in places), strict=False))
    question = speech.say(seen.sample, task, what, **slots)
    if state_spacing:
        steps = " × ".join(f"{float(f'{step:.3g}'):g}" for step in spacing)
        size = speech.fixed("quantity", value=steps, unit=str(speech.word("units", "mm")))
        question = f"{question} {speech.fixed('pixel_size', size=size)}"
    answer = _said(values, unit, speech)
    marks = talk.marks(place.boxed() if place.box is not None else place.marked(place.region.geometry) for place in places)
    sure = measure.diagonal_mm(spacing) if unit == "mm" else None
    measurements = [Measurement(task, value, unit, _METHODS[task], 0, sure) for value in values]
    images, regions = (seen.shown,), talk.regions
    if deck is not None:
        wrong, tail = _wrong(seen, what, values, unit, speech), f" {marks}"
        return choice(
            seen.sample,
            "sizes",
            what,
            task="measurement",
            question=question,
            right=answer,
            wrong=wrong,
            deck=deck,
            images=images,
            tail=tail,
            regions=regions,
            measurements=measurements,
        )
    turns = talk.turns(question, f"{answer} {marks}")
    return made(
        seen.sample,
        "sizes",
        what,
        task="measurement",
        turns=turns,
        images=images,
        regions=regions,
        measurements=measurements,
    )


def _said(values: Sequence[float], unit: Unit, speech: Speech) -> str:
    said = [told(value, unit, speech) for value in values]
    return said[0] if len(said) == 1 else speech.fixed("by", first=said[0], second=said[1])


def _wrong(seen: View, what: str, values: Sequence[float], unit: Unit, speech: Speech) -> list[str]:
    """Three other values; how many of them are smaller is drawn, so that the middle one is right no more often than others."""
    random = draw(speech.seed, seen.sample, f"options {what}")
    smaller = random.randint(0, 3)
    factors = [*random.sample(_SMALLER, smaller), *random.sample(_LARGER, 3 - smaller)]
    random.shuffle(factors)
    return [_said([value * factor for value in values], unit, speech) for factor in factors]


def _vertices(places: Sequence[Place]) -> list[tuple[Place, Place, Place]]:
    return [
        (vertex, one, other)
        for vertex in places
        for one, other in combinations([place for place in places if place is not vertex], 2)
    ]


def _axis(place: Place, spacing: Sequence[float]) -> measure.Floats | None:
    """The long axis of a mask that has one."""
    pixels = place.pixels
    if pixels is None or pixels.ndim != len(spacing) or pixels.sum() < LEAST_PIXELS:
        return None
    axis, elongation = measure.long_axis(pixels, spacing)
    return axis if elongation >= _ELONGATED else None


def _some(items: list[T], most: int, random: Random) -> list[T]:
    return random.sample(items, min(most, len(items)))


def _at(place: Place) -> tuple[float, ...]:
    assert place.center is not None, "a place has a center"
    return place.center
