import random

from vesalius.metrics.texts.subsequence import longest


def table(first: list[str], second: list[str]) -> int:
    """The usual table, cell by cell."""
    above = [0] * (len(second) + 1)
    for word in first:
        row = [0]
        for place, other in enumerate(second):
            row.append(above[place] + 1 if word == other else max(row[-1], above[place + 1]))
        above = row
    return above[-1]


def test_agrees_with_the_table_on_random_texts() -> None:
    draw = random.Random(4)
    for _ in range(400):
        first, second = ([draw.choice("abcde") for _ in range(draw.randint(0, 90))] for _ in range(2))
        assert longest(first, second) == longest(second, first) == table(first, second)


def test_order_counts_and_gaps_do_not() -> None:
    assert longest(["no", "acute", "disease", "seen"], ["no", "evidence", "of", "acute", "disease"]) == 3
    assert longest(["disease", "no"], ["no", "disease"]) == 1
    assert longest([], ["no"]) == 0
