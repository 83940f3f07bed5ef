"""`vesalius data show`: what is drawn and said on the page."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from vesalius.datasets.phantoms import cohorts
from vesalius.datasets.store import table
from vesalius.datasets.tally import Tally, choose
from vesalius.errors import InputRefused
from vesalius.types import Provenance, Sample, Turn
from vesalius.workflows.data.show import show

CARD = table.Card("made", "phantoms", "Apache-2.0", "as drawn", "a seed each", "none")


def quiet(line: str) -> None:
    pass


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "dataset"
    samples = [s for seed in range(3) for s in cohorts.read_phantom("chest_xray", seed, size_px=48, visits=2)]
    table.write(samples, folder, CARD)
    return folder


def test_the_page_shows_samples_of_every_task_with_their_pictures_and_counts(tmp_path, dataset):
    outcome = show(dataset, out=tmp_path / "shown", say=quiet, limit=12)
    samples = list(table.read(dataset))
    page = (tmp_path / "shown" / "index.html").read_text("utf-8")
    assert (outcome.data["samples"], outcome.data["shown"], outcome.data["patients"]) == (len(samples), 12, 3)
    assert outcome.data["counts"]["task"] == {
        task: sum(s.task == task for s in samples) for task in outcome.data["counts"]["task"]
    }
    assert page.count("<section>") == 12
    assert all(f">{task} · " in page for task in {s.task for s in samples})
    assert page.count("data:image/jpeg") >= 12
    assert "<script" not in page
    assert "Not a medical device" in page
    assert Pillow.open(tmp_path / "shown" / "contact.png").width > 300


def test_one_task_alone_can_be_shown_and_another_seed_shows_others(tmp_path, dataset):
    outcome = show(dataset, out=tmp_path / "a", say=quiet, task="presence", limit=2)
    assert set(outcome.data["counts"]["task"]) == {"presence"}
    show(dataset, out=tmp_path / "b", say=quiet, task="presence", limit=2)
    show(dataset, out=tmp_path / "c", say=quiet, task="presence", limit=2, seed=1)
    first, same, other = ((tmp_path / name / "index.html").read_text("utf-8") for name in "abc")
    assert first == same != other
    with pytest.raises(InputRefused) as refused:
        show(dataset, out=tmp_path / "d", say=quiet, task="nothing")
    assert refused.value.code == "bad_dataset"


def test_foreign_text_cannot_break_out_of_the_page(tmp_path):
    evil = Turn("user", '</div><script>alert(1)</script><img src="https://elsewhere"> <region:7> <image:9>')
    provenance = Provenance("made", "<b>none</b>", "p", "s", annotation='"><i>')
    samples = [Sample("k", "<u>", (), (Turn("user", evil.text[:70]),), provenance)]
    table.write(samples, tmp_path / "dataset", CARD)
    show(tmp_path / "dataset", out=tmp_path / "shown", say=quiet)
    page = (tmp_path / "shown" / "index.html").read_text("utf-8")
    assert not any(mark in page for mark in ("<script", "<img src=", "<u>", "<b>none", "<i>"))
    assert "no picture" in page


def test_a_picture_that_is_gone_is_said_in_its_place(tmp_path, dataset):
    folder = tmp_path / "dataset"
    samples = list(table.read(dataset))[:4]
    table.write(samples, folder, CARD)
    for place in folder.glob("media/*/*"):
        place.write_bytes(bytes(place.stat().st_size))
    outcome = show(folder, out=tmp_path / "shown", say=quiet)
    assert outcome.data["shown"] == 4
    assert "bad_dataset: " in (tmp_path / "shown" / "index.html").read_text("utf-8")
    assert not (tmp_path / "shown" / "contact.png").exists()


def test_the_choice_is_fair_within_a_task_and_takes_every_task():
    provenance = Provenance("made", "none", "p", "s")
    samples = [Sample(str(n), "a" if n < 95 else "b", (), (Turn("user", "?"),), provenance) for n in range(100)]
    times = np.zeros(100)
    for seed in range(400):
        tally = Tally()
        chosen = choose(samples, 10, tally, seed=seed)
        assert tally.samples == 100
        assert sum(sample.task == "b" for sample in chosen) == 5
        times[[int(sample.key) for sample in chosen]] += 1
    expected = 400 * 5 / 95
    assert (abs(times[:95] - expected) < 5 * np.sqrt(expected)).all()
