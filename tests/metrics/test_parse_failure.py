from vesalius.metrics import parse_failure


def test_failed_grammar_and_unfit_text_fail_and_repaired_does_not() -> None:
    statuses = ["strict", "repaired", "failed", "strict"]
    assert parse_failure.items(statuses, [True, True, True, False]).tolist() == [0, 0, 1, 1]


def test_extremes() -> None:
    assert parse_failure.items(["strict"] * 3, [True] * 3).mean() == 0
    assert parse_failure.items(["failed"] * 3, [True] * 3).mean() == 1
