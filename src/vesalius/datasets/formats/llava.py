"""llava: conversations as LLaVA's training code reads them, `<image>` where a picture is shown.

What:       any number of conversations about any number of pictures.
Layout:     JSON lists (or lines), one a split where the file's name says so (`train.json`, `…_val.json`): `id`, `image` (a
            name, a list of names, or absent), `conversations` of `{"from": "human" | "gpt", "value": …}`. `video` as
            LLaVA-NeXT-Video has it is read too, and LLaVA-Med's misspelled `conversatons`. Pictures lie anywhere below.
Holds:      turns of two speakers, pictures at their places in the text. Boxes stand in the text as
            `{"bbox_2d": [x0, y0, x1, y1], "label": …}` in pixels of the file. No system turn, clip, volume, preference pair:
            counted when they are left out.
Beside:     the key `vesalius` of a record keeps what the format has no place for (patient, study, split, labels, options,
            measurements, report, regions); LLaVA's code takes `image` and `conversations` of a record and no other key.
Split unit: the patient that `vesalius` names; in files of others, who name nobody, the pictures of a record.
Labels:     the conversations as they are in the files.
Defects:    left out, each with its place: more or fewer `<image>` than pictures; pictures that are missing; empty answers, and
            last questions without one; texts with tokens that steer a model. Records that share an `id`, as in
            published sets, are kept under numbered keys.
Licence:    not stated by the files.
Source:     github.com/haotian-liu/LLaVA v1.2.2: docs/Finetune_Custom_Data.md and `LazySupervisedDataset`; lists of names as in
            github.com/LLaVA-VL/LLaVA-NeXT (interleaved).
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from vesalius.datasets.beside import FIELD, beside, restored
from vesalius.datasets.conversations import (
    Placed,
    Role,
    Said,
    Shown,
    answered,
    conversation,
    joined,
    marked,
    order_of,
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
from vesalius.types import Sample

NAME = "llava"
IMAGE, VIDEO = "<image>", "<video>"
SUFFIXES = (".json", ".jsonl")
_ROLES: dict[Any, Role] = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"}
_FROM = {"user": "human", "assistant": "gpt"}


def recognizes(root: Path) -> bool:
    """Whether files of records have `conversations` with `from` and `value`, and no `dataset_info.json` explains them."""
    return not explained(root) and bool(places(root, SUFFIXES, _fits))


def read(root: Path, tell: Tell = refuse, *, text_alone: bool = False) -> Iterator[Sample]:
    """A sample a record.

    Args:
        root: the folder, or one file of records.
        tell: takes faults, with the number of the record (and of the file, by name, where there are several).
        text_alone: leave pictures and their marks out.

    Raises:
        InputRefused: `bad_dataset`: no file of records is in the folder, or one is cut off.
    """
    found = places(root, SUFFIXES, _fits)
    if not found:
        raise InputRefused(
            "bad_dataset",
            "No JSON file in the folder has records with `conversations` of `from` and `value`. There is nothing to read as "
            "LLaVA's format. Give the folder that holds it, or name another format.",
        )
    source = Source(NAME, root, tell, text_alone=text_alone)
    for number, place in enumerate(found, start=1):
        which = f"file {number}, " if len(found) > 1 else ""
        split = split_of(place, root)
        yield from source(
            streamed(place, tell, which),
            lambda where, record, split=split: _sample(source, where, record, split),  # type: ignore[misc]
        )


def write(samples: Iterable[Sample], out: Path, dropped: Dropped) -> None:
    """A JSON list a split (`train.json`, …) and `images/`.

    Args:
        samples: in order.
        out: the folder, empty.
        dropped: is told what the format cannot hold.

    Raises:
        UsageError: `bad_option`, when it can hold none of the samples.
    """
    media = Media(out, dropped)
    with Records(out, "list") as records:
        for sample in samples:
            record = _record(without_masks(sample, dropped), media, dropped)
            if record is not None:
                records.add(split_name(sample), record)
        if not records.names:
            raise nothing_held(NAME, dropped)


def _fits(place: Path) -> bool:
    records = head(place, 1)
    turns = _turns(records[0]) if records else None
    return isinstance(turns, list) and bool(turns) and isinstance(turns[0], dict) and {"from", "value"} <= set(turns[0])


def _turns(record: Any) -> Any:
    return record.get("conversations", record.get("conversatons")) if isinstance(record, dict) else None


def _sample(source: Source, where: str, record: Any, split: Split | None) -> Sample:
    turns = _turns(record)
    if not isinstance(turns, list) or not turns or not all(isinstance(turn, dict) for turn in turns):
        raise RecordRefused("record_malformed", "It has no list of `conversations`.")
    texts = [(_role(turn.get("from")), text_of(turn.get("value"), "A turn")) for turn in turns]
    images, videos = _names(record.get("image")), _names(record.get("video"))
    if videos and not images and not any(VIDEO in text for _, text in texts):
        images, videos = videos, []  # as LLaVA-NeXT-Video marks them
    said = marked(texts, {IMAGE: images, VIDEO: videos})
    talk = conversation(said, source.open, text_alone=source.text_alone)
    answered(talk.turns)
    key = source.key("id", str(record["id"])) if isinstance(record.get("id"), str | int) else source.key(where)
    provenance = source.provenance([shown.image for shown in talk.images], key, split=split)
    sample = Sample(key, "conversation", talk.images, talk.turns, provenance)
    return restored(sample, record.get(FIELD), turns, talk.shown, source, split)


def _role(speaker: Any) -> Role:
    if not isinstance(speaker, str) or speaker not in _ROLES:
        raise RecordRefused("record_malformed", f"A turn's `from` is none of {', '.join(_ROLES)}.")
    return _ROLES[speaker]


def _names(value: Any) -> list[str]:
    names = value if isinstance(value, list) else [value] if value not in (None, "") else []
    if not all(isinstance(name, str) for name in names):
        raise RecordRefused("record_malformed", "Its `image` is neither a name nor a list of names.")
    return names


def _record(sample: Sample, media: Media, dropped: Dropped) -> dict[str, Any] | None:
    """The record of a sample, or None when the format cannot show it."""
    talk = told(sample, dropped)
    if talk is None:
        return None
    said = list(talk.said)
    if talk.rejected is not None:
        dropped["worse answers: programs of the format learn the better one alone"] += 1
    said += [talk.chosen] if talk.chosen is not None else []
    if any(one.role == "system" for one in said):
        dropped["system turns: the format has none"] += 1
        said = _without_system(said)
    said = joined(said, dropped)
    if said[-1].role != "assistant":
        dropped["samples without an answer: the format holds answered questions"] += 1
        return None
    if said[0].role == "assistant":
        dropped["answers before the first question: programs of the format leave them out"] += 1
    turns = [{"from": _FROM[one.role], "value": text_with(one, lambda piece: _mark(piece, dropped))} for one in said]
    order = order_of(said)
    names = [media.name(sample.images[index].image) for index in order]
    image = {} if not names else {"image": names[0] if len(names) == 1 else names}
    return {"id": sample.key, **image, "conversations": turns, FIELD: beside(sample, turns, order, media.changed(sample))}


def _mark(piece: Shown | Placed, dropped: Dropped) -> str:
    return IMAGE if isinstance(piece, Shown) else worded(piece, dropped)


def _without_system(said: list[Said]) -> list[Said]:
    """Pictures that a system turn shows go to the question after it."""
    found: list[Said] = []
    shown: tuple[Any, ...] = ()
    for one in said:
        if one.role == "system":
            shown += tuple(piece for piece in one.pieces if isinstance(piece, Shown))
        else:
            found.append(Said(one.role, (*shown, *one.pieces), one.spans))
            shown = ()
    return found
