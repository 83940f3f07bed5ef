"""Tokens are counted as the model is fed them."""

import json
from pathlib import Path

import pytest
from tests.datasets.lint import clean

import vesalius
from vesalius.datasets.lint.budget import budget
from vesalius.errors import InputRefused, UsageError
from vesalius.generate.boxes import CanvasBins
from vesalius.generate.prompt import MAX_TEXT_TOKENS, ShownRegion, render
from vesalius.generate.tokenizer import Tokenizer
from vesalius.types import Box, Region, Sample, Turn

WEIGHTS = Path(vesalius.__file__).parent / "weights" / "first_phantom"
SAMPLES = [
    clean.sample(0),
    clean.sample(2),
    clean.sample(
        4,
        turns=(
            Turn("system", "You answer briefly."),
            Turn("user", "<image:0> Where are the nodules?"),
            Turn("assistant", "nodules <region:0> <region:1> and more of them <region:1>"),
            Turn("user", "How many?"),
            Turn("assistant", "2"),
        ),
        regions=(Region("small nodule", Box((1, 1), (9, 9))), Region("nodule", Box((20, 1), (29, 9)))),
    ),
]


@pytest.mark.parametrize("sample", SAMPLES, ids=["location", "report", "several turns"])
def test_the_native_models_count_is_what_its_renderer_writes(sample: Sample) -> None:
    tokenizer = Tokenizer.from_json((WEIGHTS / "tokenizer.json").read_text())
    shown = [ShownRegion(region.label, region.geometry) for region in sample.regions]
    rendered = render(tokenizer, CanvasBins(), sample.turns, shown, 128)
    found = budget("first_phantom", None)
    assert found is not None
    assert (found.count(sample), found.most) == (len(rendered.ids), MAX_TEXT_TOKENS)


def test_a_folders_tokenizer_counts_and_its_context_is_read(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text((WEIGHTS / "tokenizer.json").read_text())
    with pytest.raises(UsageError):
        budget(str(tmp_path), None)
    (tmp_path / "config.json").write_text(json.dumps({"text_config": {"max_position_embeddings": 2048}}))
    found = budget(str(tmp_path), None)
    assert found is not None
    assert found.most == 2048
    assert "pictures not counted" in found.of_whom
    assert found.count(SAMPLES[1]) > found.count(SAMPLES[0]) > 10
    assert budget(str(tmp_path), 99).most == 99
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(InputRefused):
        budget(str(tmp_path), None)


def test_a_number_alone_is_an_estimate_that_says_so() -> None:
    found = budget(None, 64)
    assert found is not None
    assert "estimate" in found.of_whom
    assert found.count(clean.asked("Is it normal?", "word " * 70)) > 64 > found.count(clean.asked("Is it normal?", "no"))
    assert budget(None, None) is None
