"""swift: conversations as ms-swift reads them, with `objects` for boxes and `rejected_response` for preference pairs.

What:       any number of conversations about pictures and clips, with places in them.
Layout:     JSON lines (or lists), one a split where the file's name says so: `messages` of `{"role", "content"}`, `images`,
            `videos` (names, or `data:` addresses), `<image>` and `<video>` where they are shown (before the first question when a
            record marks none of them, as ms-swift does), `objects` of `ref` and `bbox` in the order of `<ref-object>` and
            `<bbox>`, with `bbox_type` (`real`, pixels of the file, or `norm1`, fractions) and `image_id`;
            `rejected_response`, `rejected_messages`, `rejected_images`; `label`, when it says whether the one answer is
            good; a last question without an answer is a prompt.
            Pictures lie anywhere below the folder.
Holds:      turns, pictures, clips, boxes and points in pictures with their names, pairs, also about different pictures.
            Volumes, outlines, masks and places in clips: counted when they are left out or written otherwise.
Beside:     the key `vesalius` keeps what the format has no place for; ms-swift deletes keys that it does not know, but
            for GRPO, whose reward functions are given all of them.
Split unit: the patient that `vesalius` names; in files of others, who name nobody, the pictures of a record.
Labels:     the conversations as they are in the files. A box is called what the last `<ref-object>` before it is, though
            ms-swift itself does not pair them; one that has none before it is called "object".
Defects:    left out, each with its place: marks that are more or fewer than what they stand for; boxes outside of their
            picture, inverted, without extent, or in fractions where pixels are stated; missing pictures; empty answers;
            tokens that steer a model (so also boxes that are written for one model alone, `<|box_start|>…`, whose space
            is not stated); pairs without an answer; `audios` and `tools`.
Licence:    not stated by the files.
Source:     github.com/modelscope/ms-swift v3.8, docs/source_en/Customization/Custom-dataset.md and
            `Template.normalize_bbox`.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from vesalius.datasets.beside import FIELD, beside, restored
from vesalius.datasets.conversations import (
    Piece,
    Placed,
    Role,
    Said,
    Shown,
    conversation,
    cut,
    joined,
    marked,
    order_of,
    plain_text,
    preferred,
    text_of,
    text_with,
    told,
    without_masks,
    worded,
)
from vesalius.datasets.exports import Dropped
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.foreign import Source, explained, head, places, split_of, streamed
from vesalius.datasets.sources import RecordRefused
from vesalius.datasets.split import Split
from vesalius.datasets.writing import Media, Records, nothing_held, split_name
from vesalius.errors import InputRefused
from vesalius.types import Box, Point, Region, Sample

NAME = "swift"
IMAGE, VIDEO, REF, BBOX = "<image>", "<video>", "<ref-object>", "<bbox>"
SUFFIXES = (".jsonl", ".json")
UNNAMED = "object"
_OWN = {"images", "videos", "objects", "rejected_response", "rejected_messages"}
_ROLES: tuple[Role, ...] = ("system", "user", "assistant")


def recognizes(root: Path) -> bool:
    """Whether records have `messages` of plain text, and one of the first has pictures, clips, objects or a worse answer."""
    return not explained(root) and bool(places(root, SUFFIXES, _fits))


def read(root: Path, tell: Tell = refuse, *, text_alone: bool = False) -> Iterator[Sample]:
    """A sample a record.

    Args:
        root: the folder, or one file of records.
        tell: takes faults, with the line or number of the record (and of the file, by name, where there are several).
        text_alone: leave pictures, clips and places out.

    Raises:
        InputRefused: `bad_dataset`: no file of records is in the folder, or a list is cut off.
    """
    found = places(root, SUFFIXES, _has_messages)
    if not found:
        raise InputRefused(
            "bad_dataset",
            "No JSON file in the folder has records with `messages` of `role` and `content`. There is nothing to read as "
            "ms-swift's format. Give the folder that holds it, or name another format.",
        )
    source = Source(NAME, root, tell, text_alone=text_alone)
    for number, place in enumerate(found, start=1):
        which = f"file {number}, " if len(found) > 1 else ""
        reader = _Record(source, split_of(place, root))
        yield from source(streamed(place, tell, which), reader.sample)


def write(samples: Iterable[Sample], out: Path, dropped: Dropped) -> None:
    """JSON lines, a file a split and kind (`train.jsonl`, `train-preference.jsonl`, `-unpaired`, `-prompt`), and media.

    Args:
        samples: in order.
        out: the folder, empty.
        dropped: is told what the format cannot hold.

    Raises:
        UsageError: `bad_option`, when it can hold none of the samples.
        MissingFromEnvironment: `missing_package`: clips need the extra `video`.
    """
    media = Media(out, dropped)
    with Records(out, "lines") as records:
        for sample in samples:
            made = _record(without_masks(sample, dropped), media, dropped)
            if made is not None:
                kind, record = made
                records.add(split_name(sample) + kind, record)
        if not records.names:
            raise nothing_held(NAME, dropped)


def _has_messages(place: Path) -> bool:
    return any(_plain(record) for record in head(place, 1))


def _fits(place: Path) -> bool:
    found = head(place)
    return bool(found) and all(_plain(record) for record in found) and any(_OWN & set(record) for record in found)


def _plain(record: Any) -> bool:
    """Whether a record has messages whose contents are texts."""
    messages = record.get("messages") if isinstance(record, dict) else None
    if not isinstance(messages, list) or not messages or not all(isinstance(one, dict) for one in messages):
        return False
    return all(isinstance(one.get("role"), str) and isinstance(one.get("content"), str) for one in messages)


class _Record:
    """Makes samples of the records of one file."""

    def __init__(self, source: Source, split: Split | None) -> None:
        self.source, self.split = source, split

    def sample(self, where: str, record: Any) -> Sample:
        if not isinstance(record, dict):
            raise RecordRefused("record_malformed", "It is no object.")
        for name in ("audios", "audio", "tools"):
            if record.get(name):
                raise RecordRefused("record_malformed", f"It has `{name}`, which is not read.")
        texts = _texts(record.get("messages"))
        worse, about = _worse(record, texts)
        images, videos = _names(record, "image"), _names(record, "video")
        said = list(marked(texts, {IMAGE: images, VIDEO: videos}, unmarked_first=True))
        said = _with_places(said, record.get("objects"), images, self)
        key, pair, good = self.source.key(where), None, record.get("label")
        options: dict[str, Any] = {"text_alone": self.source.text_alone}
        if worse is None and not isinstance(good, bool):
            talk = conversation(said, self.source.open, **options)
        elif said[-1].role != "assistant":
            raise RecordRefused("answer_missing", "It says of an answer how good it is, and has none.")
        elif worse is None:
            talk, pair = preferred(said[:-1], said[-1] if good else None, None if good else said[-1], self.source.open, **options)
        else:
            other = Said("assistant", (plain_text(worse, "The worse answer"),))
            talk, pair = preferred(said[:-1], said[-1], other, self.source.open, about=about, **options)
        provenance = self.source.provenance([shown.image for shown in talk.images], key, split=self.split)
        sample = Sample(key, "conversation", talk.images, talk.turns, provenance, talk.regions, preference=pair)
        written = {name: value for name, value in record.items() if name != FIELD}
        return restored(sample, record.get(FIELD), written, talk.shown, self.source, self.split)


def _texts(messages: Any, what: str = "messages") -> list[tuple[Role, str]]:
    if not isinstance(messages, list) or not messages or not all(isinstance(one, dict) for one in messages):
        raise RecordRefused("record_malformed", f"It has no list of `{what}`.")
    if any(one.get("role") not in _ROLES for one in messages):
        raise RecordRefused("record_malformed", f"A message's `role` is none of {', '.join(_ROLES)}.")
    return [(one["role"], text_of(one.get("content"), "A message")) for one in messages]


def _worse(record: dict[str, Any], texts: Sequence[tuple[Role, str]]) -> tuple[str | None, list[str]]:
    """The worse answer of a pair with the pictures that it is about; None when the record is no pair."""
    about = [*_names(record, "rejected_image")]
    if record.get("rejected_messages") is not None:
        other = _texts(record["rejected_messages"], "rejected_messages")
        if other[:-1] != list(texts[:-1]) or other[-1][0] != "assistant":
            raise RecordRefused("record_malformed", "Its `rejected_messages` ask otherwise than its `messages`.")
        return other[-1][1], about
    if record.get("rejected_response") is not None:
        return text_of(record["rejected_response"], "The worse answer"), about
    return (texts[-1][1], about) if about else (None, [])


def _names(record: dict[str, Any], kind: str) -> list[Any]:
    """`images` or `image`, as a list; names, or what holds bytes."""
    value = record.get(f"{kind}s") or record.get(kind) or []
    names = value if isinstance(value, list) else [value]
    if not all(isinstance(name, str) and name for name in names):
        raise RecordRefused("record_malformed", f"Its `{kind}s` are no list of names.")
    return names


def _with_places(said: list[Said], objects: Any, images: Sequence[Any], reader: _Record) -> list[Said]:
    """`<ref-object>` and `<bbox>` as what they stand for."""
    pieces = [
        [part for piece in one.pieces for part in (cut(piece, (REF, BBOX)) if isinstance(piece, str) else [piece])]
        for one in said
    ]
    every = [part for some in pieces for part in some if isinstance(part, str)]
    refs, boxes, kind, belongs = _objects(objects)
    for mark, found in ((REF, refs), (BBOX, boxes)):
        if every.count(mark) != len(found):
            text = f"Its texts have {every.count(mark)} {mark} and its `objects` {len(found)} of these."
            raise RecordRefused("placeholder_mismatch", text)
    if not refs and not boxes:
        return said
    names, places, label = iter(refs), iter(range(len(boxes))), UNNAMED
    filled = []
    for one, some in zip(said, pieces, strict=True):
        parts: list[Piece] = []
        for at, part in enumerate(some):
            if part == REF:
                label = plain_text(next(names), "A name in `objects`")
                if at + 1 == len(some) or some[at + 1] != BBOX:  # the name of a box stands in the box's own mark
                    parts.append(label)
            elif part == BBOX:
                number = next(places)
                if reader.source.text_alone:
                    parts.append(label)
                    continue
                image = belongs[number] if number < len(belongs) else 0
                if not 0 <= image < len(images):
                    raise RecordRefused("record_malformed", "A box of it belongs to a picture that it does not have.")
                shape = reader.source.open(images[image]).shape
                parts.append(Placed(Region(label, _place(boxes[number], kind, (shape[-2], shape[-1]))), images[image]))
            else:
                parts.append(part)
        filled.append(Said(one.role, tuple(parts), one.spans))
    return filled


def _objects(objects: Any) -> tuple[list[str], list[list[float]], str, list[int]]:
    """Names, boxes, `real` or `norm1`, and the pictures that boxes belong to."""
    objects = objects or {}
    if not isinstance(objects, dict):
        raise RecordRefused("record_malformed", "Its `objects` are no object.")
    refs, boxes, belongs = (objects.get(name) or [] for name in ("ref", "bbox", "image_id"))
    kind = objects.get("bbox_type") or "real"
    if kind not in ("real", "norm1"):
        raise RecordRefused("box_space", "Its `bbox_type` is neither `real` nor `norm1`.")
    if not (isinstance(refs, list) and isinstance(boxes, list) and isinstance(belongs, list)):
        raise RecordRefused("record_malformed", "Its `objects` have no lists.")
    if not all(isinstance(ref, str) for ref in refs) or not all(type(index) is int for index in belongs):
        raise RecordRefused("record_malformed", "A `ref` of its objects is no text, or an `image_id` no number.")
    for box in boxes:
        if (
            not isinstance(box, list)
            or len(box) not in (2, 4)
            or not all(type(v) in (int, float) and math.isfinite(v) for v in box)
        ):
            raise RecordRefused("record_malformed", "A `bbox` of it is not two or four numbers.")
    return refs, boxes, kind, belongs


def _place(numbers: list[float], kind: str, shape: tuple[int, int]) -> Box | Point:
    """A box or a point in pixels of the file.

    Raises:
        RecordRefused: `box_inverted`, `box_without_extent`, `box_space`, `box_outside`.
    """
    height, width = shape
    xs, ys = numbers[::2], numbers[1::2]
    if len(numbers) == 4:
        if xs[0] > xs[1] or ys[0] > ys[1]:
            raise RecordRefused("box_inverted", "A box of it ends before it begins.")
        if xs[0] == xs[1] or ys[0] == ys[1]:
            raise RecordRefused("box_without_extent", "A box of it has no extent.")
    if kind == "norm1" and max(numbers) > 1 and min(numbers) >= 0:
        raise RecordRefused("box_space", "A box of it is stated in fractions and has numbers above 1.")
    if kind == "real" and min(numbers) >= 0 and max(numbers) <= 1 and any(v != int(v) for v in numbers):
        raise RecordRefused("box_space", "A box of it is stated in pixels and has the numbers of fractions.")
    limits = (1.0, 1.0) if kind == "norm1" else (width, height)
    if min(numbers) < 0 or max(xs) > limits[0] or max(ys) > limits[1]:
        raise RecordRefused("box_outside", f"A box of it reaches outside of its picture of {width} × {height} px.")
    if kind == "norm1":
        xs, ys = [x * width for x in xs], [y * height for y in ys]
    return Box.from_xyxy_px(xs[0], ys[0], xs[1], ys[1]) if len(numbers) == 4 else Point((ys[0], xs[0]))


def _record(sample: Sample, media: Media, dropped: Dropped) -> tuple[str, dict[str, Any]] | None:
    """The end of its file's name and the record of a sample, or None when the format cannot show it."""
    talk = told(sample, dropped, kinds=("image", "clip"))
    if talk is None:
        return None
    answer = talk.chosen or talk.rejected
    said = joined([*talk.said, *([] if answer is None else [answer])], dropped)
    order = order_of(said)
    kinds = [sample.images[index].image.kind for index in order]
    names = [media.name(sample.images[index].image) for index in order]
    images = [name for name, kind in zip(names, kinds, strict=True) if kind == "image"]
    videos = [name for name, kind in zip(names, kinds, strict=True) if kind == "clip"]
    objects = _Objects([index for index, kind in zip(order, kinds, strict=True) if kind == "image"], dropped)
    mark = objects.mark(sample)
    messages = [{"role": one.role, "content": text_with(one, mark)} for one in said]
    record: dict[str, Any] = {"messages": messages}
    kind, shown = "" if said[-1].role == "assistant" else "-prompt", list(order)
    if answer is not None and not talk.is_pair:
        kind, record["label"] = "-unpaired", talk.chosen is not None
    if talk.is_pair:
        assert talk.rejected is not None and sample.preference is not None, "a pair has both"
        kind = "-preference"
        worded_alone = _Objects([], dropped).mark(sample)
        record["rejected_response"] = text_with(talk.rejected, worded_alone)
        other = sample.preference.rejected_images
        if set(other) != set(sample.preference.chosen_images) and all(sample.images[n].image.kind == "image" for n in other):
            record["rejected_images"] = [media.name(sample.images[index].image) for index in other]
            shown += other
    record |= {name: value for name, value in (("images", images), ("videos", videos)) if value}
    record |= {"objects": objects.written()} if objects.boxes else {}
    return kind, {**record, FIELD: beside(sample, record, shown, media.changed(sample))}


class _Objects:
    """Collects the `objects` of a record while its texts are written."""

    def __init__(self, images: Sequence[int], dropped: Dropped) -> None:
        self.images, self.dropped = images, dropped
        self.refs: list[str] = []
        self.boxes: list[list[float]] = []
        self.belongs: list[int] = []

    def mark(self, sample: Sample) -> Any:
        """What stands for a picture or a place in a text."""

        def written(piece: Shown | Placed) -> str:
            if isinstance(piece, Shown):
                return VIDEO if sample.images[int(str(piece.item))].image.kind == "clip" else IMAGE
            region, place = piece.region, piece.region.geometry
            flat = (isinstance(place, Box) and len(place.low) == 2) or (isinstance(place, Point) and len(place.at) == 2)
            if not flat or region.frame is not None or region.space != "pixel" or region.image not in self.images:
                return worded(piece, self.dropped)
            self.refs.append(region.label)
            self.belongs.append(list(self.images).index(region.image))
            self.boxes.append([*place.xyxy_px] if isinstance(place, Box) else [*reversed(place.at)])  # type: ignore[union-attr]
            return REF + BBOX

        return written

    def written(self) -> dict[str, Any]:
        """As ms-swift has it, in pixels of the files."""
        return {"ref": self.refs, "bbox": self.boxes, "bbox_type": "real", "image_id": self.belongs}
