"""phantom: simulated patients written as a dataset, as DICOM and as a contact sheet."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from vesalius.datasets import phantom_dicom, phantoms, store
from vesalius.errors import Problem, UsageError
from vesalius.phantom import world
from vesalius.phantom.truth import Phantom
from vesalius.transforms.draw import CYAN, Pixels, contact_sheet, draw_boxes, save_png
from vesalius.transforms.intensity import to_display
from vesalius.types import Sample
from vesalius.workflows.outcome import Outcome

SHEET, DICOM = "contact_sheet.png", "dicom"
MOST_SHOWN, COLUMNS = 16, 4


def phantom(
    kind: str, *, count: int, out: Path, seed: int, factors: Sequence[str], say: Callable[[str], None] = lambda line: None
) -> Outcome:
    """Make patients `seed` … `seed + count - 1` and write them.

    `out` gets the dataset (`samples.parquet`, `media/`, `CARD.md`), `dicom/` with one file per visit, and
    `contact_sheet.png` with the first patients and their true boxes. The same arguments give the same folder.

    Args:
        kind: one of `kinds()`.
        count: how many patients, 1 or more.
        out: folder to make; must not hold a dataset.
        seed: the first patient's number.
        factors: `name=value`, as `kinds()` lists them; `visits=1` or `visits=2` also, else three in ten come twice. Reports
            are in canonical words, as in an exam, unless `wording=varied` is among them.
        say: takes progress lines.

    Raises:
        UsageError: `unknown_name`, `bad_factor`, `bad_option`.
    """
    given = _parsed(factors)
    if count < 1:
        raise UsageError("bad_option", "-n is the number of patients. None would be an empty dataset. Give 1 or more.")
    visits = _visits(given)
    fixed = {"wording": "canonical", **given}
    world.make(kind, seed=seed, visit=0, **fixed)  # all that is wrong with the factors is said before anything is written
    shown: list[Pixels] = []
    pictures = 0

    def samples() -> Iterator[Sample]:
        nonlocal pictures
        for number in range(seed, seed + count):
            times = visits or phantoms.visits_of(kind, number)
            seen = [world.make(kind, seed=number, visit=visit, **fixed) for visit in range(times)]
            for picture in seen:
                phantom_dicom.write(picture, out / DICOM)
            pictures += len(seen)
            shown.extend(_with_boxes(picture) for picture in seen[: MOST_SHOWN - len(shown)])
            say(f"patient {number - seed + 1} of {count}")
            yield from phantoms.samples_of(seen[-1], seen[0] if times == 2 else None)

    written = store.write(samples(), out, _card(kind, seed, count, given))
    save_png(out / SHEET, contact_sheet(shown, min(COLUMNS, len(shown))))
    data = {"kind": kind, "patients": count, "pictures": pictures, "samples": sum(written.values()), "first_seed": seed}
    text = (
        f"{count} patients, {pictures} pictures, {data['samples']} questions. The dataset lies in the folder, the pictures as "
        f"DICOM in {DICOM}/, the first of them with their true boxes in {SHEET}."
    )
    return Outcome(data, text)


def kinds() -> Outcome:
    """Every kind of phantom with what can be fixed."""
    found = {kind: world.factors(kind) for kind in world.kinds()}
    data = {
        "phantoms": [
            {
                "kind": kind,
                "factors": [
                    {"name": name, "says": factor.says, "allowed": list(factor.allowed())} for name, factor in known.items()
                ],
            }
            for kind, known in found.items()
        ]
    }
    lines = []
    for kind, known in found.items():
        width = max(map(len, known))
        lines.append(kind)
        lines += [f"  {name:<{width}}  {'|'.join(factor.allowed())}: {factor.says}" for name, factor in known.items()]
    return Outcome(data, "\n".join(lines))


def _parsed(factors: Sequence[str]) -> dict[str, object]:
    """`name=value` texts as a mapping.

    Raises:
        UsageError: `bad_factor` for every one that is none, or that stands twice.
    """
    given: dict[str, object] = {}
    problems = []
    for text in factors:
        name, sign, value = text.partition("=")
        if not sign or not name or not value:
            problems.append(Problem(text, "a factor is written name=value", ("name=value",)))
        elif name in given:
            problems.append(Problem(name, "stands twice", ("once",)))
        given[name] = value
    if problems:
        listed = "; ".join(f"{problem.key}: {problem.message}" for problem in problems)
        raise UsageError("bad_factor", f"Some factors cannot be read · {listed} · write them as name=value, each once.", problems)
    return given


def _visits(given: dict[str, object]) -> int | None:
    """Takes `visits` out of the factors; what changes between visits asks for two."""
    text = given.pop("visits", None)
    if text is None:
        return world.VISITS if "change" in given else None
    if text not in ("1", "2") or (text == "1" and "change" in given):
        problem = Problem("visits", "a patient comes once or twice; with change, twice", ("1", "2"))
        raise UsageError(
            "bad_factor",
            "There is no such number of visits · patients come once, or twice to show a change · change it.",
            [problem],
        )
    return int(str(text))


def _with_boxes(picture: Phantom) -> Pixels:
    """The picture as an eye sees it, with the boxes of anatomy and lesions."""
    image = phantoms.to_image(picture)
    pixels = to_display(image.load(), image)
    names = {str(lesion.mask): lesion.finding for lesion in picture.lesions}
    boxes = [(box, names.get(name, name)) for name, box in picture.boxes().items() if name != "ribs"]
    return draw_boxes(pixels, boxes, CYAN)


def _card(kind: str, seed: int, count: int, given: Mapping[str, object]) -> store.Card:
    """What a reader of the dataset must know."""
    fixed = ", ".join(f"{name}={value}" for name, value in sorted(given.items())) or "nothing"
    return store.Card(
        name=f"Phantoms: {kind}",
        source=f"Simulated by Vesalius, kind {kind}, seeds {seed} to {seed + count - 1}; fixed: {fixed}.",
        licence=phantoms.LICENCE,
        labels="Exact: what was drawn. Boxes are tight around the structures' masks.",
        patients="A patient is a seed; the pictures of one are one or two visits.",
        splits="None: choose seeds of its own for each split, or split by patient.",
        notes="Simulated pictures. They are no claim about patients. Research use only. Not a medical device.",
    )
