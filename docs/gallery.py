"""Draws a contact sheet of every kind of phantom into docs/pictures/, and prints what each kind holds, as Markdown.

    python docs/gallery.py [KIND ...]

Findings are boxed in amber, anatomy in cyan. Volumes show an axial, a coronal and a sagittal plane, clips their first, middle and
last frame. The patients are seeds from FIRST_SEED on, the first one healthy; nothing is picked by hand.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from vesalius.phantom import world
from vesalius.phantom.truth import Phantom
from vesalius.transforms.draw import Pixels, contact_sheet, shrink
from vesalius.workflows.phantom_shown import pictured, planes

PICTURES = Path(__file__).resolve().parent / "pictures"
FIRST_SEED = 930_000_000
WIDTH_PX, QUALITY = 1280, 85
OVERVIEW_PX, OVERVIEW_COLUMNS = 208, 6
SIZES = {"image": (224, 5, 10), "volume": (96, 2, 6), "clip": (160, 2, 6)}  # samples a side, columns, patients


def main() -> None:
    """Draw and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kinds", nargs="*", default=world.kinds())
    PICTURES.mkdir(exist_ok=True)
    kinds = parser.parse_args().kinds
    if set(kinds) == set(world.kinds()):
        _save(PICTURES / "phantoms.jpg", contact_sheet([_tile(kind) for kind in kinds], OVERVIEW_COLUMNS))
    for kind in kinds:
        print(kind, file=sys.stderr)
        _save(PICTURES / f"phantom_{kind}.jpg", _sheet(kind))
        print(_passage(kind))


def _tile(kind: str) -> Pixels:
    """One picture of a kind without anything drawn on it: of a volume its axial plane, of a clip its first frame."""
    first = world.make(kind, seed=FIRST_SEED, size_px=32).picture.kind
    size_px = SIZES[first][0] if first == "volume" else OVERVIEW_PX
    seen = planes(world.make(kind, seed=FIRST_SEED + 1, size_px=size_px), boxes=False)[0]
    return shrink(seen, OVERVIEW_PX)


def _sheet(kind: str) -> Pixels:
    first = world.make(kind, seed=FIRST_SEED, size_px=32).picture.kind
    size_px, columns, patients = SIZES[first]
    sheet = contact_sheet([pictured(_patient(kind, index, size_px)) for index in range(patients)], columns)
    return shrink(sheet, max(WIDTH_PX, round(WIDTH_PX * sheet.shape[0] / sheet.shape[1])))


def _patient(kind: str, index: int, size_px: int) -> Phantom:
    """The first one is healthy; the others are as they come, but not healthy."""
    if not index:
        return world.make(kind, seed=FIRST_SEED, size_px=size_px, finding="none")
    return world.make(kind, seed=FIRST_SEED + index, size_px=size_px, normal_share=0)


def _save(path: Path, pixels: Pixels) -> None:
    PillowImage.fromarray(np.ascontiguousarray(pixels)).save(path, quality=QUALITY)


def _passage(kind: str) -> str:
    lines = [f"### {kind}", "", world.says(kind), "", f"![{kind}: contact sheet](pictures/phantom_{kind}.jpg)", ""]
    lines += ["| finding | ICD-10 | size in mm | attributes | mistaken for |", "|---|---|---|---|---|"]
    for item in world.catalogue(kind):
        size = f"{item.size_mm[0]:g} to {item.size_mm[1]:g}, {item.size_is}" if item.size_mm else ""
        words = {**item.attributes, **({"severity": (*item.severities, *item.grades)} if item.severities or item.grades else {})}
        told = "; ".join(f"{name}: {', '.join(values)}" for name, values in words.items())
        lines.append(f"| {item.name} | {item.code} | {size} | {told} | {', '.join(item.looks_like)} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
