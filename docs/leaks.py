"""How well copies of chest radiographs are found among radiographs, as tables in Markdown: `python docs/leaks.py`.

Copies are made of every radiograph of two public collections, each in one way, and laid among the originals; then everything is
compared with everything, by the very function that `vesalius data lint` uses. A copy is found when it and its original are
told as a pair. VESALIUS_DATA names the folder that holds the collections.
"""

import io
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from vesalius.clinical.images import open_images
from vesalius.datasets.duplicates.candidates import candidates
from vesalius.datasets.duplicates.closely import ALIKE, look
from vesalius.datasets.duplicates.pairs import near_duplicates
from vesalius.datasets.duplicates.prints import Prints, prints
from vesalius.transforms.intensity import to_display
from vesalius.types import Array, Image, Source

COLLECTIONS = {"kermany_chestxray": ".jpeg", "covid_chestxray/images": ""}
SIZES = (10_000, 100_000)
NOWHERE = Source(None, "", "array")
# Files that show one exposure, looked at one by one: copies that the second collection itself holds.
COPIES = (
    ("2-chest-filmc", "7-fatal-covid19"),
    ("353889E0-A1E8-4F9E-A0B8-F24F36BCFBFB", "case_72_RX-TORACE1"),
    ("35AF5C3B-D04D-4B4B-92B7-CB1F67D83085", "D5ACAA93-C779-4E22-ADFA-6A220489F840"),
    ("3d4364c0e44859e86017ee1660112e_jumbo-1", "81ba2932af55c7663e9d87016776a6_jumbo-1"),
    ("A7E260CE-8A00-4C5F-A7F5-27336527A981", "case_76_1-3"),
    ("AR-1", "AR-2"),
    ("AR-1", "extubation-1"),
    ("AR-2", "extubation-1"),
    ("E63574A7-4188-4C8D-8D17-9D67A18A1AFA", "F4341CE7-73C9-45C6-99C8-8567A5484B63"),
)


def jpeg(quality: int) -> Callable[[Array, np.random.Generator], Array]:
    """Compressed again."""

    def change(pixels: Array, draw: np.random.Generator) -> Array:
        stream = io.BytesIO()
        Pillow.fromarray(pixels).save(stream, "JPEG", quality=quality)
        return np.asarray(Pillow.open(stream))

    return change


def cut(pixels: Array, draw: np.random.Generator) -> Array:
    """5 % of rows and columns cut off, anywhere."""
    rows, columns = (round(0.95 * side) for side in pixels.shape)
    y, x = (int(draw.integers(0, side - kept + 1)) for side, kept in zip(pixels.shape, (rows, columns), strict=True))
    return pixels[y : y + rows, x : x + columns]


def cut_around(pixels: Array, draw: np.random.Generator) -> Array:
    """5 % cut off on every side."""
    rows, columns = (round(0.05 * side) for side in pixels.shape)
    return pixels[rows : pixels.shape[0] - rows, columns : pixels.shape[1] - columns]


def cut_above(pixels: Array, draw: np.random.Generator) -> Array:
    """5 % cut off at the upper edge alone."""
    return pixels[round(0.05 * pixels.shape[0]) :]


def brighter(pixels: Array, draw: np.random.Generator) -> Array:
    """1.4 times as bright; what is beyond white stays white."""
    return np.clip(pixels * 1.4, 0, 255).astype(np.uint8)


def lifted(pixels: Array, draw: np.random.Generator) -> Array:
    """50 gray levels added."""
    return np.clip(pixels.astype(np.int64) + 50, 0, 255).astype(np.uint8)


def mirrored(pixels: Array, draw: np.random.Generator) -> Array:
    """Left and right exchanged."""
    return pixels[:, ::-1]


def negative(pixels: Array, draw: np.random.Generator) -> Array:
    """Black and white exchanged, as when MONOCHROME1 is read as MONOCHROME2."""
    return 255 - pixels


def turned(pixels: Array, draw: np.random.Generator) -> Array:
    """Turned by one degree."""
    return np.asarray(Pillow.fromarray(pixels).rotate(1, Pillow.Resampling.BICUBIC))


def halved(pixels: Array, draw: np.random.Generator) -> Array:
    """Half as many pixels each way."""
    return np.asarray(Pillow.fromarray(pixels).resize((pixels.shape[1] // 2, pixels.shape[0] // 2), Pillow.Resampling.BICUBIC))


def everything(pixels: Array, draw: np.random.Generator) -> Array:
    """Mirrored, cut, 1.2 times as bright and compressed."""
    brighter_still = np.clip(cut(mirrored(pixels, draw), draw) * 1.2, 0, 255).astype(np.uint8)
    return jpeg(50)(brighter_still, draw)


CHANGES: dict[str, Callable[[Array, np.random.Generator], Array]] = {
    "JPEG, quality 90": jpeg(90),
    "JPEG, quality 60": jpeg(60),
    "JPEG, quality 30": jpeg(30),
    "cut by 5 %, anywhere": cut,
    "cut by 5 % on every side": cut_around,
    "cut by 5 % above": cut_above,
    "1.4 times as bright": brighter,
    "50 gray levels brighter": lifted,
    "mirrored": mirrored,
    "negative": negative,
    "half the size": halved,
    "turned by one degree": turned,
    "mirrored, cut, brighter, JPEG 50": everything,
}


def main(root: Path) -> int:
    """Print what was found."""
    named = list(radiographs(root))
    names, pictures = [name for name, _ in named], [pixels for _, pixels in named]
    originals = [print_of(pixels) for pixels in pictures]
    print(f"{len(pictures)} pictures of {len(COLLECTIONS)} collections; a pair is told from a correlation of {ALIKE} on.\n")
    print("| copies | found | share |\n|---|---|---|")
    for name, change in CHANGES.items():
        draw = np.random.default_rng(0)
        found = found_copies(originals, [print_of(change(pixels, draw)) for pixels in pictures])
        print(f"| {name} | {found} of {len(pictures)} | {100 * found / len(pictures):.1f} % |")
    pairs = [(names[pair.one], names[pair.other], pair) for pair in near_duplicates(kept(originals))]
    false = [pair for one, other, pair in pairs if (one, other) not in COPIES]
    partners = {owner for pair in false for owner in (pair.one, pair.other)}
    compared = len(pictures) * (len(pictures) - 1) // 2
    print(f"\nAmong the originals alone {len(pairs)} of {compared:,} pairs are told; {len(pairs) - len(false)} of them show one")
    print(f"exposure. {len(false)} pairs are false, and {len(partners)} of {len(pictures)} pictures have a false partner.\n")
    print("| pairs told | correlation | one exposure |\n|---|---|---|")
    for one, other, pair in pairs:
        print(f"| {one}, {other} | {pair.likeness:.2f} | {'yes' if (one, other) in COPIES else 'no'} |")
    print("\n| prints | time to find candidates | pairs looked at | time to look |\n|---|---|---|---|")
    for size in SIZES:
        print(timed(originals, size))
    return 0


def radiographs(root: Path) -> Iterator[tuple[str, Array]]:
    """The collections' pictures in gray under their files' names, in the order of these."""
    for folder, ending in COLLECTIONS.items():
        paths = sorted(path for path in (root / folder).rglob("*") if path.is_file() and path.name.endswith(ending))
        for path, image in zip(paths, open_images(paths), strict=True):
            if isinstance(image, Image) and image.kind == "image":
                shown = to_display(image.load(), image)
                yield path.stem, shown if shown.ndim == 2 else shown.mean(axis=-1).astype(np.uint8)


def print_of(pixels: Array) -> Array:
    """The print of a gray picture."""
    height, width = pixels.shape
    (found,) = prints(pixels, Image("image", (height, width), 1, lambda: pixels, NOWHERE))
    return found


def kept(planes: list[Array]) -> Prints:
    """Prints under their indices."""
    found = Prints()
    for index, plane in enumerate(planes):
        found.add(index, plane)
    return found


def found_copies(originals: list[Array], copies: list[Array]) -> int:
    """How many copies are told to be of their originals."""
    count = len(originals)
    return sum(pair.other - pair.one == count for pair in near_duplicates(kept([*originals, *copies])))


def timed(originals: list[Array], size: int) -> str:
    """A row: how long candidates take among so many prints, made of the originals by turning, mixing and moving them."""
    draw = np.random.default_rng(0)
    stack = np.stack(originals)
    one, other = draw.integers(0, len(stack), (2, size))
    weight = draw.uniform(0.3, 0.7, (size, 1, 1)).astype(np.float32)
    planes = np.empty((size, *stack.shape[1:]), np.uint8)
    for start in range(0, size, 4096):
        part = slice(start, min(start + 4096, size))
        mixed = weight[part] * stack[one[part]] + (1 - weight[part]) * np.roll(stack[other[part]], int(draw.integers(-9, 10)), 2)
        planes[part] = mixed.astype(np.uint8)
    begun = time.perf_counter()
    pairs = np.concatenate(list(candidates(planes, np.arange(size))))
    seconds = time.perf_counter() - begun
    begun, looked = time.perf_counter(), pairs[:512]
    look(planes[looked[:, 0]], planes[looked[:, 1]])
    each = (time.perf_counter() - begun) / max(1, len(looked))
    return f"| {size:,} | {seconds:.0f} s | {len(pairs):,} | {each * len(pairs):.0f} s ({1000 * each:.1f} ms a pair) |"


if __name__ == "__main__":
    place = os.environ.get("VESALIUS_DATA")
    sys.exit(main(Path(place)) if place else "VESALIUS_DATA is not set: the collections are not at hand")
