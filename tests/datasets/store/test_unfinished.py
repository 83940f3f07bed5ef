"""Writing that was stopped goes on: finished pieces are kept, the rest is made, and only of the same source."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.datasets.store.made import CARD, in_memory, many, stated

from vesalius.datasets.store import table
from vesalius.datasets.store.unfinished import PARTS, ROWS, unfinished
from vesalius.errors import InputRefused, UsageError


class Stopped(BaseException):
    """As a kill, but the process lives on to look."""


def stopping(count: int, at: int, **made):
    for number, sample in enumerate(many(count, **made)):
        if number == at:
            raise Stopped
        yield sample


@pytest.fixture
def begun(tmp_path) -> Path:
    """A folder in which two pieces of three are finished."""
    with pytest.raises(Stopped):
        table.write(stopping(700, 600, kind="volume"), tmp_path / "out", CARD, plan={"of": "a"})
    return tmp_path / "out"


def test_what_was_finished_is_not_decoded_again_and_the_manifest_is_the_same(tmp_path, begun):
    decoded: list[int] = []
    assert not table.recognizes(begun)
    table.write(many(700, kind="volume", decoded=decoded), begun, CARD, plan={"of": "a"})
    table.write(many(700, kind="volume"), tmp_path / "whole", CARD)
    assert sorted(set(decoded)) == list(range(2 * ROWS, 700))
    assert (begun / "samples.parquet").read_bytes() == (tmp_path / "whole" / "samples.parquet").read_bytes()
    assert (begun / "CARD.md").read_bytes() == (tmp_path / "whole" / "CARD.md").read_bytes()
    assert sorted(path.name for path in begun.iterdir()) == ["CARD.md", "media", "samples.parquet"]


@pytest.mark.parametrize(
    ("samples", "card", "plan"),
    [
        (lambda: many(700, kind="volume"), CARD, {"of": "b"}),
        (lambda: many(700, kind="volume"), replace(CARD, name="other"), {"of": "a"}),
        (lambda: many(700, kind="image"), CARD, {"of": "a"}),
        (lambda: many(300, kind="volume"), CARD, {"of": "a"}),
        (lambda: list(many(700, kind="volume"))[1:], CARD, {"of": "a"}),
    ],
    ids=["options", "card", "pictures", "fewer", "shifted"],
)
def test_another_source_or_other_options_do_not_go_on(begun, samples, card, plan):
    with pytest.raises(InputRefused) as refused:
        table.write(samples(), begun, card, plan=plan)
    assert refused.value.code == "resume_mismatch"
    table.write(many(700, kind="volume"), begun, CARD, plan={"of": "a"})  # nothing was lost by trying


def test_a_source_that_has_grown_since_is_another(tmp_path):
    def stopped():
        yield from many(100, kind="volume")
        yield stated("last", in_memory(np.zeros((2, 2, 2))))

    with unfinished(tmp_path, {"card": table.asdict(CARD)}) as work:  # all is finished but the manifest
        table._fill(work, stopped(), table.Counts(), None)
    with pytest.raises(InputRefused) as refused:
        table.write(many(102, kind="volume"), tmp_path, CARD)
    assert refused.value.code == "resume_mismatch"


def test_pieces_are_made_again_when_they_or_their_media_were_cut_off(tmp_path, begun):
    last = sorted((begun / PARTS).glob("*.parquet"))[-1]
    last.write_bytes(last.read_bytes()[:-40])
    media = sorted((begun / "media").rglob("*.npy"))[0]
    media.write_bytes(b"")
    table.write(many(700, kind="volume"), begun, CARD, plan={"of": "a"})
    assert len(list(table.read(begun))) == 700


def test_two_processes_do_not_write_one_folder(begun):
    with unfinished(begun, {"of": "a", "card": table.asdict(CARD)}), pytest.raises(UsageError, match="Another process"):
        table.write(many(700, kind="volume"), begun, CARD, plan={"of": "a"})


def test_a_picture_that_cannot_be_decoded_is_a_fault_and_stays_one_when_writing_goes_on(tmp_path):
    def broken(number: int):
        for at, sample in enumerate(many(300, kind="volume")):
            if at == 5:
                refusal = InputRefused("decode_failed", "It is damaged.")
                image = replace(sample.images[0].image, load=lambda refusal=refusal: (_ for _ in ()).throw(refusal))
                sample = replace(sample, images=(replace(sample.images[0], image=image),))
            if at == number:
                raise Stopped
            yield replace(sample, key="k0") if at == 7 else sample

    told, again = [], []
    with pytest.raises(Stopped):
        table.write(broken(290), tmp_path, CARD, tell=told.append)
    table.write(broken(-1), tmp_path, CARD, tell=again.append)
    assert [(fault.code, fault.where, fault.key) for fault in told] == [
        ("media_unreadable", "sample 6", "k5"),
        ("key_twice", "sample 8", "k0"),
    ]
    assert again == told
    assert len(list(table.read(tmp_path))) == 298
    with pytest.raises(InputRefused, match="damaged"):
        table.write(broken(-1), tmp_path / "other", CARD)


def test_adding_shows_the_old_dataset_or_the_new_one_and_can_be_gone_on_with(tmp_path):
    samples = list(many(700, kind="volume"))
    table.write(samples[:100], tmp_path / "out", CARD)
    old = (tmp_path / "out" / "samples.parquet").read_bytes()

    def stopped():
        yield from samples[100:400]
        raise Stopped

    with pytest.raises(Stopped):
        table.append(stopped(), tmp_path / "out", note="more")
    assert (tmp_path / "out" / "samples.parquet").read_bytes() == old
    counts = table.append(samples[100:], tmp_path / "out", note="more")
    assert counts == {"train": 700}
    assert [sample.key for sample in table.read(tmp_path / "out")] == [sample.key for sample in samples]
    assert table.card(tmp_path / "out").notes == "a note\nmore"
    with pytest.raises(InputRefused, match="one key"):
        table.append(samples[:1], tmp_path / "out")


def test_adding_that_was_killed_when_all_was_done_adds_nothing_twice(tmp_path, monkeypatch):
    samples = list(many(20, kind="volume"))
    table.write(samples[:10], tmp_path, CARD)

    def killed(work) -> None:
        raise Stopped

    monkeypatch.setattr(table.Unfinished, "clear", killed)
    with pytest.raises(Stopped):
        table.append(samples[10:], tmp_path)
    monkeypatch.undo()
    assert table.append(samples[10:], tmp_path) == {"train": 20}
    assert not (tmp_path / PARTS).exists()


def test_a_large_dataset_has_few_groups_of_rows_and_small_pieces_do_not_show(tmp_path):
    table.write(many(600, kind="volume"), tmp_path, CARD)
    manifest = table.manifest(table.Place(tmp_path))
    assert (manifest.metadata.num_row_groups, manifest.metadata.num_rows) == (1, 600)
