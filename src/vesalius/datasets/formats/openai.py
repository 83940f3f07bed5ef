"""openai: chat messages as JSON lines, as OpenAI's fine-tuning and the programs that speak its language read them.

What:       any number of conversations about any number of pictures.
Layout:     JSON lines (or a list), one file a split where its name says so: `messages` of `{"role", "content"}`; a content is
            a text, or a list of `{"type": "text", "text": …}` and `{"type": "image_url", "image_url": {"url": …}}`, the
            picture as a `data:` address, or the name of a file anywhere below the folder. An answer may have `weight` 0: it
            is not to be learnt. Preference pairs are `{"input": {"messages": …}, "preferred_output": […],
            "non_preferred_output": […]}`. Addresses on the web are never fetched: their last part is looked for among the
            files below the folder.
Holds:      turns, pictures in questions, whether an answer is to be learnt, pairs (OpenAI's own service takes pairs of text
            only). Written with the pictures inside, pairs in files of their own (`train-preference.jsonl`). Boxes stand in
            the text as `{"bbox_2d": [x0, y0, x1, y1], "label": …}` in pixels of the file. Clips, volumes and pictures in
            answers are counted when they are left out; so is everything beside the messages, since the service refuses
            keys that it does not know.
Split unit: the pictures of a record; the format names no patients.
Labels:     the conversations as they are in the files.
Defects:    left out, each with its place: pictures that are missing, elsewhere, or cannot be read; empty or missing answers;
            tokens that steer a model; tools, sound, files by number.
Licence:    not stated by the files.
Source:     developers.openai.com/api/docs: guides Vision fine-tuning, Direct preference optimization, Supervised
            fine-tuning (2026).
"""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vesalius.datasets.beside import lost
from vesalius.datasets.conversations import (
    Piece,
    Placed,
    Role,
    Said,
    Shown,
    answered,
    conversation,
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
from vesalius.datasets.writing import Inside, Records, nothing_held, split_name
from vesalius.errors import InputRefused
from vesalius.types import Image, Sample

NAME = "openai"
SUFFIXES = (".jsonl", ".json")
_ROLES: dict[Any, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_FOREIGN = {"images", "image", "videos", "objects", "rejected_response", "rejected_messages"}


def recognizes(root: Path) -> bool:
    """Whether records have messages that show pictures by address, or none, and no column of pictures; or are OpenAI's pairs."""
    return not explained(root) and bool(places(root, SUFFIXES, _fits))


def read(root: Path, tell: Tell = refuse, *, text_alone: bool = False) -> Iterator[Sample]:
    """A sample a record.

    Args:
        root: the folder, or one file of records.
        tell: takes faults, with the line or number of the record (and of the file, by name, where there are several).
        text_alone: leave pictures out.

    Raises:
        InputRefused: `bad_dataset`: no file of records is in the folder, or a list is cut off.
    """
    found = places(root, SUFFIXES, _has_messages)
    if not found:
        raise InputRefused(
            "bad_dataset",
            "No JSON file in the folder has records with `messages`, or with `input` and `preferred_output`. There is nothing "
            "to read as OpenAI's format. Give the folder that holds it, or name another format.",
        )
    source = Source(NAME, root, tell, text_alone=text_alone)
    for number, place in enumerate(found, start=1):
        which = f"file {number}, " if len(found) > 1 else ""
        reader = _Record(source, split_of(place, root))
        yield from source(streamed(place, tell, which), reader.sample)


def write(samples: Iterable[Sample], out: Path, dropped: Dropped) -> None:
    """JSON lines, a file a split and kind (`train.jsonl`, `train-preference.jsonl`), the pictures inside.

    Args:
        samples: in order.
        out: the folder, empty.
        dropped: is told what the format cannot hold.

    Raises:
        UsageError: `bad_option`, when it can hold none of the samples.
    """
    inside = Inside(dropped)
    with Records(out, "lines") as records:
        for sample in samples:
            made = _record(without_masks(sample, dropped), inside, dropped)
            if made is not None:
                kind, record = made
                records.add(split_name(sample) + kind, record)
        if not records.names:
            raise nothing_held(NAME, dropped)


def _has_messages(place: Path) -> bool:
    return any(_messages(record) is not None for record in head(place, 1))


def _messages(record: Any) -> list[Any] | None:
    """The messages of a record or of a pair's input, None when it has none."""
    if not isinstance(record, dict):
        return None
    asked = record.get("input")
    found = asked.get("messages") if isinstance(asked, dict) and "preferred_output" in record else record.get("messages")
    if not isinstance(found, list) or not found:
        return None
    return found if all(isinstance(one, dict) and isinstance(one.get("role"), str) for one in found) else None


def _fits(place: Path) -> bool:
    found = head(place)
    messages = [_messages(record) for record in found]
    if not found or any(some is None or _FOREIGN & set(record) for some, record in zip(messages, found, strict=True)):
        return False
    parts = [part for some in messages for one in some or () for part in _parts(one)]
    return all(isinstance(part, dict) and part.get("type") in ("text", "image_url") for part in parts)


def _parts(message: Mapping[str, Any]) -> list[Any]:
    content = message.get("content")
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


class _Record:
    """Makes samples of the records of one file."""

    def __init__(self, source: Source, split: Split | None) -> None:
        self.source, self.split = source, split

    def sample(self, where: str, record: Any) -> Sample:
        """The sample of one record."""
        messages = _messages(record)
        if messages is None:
            raise RecordRefused("record_malformed", "It has no list of messages.")
        if record.get("tools") or (isinstance(record.get("input"), dict) and record["input"].get("tools")):
            raise RecordRefused("record_malformed", "It has tools, which are not read.")
        said, key, pair = [_said(one) for one in messages], self.source.key(where), None
        if "preferred_output" in record:
            better, worse = (_answer(record.get(name)) for name in ("preferred_output", "non_preferred_output"))
            talk, pair = preferred(said, better, worse, self._open, text_alone=self.source.text_alone)
        else:
            talk = conversation(said, self._open, text_alone=self.source.text_alone)
            answered(talk.turns)
        provenance = self.source.provenance([shown.image for shown in talk.images], key, split=self.split)
        return Sample(key, "conversation", talk.images, talk.turns, provenance, preference=pair)

    def _open(self, address: str) -> Image:
        try:
            return self.source.open(address)
        except RecordRefused as wrong:
            if wrong.code != "media_missing" or "://" not in address:
                raise
            said = "A picture of it lies at an address, which is not fetched, and no file of that name lies below the source."
            raise RecordRefused("media_missing", said) from None


def _said(message: Mapping[str, Any]) -> Said:
    if message.get("role") not in _ROLES:
        raise RecordRefused("record_malformed", f"A message's `role` is none of {', '.join(_ROLES)}.")
    if any(message.get(name) for name in ("tool_calls", "function_call", "audio", "refusal")):
        raise RecordRefused("record_malformed", "A message of it is a call of a tool, a sound or a refusal, which are not read.")
    role = _ROLES[message["role"]]
    spans = () if role == "assistant" and message.get("weight") == 0 else None
    return Said(role, tuple(_piece(part) for part in _parts(message)), spans)


def _piece(part: Any) -> Piece:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "text":
        return text_of(part.get("text"), "A message")
    if kind != "image_url":
        raise RecordRefused("record_malformed", "A part of a message is neither a text nor a picture.")
    address = part.get("image_url")
    address = address.get("url") if isinstance(address, dict) else address
    if not isinstance(address, str) or not address:
        raise RecordRefused("record_malformed", "A picture of it has no address.")
    return Shown(address)


def _answer(output: Any) -> Said:
    if not isinstance(output, list) or len(output) != 1 or not isinstance(output[0], dict):
        raise RecordRefused("answer_missing", "A side of its pair is not one answer.")
    if (said := _said(output[0])).role != "assistant":
        raise RecordRefused("answer_missing", "A side of its pair is no answer.")
    return said


def _record(sample: Sample, inside: Inside, dropped: Dropped) -> tuple[str, dict[str, Any]] | None:
    """The end of its file's name and the record of a sample, or None when the format cannot show it."""
    talk = told(sample, dropped, masks_turns=True)
    if talk is None:
        return None
    said = list(talk.said)
    if talk.rejected is not None and talk.chosen is None:
        dropped["samples of a bad answer alone: the format has none"] += 1
        return None
    if talk.chosen is not None and talk.rejected is None:
        dropped["that an answer alone is called good"] += 1
        said.append(talk.chosen)
    every = [one for one in (*said, talk.chosen, talk.rejected) if one is not None]
    if any(isinstance(piece, Shown) for one in every if one.role != "user" for piece in one.pieces):
        dropped["samples with a picture in an answer or a system turn: the format has them in questions alone"] += 1
        return None
    if not talk.is_pair and said[-1].role != "assistant":
        dropped["samples without an answer: the format holds answered questions"] += 1
        return None
    pair = sample.preference
    if pair is not None and (pair.weight != 1 or set(pair.chosen_images) != set(pair.rejected_images)):
        dropped["weights of pairs, and pictures of the worse answer alone"] += 1
    lost(sample, dropped, held=("split",))
    messages = [_message(one, sample, inside, dropped) for one in said]
    if not talk.is_pair:
        return "", {"messages": messages}
    assert talk.chosen is not None and talk.rejected is not None, "a pair has both"
    better, worse = ([_message(one, sample, inside, dropped)] for one in (talk.chosen, talk.rejected))
    return "-preference", {"input": {"messages": messages}, "preferred_output": better, "non_preferred_output": worse}


def _message(one: Said, sample: Sample, inside: Inside, dropped: Dropped) -> dict[str, Any]:
    weight = {"weight": 0} if one.role == "assistant" and one.spans == () else {}
    return {"role": one.role, "content": _content(one.pieces, sample, inside, dropped), **weight}


def _content(pieces: Sequence[Piece], sample: Sample, inside: Inside, dropped: Dropped) -> Any:
    """A text, or a list of parts when pictures are among them."""
    if not any(isinstance(piece, Shown) for piece in pieces):
        return "".join(worded(piece, dropped) if isinstance(piece, Placed) else str(piece) for piece in pieces)
    parts: list[dict[str, Any]] = []
    for piece in pieces:
        if isinstance(piece, Shown):
            content, suffix = inside.encoded(sample.images[int(str(piece.item))].image)
            kind = "png" if suffix == ".png" else "jpeg"
            address = f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
            parts.append({"type": "image_url", "image_url": {"url": address}})
        else:
            parts.append({"type": "text", "text": worded(piece, dropped) if isinstance(piece, Placed) else piece})
    return parts
