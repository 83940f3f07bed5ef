"""Shards of tars: what one key holds is one sample, and nothing in a tar is followed."""

import io
import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from tests.datasets.formats.by_hand import codes, conversations, corpus, heard, picture, plain, sample, save, seen, written

from vesalius.datasets.exports import Dropped
from vesalius.datasets.formats import webdataset
from vesalius.errors import InputRefused, UsageError
from vesalius.types import Box, Region, Report, Sample


def shard(path: Path, members: list[tuple[str, bytes]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture
def png(tmp_path: Path) -> bytes:
    return save(tmp_path / "elsewhere" / "p.png", 1).read_bytes()


def test_members_of_one_key_are_one_sample(tmp_path: Path, png: bytes) -> None:
    turns = [{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "A lung."}]
    said = json.dumps({"conversations": turns}).encode()
    members = [("a/1.png", png), ("a/1.txt", "A lüng.\n".encode()), ("a/2.json", said), ("a/2.JPG", png), ("a/3.png", png),
               ("a/3.cls", b"1"), ("a/4.10.png", png), ("a/4.2.png", png), ("a/4.json", b'{"caption": "Two."}')]  # fmt: skip
    shard(tmp_path / "shards" / "train-000000.tar", members)
    (tmp_path / "shards" / "classnames.txt").write_text("No Finding\nMass\n")
    assert webdataset.recognizes(tmp_path / "shards")
    (first, second, third, fourth), faults = heard(webdataset.read, tmp_path / "shards")
    assert faults == []
    assert first.report == Report("A lüng.", "")
    assert [turn.text for turn in second.turns] == ["<image:0>\nWhat?", "A lung."]
    assert third.labels == {"mass": "present"}
    assert (len(fourth.images), fourth.report) == (2, Report("Two.", ""))
    assert {found.provenance.split for found in (first, second, third, fourth)} == {"train"}
    assert first.images[0].image.source.path is None


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ([("b.txt", b"A.")], "media_missing"),
        ([("b.png", None)], "record_malformed"),
        ([("b.png", None), ("b.txt", b" ")], "record_malformed"),
        ([("b.png", None), ("b.txt", b"\xff\xfe")], "encoding_broken"),
        ([("b.png", None), ("b.txt", b"A </s>")], "special_token"),
        ([("b.png", None), ("b.json", b"{")], "record_malformed"),
        ([("b.png", None), ("b.json", b"[]")], "record_malformed"),
        ([("b.png", None), ("b.json", b'{"messages": [{"role": "user", "content": "What?"}]}')], "placeholder_mismatch"),
        ([("b.png", None), ("b.json", b'{"messages": [{"role": "user", "content": "<image>?"}]}')], "answer_missing"),
        ([("b.png", None), ("b.json", b'{"messages": [], "images": ["c"]}')], "media_missing"),
        ([("b.png", None), ("b.cls", b"x")], "label_unknown"),
        ([("b.png", None), ("b.png", None), ("b.txt", b"A.")], "record_malformed"),
        ([("b.png", b"none"), ("b.txt", b"A.")], "media_unreadable"),
    ],
)
def test_a_bad_sample_is_a_fault_with_its_number_and_the_others_are_read(
    tmp_path: Path, png: bytes, members: list, code: str
) -> None:
    good = [("a.png", png), ("a.txt", b"Good.")]
    bad = [(name, png if content is None else content) for name, content in members]
    shard(tmp_path / "s.tar", [*good, *bad, ("c.png", png), ("c.txt", b"Good.")])
    samples, faults = heard(webdataset.read, tmp_path / "s.tar")
    assert [(fault.code, fault.where) for fault in faults] == [(code, "shard 1, sample 2")]
    assert len(samples) == 2


@pytest.mark.parametrize("left", [0.5, 0.8])
def test_a_shard_that_is_cut_off_is_a_fault_after_what_is_whole(tmp_path: Path, png: bytes, left: float) -> None:
    members = [part for number in range(9) for part in ((f"{number}.png", png), (f"{number}.txt", b"Good."))]
    place = shard(tmp_path / "s.tar", members)
    whole = place.read_bytes().rstrip(b"\0")
    place.write_bytes(whole[: int(len(whole) * left)])
    samples, faults = heard(webdataset.read, tmp_path)
    assert codes(faults)[-1] == "record_malformed"
    assert faults[-1].where == "shard 1"
    assert 3 <= len(samples) < 9


def test_links_and_names_that_lead_outside_are_not_followed(tmp_path: Path, png: bytes) -> None:
    place = tmp_path / "s.tar"
    with tarfile.open(place, "w") as tar:
        for name, content in (("../../x.png", png), ("../../x.txt", b"A."), ("/etc/y.png", png), ("/etc/y.txt", b"B.")):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("z.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    samples, _ = heard(webdataset.read, place)
    assert [found.report for found in samples] == [Report("B.", "")]
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["p.png", "s.tar"]


def test_nothing_else_is_taken_for_it(tmp_path: Path, png: bytes) -> None:
    shard(tmp_path / "a" / "s.tar", [("a.png", png), ("b.png", png)])
    shard(tmp_path / "b" / "s.tar", [("a.txt", b"A.")])
    for number, content in enumerate((b"", b"\0" * 1024, b"\xff" * 2048, b"7")):
        (tmp_path / "c").mkdir(exist_ok=True)
        (tmp_path / "c" / f"{number}.tar").write_bytes(content)
    assert not any(webdataset.recognizes(tmp_path / name) for name in ("a", "b", "c", "not there"))
    with pytest.raises(InputRefused):
        list(webdataset.read(tmp_path / "c"))


def test_headers_that_would_fill_the_memory_are_refused(tmp_path: Path, png: bytes) -> None:
    place = shard(tmp_path / "s.tar", [("a.png", png), ("a.txt", b"Good.")])
    content = bytearray(place.read_bytes().rstrip(b"\0"))
    content += bytes(-len(content) % 512)
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 1 << 40
    place.write_bytes(bytes(content) + info.tobuf() + bytes(2048))
    samples, faults = heard(webdataset.read, tmp_path)
    assert (len(samples), codes(faults)) == (1, ["record_malformed"])


def test_shards_have_so_many_samples_and_the_same_bytes(tmp_path: Path) -> None:
    many = [sample(f"k.{number}", [], picture(number), report=Report(f"Number {number}.", "")) for number in range(5)]
    for name in "ab":
        webdataset.write(many, tmp_path / name, Dropped(), samples_a_shard=2)
    names = [f"train-{number:06}.tar" for number in range(3)]
    assert sorted(place.name for place in (tmp_path / "a").iterdir()) == names
    assert [(tmp_path / "a" / name).read_bytes() for name in names] == [(tmp_path / "b" / name).read_bytes() for name in names]
    with tarfile.open(tmp_path / "a" / names[0]) as tar:
        members = [info.name for info in tar]
    assert [name.partition(".")[2] for name in members] == ["json", "png", "txt"] * 2
    assert all("." not in name.partition(".")[0] for name in members)
    assert sorted(found.key for found in webdataset.read(tmp_path / "a")) == sorted(found.key for found in many)


def test_everything_that_it_holds_comes_back_whole(tmp_path: Path) -> None:
    deep = picture(3, (3, 12, 16), "int16", kind="volume", spacing_mm=(2.0, 1.0, 1.0), modality="CT", window=(40.0, 400.0))
    volume = sample("volume", [("user", "<image:0> What?"), ("assistant", "A <region:0>")],
                    deep, regions=(Region("spot", Box((0, 1, 1), (2, 4, 4))),))  # fmt: skip
    held = corpus()
    dropped = written(webdataset.write, [*held, volume], tmp_path)
    back, faults = heard(webdataset.read, tmp_path)
    assert codes(faults) == []
    assert sorted((plain(found) for found in back), key=str) == sorted((plain(found) for found in (*held, volume)), key=str)
    assert {what.partition(":")[0] for what in dropped} == {
        "boxes in answers",
        "places in volumes and clips",
        "pictures of more than 8 bits, or inverted",
        "worse answers",
        "questions without an answer",
    }


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(asked=conversations(regions=False))
def test_a_conversation_without_our_field_shows_the_same(tmp_path_factory: pytest.TempPathFactory, asked: Sample) -> None:
    folder = tmp_path_factory.mktemp("webdataset")
    written(webdataset.write, [asked], folder)
    with tarfile.open(folder / "train-000000.tar") as tar:
        members = [(info.name, tar.extractfile(info).read()) for info in tar]
    plainer = [
        (n, json.dumps({k: v for k, v in json.loads(c).items() if k != "vesalius"}).encode() if n.endswith("json") else c)
        for n, c in members
    ]
    shard(folder / "plain" / "train-000000.tar", plainer)
    if asked.images:  # a shard of texts alone is told by nothing
        (back,) = webdataset.read(folder / "plain")
        assert seen(back) == seen(asked)


def test_samples_of_which_none_has_a_place_are_refused_and_leave_no_file_of_records(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="None of the samples"):
        written(webdataset.write, [], tmp_path / "out")
    assert not webdataset.recognizes(tmp_path / "out")
