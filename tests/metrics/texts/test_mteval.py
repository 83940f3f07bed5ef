import random

import pytest
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from vesalius.metrics.texts import mteval


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("No effusion, 1.5 cm.", ["No", "effusion", ",", "1.5", "cm", "."]),
        ("T2-weighted 3-5 mm", ["T2", "-", "weighted", "3", "-", "5", "mm"]),
        ("well-defined &amp; 1,200", ["well-defined", "&", "1,200"]),
        ("", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert mteval.words(text) == words


def test_agrees_with_sacrebleu_on_random_characters() -> None:
    draw, reference = random.Random(5), Tokenizer13a()
    letters = "ab1 .,-'\"&;()[]{}<>/\\@#$%^*_=+~`|:!?\n\tß肺é0"
    for _ in range(3000):
        text = "".join(draw.choices(letters, k=draw.randint(0, 30))) + draw.choice(["", "&lt;", "&quot;a", "<skipped>"])
        assert mteval.words(text) == reference(text).split(), repr(text)
