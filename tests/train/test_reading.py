import time
from pathlib import Path

import pytest

from tests.train.two_towers import Contrast, Pairs, Part, TwoTowers
from vesalius.train.loop import FitSettings, fit
from vesalius.train.reading import Timed


class Slow(Pairs):
    def part(self, step: int, part: int, parts: int) -> Part:
        time.sleep(0.01)
        return super().part(step, part, parts)


def test_whole_batches_come_from_a_function_or_from_what_has_parts() -> None:
    pairs = Pairs()
    assert Timed(pairs.at).at(3).links.owner.equal(Timed(pairs).at(3).links.owner)
    assert Timed(lambda step: step + 1).at(3) == 4


@pytest.mark.parametrize(("parts", "readings"), [(1, 1), (2, 4)])
def test_the_time_for_reading_is_told_apart_from_that_for_steps(parts: int, readings: int, tmp_path: Path) -> None:
    settings = FitSettings(steps=3, batch=8, warmup=0, parts=parts)
    spent = fit(TwoTowers(), Contrast(), Slow(), settings, folder=tmp_path, validate=None, say=lambda _: None)
    assert spent.keys() == {"batches_s", "steps_s", "checkpoints_s"}
    assert spent["batches_s"] >= 3 * readings * 0.01
    assert spent["steps_s"] > 0
