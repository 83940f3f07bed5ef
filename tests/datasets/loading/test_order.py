"""The order of samples is a function of seed and epoch; nothing is shown twice or left out."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.datasets.loading.order import Order, fill

LENGTHS = np.random.default_rng(3).integers(5, 400, 2000)


def every(order: Order, count: int, epoch: int = 0) -> list[list[int]]:
    return [batch.tolist() for rank in range(order.ranks) for batch in order.batches(count, epoch, rank)]


@settings(max_examples=40)
@given(st.integers(0, 99), st.integers(1, 300), st.integers(1, 9), st.booleans(), st.booleans(), st.none() | st.integers(1, 900))
def test_every_sample_stands_in_one_batch_of_an_epoch(seed, count, batch, shuffled, packed, budget):
    for lengths in (None, LENGTHS[:count]):
        order = Order(seed, shuffled, batch, lengths, None if lengths is None else budget, packed)
        found = every(order, count)
        assert Counter(number for some in found for number in some) == Counter(range(count))
        assert max(map(len, found)) <= batch
        assert found == every(order, count)


def test_epochs_and_seeds_differ_and_what_is_not_shuffled_stays_as_it_is_stored():
    order = Order(1, True, 4)
    assert every(order, 100, 0) != every(order, 100, 1)
    assert every(order, 100, 0) != every(Order(2, True, 4), 100, 0)
    assert [number for batch in every(Order(1, False, 7), 100) for number in batch] == list(range(100))


@pytest.mark.parametrize("ranks", [2, 3, 7])
def test_ranks_share_an_epoch_evenly_and_what_is_left_out_comes_in_another(ranks):
    order, seen = Order(5, True, 4, ranks=ranks), Counter()
    for epoch in range(30):
        counts = {len(order.batches(101, epoch, rank)) for rank in range(ranks)}
        assert counts == {26 // ranks}
        numbers = [number for batch in every(order, 101, epoch) for number in batch]
        assert len(numbers) == len(set(numbers)) >= 101 - 4 * ranks
        seen.update(numbers)
    assert set(seen) == set(range(101))


def test_budgets_hold_but_for_a_sample_that_is_longer_by_itself():
    lengths = np.array([10, 50, 20, 120, 30, 40, 50, 60])
    padded = every(Order(0, True, 8, lengths, 100), 8)
    assert all(len(batch) == 1 or max(lengths[batch]) * len(batch) <= 100 for batch in padded)
    packed = every(Order(0, True, 8, lengths, 100, True), 8)
    assert all(len(batch) == 1 or lengths[batch].sum() <= 100 for batch in packed)
    assert [3] in packed


def test_little_is_wasted_on_filling_up():
    plain = [np.array(batch) for batch in every(Order(0, True, 16), 2000)]
    alike = [np.array(batch) for batch in every(Order(0, True, 16, LENGTHS, 4000), 2000)]
    packed = [np.array(batch) for batch in every(Order(0, True, 64, LENGTHS, 4096, True), 2000)]
    assert fill(plain, LENGTHS, is_packed=False) < 0.6
    assert fill(alike, LENGTHS, is_packed=False) > 0.9
    assert fill(packed, LENGTHS, is_packed=True, budget=4096) > 0.95
