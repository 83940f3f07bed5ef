import numpy as np
import pytest

from vesalius.benchmarks.encoders import zero_shot
from vesalius.benchmarks.encoders.embedded import unit


def test_a_class_with_diverse_prompts_is_not_disfavored() -> None:
    """Ten pictures are equally alike to both classes: one prompt at 60 degrees, or two whose mean lies at 60 degrees.

    Without unit length after the mean the second class had a vector of length 0.71 and would never be chosen.
    """
    draw = np.random.default_rng(0)
    one, other = np.eye(6)[0], np.eye(6)[1]
    prompts = np.stack([one, other + np.eye(6)[2], other - np.eye(6)[2]]) * np.array([[1.0], [5.0], [0.3]])
    classes = zero_shot.class_vectors(prompts, np.array([0, 1, 1]), 2)
    assert np.linalg.norm(classes, axis=1) == pytest.approx([1, 1])
    pictures = unit(one + other + np.concatenate([np.zeros((10, 3)), draw.normal(size=(10, 3))], axis=1))
    found = zero_shot.likelihoods(pictures, classes)
    assert found[:, 0] == pytest.approx(found[:, 1], abs=1e-6)


def test_each_prompt_counts_alike_whatever_the_length_of_its_vector() -> None:
    prompts = np.array([[1.0, 0.0], [0.0, 1.0]])
    even = zero_shot.class_vectors(prompts, np.array([0, 0]), 1)
    assert zero_shot.class_vectors(prompts * [[100.0], [0.1]], np.array([0, 0]), 1) == pytest.approx(even)
    assert even == pytest.approx(np.full((1, 2), np.sqrt(0.5)))


def test_classes_are_told_apart_by_their_prompts(cases, pairs) -> None:
    looking = cases.Looking()
    said = {name: (f"picture showing {name}", f"{name} here") for name in cases.CLASSES}
    vectors = unit(looking.pictures(pairs["test"]))
    given = zero_shot.likelihoods(vectors, zero_shot.ensembles(looking, said)).argmax(axis=1)
    assert [cases.CLASSES[i] for i in given] == [each.label for each in pairs["test"]]


def test_a_wording_that_two_classes_share_is_embedded_once(cases) -> None:
    asked: list[list[str]] = []

    class Counting(cases.Looking):
        def texts(self, words):
            asked.append(list(words))
            return super().texts(words)

    zero_shot.ensembles(Counting(), {"a": ("nodule", "same"), "b": ("same", "effusion")})
    assert asked == [["nodule", "same", "effusion"]]


def test_a_finding_is_likelier_the_closer_to_its_presence_and_the_farther_from_its_absence() -> None:
    present, absent = unit(np.array([[1.0, 0.0]])), unit(np.array([[0.0, 1.0]]))
    found = zero_shot.finding_likelihoods(unit(np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])), present, absent)
    assert found[:, 0] == pytest.approx([1, 0, -1], abs=1e-6)
