"""Our own layout: nothing is lost, nothing half written, nothing damaged is read."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.datasets.store.made import CARD, asked, in_memory, picture, stated

from vesalius.datasets.store import table
from vesalius.datasets.store.schema import SCHEMAS, VERSION
from vesalius.errors import InputRefused, UsageError
from vesalius.types import (
    Box,
    CodedWarning,
    Image,
    Mask,
    Measurement,
    Part,
    Point,
    Polygon,
    Preference,
    Provenance,
    Region,
    Report,
    Sample,
    SampleImage,
    Source,
    Turn,
)

number = st.floats(-1e6, 1e6)
short = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def maybe(strategy):
    return st.none() | strategy


@st.composite
def arrays(draw) -> tuple[str, np.ndarray]:
    kind, dtype = draw(st.sampled_from([("image", "u1"), ("image", "u2"), ("image", "i2"), ("image", "f4"), ("volume", "i2")]))
    shape = draw(st.tuples(*[st.integers(1, 6)] * (3 if kind == "volume" else 2)))
    values = np.random.default_rng(draw(st.integers(0, 999))).integers(0, 250, shape)
    return kind, values.astype(dtype)


@st.composite
def images(draw) -> SampleImage:
    kind, array = draw(arrays())
    color = kind == "image" and array.dtype == np.uint8 and draw(st.booleans())
    pixels = np.stack([array] * 3, -1) if color else array
    image = Image(
        kind=kind,
        shape=array.shape,
        channels=3 if color else 1,
        load=lambda: pixels,
        source=Source(None, draw(short), "array"),
        spacing_mm=draw(maybe(st.tuples(*[number] * array.ndim))),
        frame_s=draw(maybe(number)),
        affine_lps_mm=draw(maybe(st.just(np.arange(16.0).reshape(4, 4)))),
        modality=draw(maybe(short)),
        view=draw(maybe(short)),
        window=draw(maybe(st.tuples(number, number))),
        inverted=draw(st.booleans()),
        day=draw(maybe(number)),
        warnings=draw(st.sampled_from([(), (CodedWarning("slices_missing", "two", {"after": [1, 2]}),)])),
        frame_times_s=draw(maybe(st.just((0.0, 0.5)))),
        suv_factor=draw(maybe(number)),
        scanner=draw(maybe(short)),
    )
    return SampleImage(draw(st.sampled_from(["current", "prior", "reference"])), image)


def masks():
    flat = st.builds(lambda s: Mask(lambda: np.random.default_rng(s).random((4, 5)) > 0.5), st.integers(0, 99))
    deep = st.builds(lambda s: Mask(lambda: np.random.default_rng(s).random((2, 4, 5)) > 0.5), st.integers(0, 99))
    return flat | deep


boxes = st.builds(Box, st.tuples(number, number), st.tuples(number, number))
geometries = (
    boxes
    | st.builds(Point, st.tuples(number, number, number))
    | st.builds(Polygon, st.lists(st.tuples(number, number), min_size=3, max_size=4).map(tuple))
    | masks()
)
attributes = st.dictionaries(short, short, max_size=2)
regions = st.builds(
    Region, short, geometries, st.sampled_from(["pixel", "patient"]), st.integers(0, 3), maybe(st.integers(0, 9)), attributes
)
spans = maybe(st.lists(st.tuples(st.integers(0, 4), st.integers(4, 9)), max_size=2).map(tuple))
turns = st.builds(Turn, st.sampled_from(["system", "user", "assistant"]), short, spans)
units = st.sampled_from(["mm", "mm2", "mL", "deg", "[hnsf'U]", "s", "1"])
measurements = st.builds(Measurement, short, number, units, short, maybe(st.integers(0, 3)), maybe(number))
split_names = st.sampled_from(["train", "validation", "test", None])
sexes = st.sampled_from(["F", "M", "O", None])
provenances = st.builds(Provenance, short, short, short, short, short, split_names, maybe(short), maybe(number), sexes)
which = st.lists(st.integers(0, 3), max_size=2).map(tuple)
samples = st.builds(
    Sample,
    key=short,
    task=short,
    images=st.lists(images(), max_size=2).map(tuple),
    turns=st.lists(turns, max_size=2).map(lambda rest: (Turn("user", "What?"), *rest)),
    provenance=provenances,
    regions=st.lists(regions, max_size=2).map(tuple),
    measurements=st.lists(measurements, max_size=2).map(tuple),
    labels=st.dictionaries(short, st.sampled_from(["present", "absent", "uncertain", "not_mentioned"]), max_size=2),
    report=maybe(st.builds(Report, short, short, short)),
    preference=maybe(st.builds(Preference, short, short, which, which, number)),
    options=st.lists(short, max_size=2).map(tuple),
)


def plain(sample: Sample) -> dict:
    """Everything that a sample holds, arrays included, for comparison."""

    def flat(item):
        if isinstance(item, Image):
            rest = {name: flat(value) for name, value in vars(item).items() if name not in ("load", "load_part", "source")}
            pixels = item.load()
            return {**rest, "source": (item.source.sha256, item.source.format), "pixels": (str(pixels.dtype), pixels.tolist())}
        if isinstance(item, Mask):
            return item.load().tolist()
        if isinstance(item, np.ndarray):
            return item.tolist()
        if isinstance(item, tuple):
            return [flat(part) for part in item]
        return {name: flat(value) for name, value in vars(item).items()} if hasattr(item, "__dataclass_fields__") else item

    return flat(sample)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(samples, min_size=1, max_size=3, unique_by=lambda sample: sample.key))
def test_what_is_written_is_read_back_without_loss(tmp_path_factory, written):
    folder = tmp_path_factory.mktemp("dataset")
    table.write(written, folder, CARD)
    assert [plain(sample) for sample in table.read(folder)] == [plain(sample) for sample in written]


@pytest.fixture
def dataset(tmp_path) -> Path:
    paths = [picture(tmp_path / "published" / f"{name}.jpg", shade) for shade, name in enumerate("ab")]
    table.write([sample for path in paths for sample in asked(path)], tmp_path / "dataset", CARD)
    return tmp_path / "dataset"


def test_every_row_can_be_read_with_pyarrow_alone(dataset):
    row = pq.read_table(dataset / "samples.parquet").to_pylist()[0]
    assert row["regions"][0]["label"] == "white blood cell"
    assert row["turns"][0]["text"] == "<image:0> Where are the white blood cells?"
    assert (dataset / row["images"][0]["media"]).stat().st_size == row["images"][0]["bytes"]
    assert set(row) == set(Sample.__dataclass_fields__)


def test_published_pictures_are_kept_byte_for_byte_and_once(dataset, tmp_path):
    published = {path.read_bytes() for path in (tmp_path / "published").rglob("*.jpg")}
    assert sorted(path.read_bytes() for path in (dataset / "media").rglob("*.jpg")) == sorted(published)


def test_a_picture_that_differs_from_its_file_is_written_as_it_is(dataset, tmp_path):
    (sample, *_) = table.read(dataset)
    image = sample.images[0].image
    changed = replace(image, load=lambda: image.load()[::-1])
    table.write([replace(sample, images=(SampleImage("current", changed),))], tmp_path / "flipped", CARD)
    (back,) = table.read(tmp_path / "flipped")
    assert (back.images[0].image.load() == image.load()[::-1]).all()


def test_samples_of_one_picture_share_it_after_reading(dataset):
    first, second, *_ = table.read(dataset)
    assert first.images[0] is second.images[0]


def test_the_card_says_what_was_given_and_what_was_counted(dataset):
    text = (dataset / "CARD.md").read_text()
    assert table.card(dataset) == CARD
    assert all(
        f"## {title}" in text for title in ("Source", "Licence", "How the labels were made", "Patients", "Splits", "Counts")
    )
    assert sum(int(line.split("|")[3]) for line in text.splitlines() if line.startswith(("| t", "| v"))) == 4


def test_a_write_that_fails_leaves_no_manifest_and_can_be_repeated(tmp_path, dataset):
    good = list(table.read(dataset))

    def breaks():
        yield good[0]
        raise InputRefused("decode_failed", "The second picture is damaged.")

    with pytest.raises(InputRefused, match="second picture"):
        table.write(breaks(), tmp_path / "again", CARD)
    assert [path for path in (tmp_path / "again").rglob("*") if path.is_file() and "media" not in path.parts] == []
    table.write(good, tmp_path / "again", CARD)
    assert len(list(table.read(tmp_path / "again"))) == len(good)


def test_a_dataset_is_never_overwritten_and_a_key_never_stands_twice(tmp_path, dataset):
    (sample, *_) = table.read(dataset)
    with pytest.raises(UsageError):
        table.write([sample], dataset, CARD)
    with pytest.raises(InputRefused, match="one key"):
        table.write([sample, sample], tmp_path / "twice", CARD)
    with pytest.raises(InputRefused, match="no sample"):
        table.write([], tmp_path / "empty", CARD)


def test_missing_and_cut_media_are_all_listed_before_the_first_sample(dataset):
    first, second = sorted((dataset / "media").rglob("*.jpg"))
    first.unlink()
    second.write_bytes(second.read_bytes()[:-1])
    with pytest.raises(InputRefused) as refused:
        next(table.read(dataset))
    assert [problem.key for problem in refused.value.problems] == ["row 1", "row 2", "row 3", "row 4"]


def test_media_whose_content_changed_are_refused_when_loaded(dataset):
    (sample, *_) = table.read(dataset)
    for path in (dataset / "media").rglob("*.jpg"):
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
    with pytest.raises(InputRefused) as refused:
        sample.images[0].image.load()
    assert refused.value.code == "bad_dataset"


def rewrite(folder: Path, change) -> None:
    table = pq.read_table(folder / "samples.parquet")
    rows = table.to_pylist()
    change(rows[1])
    pq.write_table(type(table).from_pylist(rows, schema=table.schema), folder / "samples.parquet")


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row["images"][0].update(media="../../etc/passwd"),
        lambda row: row["images"][0].update(kind="hologram"),
        lambda row: row["images"][0]["warnings"][0].update(code="no_such_code"),
        lambda row: row["regions"][0].update(box=None),
        lambda row: row["provenance"].update(split="holdout"),
        lambda row: row.update(turns=None),
        lambda row: row.update(turns=[], images=[], regions=[], labels=[], measurements=[], report=None),
        lambda row: row.update(turns=row["turns"][1:]),
        lambda row: row["turns"][1].update(text="yes <region:9>"),
        lambda row: row["turns"][0].update(text="<image:1> Which?"),
        lambda row: row["regions"][0].update(image=1),
        lambda row: (row.update(images=[]), row["turns"][0].update(text="Where?")),
    ],
)
def test_a_damaged_row_is_refused_with_its_number(dataset, change):
    rewrite(dataset, change)
    with pytest.raises(InputRefused) as refused:
        next(table.read(dataset))
    assert [problem.key for problem in refused.value.problems] == ["row 2"]


def test_what_could_not_be_read_again_is_not_written(tmp_path, dataset):
    (sample, *_) = table.read(dataset)
    wrong = Turn("assistant", "yes <region:9>")
    with pytest.raises(InputRefused, match="a region that it does not have"):
        table.write([replace(sample, turns=(sample.turns[0], wrong))], tmp_path / "wrong", CARD)
    assert not (tmp_path / "wrong" / "samples.parquet").exists()


def test_foreign_folders_are_refused(tmp_path, dataset):
    manifest = dataset / "samples.parquet"
    whole = manifest.read_bytes()
    for content in (b"", b"PAR1", whole[:-9], whole[: len(whole) // 2]):
        manifest.write_bytes(content)
        with pytest.raises(InputRefused, match="no dataset in our layout"):
            next(table.read(dataset))
    pq.write_table(pa.table({"key": ["a"]}), manifest)
    with pytest.raises(InputRefused, match="version"):
        next(table.read(dataset))
    with pytest.raises(InputRefused, match="holds no"):
        next(table.read(tmp_path))


def test_damaged_rows_and_missing_media_are_faults_for_whoever_takes_them(dataset):
    rewrite(dataset, lambda row: row["regions"][0].update(box=None))
    gone, cut = sorted((dataset / "media").rglob("*.jpg"), key=lambda path: path.name in first_media(dataset))
    gone.unlink()
    faults = []
    (sample,) = table.read(dataset, faults.append)
    assert sample.key == "a-white"
    assert [(fault.code, fault.where, fault.key) for fault in faults] == [
        ("record_malformed", "row 2", "a-platelet"),
        ("media_missing", "row 3", "b-white"),
        ("media_missing", "row 4", "b-platelet"),
    ]
    cut.write_bytes(b"short")
    faults.clear()
    assert list(table.read(dataset, faults.append)) == []
    assert faults[0].code == "media_unreadable"


def first_media(folder: Path) -> str:
    return pq.read_table(folder / "samples.parquet").to_pylist()[0]["images"][0]["media"]


def test_slices_and_boxes_of_stored_volumes_and_clips_are_read_alone(tmp_path):
    volume = np.arange(7 * 8 * 9).reshape(7, 8, 9).astype(np.int16)
    clip = np.arange(4 * 8 * 9 * 3).reshape(4, 8, 9, 3).astype(np.uint8)
    mask = volume % 5 == 0
    written = [stated("v", in_memory(volume, "volume"), mask=mask), stated("c", in_memory(clip, "clip", 3))]
    table.write(written, tmp_path, CARD)
    first, second = table.read(tmp_path)
    part = Part((3,), (1, 2, 5, 8))
    assert np.array_equal(first.images[0].image.part(part), volume[3, 1:5, 2:8])
    assert np.array_equal(first.regions[0].geometry.part(part), mask[3, 1:5, 2:8])
    assert np.array_equal(second.images[0].image.part(part), clip[3, 1:5, 2:8])
    assert np.array_equal(second.images[0].image.part(Part(box_yxyx_px=(1, 2, 5, 8))), clip[:, 1:5, 2:8])
    for path in (tmp_path / "media").rglob("*.npy"):
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
    with pytest.raises(InputRefused, match="changed"):
        first.images[0].image.part(part)


@pytest.mark.parametrize("version", sorted(set(SCHEMAS) - {VERSION}))
def test_a_folder_of_an_older_version_is_read(tmp_path, dataset, version):
    wanted = [plain(sample) for sample in table.read(dataset)]
    held = pq.read_table(dataset / "samples.parquet")
    rows = held.to_pylist()
    old = SCHEMAS[version].with_metadata({**held.schema.metadata, b"vesalius_schema": version.encode()})
    pq.write_table(pa.Table.from_pylist(rows, old), dataset / "samples.parquet")
    assert [plain(sample) for sample in table.read(dataset)] == wanted
    with pytest.raises(InputRefused, match="older"):
        table.append(table.read(dataset), dataset)


def test_real_radiographs_come_back_as_they_were(public_data: Path, tmp_path: Path):
    paths = [path for path in sorted((public_data / "covid_chestxray").rglob("*.*")) if path.suffix in (".jpg", ".png", ".jpeg")]
    samples = [asked(path)[0] for path in paths[::40]]
    table.write(samples, tmp_path / "dataset", CARD)
    assert [plain(sample) for sample in table.read(tmp_path / "dataset")] == [plain(sample) for sample in samples]
