"""Our own layout: `samples.parquet`, one row per sample; `media/`, files named by their content's hash; `CARD.md`.

What:       any samples; how many, of how many patients, is counted in the folder's own card.
Layout:     every column bears the name of a field of `Sample` (`schema.py`); the schema's version and the card stand in the
            file's metadata. A picture's `media` is a path below the folder, and its stem is the sha256 of the file. Any row
            can be read with pyarrow, DuckDB or polars and nothing of ours.
Licence:    per sample, in `provenance.licence`.
"""

import json
import os
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vesalius.clinical.keys import content_sha256
from vesalius.datasets.faults import Fault, Tell, refuse
from vesalius.datasets.sources import RecordRefused
from vesalius.datasets.store.card import Card, Counts, page
from vesalius.datasets.store.media import NAME, Media, appearing, inside, part, values
from vesalius.datasets.store.places import Place, Root
from vesalius.datasets.store.rows import Row, contradiction, from_row, image_of, to_row
from vesalius.datasets.store.schema import SCHEMA, SCHEMAS, VERSION
from vesalius.datasets.store.unfinished import PARTS, ROWS, Unfinished, flush, mismatch, sweep, unfinished
from vesalius.errors import InputRefused, Problem, UsageError
from vesalius.types import Image, Mask, Sample, SampleImage, Source

__all__ = ["CARD", "MANIFEST", "Card", "append", "card", "manifest", "read", "recognizes", "sample_of", "write"]

MANIFEST, CARD = "samples.parquet", "CARD.md"
GROUP_ROWS, GROUP_BYTES = 4096, 1 << 26  # of a row group of the manifest, at most


def recognizes(root: Root) -> bool:
    """Whether `root` holds a manifest of ours."""
    return Place(root).size(MANIFEST) is not None


def write(
    samples: Iterable[Sample],
    folder: Path,
    card: Card,
    *,
    left_out: Callable[[], Sequence[str]] = tuple,
    plan: Mapping[str, Any] | None = None,
    tell: Tell | None = None,
) -> Counter[str]:
    """Write samples, their media and the card; the manifest appears last and whole, or not at all.

    A kill at any moment loses nothing that was finished: what stands in a finished piece (see `unfinished.py`) is neither
    decoded nor written again when the same samples are written to the folder again, and the manifest is the same in the end.
    Pictures that lie as PNG or JPEG are copied byte for byte when they decode to the very same values; others are
    written as PNG (unsigned 8 or 16 bits, in the plane) or as `.npy`, both without loss. Memory does not grow with
    the number of pictures; of samples, 16 bytes of each key are kept.

    Args:
        samples: with keys that are unique among them; the same ones, in the same order, when a write is gone on with.
        folder: is made; may hold media and an unfinished dataset, but no manifest.
        card: its text is put into `CARD.md` with counts of samples and patients.
        left_out: asked after the last sample for lines that tell what the source left out; they join the card's notes.
        plan: JSON-able: what steers the samples besides their source; another one cannot go on with what was begun.
        tell: takes a fault for each sample that is left out, for a picture that cannot be decoded, a key that was there before
            or a contradiction in itself; without it the first such sample ends the writing.

    Returns:
        How many samples stand in each split ("none" where there is none).

    Raises:
        UsageError: `bad_option`: there is a dataset already, or another process writes it.
        InputRefused: `bad_dataset`: a key stands twice, or there is no sample; `resume_mismatch`: what was begun in the folder
            was begun with other samples or another plan.
    """
    if recognizes(folder) and not (folder / PARTS).is_dir():
        sweep(folder)
        raise UsageError("bad_option", "The folder holds a dataset already. It would be overwritten. Choose another folder.")
    with unfinished(folder, {**(plan or {}), "card": asdict(card)}) as work:
        counts = Counts()
        _fill(work, samples, counts, tell)
        said = replace(card, notes="\n".join(filter(None, [card.notes, *left_out()])))
        _finish(work, [], said, counts)
    return counts.by_split()


def append(
    samples: Iterable[Sample],
    folder: Path,
    *,
    note: str = "",
    plan: Mapping[str, Any] | None = None,
    tell: Tell | None = None,
) -> Counter[str]:
    """Add samples to a finished dataset; whoever reads it meanwhile sees the old one or the new one, whole.

    The manifest is written anew, media are not. It can be killed and gone on with as `write`.

    Args:
        samples: with keys that are unique among them and those that are there.
        folder: of the dataset, in this version of the layout.
        note: joins the card's notes: what was added.
        plan: as `write`.
        tell: as `write`.

    Returns:
        How many samples stand in each split now.

    Raises:
        UsageError: `bad_option`: another process writes it.
        InputRefused: `bad_dataset`: no dataset of ours, of an older version, or a key is there already; `resume_mismatch`.
    """
    before = _opened(Place(folder))
    if _version(before) != VERSION:
        raise _foreign("its version is older than the one that is written; convert it first to add to it")
    now = content_sha256(folder / MANIFEST)
    with unfinished(folder, {**(plan or {}), "note": note, "action": "append"}) as work:
        counts = Counts()
        for batch in before.iter_batches(columns=["key", "task", "provenance"]):
            for row in batch.to_pylist():
                counts.add_row(row["key"], row["task"], row["provenance"]["split"], row["provenance"]["patient_key"])
        if work.promised() != now:
            _fill(work, samples, counts, tell)
            about = card(folder)
            said = replace(about, notes="\n".join(filter(None, [about.notes, note])))
            _finish(work, [folder / MANIFEST], said, counts)
        else:
            work.clear()
    return counts.by_split()


def read(root: Root, tell: Tell = refuse) -> Iterator[Sample]:
    """The samples of a folder or of what a URL names, in the order in which they were written.

    Rows and the sizes of all files are checked before the first sample is given; a file's hash when it is loaded.
    With `tell`, a row that is damaged or misses a file is a fault, and the others are given. Samples that show the same picture
    share one `SampleImage`.

    Args:
        root: a folder, or an address that fsspec knows, as `s3://bucket/dataset`, `zip://::dataset.zip`. What lies below
            it is fetched when it is needed, and nothing else.
        tell: takes `media_missing`, `media_unreadable` and `record_malformed`.

    Raises:
        InputRefused: `bad_dataset`, with every row that is damaged and every file that is missing or cut off.
            `Image.load` raises it when a file's content has changed.
        MissingFromEnvironment: `missing_package`: what speaks the address is not installed.
    """
    place = Place(root)
    if tell is refuse:
        _refuse_damaged(place)
    shown: weakref.WeakValueDictionary[str, SampleImage] = weakref.WeakValueDictionary()
    for number, row in enumerate(_rows(place), start=1):
        fault = None if tell is refuse else _wrong(row, place, number)
        if fault is None:
            yield from_row(row, partial(_shared_image, place, shown), partial(_open_mask, place))
        else:
            tell(fault)


def card(root: Root) -> Card:
    """The card that a folder was written with."""
    stored = _opened(Place(root)).metadata.metadata
    try:
        return Card(**json.loads(stored[b"vesalius_card"]))
    except (KeyError, TypeError, ValueError) as error:
        raise _foreign("its card is missing or damaged") from error


def sample_of(row: Row, place: Place) -> Sample:
    """The sample of one row; its pictures are loaded when they are asked for."""
    return from_row(row, partial(_open_image, place), partial(_open_mask, place))


def manifest(place: Place) -> pq.ParquetFile:
    """The manifest of a dataset of any version that is read.

    Raises:
        InputRefused: `bad_dataset`.
    """
    return _opened(place)


def _fill(work: Unfinished, samples: Iterable[Sample], counts: Counts, tell: Tell | None) -> None:
    """Bring the pieces up to the end of the samples."""
    media, stream = Media(work.folder, work.parts), iter(samples)
    finished = list(work.pieces)
    for piece in finished:
        some = list(islice(stream, piece.samples))
        if _said(some) != piece.said:
            raise mismatch("another source")
        for at, sample in enumerate(some):
            if at not in piece.left:
                counts.add(sample)
            elif tell is not None:
                tell(Fault(**piece.left[at]))
    done = sum(piece.samples for piece in finished)
    if finished and finished[-1].samples < ROWS and next(stream, None) is not None:
        raise mismatch("another source")
    while some := list(islice(stream, ROWS)):
        rows, left = [], {}
        for at, sample in enumerate(some):
            try:
                if wrong := counts.wrong(sample):
                    raise RecordRefused(*wrong)
                row = to_row(sample, media.keep, media.keep)
            except (InputRefused, RecordRefused) as refusal:
                fault = _fault(refusal, f"sample {done + at + 1}", sample.key)
                if tell is None:
                    raise refusal if isinstance(refusal, InputRefused) else _refusal(fault) from None
                tell(fault)
                left[at] = {"code": fault.code, "where": fault.where, "message": fault.message, "key": fault.key}
            else:
                counts.add(sample)
                rows.append(row)
        work.land(rows, len(some), _said(some), left)
        done += len(some)


def _fault(refusal: InputRefused | RecordRefused, where: str, key: str) -> Fault:
    if isinstance(refusal, RecordRefused):
        return refusal.at(where, key)
    return Fault("media_unreadable", where, f"{refusal.code}: {refusal.message}", key)


def _refusal(fault: Fault) -> InputRefused:
    return InputRefused("bad_dataset", f"{fault.where}: {fault.message}", [Problem(fault.where, fault.message)])


def _said(samples: Sequence[Sample]) -> str:
    """The hash of all that the source says of samples; of their pictures the hashes that it gives."""
    digest = sha256()
    for sample in samples:
        digest.update(json.dumps(to_row(sample, _nothing, _nothing), sort_keys=True, default=str).encode("utf-8", "replace"))
    return digest.hexdigest()


def _nothing(item: Image | Mask) -> Row:
    return {}


def _finish(work: Unfinished, before: Sequence[Path], about: Card, counts: Counts) -> None:
    """Make one manifest of those that were there and the pieces; the card first, the manifest last."""
    if not counts.keys:
        raise InputRefused("bad_dataset", "There is no sample to write. An empty dataset says nothing. Check its source.")
    if len(work.pieces) > 1 and hasattr(os, "sync"):
        os.sync()  # the media of a large dataset lie on the disk before a manifest says that they do
    with _appearing_flushed(work.folder / CARD, work.parts) as draft:
        draft.write_text(page(about, counts), encoding="utf-8")
    with _appearing_flushed(work.folder / MANIFEST, work.parts) as draft:
        _merge([*before, *(piece.path for piece in work.pieces)], draft, about)
        work.promise(content_sha256(draft))
    flush(work.folder)
    work.clear()


@contextmanager
def _appearing_flushed(path: Path, drafts: Path) -> Iterator[Path]:
    with appearing(path, drafts) as draft:
        yield draft
        flush(draft)


def _merge(files: Sequence[Path], out: Path, about: Card) -> None:
    """The rows of all files in groups of a size that depends on the rows alone."""
    schema = SCHEMA.with_metadata({"vesalius_schema": VERSION})
    with pq.ParquetWriter(out, schema) as table:
        group: list[pa.RecordBatch] = []
        for batch in (batch for file in files for batch in pq.ParquetFile(file).iter_batches(ROWS)):
            held = sum(each.num_rows for each in group)
            if group and (held + batch.num_rows > GROUP_ROWS or sum(each.nbytes for each in group) > GROUP_BYTES):
                table.write_table(pa.Table.from_batches(group, schema), GROUP_ROWS)
                group = []
            group.append(batch.replace_schema_metadata(schema.metadata))
        if group:
            table.write_table(pa.Table.from_batches(group, schema), GROUP_ROWS)
        table.add_key_value_metadata({"vesalius_card": json.dumps(asdict(about))})


def _refuse_damaged(place: Place) -> None:
    faults = [fault for number, row in enumerate(_rows(place), start=1) if (fault := _wrong(row, place, number))]
    if faults:
        raise InputRefused(
            "bad_dataset",
            f"{len(faults)} rows of the dataset are damaged or miss their media. What they show cannot be trusted. Write "
            "the folder again from its source, or copy it again.",
            [Problem(fault.where, fault.message) for fault in faults],
        )


def _rows(place: Place) -> Iterator[Row]:
    table = _opened(place)
    try:
        for batch in table.iter_batches(batch_size=ROWS):
            yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise _foreign("its rows are damaged") from error


def _opened(place: Place) -> pq.ParquetFile:
    if place.size(MANIFEST) is None:
        raise _foreign(f"it holds no {MANIFEST}")
    try:
        table = pq.ParquetFile(place.open(MANIFEST))
    except (pa.ArrowException, OSError) as error:
        raise _foreign(f"{MANIFEST} is not Parquet, or is cut off") from error
    version = _version(table)
    if version not in SCHEMAS:
        raise _foreign(f"its schema's version is {version or 'not stated'} and {', '.join(SCHEMAS)} are read")
    if not table.schema_arrow.equals(SCHEMAS[version]):
        raise _foreign("its columns are not those of a sample")
    return table


def _version(table: pq.ParquetFile) -> str:
    found: bytes = (table.schema_arrow.metadata or {}).get(b"vesalius_schema", b"")
    return found.decode("ascii", "replace")


def _wrong(row: Row, place: Place, number: int) -> Fault | None:
    """What is wrong with a row or its files."""
    where, key = f"row {number}", row["key"] if isinstance(row["key"], str) else ""
    try:
        masks = [region["mask"] for region in row["regions"] if region["mask"] is not None]
        for entry in [*row["images"], *masks]:
            if NAME.fullmatch(entry["media"]) is None:
                return Fault("record_malformed", where, "A file of it has a name that no dataset of ours has.", key)
            size = place.size(entry["media"])
            if size is None:
                return Fault("media_missing", where, "A file of it is missing.", key)
            if size != entry["bytes"]:
                return Fault("media_unreadable", where, "A file of it has another size than was written.", key)
        said = contradiction(sample_of(row, place))
    except (KeyError, TypeError, ValueError) as error:
        said = f"It does not hold what a sample needs ({type(error).__name__})."
    return Fault("record_malformed", where, said, key) if said else None


def _shared_image(place: Place, shown: "weakref.WeakValueDictionary[str, SampleImage]", entry: Row) -> SampleImage:
    same = json.dumps(entry)
    found = shown.get(same)
    if found is None:
        found = shown[same] = _open_image(place, entry)
    return found


def _open_image(place: Place, entry: Row) -> SampleImage:
    name = entry["media"]
    path = place.local / name if place.local is not None else None
    load_part = partial(part, place, name, entry["channels"] == 3)
    return image_of(entry, partial(values, place, name), Source(path, **entry["source"]), load_part)


def _open_mask(place: Place, entry: Row) -> Mask:
    name = entry["media"]
    return Mask(partial(inside, place, name), partial(inside, place, name), entry.get("level") or 0)


def _foreign(what: str) -> InputRefused:
    return InputRefused(
        "bad_dataset",
        f"The folder is no dataset in our layout: {what}. Nothing of it can be trusted. Give a folder that `vesalius data "
        "convert` has written, or convert it.",
    )
