"""llamafactory: datasets as LLaMA-Factory reads them: `dataset_info.json` says what the files beside it hold.

What:       any number of conversations about pictures and clips.
Layout:     `dataset_info.json` maps the name of each dataset to its file (`file_name`: JSON, JSON lines, Parquet, or a folder of
            these), its `formatting` (`alpaca`: instruction, input, output, history; `sharegpt` or `openai`: a list of messages),
            `columns` and `tags` where they are called otherwise, `ranking` for preference pairs, `kto_tag` for answers
            that are called good or bad. `images` and `videos` are names; `<image>` and `<video>` stand where they are
            shown. Files lie anywhere below the folder.
Holds:      turns that alternate, a system turn before them, pictures, clips, pairs, single answers called good or bad. Boxes
            stand in the text as `{"bbox_2d": [x0, y0, x1, y1], "label": …}` in pixels of the file; questions without an
            answer, volumes and system turns in the midst are counted when they are left out.
Beside:     the key `vesalius` keeps what the format has no place for; LLaMA-Factory removes the columns that it is not told of.
Split unit: the patient that `vesalius` names; in files of others, who name nobody, the pictures of a record.
Labels:     the conversations as they are in the files.
Defects:    left out, each with its place: more or fewer marks than media; turns that do not alternate, which LLaMA-Factory
            skips as well; missing pictures; empty answers; tokens that steer a model; calls of tools, audio, frames of
            clips one by one. Datasets of a hub or without their file are not fetched; a log line counts them.
Licence:    not stated by the files.
Source:     github.com/hiyouga/LLaMA-Factory v0.9.3, data/README.md, `data/parser.py` and `data/converter.py`.
"""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vesalius.datasets.beside import FIELD, beside, restored
from vesalius.datasets.conversations import (
    Placed,
    Role,
    Said,
    Shown,
    conversation,
    joined,
    marked,
    order_of,
    preferred,
    text_of,
    text_with,
    told,
    without_masks,
    worded,
)
from vesalius.datasets.exports import Dropped
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.foreign import Source, explained, places, split_named, split_of, streamed
from vesalius.datasets.sources import RecordRefused
from vesalius.datasets.split import Split
from vesalius.datasets.store import parquet
from vesalius.datasets.store.media import appearing
from vesalius.datasets.writing import Media, Records, nothing_held, split_name
from vesalius.errors import InputRefused
from vesalius.types import Sample

log = logging.getLogger(__name__)

NAME = "llamafactory"
INFO = "dataset_info.json"
IMAGE, VIDEO = "<image>", "<video>"
SUFFIXES = (".json", ".jsonl", ".parquet")
FORMATTINGS = ("alpaca", "sharegpt", "openai")
_COLUMNS = {
    **dict.fromkeys(("history", "system", "tools", "images", "videos", "audios", "chosen", "rejected", "kto_tag"), None),
    **{"prompt": "instruction", "query": "input", "response": "output", "messages": "conversations"},
}
_TAGS = {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt", "system_tag": "system"}
_OPENAI = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant", "system_tag": "system"}


def recognizes(root: Path) -> bool:
    """Whether `dataset_info.json` names files or places of datasets."""
    return bool(explained(root))


def read(root: Path, tell: Tell = refuse, *, text_alone: bool = False) -> Iterator[Sample]:
    """A sample a record, of every dataset whose file is there.

    Args:
        root: the folder of `dataset_info.json`, or that file.
        tell: takes faults, with the dataset's number in `dataset_info.json` and that of the record.
        text_alone: leave pictures, clips and their marks out.

    Raises:
        InputRefused: `bad_dataset`: there is no `dataset_info.json`, it is cut off, or no file that it names is there.
    """
    entries = explained(root)
    found = [(number, entry, place) for number, entry in enumerate(entries.values(), start=1) for place in _files(root, entry)]
    if not found:
        raise InputRefused(
            "bad_dataset",
            f"The folder has no {INFO} that names a file which is there. Without it nothing says which columns its files have. "
            "Add one, or name another format.",
        )
    if absent := len(entries) - len({number for number, _, _ in found}):
        log.warning("llamafactory: datasets that lie elsewhere, not read: %d", absent)
    source = Source(NAME, root, tell, text_alone=text_alone)
    names = list(entries)
    for number, entry, place in found:
        which = f"dataset {number}, "
        split = split_named(names[number - 1]) or split_named(str(entry.get("split") or "")) or split_of(place, root)
        reader = _Record(source, _Shape.of(entry, number), split)
        yield from source(
            parquet.rows(place, which) if place.suffix == ".parquet" else streamed(place, tell, which), reader.sample
        )


def write(samples: Iterable[Sample], out: Path, dropped: Dropped) -> None:
    """JSON lists in the sharegpt form, a dataset a split and kind, with `dataset_info.json`, `images/` and `videos/`.

    Args:
        samples: in order.
        out: the folder, empty.
        dropped: is told what the format cannot hold.

    Raises:
        UsageError: `bad_option`, when it can hold none of the samples.
        MissingFromEnvironment: `missing_package`: clips need the extra `video`.
    """
    media = Media(out, dropped)
    entries: dict[str, dict[str, Any]] = {}
    with Records(out, "list") as records:
        for sample in samples:
            made = _record(without_masks(sample, dropped), media, dropped)
            if made is not None:
                kind, record = made
                name = split_name(sample) + kind
                entries.setdefault(name, _entry(name, record, is_ranking=kind == "-preference"))
                records.add(name, record)
        if not records.names:
            raise nothing_held(NAME, dropped)
    with appearing(out / INFO) as draft:
        draft.write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _entry(name: str, record: Mapping[str, Any], *, is_ranking: bool) -> dict[str, Any]:
    columns = {column: column for column in record if column != FIELD}
    ranking = {"ranking": True} if is_ranking else {}
    return {"file_name": f"{name}.json", "formatting": "sharegpt", **ranking, "columns": columns, "tags": _OPENAI}


def _files(root: Path, entry: Mapping[str, Any]) -> list[Path]:
    """The files of a dataset, below the folder of `dataset_info.json` alone."""
    name = entry.get("file_name")
    folder = (root if root.is_dir() else root.parent).resolve()
    if not isinstance(name, str) or not name.strip():
        return []
    place = (folder / name).resolve()
    return places(place, SUFFIXES, lambda _: True) if place.exists() and place.is_relative_to(folder) and place != folder else []


@dataclass(frozen=True)
class _Shape:
    """How the records of one dataset are read."""

    formatting: str
    ranking: bool
    columns: Mapping[str, str | None]
    tags: Mapping[str, str | None]

    @staticmethod
    def of(entry: Mapping[str, Any], number: int) -> "_Shape":
        """From its entry: `columns` and `tags` that are stated go in place of all defaults.

        Raises:
            InputRefused: `bad_dataset`: a formatting that there is not, or columns that are no names.
        """
        formatting, columns, tags = entry.get("formatting") or "alpaca", entry.get("columns"), entry.get("tags")
        usual = _OPENAI if formatting == "openai" else _TAGS
        if formatting not in FORMATTINGS or not _are_names(columns) or not _are_names(tags):
            raise InputRefused(
                "bad_dataset",
                f"Dataset {number} in {INFO} has a formatting that is none of {', '.join(FORMATTINGS)}, or columns or tags that "
                "are no names. Its records cannot be read. Mend the entry.",
            )
        return _Shape(
            formatting,
            bool(entry.get("ranking")),
            _COLUMNS if columns is None else {name: columns.get(name) for name in _COLUMNS},
            usual if tags is None else {name: tags.get(name) for name in _TAGS},
        )


def _are_names(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and all(isinstance(name, str | None) for name in value.values()))


@dataclass(frozen=True)
class _Record:
    """Makes samples of the records of one dataset."""

    source: Source
    shape: _Shape
    split: Split | None

    def sample(self, where: str, record: Any) -> Sample:
        """The sample of one record."""
        if not isinstance(record, dict):
            raise RecordRefused("record_malformed", "It is no object.")
        if self._get(record, "audios") or self._get(record, "tools"):
            raise RecordRefused("record_malformed", "It has audio or tools, which are not read.")
        texts, answers = self._alpaca(record) if self.shape.formatting == "alpaca" else self._messages(record)
        media = {mark: _names(self._get(record, kind)) for mark, kind in ((IMAGE, "images"), (VIDEO, "videos"))}
        said = marked([*texts, *answers], media)
        before, behind = said[: len(texts)], said[len(texts) :]
        good, alone = self._get(record, "kto_tag"), self.source.text_alone
        key, pair = self.source.key(where), None
        if self.shape.ranking:
            talk, pair = preferred(before, behind[0], behind[1], self.source.open, text_alone=alone)
        elif isinstance(good, bool):
            talk, pair = preferred(
                before, behind[0] if good else None, None if good else behind[0], self.source.open, text_alone=alone
            )
        else:
            talk = conversation(said, self.source.open, text_alone=alone)
        provenance = self.source.provenance([shown.image for shown in talk.images], key, split=self.split)
        sample = Sample(key, "conversation", talk.images, talk.turns, provenance, talk.regions, preference=pair)
        written = {name: value for name, value in record.items() if name != FIELD}
        return restored(sample, record.get(FIELD), written, talk.shown, self.source, self.split)

    def _get(self, record: Mapping[str, Any], column: str) -> Any:
        name = self.shape.columns[column]
        return None if name is None else record.get(name)

    def _alpaca(self, record: Mapping[str, Any]) -> tuple[list[tuple[Role, str]], list[tuple[Role, str]]]:
        """The turns up to the last question, and its answer or answers."""
        texts: list[tuple[Role, str]] = []
        if system := self._get(record, "system"):
            texts.append(("system", text_of(system, "The system turn")))
        for pair in self._get(record, "history") or []:
            if not isinstance(pair, list) or len(pair) != 2:
                raise RecordRefused("record_malformed", "Its history is no list of questions with answers.")
            texts += [("user", text_of(pair[0], "A question")), ("assistant", text_of(pair[1], "An answer"))]
        asked = [text_of(part, "The question") for part in (self._get(record, "prompt"), self._get(record, "query")) if part]
        texts.append(("user", "\n".join(asked)))
        names = ("chosen", "rejected") if self.shape.ranking else ("response",)
        found = [self._get(record, name) for name in names]
        if any(answer in (None, "") for answer in found):
            raise RecordRefused("answer_missing", "Its question has no answer.")
        return texts, [("assistant", text_of(answer, "The answer")) for answer in found]

    def _messages(self, record: Mapping[str, Any]) -> tuple[list[tuple[Role, str]], list[tuple[Role, str]]]:
        messages = self._get(record, "messages")
        if not isinstance(messages, list) or not messages:
            raise RecordRefused("record_malformed", "It has no list of messages.")
        texts = [self._turn(message) for message in messages]
        if (system := self._get(record, "system")) and texts[0][0] != "system":
            texts.insert(0, ("system", text_of(system, "The system turn")))
        turns = texts[1:] if texts[0][0] == "system" else texts
        if any(role != ("user", "assistant")[at % 2] for at, (role, _) in enumerate(turns)):
            raise RecordRefused("record_malformed", "Its turns do not alternate, beginning with the user's.")
        if self.shape.ranking:
            if turns and turns[-1][0] == "assistant":
                raise RecordRefused("record_malformed", "The turns of its pair end with an answer.")
            return texts, [self._turn(self._get(record, name), "assistant") for name in ("chosen", "rejected")]
        if not turns or turns[-1][0] != "assistant":
            raise RecordRefused("answer_missing", "Its last question has no answer.")
        return texts[:-1], texts[-1:]

    def _turn(self, message: Any, expected: Role | None = None) -> tuple[Role, str]:
        roles: dict[Any, Role] = {self.shape.tags[f"{role}_tag"]: role for role in ("system", "user", "assistant")}
        if not isinstance(message, dict):
            raise RecordRefused("answer_missing" if expected else "record_malformed", "A turn of it is no message.")
        role = roles.get(message.get(self.shape.tags["role_tag"] or ""))
        if role is None or (expected and role != expected):
            raise RecordRefused("record_malformed", "A turn of it is nobody's that its `tags` name.")
        return role, text_of(message.get(self.shape.tags["content_tag"] or ""), "A turn")


def _names(value: Any) -> list[Any]:
    """Names of media, or what holds their bytes by their path."""
    found = value if isinstance(value, list) else [] if value in (None, "") else [value]
    if not all(isinstance(name, str | dict) for name in found):
        raise RecordRefused("record_malformed", "Its media are no list of names.")
    return [_Held.of(name) if isinstance(name, dict) else name for name in found]


class _Held(dict[str, Any]):
    """A picture inside of a record, told from others by its bytes."""

    @staticmethod
    def of(item: Mapping[str, Any]) -> "_Held":
        return _Held(item)

    def __hash__(self) -> int:  # type: ignore[override]
        return hash((self.get("bytes"), self.get("path")))


def _record(sample: Sample, media: Media, dropped: Dropped) -> tuple[str, dict[str, Any]] | None:
    """The end of its dataset's name and the record of a sample, or None when the format cannot show it."""
    talk = told(sample, dropped, kinds=("image", "clip"))
    if talk is None:
        return None
    said = _alternating(talk.said, dropped)
    answers = [answer for answer in (talk.chosen, talk.rejected) if answer is not None]
    turns = [one for one in said if one.role != "system"]
    if turns[0].role == "assistant" or (not answers and turns[-1].role != "assistant"):
        dropped["samples that begin with an answer, or end with a question: the format holds answered questions"] += 1
        return None
    pair = sample.preference
    if pair is not None and set(pair.chosen_images) != set(pair.rejected_images):
        dropped["pictures of the worse answer: programs of the format show both answers the same"] += 1
    shown = [*said, *answers]
    order = order_of(shown)

    def mark(piece: Shown | Placed) -> str:
        if isinstance(piece, Placed):
            return worded(piece, dropped)
        return VIDEO if sample.images[int(str(piece.item))].image.kind == "clip" else IMAGE

    messages = [{"role": one.role, "content": text_with(one, mark)} for one in (said if talk.is_pair else shown)]
    record: dict[str, Any] = {"messages": messages}
    kind = ""
    if talk.is_pair:
        better, worse = ({"role": "assistant", "content": text_with(answer, mark)} for answer in answers)
        kind, record = "-preference", {**record, "chosen": better, "rejected": worse}
    elif answers:
        kind, record["kto_tag"] = "-unpaired", talk.chosen is not None
    for column, what in (("images", "image"), ("videos", "clip")):
        record[column] = [media.name(image) for image in (sample.images[n].image for n in order) if image.kind == what]
    return kind, {**record, FIELD: beside(sample, record, order, media.changed(sample))}


def _alternating(said: Iterable[Said], dropped: Dropped) -> list[Said]:
    """One system turn, before all others; a speaker's turns in a row as one."""
    found: list[Said] = []
    for one in said:
        if one.role == "system" and any(other.role != "system" for other in found):
            dropped["system turns in the midst of a conversation"] += 1
            shown = tuple(piece for piece in one.pieces if isinstance(piece, Shown))
            found += [Said("user", shown)] if shown else []
        else:
            found.append(one)
    return joined(found, dropped)
