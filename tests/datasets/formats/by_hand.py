"""Small samples with every fact, and what of a sample a test compares; for the tests of formats."""

import json
import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image as Pillow

from vesalius.datasets.exports import Dropped
from vesalius.datasets.faults import Fault
from vesalius.datasets.writing import rendered
from vesalius.types import (
    PLACEHOLDER,
    Array,
    Box,
    Image,
    Measurement,
    Point,
    Preference,
    Provenance,
    Region,
    Report,
    Sample,
    SampleImage,
    Source,
    Turn,
)


def picture(seed: int, shape: tuple[int, ...] = (24, 32), dtype: str = "uint8", **known: Any) -> Image:
    """A picture in memory; a third axis of 3 is color."""
    pixels: Array = np.random.default_rng(seed).integers(0, 200, shape).astype(dtype)
    return Image(
        known.pop("kind", "image"),
        shape[:-1] if shape[-1] == 3 else shape,
        3 if shape[-1] == 3 else 1,
        lambda: pixels,
        Source(None, f"{seed}-{shape}-{dtype}", "made"),
        **known,
    )


def clip(seed: int) -> Image:
    """Five color frames at 10 a second."""
    return picture(seed, (5, 16, 16, 3), kind="clip", frame_s=0.1)


def sample(key: str, turns: Iterable[tuple[str, str]], *images: Image, **facts: Any) -> Sample:
    """A sample of its own patient."""
    said = tuple(Turn(role, text) for role, text in turns)
    provenance = Provenance("made", "CC0", f"patient-{key}", f"study-{key}", "by hand", facts.pop("split", "train"))
    shown = tuple(SampleImage(facts.pop("roles", {}).get(index, "current"), image) for index, image in enumerate(images))
    return Sample(key, facts.pop("task", "conversation"), shown, said, provenance, **facts)


def vqa(key: str = "a", seed: int = 1, **facts: Any) -> Sample:
    """One question about one picture."""
    return sample(key, [("user", "<image:0> What is it?"), ("assistant", "A ramp.")], picture(seed), **facts)


def corpus(*, with_clips: bool = True) -> list[Sample]:
    """One of every kind of thing that conversations may hold."""
    boxes = (
        Region("left spot", Box.from_xyxy_px(1, 2, 8.5, 9)),
        Region("tip", Point((5.0, 7.0))),
    )
    other = (Region("right spot", Box.from_xyxy_px(20, 3, 32, 24), image=1),)
    asked = [("user", "<image:0> Where?"), ("assistant", "Here <region:0> and there <region:1>.")]
    pair = Preference("Yes.", "No.", (0,), (0,), 2.0)
    known = {"modality": "DX", "view": "PA", "window": (2000.0, 900.0), "spacing_mm": (0.2, 0.2), "inverted": True}
    turns = [("system", "Be short."), ("user", "<image:0>\nWhat?"), ("assistant", "A."), ("user", "Sure?"), ("assistant", "Yes.")]
    compared = [("user", "Compare <image:1> with <image:0>, then <image:1> again."), ("assistant", "Same.")]
    facts = {
        "options": ("PA", "AP"),
        "labels": {"mass": "absent"},
        "measurements": (Measurement("width", 3.5, "mm", "by hand"),),
        "report": Report("Clear.", "Normal."),
    }
    spot = Region("spot", Box.from_xyxy_px(0, 0, 5, 5))
    viewed = [("user", "<image:0> Which view?"), ("assistant", "PA")]
    found = [
        vqa("plain"),
        sample("many", compared, picture(2), picture(3)),
        sample("boxes", asked, picture(4), regions=boxes),
        sample(
            "two", [("user", "<image:0><image:1> Where?"), ("assistant", "<region:0>")], picture(4), picture(5), regions=other
        ),
        sample("pair", [("user", "<image:0> Is it?")], picture(6), preference=pair),
        sample("system", turns, picture(6)),
        sample("deep", viewed, picture(7, (20, 24), "uint16", **known), split="test", task="view", **facts),
        sample("text", [("user", "What is a lung?"), ("assistant", "An organ, <1 m.")]),
        sample("open", [("user", "<image:0> What next?")], picture(8)),
        sample("annotated", [], picture(9), task="annotation", regions=(spot,), report=Report("A spot.", "")),
    ]
    films = [sample("film", [("user", "<image:0> How many beats?"), ("assistant", "2")], clip(1))] if with_clips else []
    return [*found, *films]


def heard(read: Callable[..., Iterable[Sample]], root: Path, **options: Any) -> tuple[list[Sample], list[Fault]]:
    """Everything that a reader gives and tells."""
    faults: list[Fault] = []
    return list(read(root, faults.append, **options)), faults


def codes(faults: Iterable[Fault]) -> list[str]:
    return [fault.code for fault in faults]


def as_shown(image: Image) -> Image:
    """As pictures are written for other programs: 8 bits, through the window."""
    shown = rendered(image) if image.kind == "image" else None
    return image if shown is None else replace(image, load=lambda: shown, window=None, inverted=False)


def plain(found: Sample, *, images: bool = True) -> dict[str, Any]:
    """Everything that a sample says, arrays included, without where its files lie; pictures as other programs are given them."""

    def flat(item: Any) -> Any:
        if isinstance(item, Image):
            item = as_shown(item)
            shown = item.load()
            facts = {
                name: flat(getattr(item, name))
                for name in ("kind", "spacing_mm", "modality", "view", "window", "inverted", "day")
            }
            return {**facts, "pixels": (str(shown.dtype), shown.tolist())} if images else facts
        if isinstance(item, tuple):
            return [flat(part) for part in item]
        if isinstance(item, np.ndarray):
            return item.tolist()
        return {name: flat(value) for name, value in vars(item).items()} if hasattr(item, "__dataclass_fields__") else item

    return flat(found)


def seen(found: Sample) -> list[Any]:
    """The text, with the pixels of each picture where it is shown; those that no turn names come first."""
    pixels = [as_shown(shown.image).load().tobytes() for shown in found.images]
    text = " ".join(turn.text for turn in found.turns)
    pieces: list[Any] = [content for index, content in enumerate(pixels) if f"<image:{index}>" not in text]
    at = 0
    for mark in PLACEHOLDER.finditer(text):
        what = pixels[int(mark[2])] if mark[1] == "image" else found.regions[int(mark[2])].label
        pieces += [text[at : mark.start()], what]
        at = mark.end()
    return [piece for piece in [*pieces, text[at:]] if piece]


def written(write: Callable[..., None], samples: Iterable[Sample], out: Path) -> Dropped:
    dropped = Dropped()
    write(samples, out, dropped)
    return dropped


def save(path: Path, seed: int, size: tuple[int, int] = (24, 32)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(np.random.default_rng(seed).integers(0, 255, size, dtype=np.uint8)).save(path)
    return path


def dump(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def lines(path: Path, content: Iterable[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in content), encoding="utf-8")
    return path


GARBAGE = [
    b"",
    b"\x00\xff\x80binary",
    b"7",
    b"null",
    b"[]",
    b"{}",
    b"[[]]",
    b'{"a": 1}',
    b'[{"messages": 3}]',
    b"[" * 5000,
    b'"text"',
]


def is_recognized_in_garbage(recognizes: Callable[[Path], bool], folder: Path, suffixes: Iterable[str]) -> bool:
    """Whether any file of garbage, or a folder of all of them, is taken for the format."""
    taken = []
    for suffix in suffixes:
        for number, content in enumerate(GARBAGE):
            place = folder / f"{number}{suffix}"
            place.write_bytes(content)
            taken.append(recognizes(place))
    return any([*taken, recognizes(folder), recognizes(folder / "not there")])


# What texts hold for a round trip: no token that steers a model, since those are faults.
words = st.text(st.sampled_from("abc éß日\n\t,;\"'<>|{}0:"), min_size=1, max_size=12).filter(lambda text: text.strip())


@st.composite
def conversations(draw: st.DrawFn, *, most_images: int = 3, regions: bool = True) -> Sample:
    """A sample with pictures named anywhere in its user turns, twice or not at all, and boxes in its answers."""
    number = draw(st.integers(0, most_images))
    images = [picture(draw(st.integers(0, 5)) * 10 + index, (12, 16)) for index in range(number)]
    places: list[Region] = []
    turns: list[tuple[str, str]] = []
    for _ in range(draw(st.integers(1, 2))):
        marks = draw(st.lists(st.integers(0, number - 1), max_size=3)) if number else []
        pieces = [*(f"<image:{index}>" for index in marks), draw(words)]
        random.Random(draw(st.integers(0, 9))).shuffle(pieces)
        turns.append(("user", "".join(pieces)))
        answer = draw(words)
        if regions and number and draw(st.booleans()):
            x0, y0 = draw(st.integers(0, 8)), draw(st.integers(0, 6))
            box = Box.from_xyxy_px(x0, y0, x0 + draw(st.integers(1, 8)), y0 + draw(st.integers(1, 6)))
            places.append(Region(draw(st.sampled_from(["spot", "rib"])), box, image=draw(st.integers(0, number - 1))))
            answer += f"<region:{len(places) - 1}>"
        turns.append(("assistant", answer))
    return sample(draw(st.sampled_from("abcdef")), turns, *images, regions=tuple(places))
