"""webdataset: shards of tar files; the members of one key are one sample.

What:       any number of samples, in tars that are read from their beginning to their end.
Layout:     `{train-000000..000123}.tar` or any other names of uncompressed tars, one split a shard where its name or folder
            says so. `KEY.jpg`, `.png`, `.mp4`, `.nii.gz`, … are pictures (several as `KEY.0.png`, `KEY.1.png`), `KEY.txt` is
            a caption, `KEY.cls` the number of a class (named in `classnames.txt` beside the shards, where that is),
            `KEY.json` says more: `caption` or `text`, or a conversation as `messages` or `conversations` with `<image>`
            where a picture is shown. A key ends at the first full stop of a name.
Holds:      pictures, volumes and clips with a caption, as annotations; conversations in the JSON. Written a thousand samples a
            shard, with the same bytes whenever it is written; masks as the boxes around them.
Beside:     the key `vesalius` of `KEY.json` keeps what the rest has no place for; readers of WebDataset hand the JSON on.
Split unit: the patient that `vesalius` names; in files of others, who name nobody, the pictures of a sample.
Labels:     the captions, classes and conversations as they are in the shards.
Defects:    left out, each with its shard and number: samples without a picture, or of which nothing is said; two members of
            one name; texts that are not UTF-8, empty, or hold tokens that steer a model; marks that are more or fewer
            than pictures. A shard that is cut off is a fault of its own after the samples that are whole. Members of other
            endings, and masks (`seg`, `mask`), are not read; a log line counts them.
Licence:    not stated by the files.
Source:     github.com/webdataset/webdataset v0.2.111 (`tariterators.py`, `writer.py`); open_clip's `get_wds_dataset`.
"""

import json
import logging
import re
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

from vesalius.clinical import keys
from vesalius.clinical.images import suffix_of
from vesalius.datasets.beside import FIELD, beside, restored
from vesalius.datasets.captions import text_of as caption_text
from vesalius.datasets.conversations import (
    Placed,
    Role,
    Shown,
    answered,
    conversation,
    marked,
    order_of,
    plain_text,
    text_of,
    text_with,
    told,
    without_masks,
    worded,
)
from vesalius.datasets.exports import Dropped, Export
from vesalius.datasets.faults import Fault, Tell, refuse
from vesalius.datasets.foreign import AT_ONCE, Source, opened_all, places, split_of
from vesalius.datasets.sources import RecordRefused
from vesalius.datasets.split import Split
from vesalius.datasets.store.media import appearing
from vesalius.datasets.tars import Damaged, Member, members
from vesalius.datasets.writing import Inside, nothing_held, split_name
from vesalius.errors import InputRefused
from vesalius.types import Finding, Image, Kind, Report, Sample, SampleImage

log = logging.getLogger(__name__)

NAME = "webdataset"
SUFFIXES = (".tar",)
IMAGE = "<image>"
SAMPLES_A_SHARD = 1000
LOOKED_AT = 64  # members by which a shard is recognized
LONGEST_TEXT = 1 << 24
KINDS: tuple[Kind, ...] = ("image", "volume", "clip")
_KEY = re.compile(r"((?:.*/|)[^.]+)[.]([^/]*)")
_OWN_KEY = re.compile(r"[A-Za-z0-9_-]{1,80}")
_MASK = re.compile(r"(?:^|[^a-z])(?:seg|mask|label)(?:[^a-z]|$)")
_TEXTS = ("txt", "caption", "text")
_ROLES: dict[Any, Role] = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"}


@dataclass(frozen=True)
class _Group:
    """The members of one key, by what stands behind it; `twice` when two have one name."""

    key: str
    parts: Mapping[str, Member]
    twice: bool

    @property
    def pictures(self) -> dict[str, Member]:
        """Pictures, in the order of the numbers in their names."""
        found = [suffix for suffix in self.parts if suffix_of(f"a.{suffix}") and not _MASK.search(suffix)]
        return {suffix: self.parts[suffix] for suffix in sorted(found, key=_natural)}

    def said(self, suffixes: Iterable[str]) -> str | None:
        """The text of the first of these members that there is.

        Raises:
            RecordRefused: `encoding_broken`, `record_malformed`.
        """
        member = next((self.parts[suffix] for suffix in suffixes if suffix in self.parts), None)
        if member is None:
            return None
        try:
            return member.read(LONGEST_TEXT).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise RecordRefused("encoding_broken", "A text of it is not UTF-8.") from None


def recognizes(root: Path) -> bool:
    """Whether a tar begins with a picture and a text, a class or a JSON of one key."""
    return bool(places(root, SUFFIXES, _fits))


def read(root: Path, tell: Tell = refuse, *, text_alone: bool = False) -> Iterator[Sample]:
    """A sample a key.

    Args:
        root: the folder of shards, or one shard.
        tell: takes faults, with the shard's number, by name, and that of the sample in it.
        text_alone: leave pictures and their marks out; what has only a caption keeps it.

    Raises:
        InputRefused: `bad_dataset`: no shard is in the folder.
    """
    found = places(root, SUFFIXES, _fits)
    if not found:
        raise InputRefused(
            "bad_dataset",
            "The folder holds no uncompressed tar that begins with a picture and a text, a class or a JSON of one key. There "
            "is nothing to read as WebDataset. Give the folder of the shards, unpacked by gunzip where they are compressed.",
        )
    source = Source(NAME, root, tell, text_alone=text_alone)
    names, unread = _class_names(found[0].parent), Counter[str]()
    for number, place in enumerate(found, start=1):
        reader = _Reader(source, split_of(place, root), names, unread)
        yield from reader.samples(place, f"shard {number}", tell)
    if unread:
        log.warning("webdataset: members of other endings, not read: %d", unread.total())


def write(samples: Iterable[Sample], out: Path, dropped: Dropped, *, samples_a_shard: int = SAMPLES_A_SHARD) -> None:
    """Shards `train-000000.tar`, … of as many samples each; the same samples give the same bytes.

    Args:
        samples: in order.
        out: the folder, empty.
        dropped: is told what the format cannot hold.
        samples_a_shard: > 0.

    Raises:
        UsageError: `bad_option`, when it can hold none of the samples.
        MissingFromEnvironment: `missing_package`: clips need the extra `video`.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        shards: dict[str, tuple[tarfile.TarFile, int]] = {}
        begun: Counter[str] = Counter()
        for sample in samples:
            group = _members(without_masks(sample, dropped), folder, dropped)
            if group is None:
                continue
            name = split_name(sample)
            shard, held = shards.get(name, (None, 0))
            if shard is None or held == samples_a_shard:
                if shard is not None:
                    shard.close()
                draft = stack.enter_context(appearing(out / f"{name}-{begun[name]:06}.tar"))
                shard, held = stack.enter_context(tarfile.open(draft, "w", format=tarfile.USTAR_FORMAT)), 0
                begun[name] += 1
            for suffix, content in group.items():
                _add(shard, f"{_key_of(sample)}.{suffix}", content)
            shards[name] = (shard, held + 1)
        if not shards:
            raise nothing_held(NAME, dropped)


def _fits(place: Path) -> bool:
    found: list[Member] = []
    with suppress(Damaged):  # as far as it is whole
        for member in islice(members(place), LOOKED_AT):
            found.append(member)
    return any(group.pictures and {"json", "cls", *_TEXTS} & set(group.parts) for group in _groups(found))


def _groups(found: Iterable[Member]) -> Iterator[_Group]:
    """Members that follow one another with one key."""
    key, parts, twice = "", dict[str, Member](), False
    for member in found:
        match = _KEY.fullmatch(member.name)
        if match is None or member.name.startswith("__") or "/." in f"/{member.name}":
            continue
        if match[1] != key and parts:
            yield _Group(key, parts, twice)
            parts, twice = {}, False
        key, suffix = match[1], match[2].lower()
        twice = twice or suffix in parts
        parts[suffix] = member
    if parts:
        yield _Group(key, parts, twice)


def _natural(suffix: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", suffix)]


def _class_names(folder: Path) -> list[str]:
    """The names of classes by their number, from `classnames.txt`; none when there is no such file."""
    place = folder / "classnames.txt"
    try:
        return place.read_text(encoding="utf-8-sig").splitlines() if place.is_file() else []
    except (OSError, UnicodeDecodeError):
        return []


@dataclass(frozen=True)
class _Reader:
    """Makes samples of the groups of one shard."""

    source: Source
    split: Split | None
    classes: Sequence[str]
    unread: Counter[str]

    def samples(self, place: Path, which: str, tell: Tell) -> Iterator[Sample]:
        """A sample or a fault for every key; a shard that is cut off is a fault at its end."""
        groups, number = _groups(_whole(place, which, tell)), 0
        while block := list(islice(groups, AT_ONCE)):
            wanted = [] if self.source.text_alone else [part for group in block for part in group.pictures.values()]
            images = dict(zip(wanted, opened_all([part.place for part in wanted]), strict=True))
            for group in block:
                number += 1
                try:
                    sample = self._sample(group, images)
                except RecordRefused as wrong:
                    tell(wrong.at(f"{which}, sample {number}"))
                else:
                    yield sample

    def _sample(self, group: _Group, images: Mapping[Member, Image | RecordRefused]) -> Sample:
        if group.twice:
            raise RecordRefused("record_malformed", "Two members of it have one name.")
        pictures = group.pictures
        known = {*pictures, "json", "cls", *_TEXTS}
        self.unread.update(suffix.rpartition(".")[2] for suffix in group.parts if suffix not in known)
        if not pictures and "json" not in group.parts:
            raise RecordRefused("media_missing", "No picture has its key.")
        more = _object(group.said(["json"]))
        caption = group.said(_TEXTS)
        if caption is None:
            caption = next((more[name] for name in ("caption", "text") if isinstance(more.get(name), str)), None)
        report = None if caption is None else Report(plain_text(caption, "The caption").strip(), "")
        if report is not None and not report.findings:
            raise RecordRefused("record_malformed", "Its caption is empty.")

        def opened(suffix: str) -> Image:
            image = images[pictures[suffix]]
            if isinstance(image, RecordRefused):
                raise image
            return image

        key, turns = self.source.key("key", group.key), more.get("messages", more.get("conversations"))
        if turns is not None:
            named = more.get("images", list(pictures))
            if not isinstance(named, list) or any(suffix not in pictures for suffix in named):
                raise RecordRefused("media_missing", "Its conversation names pictures that no member is.")
            talk = conversation(marked(_texts(turns), {IMAGE: named}), opened, text_alone=self.source.text_alone)
            if FIELD not in more:
                answered(talk.turns)
            task, shown, said, listed = "conversation", talk.images, talk.turns, talk.shown
        else:
            listed = () if self.source.text_alone else tuple(opened(suffix) for suffix in pictures)
            task, shown, said = "annotation", tuple(SampleImage("current", image) for image in listed), ()
        labels = self._labels(group.said(["cls"]))
        if not said and report is None and not labels and FIELD not in more:
            raise RecordRefused("record_malformed", "Nothing is said of its picture.")
        provenance = self.source.provenance([one.image for one in shown], key, split=self.split)
        sample = Sample(key, task, shown, said, provenance, labels=labels, report=report)
        return restored(sample, more.get(FIELD), [caption, turns], listed, self.source, self.split)

    def _labels(self, said: str | None) -> dict[str, Finding]:
        if said is None:
            return {}
        if not said.strip().isdecimal() or len(said.strip()) > 9:
            raise RecordRefused("label_unknown", "Its class is no number.")
        number = int(said)
        if self.classes and number >= len(self.classes):
            raise RecordRefused("label_unknown", f"Its class is {number} and {len(self.classes)} are named.")
        return {self.classes[number].strip().lower() if self.classes else f"class {number}": "present"}


def _whole(place: Path, which: str, tell: Tell) -> Iterator[Member]:
    try:
        yield from members(place)
    except Damaged:
        tell(Fault("record_malformed", which, "The tar is damaged or cut off; what lies behind is not known. Copy it again."))


def _object(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise RecordRefused("record_malformed", "Its JSON is none, or is cut off.") from None
    if not isinstance(found, dict):
        raise RecordRefused("record_malformed", "Its JSON is no object.")
    return found


def _texts(turns: Any) -> list[tuple[Role, str]]:
    """Turns of `role` and `content`, or of `from` and `value`."""
    if not isinstance(turns, list) or not turns or not all(isinstance(turn, dict) for turn in turns):
        raise RecordRefused("record_malformed", "Its conversation is no list of turns.")
    found = []
    for turn in turns:
        role = _ROLES.get(str(turn.get("role", turn.get("from"))))
        if role is None:
            raise RecordRefused("record_malformed", f"A turn of it is by none of {', '.join(_ROLES)}.")
        found.append((role, text_of(turn.get("content", turn.get("value")), "A turn")))
    return found


def _members(sample: Sample, folder: Path, dropped: Dropped) -> dict[str, bytes] | None:
    """What stands behind the key → the bytes, or None when the format cannot show the sample."""
    if any(shown.image.kind not in KINDS for shown in sample.images):
        dropped["samples about a slide: the format has no place for one"] += 1
        return None
    if not sample.images and not sample.turns:
        dropped["samples without a picture and a question: the format holds pictures with what is said of them"] += 1
        return None
    pictures, inside, changed = {}, Inside(dropped), []
    for index, shown in enumerate(sample.images):
        prefix = f"{index}." if len(sample.images) > 1 else ""
        if shown.image.kind == "image":
            content, suffix = inside.encoded(shown.image)
            pictures[prefix + suffix[1:]] = content
            continue
        tally = Dropped()
        place = folder / Export(folder, tally).any(shown.image)
        pictures[prefix + place.name.partition(".")[2]] = place.read_bytes()
        place.unlink()
        dropped.update(tally)
        if any("through their window" in what or "rounded" in what for what in tally):
            changed.append(index)
    changed += inside.changed(sample)
    suffixes, more = list(pictures), dict[str, Any]()
    report = sample.report
    caption = caption_text(report) if report is not None else ""
    order: Sequence[int] = range(len(suffixes))
    turns = None
    if any(turn.role == "user" for turn in sample.turns):
        talk = told(sample, dropped, kinds=KINDS)
        assert talk is not None, "a sample that asks, about pictures that a member can be"
        said = [*talk.said, *([] if talk.chosen is None else [talk.chosen])]
        if talk.rejected is not None:
            dropped["worse answers: programs of the format read one answer"] += 1
        if said[-1].role != "assistant":
            dropped["questions without an answer: programs of the format may expect one"] += 1

        def mark(piece: Shown | Placed) -> str:
            return IMAGE if isinstance(piece, Shown) else worded(piece, dropped)

        order = order_of(said)
        turns = [{"role": one.role, "content": text_with(one, mark)} for one in said]
        more = {"messages": turns, "images": [suffixes[index] for index in order]}
    text = {} if not caption else {"txt": caption.encode()}
    more[FIELD] = beside(sample, [caption or None, turns], order, changed)
    return {"json": json.dumps(more, ensure_ascii=False).encode(), **pictures, **text}


def _key_of(sample: Sample) -> str:
    """The sample's key when a name can have it, else a hash of it: no full stop, no stroke."""
    return sample.key if _OWN_KEY.fullmatch(sample.key) else keys.key(NAME, sample.key, salted=False)


def _add(shard: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = len(content), 0o444, 0
    shard.addfile(info, BytesIO(content))
