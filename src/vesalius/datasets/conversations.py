"""Conversations of other programs and ours, there and back: anonymous marks for pictures and boxes, and our numbered ones.

Their texts mark pictures by `<image>` in order, or are lists of typed parts; ours name them, `<image:0>`. Between the two a
conversation is a list of `Said`, whose pieces are texts, pictures and places. Whitespace stays as it is, both ways.
"""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from vesalius.datasets.exports import Dropped
from vesalius.datasets.sources import RecordRefused
from vesalius.generate.boxes import bbox_2d
from vesalius.types import PLACEHOLDER, Box, Image, Kind, Mask, Point, Polygon, Preference, Region, Sample, SampleImage, Turn

Role = Literal["system", "user", "assistant"]
# Tokens that steer some model: of chat templates, of pictures, of places. Their text in a dataset would do so too.
SPECIAL = re.compile(
    r"<\|[^|<>\s]{1,40}\|>|</?s>|<(?:image|video|audio|bbox|ref-object|img|box|ref|point|quad|bos|eos|pad|unk|mask)>"
    r"|<(?:start_of_turn|end_of_turn|start_of_image|end_of_image|image_soft_token|IMG_CONTEXT|unused\d+|loc\d{4}|seg\d{3})>"
    r"|\[/?INST\]|<</?SYS>>|" + PLACEHOLDER.pattern
)
# Characters that no text has: what decoding could not read, halves of pairs, and controls but tab and line ends.
BROKEN = re.compile("[\ufffd\ud800-\udfff\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Shown:
    """A picture, at this place of the text: what names it, or its index."""

    item: Hashable


@dataclass(frozen=True, eq=False)
class Placed:
    """A region, at this place of the text; `item` names the picture that it lies in."""

    region: Region
    item: Hashable = 0


Piece = str | Shown | Placed


@dataclass(frozen=True, eq=False)
class Said:
    """A turn in pieces. `spans` () says that nothing of it is to be learnt."""

    role: Role
    pieces: tuple[Piece, ...]
    spans: tuple[tuple[int, int], ...] | None = None


@dataclass(frozen=True, eq=False)
class Conversation:
    """Turns with our marks, and what they stand for. `shown` has the pictures in the order of their marks, as often as marked."""

    turns: tuple[Turn, ...]
    images: tuple[SampleImage, ...]
    regions: tuple[Region, ...]
    shown: tuple[Image, ...]


# ------------------------------------------------------------------------------------------------------- theirs into ours


def text_of(value: Any, what: str = "A text") -> str:
    """A text of a record.

    Raises:
        RecordRefused: `record_malformed`: it is none; `encoding_broken`: it holds characters that no text has.
    """
    if not isinstance(value, str):
        raise RecordRefused("record_malformed", f"{what} of it is missing, or is no text.")
    if BROKEN.search(value):
        raise RecordRefused("encoding_broken", f"{what} of it has characters that no text has: it was read or saved wrongly.")
    return value


def plain_text(value: Any, what: str = "A text") -> str:
    """As `text_of`, of a text that marks nothing.

    Raises:
        RecordRefused: also `special_token`.
    """
    text = text_of(value, what)
    if found := SPECIAL.search(text):
        raise RecordRefused("special_token", f"{what} of it holds the token {found[0]}, which steers some model.")
    return text


def cut(text: str, marks: Sequence[str]) -> list[str]:
    """A text cut at its marks, these included; empty pieces are left out."""
    return [piece for piece in re.split("(" + "|".join(re.escape(mark) for mark in marks) + ")", text) if piece]


def marked(
    texts: Sequence[tuple[Role, str]], media: Mapping[str, Sequence[Hashable]], *, unmarked_first: bool = False
) -> tuple[Said, ...]:
    """Texts with marks, the n-th mark of a kind standing for the n-th medium of that kind.

    Args:
        texts: who says what.
        media: the mark → what it stands for, in order.
        unmarked_first: media of a kind that no text marks stand before the first text that is no system's.

    Raises:
        RecordRefused: `placeholder_mismatch`, when the texts have more or fewer marks than there are media.
    """
    pieces = [cut(text, tuple(media)) for _, text in texts]
    waiting = {mark: list(items) for mark, items in media.items()}
    first = next((at for at, (role, _) in enumerate(texts) if role != "system"), 0)
    for mark, items in media.items():
        times = sum(found.count(mark) for found in pieces)
        if times == 0 and items and unmarked_first and pieces:
            pieces[first] = [*[mark] * len(items), *pieces[first]]
        elif times != len(items):
            raise RecordRefused("placeholder_mismatch", f"Its texts have {times} {mark} and it names {len(items)} of these.")
    return tuple(
        Said(role, tuple(Shown(waiting[piece].pop(0)) if piece in waiting else piece for piece in found))
        for (role, _), found in zip(texts, pieces, strict=True)
    )


def conversation(said: Sequence[Said], open_item: Callable[[Any], Image], *, text_alone: bool = False) -> Conversation:
    """Our turns of what was said; one picture that is shown twice has one number.

    Args:
        said: in order.
        open_item: opens what a `Shown` names.
        text_alone: leaves pictures and places out.

    Raises:
        RecordRefused: `special_token`, `encoding_broken`, `answer_missing`, `record_malformed`, and whatever `open_item` refuses.
    """
    numbers: dict[Hashable, int] = {}
    images: list[SampleImage] = []
    shown: list[Image] = []
    regions: list[Region] = []
    turns: list[Turn] = []

    def number_of(item: Hashable) -> int:
        if item not in numbers:
            numbers[item] = len(images)
            images.append(SampleImage("current", open_item(item)))
        return numbers[item]

    for one in said:
        parts: list[str] = []
        for piece in one.pieces:
            if isinstance(piece, str):
                parts.append(plain_text(piece, "The answer" if one.role == "assistant" else "The text"))
            elif text_alone:
                continue
            elif isinstance(piece, Shown):
                parts.append(f"<image:{number_of(piece.item)}>")
                shown.append(images[number_of(piece.item)].image)
            else:
                regions.append(replace(piece.region, image=number_of(piece.item)))
                parts.append(f"<region:{len(regions) - 1}>")
        text = "".join(parts)
        if not text.strip():
            if one.role == "assistant":
                raise RecordRefused("answer_missing", "An answer of it is empty.")
            raise RecordRefused("record_malformed", "A turn of it is empty.")
        turns.append(Turn(one.role, text, one.spans))
    if all(turn.role != "user" for turn in turns):
        raise RecordRefused("record_malformed", "It has no turn of a user: nothing is asked.")
    return Conversation(tuple(turns), tuple(images), tuple(regions), tuple(shown))


def preferred(
    said: Sequence[Said],
    chosen: Said | None,
    rejected: Said | None,
    open_item: Callable[[Any], Image],
    *,
    about: Sequence[Hashable] = (),
    text_alone: bool = False,
) -> tuple[Conversation, Preference]:
    """The turns before a better and a worse answer, and these; None for an answer that there is not.

    Args:
        said: in order, without the answers.
        chosen: the better one.
        rejected: the worse one.
        open_item: opens what a `Shown` names.
        about: the pictures of the worse answer; none: the same.
        text_alone: leaves pictures and places out.

    Raises:
        RecordRefused: as `conversation`.
    """
    answers = [answer for answer in (chosen, rejected) if answer is not None]
    behind = [Said("system", (Shown(item),)) for item in about if not text_alone]
    talk = conversation([*said, *answers, *behind], open_item, text_alone=text_alone)
    before, after = len(said), len(said) + len(answers)
    texts = iter(turn.text for turn in talk.turns[before:after])
    better = next(texts) if chosen is not None else ""
    worse = next(texts) if rejected is not None else ""
    named = [(int(mark[2])) for turn in talk.turns[:after] for mark in PLACEHOLDER.finditer(turn.text) if mark[1] == "image"]
    shown = tuple(dict.fromkeys(named))
    other = tuple(int(mark[2]) for turn in talk.turns[after:] for mark in PLACEHOLDER.finditer(turn.text))
    return replace(talk, turns=talk.turns[:before]), Preference(better, worse, shown, other or shown)


def answered(turns: Sequence[Turn]) -> None:
    """Refuse a conversation that ends with a question.

    Raises:
        RecordRefused: `answer_missing`.
    """
    if not turns or turns[-1].role != "assistant":
        raise RecordRefused("answer_missing", "Its last question has no answer.")


# ------------------------------------------------------------------------------------------------------- ours into theirs


@dataclass(frozen=True, eq=False)
class Told:
    """A sample's conversation for another program: its turns, but the answers of a preference, which stand apart.

    A preference of which one answer is empty says of the other alone that it is good, or bad.
    """

    said: tuple[Said, ...]
    chosen: Said | None = None
    rejected: Said | None = None

    @property
    def is_pair(self) -> bool:
        """Whether there is a better and a worse answer."""
        return self.chosen is not None and self.rejected is not None


def order_of(said: Sequence[Said]) -> tuple[int, ...]:
    """The indices of the pictures in the order of their marks, as often as marked."""
    pieces = (piece for one in said for piece in one.pieces)
    return tuple(piece.item for piece in pieces if isinstance(piece, Shown) and isinstance(piece.item, int))


def text_with(one: Said, mark: Callable[[Shown | Placed], str]) -> str:
    """The text of a turn, with the format's own marks."""
    return "".join(piece if isinstance(piece, str) else mark(piece) for piece in one.pieces)


def told(sample: Sample, dropped: Dropped, *, kinds: Sequence[Kind] = ("image",), masks_turns: bool = False) -> Told | None:
    """A sample's turns in pieces, or None where the format cannot show what they are about; that is counted.

    Pictures that no turn names come before the first question, since without a mark no program would show them.

    Args:
        sample: without masks (see `without_masks`).
        dropped: the tally.
        kinds: what the format can show.
        masks_turns: the format can say of a whole answer that it is not to be learnt.
    """
    if all(turn.role != "user" for turn in sample.turns):
        dropped["samples that ask nothing: the format holds conversations; compose questions first"] += 1
        return None
    for shown in sample.images:
        if shown.image.kind not in kinds:
            dropped[f"samples about a {shown.image.kind}: the format has no place for one"] += 1
            return None
    pair = sample.preference
    if not_to_be_written(*(turn.text for turn in sample.turns), *((pair.chosen, pair.rejected) if pair else ())):
        dropped["samples whose texts hold tokens that steer a model, or characters that no text has"] += 1
        return None
    if any(turn.spans if masks_turns else turn.spans is not None for turn in sample.turns):
        dropped["what of an answer is to be learnt: programs of the format learn whole answers"] += 1
    turns = list(sample.turns)
    if pair is not None and turns[-1].role == "assistant":
        last = turns.pop()
        if last.text != pair.chosen:
            dropped["answers beside the two of a preference pair"] += 1
    said = [Said(turn.role, _pieces(turn.text, sample), turn.spans) for turn in turns]
    answers = [
        Said("assistant", _pieces(text, sample)) if text else None for text in ((pair.chosen, pair.rejected) if pair else ())
    ]
    every = [*said, *(answer for answer in answers if answer is not None)]
    named = {piece.item for one in every for piece in one.pieces if isinstance(piece, Shown)}
    missing = tuple(Shown(index) for index in range(len(sample.images)) if index not in named)
    if missing:
        first = next(at for at, one in enumerate(said) if one.role == "user")
        said[first] = replace(said[first], pieces=(*missing, *said[first].pieces))
    return Told(tuple(said), *answers)


def not_to_be_written(*texts: str) -> bool:
    """Whether a text holds what readers refuse: written into a record it would be taken for a mark."""
    plain = [PLACEHOLDER.sub("", text) for text in texts]
    return any(SPECIAL.search(text) or BROKEN.search(text) for text in plain)


def without_masks(sample: Sample, dropped: Dropped) -> Sample:
    """The sample with its masks as the boxes around them, counted."""
    if not any(isinstance(region.geometry, Mask) for region in sample.regions):
        return sample
    dropped["masks: written as the boxes around them"] += sum(isinstance(region.geometry, Mask) for region in sample.regions)
    return replace(sample, regions=tuple(replace(region, geometry=_around(region.geometry)) for region in sample.regions))


def worded(piece: Shown | Placed, dropped: Dropped) -> str:
    """A place as text, for formats that have no boxes: JSON in pixels of the picture's file; else its label alone. Counted."""
    assert isinstance(piece, Placed), "pictures have marks of their own"
    region, place = piece.region, piece.region.geometry
    if region.space == "pixel" and region.frame is None:
        if isinstance(place, Polygon) and place.vertices:
            dropped["outlines: written into the text as the boxes around them"] += 1
            place = _hull(place)
        if (isinstance(place, Box) and len(place.low) == 2) or (isinstance(place, Point) and len(place.at) == 2):
            dropped[
                "boxes in answers: written into the text in pixels of the file, which nobody moves when pictures are resized"
            ] += 1
            return bbox_2d(region.label, place)
    dropped["places in volumes and clips: only their names stand in the text"] += 1
    return region.label


def joined(said: Sequence[Said], dropped: Dropped) -> list[Said]:
    """Turns that alternate, as most programs ask for: a speaker's turns in a row become one, by line ends; counted."""
    found: list[Said] = []
    for one in said:
        if found and found[-1].role == one.role:
            dropped["turns of one speaker in a row: joined"] += 1
            found[-1] = replace(found[-1], pieces=(*found[-1].pieces, "\n", *one.pieces))
        else:
            found.append(one)
    return found


def _pieces(text: str, sample: Sample) -> tuple[Piece, ...]:
    found: list[Piece] = []
    at = 0
    for mark in PLACEHOLDER.finditer(text):
        if mark.start() > at:
            found.append(text[at : mark.start()])
        index = int(mark[2])
        found.append(Shown(index) if mark[1] == "image" else Placed(sample.regions[index], sample.regions[index].image))
        at = mark.end()
    if at < len(text):
        found.append(text[at:])
    return tuple(found)


def _around(place: Any) -> Any:
    if not isinstance(place, Mask):
        return place
    inside = np.argwhere(place.load())
    if not len(inside):
        return Polygon(())
    low, high = inside.min(axis=0), inside.max(axis=0) + 1
    return Box(tuple(float(v) for v in low), tuple(float(v) for v in high))


def _hull(place: Polygon) -> Box:
    ys, xs = zip(*place.vertices, strict=True)
    return Box((min(ys), min(xs)), (max(ys), max(xs)))
