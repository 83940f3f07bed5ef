from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from vesalius.benchmarks import comparison, exam, predictions, scoring
from vesalius.errors import InputRefused


@pytest.fixture
def two(made: SimpleNamespace, exam_items: list[scoring.Item], tmp_path: Path) -> list[dict[str, predictions.Scored]]:
    """One that looks and one that always says the same."""
    cheat = made.constant({made.WHERE: made.said("none"), made.COUNT: made.said("1"), made.PRESENCE: made.said("yes")})
    found = []
    for rule in (made.Rule(made.look), cheat):
        path = tmp_path / "predictions.parquet"
        path.write_bytes(predictions.to_parquet(exam.sit(rule, exam_items, seed=0, say=lambda m: None)))
        found.append(predictions.load_scored(path))
    return found


def test_the_paired_difference_is_that_of_the_scores(two: list[dict[str, predictions.Scored]]) -> None:
    rows, shared = comparison.rows(*two, seed=0)
    assert shared == 120
    for row in rows:
        assert row.difference.value == pytest.approx(row.first.value - row.second.value)
        assert row.difference.interval is not None
        assert row.difference.interval[0] > 0 or row.metric == "absolute_error"
    assert max(len(line) for line in comparison.as_text(rows).splitlines()) <= 110


def test_swapping_the_two_turns_the_sign(two: list[dict[str, predictions.Scored]]) -> None:
    forth, back = (comparison.rows(*pair, seed=0)[0][0].difference for pair in (two, two[::-1]))
    assert forth.value == pytest.approx(-back.value)
    assert forth.interval == pytest.approx((-back.interval[1], -back.interval[0]))


def test_only_shared_items_are_compared(two: list[dict[str, predictions.Scored]]) -> None:
    fewer = dict(list(two[1].items())[:30])
    rows, shared = comparison.rows(two[0], fewer, seed=0)
    assert (shared, rows[0].difference.n) == (30, 30)


def test_other_truths_and_nothing_shared_are_refused(two: list[dict[str, predictions.Scored]]) -> None:
    key = next(iter(two[0]))
    other = {**two[1], key: replace(two[1][key], truth="another")}
    with pytest.raises(InputRefused) as caught:
        comparison.rows(two[0], other, seed=0)
    assert [problem.key for problem in caught.value.problems] == [key]
    with pytest.raises(InputRefused) as caught:
        comparison.rows(two[0], {"x": two[1][key]}, seed=0)
    assert caught.value.code == "bad_predictions"
