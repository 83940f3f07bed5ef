"""Dirt: a share of a stream that is none."""

from tests.datasets.compose import annotated

from vesalius.datasets.pairs.dirt import dirtied
from vesalius.datasets.pairs.pair import Pair, Text


def stream(count: int, word: str = "nodule") -> list[Pair]:
    return [
        Pair(annotated.by_hand(f"{word} {at}"), (Text(f"a {word} number {at % 7}", key=f"{word} {at % 7}"),), word)
        for at in range(count)
    ]


def test_nothing_is_touched_without_a_share() -> None:
    pairs = stream(20)
    assert list(dirtied(pairs, iter(()), 0.0, seed=0)) == pairs


def test_each_sort_of_dirt_is_a_quarter_of_the_share() -> None:
    pairs = stream(800)
    found = list(dirtied(pairs, iter(stream(800, "barn")), 0.5, seed=0))
    assert len(found) == len(pairs)
    strange = sum(pair.sample.key.startswith("barn") for pair in found)
    again = sum(new is not old and new in pairs for new, old in zip(found, pairs, strict=True))
    same_picture = [(new, old) for new, old in zip(found, pairs, strict=True) if new is not old and new.sample is old.sample]
    short = sum(text.words.startswith("a nodule") is False for new, _ in same_picture for text in new.texts)
    anothers = len(same_picture) - short
    for number in (strange, again, short, anothers):
        assert 60 <= number <= 140  # 100, and four standard deviations
    assert all(new.texts != old.texts for new, old in same_picture)


def test_a_draw_depends_on_the_seed_and_the_pair_alone() -> None:
    pairs = stream(60)
    first, again, other = (
        [pair.texts for pair in dirtied(pairs, iter(stream(60, "barn")), 0.5, seed=seed)] for seed in (0, 0, 1)
    )
    assert first == again != other


def test_pairs_about_something_else_have_no_class() -> None:
    found = list(dirtied(stream(100), iter(stream(100, "barn")), 0.9, seed=0))
    assert all(pair.label is None for pair in found if pair.sample.key.startswith("barn"))
