"""Concepts: characters that name a finding or what it is like."""

from vesalius.datasets.pairs.concepts import marked


def named(text: str, *labels: str, attributes: bool = True) -> list[tuple[str, str]]:
    return [(text[first:end], concept) for first, end, concept in marked(text, labels, attributes=attributes)]


def test_other_names_are_the_same_concept() -> None:
    for name in ("effusion", "pleural effusion", "Fluid in the pleural space"):
        assert named(f"{name}, seen again", "effusion") == [(name, "effusion")]


def test_sides_and_shapes_are_concepts_too_unless_they_are_not_wanted() -> None:
    text = "a lobulated nodule on the right"
    assert named(text, "nodule") == [("lobulated", "lobulated"), ("nodule", "nodule"), ("right", "right")]
    assert named(text, "nodule", attributes=False) == [("nodule", "nodule")]


def test_only_whole_words_and_only_labels_that_are_asked_for() -> None:
    assert named("nodulectomy of an upright effusion", "nodule") == []


def test_nothing_is_marked_without_labels() -> None:
    assert named("a right effusion", attributes=False) == []
