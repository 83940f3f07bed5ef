"""Our own layout: `samples.parquet`, one row per sample; `media/`, files named by their content's hash; `CARD.md`.

What:       any samples; how many, of how many patients, is counted in the folder's own card.
Layout:     every column bears the name of a field of `Sample`; the schema's version and the card stand in the file's
            metadata. A picture's `media` is a path below the folder, and its stem is the sha256 of the file. Any row can
            be read with pyarrow, DuckDB or polars and nothing of ours.
Licence:    per sample, in `provenance.licence`.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from vesalius.datasets.store.media import NAME, Media, appearing, inside, values
from vesalius.datasets.store.rows import Row, contradiction, from_row, image_of, to_row
from vesalius.errors import InputRefused, Problem, UsageError
from vesalius.types import Mask, Sample, SampleImage, Source

MANIFEST, CARD = "samples.parquet", "CARD.md"
SCHEMA_VERSION = "1"
ROWS_AT_ONCE = 256

_PAIRS = pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))
_NUMBERS = pa.list_(pa.float64())
_FILE = [("media", pa.string()), ("bytes", pa.int64())]
_IMAGE = [
    ("role", pa.string()),
    *_FILE,
    ("kind", pa.string()),
    ("shape", pa.list_(pa.int64())),
    ("channels", pa.int64()),
    ("spacing_mm", _NUMBERS),
    ("frame_s", pa.float64()),
    ("affine_lps_mm", _NUMBERS),
    ("modality", pa.string()),
    ("view", pa.string()),
    ("window", _NUMBERS),
    ("inverted", pa.bool_()),
    ("day", pa.float64()),
    ("source", pa.struct([("sha256", pa.string()), ("format", pa.string())])),
    ("warnings", pa.list_(pa.struct([("code", pa.string()), ("message", pa.string()), ("at", pa.string())]))),
]
_SPANS = pa.list_(pa.struct([("start", pa.int64()), ("end", pa.int64())]))
_TURN = [("role", pa.string()), ("text", pa.string()), ("spans", _SPANS)]
_PROVENANCE = [
    *((name, pa.string()) for name in ("source", "licence", "patient_key", "study_key", "annotation", "split", "site")),
    ("age_years", pa.float64()),
    ("sex", pa.string()),
]
_REGION = [
    ("label", pa.string()),
    ("box", pa.struct([("low", _NUMBERS), ("high", _NUMBERS)])),
    ("point", _NUMBERS),
    ("polygon", pa.list_(_NUMBERS)),
    ("mask", pa.struct(_FILE)),
    ("space", pa.string()),
    ("image", pa.int64()),
    ("frame", pa.int64()),
    ("attributes", _PAIRS),
]
_MEASUREMENT = [
    ("name", pa.string()),
    ("value", pa.float64()),
    ("unit", pa.string()),
    ("method", pa.string()),
    ("region", pa.int64()),
    ("uncertainty", pa.float64()),
]
_WHICH = pa.list_(pa.int64())
_PREFERENCE = [
    ("chosen", pa.string()),
    ("rejected", pa.string()),
    ("chosen_images", _WHICH),
    ("rejected_images", _WHICH),
    ("weight", pa.float64()),
]
SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("task", pa.string()),
        ("images", pa.list_(pa.struct(_IMAGE))),
        ("turns", pa.list_(pa.struct(_TURN))),
        ("provenance", pa.struct(_PROVENANCE)),
        ("regions", pa.list_(pa.struct(_REGION))),
        ("measurements", pa.list_(pa.struct(_MEASUREMENT))),
        ("labels", _PAIRS),
        ("report", pa.struct([("findings", pa.string()), ("impression", pa.string()), ("language", pa.string())])),
        ("preference", pa.struct(_PREFERENCE)),
        ("options", pa.list_(pa.string())),
    ]
)


@dataclass(frozen=True)
class Card:
    """What a reader must know before using a dataset; each a sentence or more.

    `labels` says how the labels were made, `patients` what the unit of a split is, `splits` how it was chosen.
    """

    name: str
    source: str
    licence: str
    labels: str
    patients: str
    splits: str
    notes: str = ""


def recognizes(root: Path) -> bool:
    """Whether `root` holds a manifest of ours."""
    return (root / MANIFEST).is_file()


def write(samples: Iterable[Sample], folder: Path, card: Card, *, left_out: Callable[[], Sequence[str]] = tuple) -> Counter[str]:
    """Write samples, their media and the card; the manifest appears last and whole, or not at all.

    After a kill the folder holds no manifest, or the old one, and writing again goes on with the media that are there.
    Pictures that lie as PNG or JPEG are copied byte for byte when they decode to the very same values; others are
    written as PNG (unsigned 8 or 16 bits, in the plane) or as `.npy`, both without loss. Memory does not grow with
    the number of pictures.

    Args:
        samples: with keys that are unique among them.
        folder: is made; may hold media, but no manifest.
        card: its text is put into `CARD.md` with counts of samples and patients.
        left_out: asked after the last sample for lines that tell what the source left out; they join the card's notes.

    Returns:
        How many samples stand in each split ("none" where there is none).

    Raises:
        UsageError: `bad_option`: there is a dataset already.
        InputRefused: `bad_dataset`: a key stands twice, or there is no sample.
    """
    if recognizes(folder):
        raise UsageError("bad_option", "The folder holds a dataset already. It would be overwritten. Choose another folder.")
    media, counts = Media(folder), _Counts()
    schema = SCHEMA.with_metadata({"vesalius_schema": SCHEMA_VERSION})
    with appearing(folder / MANIFEST) as draft:
        with pq.ParquetWriter(draft, schema) as table:
            stream = iter(samples)
            while some := list(islice(stream, ROWS_AT_ONCE)):
                for sample in some:
                    counts.add(sample)
                rows = [to_row(sample, media.keep, media.keep) for sample in some]
                table.write_batch(pa.RecordBatch.from_pylist(rows, schema=schema))
            card = replace(card, notes="\n".join(filter(None, [card.notes, *left_out()])))
            table.add_key_value_metadata({"vesalius_card": json.dumps(asdict(card))})
        if not counts.keys:
            raise InputRefused("bad_dataset", "There is no sample to write. An empty dataset says nothing. Check its source.")
        with appearing(folder / CARD) as page:
            page.write_text(_page(card, counts), encoding="utf-8")
    return Counter({split: sum(number.values()) for split, number in counts.samples.items()})


def read(root: Path) -> Iterator[Sample]:
    """The samples of a folder, in the order in which they were written.

    Rows and the sizes of all files are checked before the first sample is given; a file's hash when it is loaded.
    Samples that show the same picture share one `SampleImage`.

    Raises:
        InputRefused: `bad_dataset`, with every row that is damaged and every file that is missing or cut off.
            `Image.load` raises it when a file's content has changed.
    """
    problems = []
    for number, row in enumerate(_rows(root), start=1):
        wrong = _wrong(row, root)
        if wrong:
            problems.append(Problem(f"row {number}", wrong))
    if problems:
        raise InputRefused(
            "bad_dataset",
            f"{len(problems)} rows of the dataset are damaged or miss their media. What they show cannot be trusted. Write "
            "the folder again from its source, or copy it again.",
            problems,
        )
    shown: dict[str, SampleImage] = {}
    for row in _rows(root):
        yield from_row(row, partial(_shared_image, root, shown), partial(_open_mask, root))


def card(root: Path) -> Card:
    """The card that a folder was written with."""
    stored = _opened(root).metadata.metadata
    try:
        return Card(**json.loads(stored[b"vesalius_card"]))
    except (KeyError, TypeError, ValueError) as error:
        raise _foreign("its card is missing or damaged") from error


class _Counts:
    """What the card tells: samples by split and task, patients by split; and that no key stands twice."""

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self.samples: dict[str, Counter[str]] = {}
        self.patients: dict[str, set[str]] = {}

    def add(self, sample: Sample) -> None:
        if sample.key in self.keys:
            raise InputRefused("bad_dataset", "Two samples have one key. Neither could be found by it. Make keys unique.")
        if wrong := contradiction(sample):
            said = f"A sample contradicts itself: {wrong} It could not be read again. Mend what it is made from."
            raise InputRefused("bad_dataset", said)
        self.keys.add(sample.key)
        split = sample.provenance.split or "none"
        self.samples.setdefault(split, Counter())[sample.task] += 1
        self.patients.setdefault(split, set()).add(sample.provenance.patient_key)


def _rows(root: Path) -> Iterator[Row]:
    manifest = _opened(root)
    try:
        for batch in manifest.iter_batches(batch_size=ROWS_AT_ONCE):
            yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise _foreign("its rows are damaged") from error


def _opened(root: Path) -> pq.ParquetFile:
    if not recognizes(root):
        raise _foreign(f"it holds no {MANIFEST}")
    try:
        manifest = pq.ParquetFile(root / MANIFEST)
    except (pa.ArrowException, OSError) as error:
        raise _foreign(f"{MANIFEST} is not Parquet, or is cut off") from error
    version = (manifest.schema_arrow.metadata or {}).get(b"vesalius_schema", b"").decode("ascii", "replace")
    if version != SCHEMA_VERSION:
        raise _foreign(f"its schema's version is {version or 'not stated'} and {SCHEMA_VERSION} is read")
    if not manifest.schema_arrow.equals(SCHEMA):
        raise _foreign("its columns are not those of a sample")
    return manifest


def _wrong(row: Row, root: Path) -> str:
    """What is wrong with a row or its files, or ""."""
    try:
        masks = [region["mask"] for region in row["regions"] if region["mask"] is not None]
        for entry in [*row["images"], *masks]:
            if NAME.fullmatch(entry["media"]) is None:
                return "A file of it has a name that no dataset of ours has."
            place = root / entry["media"]
            if not place.is_file():
                return "A file of it is missing."
            if place.stat().st_size != entry["bytes"]:
                return "A file of it has another size than was written."
        return contradiction(from_row(row, partial(_open_image, root), partial(_open_mask, root)))
    except (KeyError, TypeError, ValueError) as error:
        return f"It does not hold what a sample needs ({type(error).__name__})."


def _shared_image(root: Path, shown: dict[str, SampleImage], entry: Row) -> SampleImage:
    same = json.dumps(entry)
    if same not in shown:
        shown[same] = _open_image(root, entry)
    return shown[same]


def _open_image(root: Path, entry: Row) -> SampleImage:
    path = root / entry["media"]
    return image_of(entry, partial(values, path), Source(path, **entry["source"]))


def _open_mask(root: Path, entry: Row) -> Mask:
    return Mask(partial(inside, root / entry["media"]))


def _page(about: Card, counts: _Counts) -> str:
    """`CARD.md`: the card's words, then what was counted while writing."""
    said = {"Source": about.source, "Licence": about.licence, "How the labels were made": about.labels}
    said |= {"Patients": about.patients, "Splits": about.splits, "Notes": about.notes}
    parts = [f"# {about.name}", *(f"## {title}\n\n{text}" for title, text in said.items() if text)]
    return "\n\n".join([*parts, f"## Counts\n\n{_table(counts)}"]) + "\n"


def _table(counts: _Counts) -> str:
    tasks = sorted({task for found in counts.samples.values() for task in found})
    lines = [["split", "patients", "samples", *tasks], ["---"] * (3 + len(tasks))]
    for split, found in counts.samples.items():
        numbers: list[int] = [len(counts.patients[split]), found.total(), *(found[task] for task in tasks)]
        lines.append([split, *(str(number) for number in numbers)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _foreign(what: str) -> InputRefused:
    return InputRefused(
        "bad_dataset",
        f"The folder is no dataset in our layout: {what}. Nothing of it can be trusted. Give a folder that `vesalius data "
        "convert` has written, or convert it.",
    )
