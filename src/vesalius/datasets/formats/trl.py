"""trl: conversational datasets as TRL reads them: messages with `images`, prompts, completions and preferences.

What:       any number of conversations about any number of pictures.
Layout:     Parquet (or JSON lines, or a JSON list), one file a split where its name says so, with the columns of one of
            TRL's types: `messages` (language modeling); `prompt` (prompt-only); `prompt`, `completion`; `prompt`,
            `chosen`, `rejected`, or the latter two alone with the prompt in both (preference); `prompt`, `completion`,
            `label` (unpaired).
            Each is a list of `{"role", "content"}`, or a text; a content is a text, or a list of `{"type": "image"}` and
            `{"type": "text", "text": …}`. `images` (or `image`) holds pictures as bytes, or names of files below the folder.
            Pictures that no message marks stand in the first question, as TRL puts them; texts may mark them by `<image>`.
Holds:      turns, pictures at their places, prompts, pairs, single answers called good or bad. Written as Parquet with the
            pictures inside, a folder a type: `conversations/`, `prompts/`, `preferences/`, `unpaired/`. Boxes stand in the
            text as `{"bbox_2d": [x0, y0, x1, y1], "label": …}` in pixels of the file; clips and volumes are counted when they
            are left out.
Beside:     the column `vesalius` keeps what the format has no place for; TRL takes the columns of its types. Reward functions
            of GRPO are given all columns.
Split unit: the patient that `vesalius` names; in files of others, who name nobody, the pictures of a record.
Labels:     the conversations as they are in the files.
Defects:    left out, each with its place: more or fewer marks than pictures; pictures that are missing or cannot be read;
            empty or missing answers; tokens that steer a model; stepwise supervision; turns of tools.
Licence:    not stated by the files.
Source:     github.com/huggingface/trl v0.22, docs/source/dataset_formats.md and `trl/data_utils.py`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from vesalius.datasets.beside import FIELD, beside, restored
from vesalius.datasets.conversations import (
    Piece,
    Placed,
    Role,
    Said,
    Shown,
    answered,
    conversation,
    cut,
    order_of,
    preferred,
    text_of,
    told,
    without_masks,
    worded,
)
from vesalius.datasets.exports import Dropped
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.foreign import Source, explained, head, places, split_of, streamed
from vesalius.datasets.sources import RecordRefused
from vesalius.datasets.split import Split
from vesalius.datasets.store import parquet
from vesalius.datasets.writing import Inside, nothing_held, split_name
from vesalius.errors import InputRefused
from vesalius.types import Sample

NAME = "trl"
IMAGE = "<image>"
MARK = Shown(None)  # a picture, before it is known which
SUFFIXES = (".parquet", ".jsonl", ".json")
_ROLES: tuple[Role, ...] = ("system", "user", "assistant")
_TYPED = {"messages", "prompt", "chosen", "completion"}
_FOREIGN = {"videos", "objects", "rejected_response", "rejected_messages"}  # ms-swift's


def recognizes(root: Path) -> bool:
    """Whether tables or records have the columns of one of TRL's types, and pictures or typed contents."""
    return not explained(root) and bool(places(root, SUFFIXES, _fits))


def read(root: Path, tell: Tell = refuse, *, text_alone: bool = False) -> Iterator[Sample]:
    """A sample a row.

    Args:
        root: the folder, or one file.
        tell: takes faults, with the row or line (and the number of the file, by name, where there are several).
        text_alone: leave pictures and their marks out.

    Raises:
        InputRefused: `bad_dataset`: no such file is in the folder, or one is damaged.
    """
    found = places(root, SUFFIXES, _has_columns)
    if not found:
        raise InputRefused(
            "bad_dataset",
            "No file in the folder has the columns of a type of TRL's (messages; prompt; chosen, rejected). There is nothing "
            "to read as such. Give the folder that holds it, or name another format.",
        )
    source = Source(NAME, root, tell, text_alone=text_alone)
    for number, place in enumerate(found, start=1):
        which = f"file {number}, " if len(found) > 1 else ""
        reader = _Record(source, split_of(place, root))
        rows = parquet.rows(place, which) if place.suffix == ".parquet" else streamed(place, tell, which)
        yield from source(rows, reader.sample)


def write(samples: Iterable[Sample], out: Path, dropped: Dropped) -> None:
    """Parquet, a folder a type of TRL's and a file a split, `conversations/train.parquet`; the pictures lie inside.

    Args:
        samples: in order.
        out: the folder, empty.
        dropped: is told what the format cannot hold.

    Raises:
        UsageError: `bad_option`, when it can hold none of the samples.
    """
    inside = Inside(dropped)
    with parquet.Tables(out) as tables:
        for sample in samples:
            made = _record(without_masks(sample, dropped), inside, dropped)
            if made is not None:
                folder, row = made
                kinds = {name: _kind(name) for name in row}
                tables.add(f"{folder}/{split_name(sample)}", kinds, row)
        if not tables.names:
            raise nothing_held(NAME, dropped)


def _kind(column: str) -> str:
    return {"images": parquet.PICTURES, "label": parquet.FLAG, FIELD: parquet.TEXT}.get(column, parquet.MESSAGES)


def _has_columns(place: Path) -> bool:
    names = set(parquet.columns(place)) if place.suffix == ".parquet" else _keys(head(place, 1))
    return bool(_TYPED & names) and "input" not in names and "instruction" not in names


def _keys(found: Sequence[Any]) -> set[str]:
    return set(found[0]) if found and isinstance(found[0], dict) else set()


def _fits(place: Path) -> bool:
    """Without a look at a row of a table; of records, at the first."""
    if not _has_columns(place):
        return False
    if place.suffix == ".parquet":
        names = set(parquet.columns(place))
        return not _FOREIGN & names and ("messages" in names or {"prompt", "chosen", "rejected"} & names != {"prompt"})
    found = [record for record in head(place) if isinstance(record, dict)]
    if not found or _FOREIGN & _keys(found):
        return False
    if any({"chosen", "rejected"} <= set(record) or {"prompt", "completion"} <= set(record) for record in found):
        return True
    lists = [record.get("messages") or record.get("prompt") for record in found]
    messages = [one for some in lists if isinstance(some, list) for one in some if isinstance(one, dict)]
    has_parts = any(isinstance(one.get("content"), list) for one in messages)
    return has_parts and not _names_addresses(messages) and any("images" in record or "image" in record for record in found)


def _names_addresses(messages: Sequence[Mapping[str, Any]]) -> bool:
    """Whether contents show pictures by address, as OpenAI has it."""
    parts = [part for one in messages if isinstance(one.get("content"), list) for part in one["content"]]
    return any(isinstance(part, dict) and part.get("type") in ("image_url", "input_image") for part in parts)


class _Record:
    """Makes samples of the rows of one file."""

    def __init__(self, source: Source, split: Split | None) -> None:
        self.source, self.split = source, split

    def sample(self, where: str, record: Any) -> Sample:
        if not isinstance(record, dict):
            raise RecordRefused("record_malformed", "It is no object.")
        record = {name: value for name, value in record.items() if value is not None}
        if "completions" in record or record.get("tools"):
            raise RecordRefused("record_malformed", "It has `completions` (stepwise) or `tools`, which are not read.")
        images = record.get("images", record.get("image", []))
        images = images if isinstance(images, list) else [images]
        asked, chosen, rejected = _asked(record)
        said = _with_images([*asked, *(answer for answer in (chosen, rejected) if answer is not None)], images)
        key, pair = self.source.key(where), None
        pictures = _Pictures(images, self.source)
        if chosen is None and rejected is None:
            talk = conversation(said, pictures.open, text_alone=self.source.text_alone)
            if "prompt" not in record or "completion" in record:
                answered(talk.turns)
        else:
            said, rest = said[: len(asked)], iter(said[len(asked) :])
            better = next(rest) if chosen is not None else None
            worse = next(rest) if rejected is not None else None
            talk, pair = preferred(said, better, worse, pictures.open, text_alone=self.source.text_alone)
        provenance = self.source.provenance([shown.image for shown in talk.images], key, split=self.split)
        sample = Sample(key, "conversation", talk.images, talk.turns, provenance, talk.regions, preference=pair)
        return restored(sample, record.get(FIELD), _written(record), talk.shown, self.source, self.split)


class _Pictures:
    """Pictures of a row by their number, so that bytes are compared once."""

    def __init__(self, images: Sequence[Any], source: Source) -> None:
        self.images, self.source = images, source

    def open(self, number: int) -> Any:
        return self.source.open(self.images[number])


def _written(record: Mapping[str, Any]) -> dict[str, Any]:
    """What `beside` was given of the record."""
    return {name: value for name, value in record.items() if name not in (FIELD, "images", "image")}


def _asked(record: Mapping[str, Any]) -> tuple[list[Said], Said | None, Said | None]:
    """The turns of a record, and the better and the worse answer of a preference."""
    if "messages" in record:
        return _said(record["messages"], "user"), None, None
    if "chosen" in record or "rejected" in record:
        chosen, rejected = (_said(record.get(name), "assistant") for name in ("chosen", "rejected"))
        prompt = _said(record["prompt"], "user") if "prompt" in record else []
        if not prompt:
            both = zip(chosen, rejected, strict=False)
            prompt = [one for one, _ in takewhile(lambda two: (two[0].role, two[0].pieces) == (two[1].role, two[1].pieces), both)]
            chosen, rejected = chosen[len(prompt) :], rejected[len(prompt) :]
        if not prompt or [one.role for one in (*chosen, *rejected)] != ["assistant", "assistant"]:
            raise RecordRefused("record_malformed", "Its `chosen` and `rejected` are not one answer each to one prompt.")
        return prompt, chosen[0], rejected[0]
    if "prompt" not in record:
        raise RecordRefused("record_malformed", "It has no messages, no prompt and no answers.")
    prompt = _said(record["prompt"], "user")
    if "completion" not in record:
        return prompt, None, None
    completion = _said(record["completion"], "assistant")
    if not isinstance(record.get("label"), bool):
        return [*prompt, *completion], None, None
    if len(completion) != 1:
        raise RecordRefused("record_malformed", "Its completion is called good or bad and is not one answer.")
    return (prompt, completion[0], None) if record["label"] else (prompt, None, completion[0])


def _said(messages: Any, role: Role) -> list[Said]:
    """Messages as pieces, where a picture is shown a mark; a text alone is a turn of `role`."""
    if isinstance(messages, str):
        return [Said(role, tuple(_cut(text_of(messages))))]
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
        raise RecordRefused("record_malformed", "Its messages are neither a list nor a text.")
    found = []
    for one in messages:
        if one.get("role") not in _ROLES:
            raise RecordRefused("record_malformed", f"A message's `role` is none of {', '.join(_ROLES)}.")
        content = one.get("content")
        parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
        found.append(Said(one["role"], tuple(piece for part in parts for piece in _part(part, isinstance(content, str)))))
    return found


def _part(part: Any, is_text_alone: bool) -> Iterator[Piece]:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "image":
        yield MARK
    elif kind == "text":
        text = text_of(part.get("text"), "A message")
        yield from _cut(text) if is_text_alone else [text] if text else []
    else:
        raise RecordRefused("record_malformed", "A part of a message is neither a text nor a picture.")


def _cut(text: str) -> list[Piece]:
    return [MARK if piece == IMAGE else piece for piece in cut(text, (IMAGE,))]


def _with_images(said: Sequence[Said], images: Sequence[Any]) -> list[Said]:
    """Marks as the numbers of pictures; without any mark all pictures stand in the first question."""
    times = sum(piece == MARK for one in said for piece in one.pieces)
    found = list(said)
    if times == 0 and images:
        first = next((at for at, one in enumerate(said) if one.role == "user"), None)
        if first is None:
            raise RecordRefused("placeholder_mismatch", "It has pictures, and no question that could show them.")
        found[first] = Said("user", (*[MARK] * len(images), *said[first].pieces))
    elif times != len(images):
        raise RecordRefused("placeholder_mismatch", f"Its messages show {times} pictures and it has {len(images)}.")
    numbers = iter(_first_alike(images))
    return [Said(one.role, tuple(Shown(next(numbers)) if piece == MARK else piece for piece in one.pieces)) for one in found]


def _first_alike(images: Sequence[Any]) -> list[int]:
    """For every picture the number of the first that is the same file, or the same bytes."""
    files = [(image.get("bytes") or image.get("path")) if isinstance(image, dict) else image for image in images]
    return [files.index(file) for file in files]


def _record(sample: Sample, inside: Inside, dropped: Dropped) -> tuple[str, dict[str, Any]] | None:
    """The folder and the row of a sample, or None when the format cannot show it."""
    talk = told(sample, dropped)
    if talk is None:
        return None
    answers = [answer for answer in (talk.chosen, talk.rejected) if answer is not None]
    row: dict[str, Any]
    if talk.is_pair:
        assert talk.chosen is not None and talk.rejected is not None, "a pair has both"
        folder, row = "preferences", {"prompt": talk.said, "chosen": [talk.chosen], "rejected": [talk.rejected]}
    elif answers:
        folder, row = "unpaired", {"prompt": talk.said, "completion": answers, "label": talk.chosen is not None}
    elif talk.said[-1].role == "assistant":
        folder, row = "conversations", {"messages": talk.said}
    else:
        folder, row = "prompts", {"prompt": talk.said}
    pair = sample.preference
    if pair is not None and set(pair.chosen_images) != set(pair.rejected_images):
        dropped["pictures of the worse answer: programs of the format show both answers the same"] += 1
    order = order_of([*talk.said, *answers])
    row = {name: value if isinstance(value, bool) else _messages(value, dropped) for name, value in row.items()}
    images = [inside.picture(sample.images[index].image) for index in order]
    text = beside(sample, row, order, inside.changed(sample))
    return folder, {**row, "images": images, FIELD: text}


def _messages(said: Iterable[Said], dropped: Dropped) -> list[dict[str, Any]]:
    return [{"role": one.role, "content": [_typed(piece, dropped) for piece in one.pieces]} for one in said]


def _typed(piece: Piece, dropped: Dropped) -> dict[str, Any]:
    if isinstance(piece, Shown):
        return {"type": "image", "text": None}
    return {"type": "text", "text": worded(piece, dropped) if isinstance(piece, Placed) else piece}
