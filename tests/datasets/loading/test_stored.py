"""A recipe learns from a folder that `vesalius data convert` has written."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.datasets.store.made import CARD, asked, many, picture

from vesalius.datasets.loading.stored import training
from vesalius.datasets.split import by_patient
from vesalius.datasets.store import table
from vesalius.errors import InputRefused
from vesalius.models import checkpoint
from vesalius.workflows.train import train

RECIPE = """
says: a stored folder in miniature
data: {{use: datasets.loading.stored.training, folders: ["{folder}"]}}
model: {{use: models.vlm.NativeVLM, width: 32, encoder_layers: 1, decoder_layers: 1, heads: 2, canvas_px: 32}}
objective: {{use: objectives.next_token.NextToken}}
train: {{steps: 2, batch: 2, warmup: 1, checkpoint_every: 2}}
"""


@pytest.fixture
def folder(tmp_path) -> Path:
    """Questions about eight pictures, one patient each, no split; and annotations without questions."""
    paths = [picture(tmp_path / "published" / f"{name}.png", shade) for shade, name in enumerate("abcdefgh")]
    samples = [sample for path in paths for sample in asked(path)]
    samples = [replace(sample, provenance=replace(sample.provenance, split=None)) for sample in samples]
    table.write([*samples, *many(3)], tmp_path / "stored", CARD)
    return tmp_path / "stored"


def test_questions_are_kept_and_split_by_patient(folder):
    samples = list(training((str(folder),)))
    assert len(samples) == 16
    assert all(sample.provenance.split == by_patient(sample.provenance.patient_key) for sample in samples)
    with pytest.raises(InputRefused) as refused:
        list(training((str(folder),), ("severity",)))
    assert refused.value.code == "empty_split"


def test_a_recipe_trains_from_a_stored_folder(folder, tmp_path):
    recipe = tmp_path / "stored.yaml"
    recipe.write_text(RECIPE.format(folder=folder))
    train(str(recipe), [], out=tmp_path / "run", resume=False, smoke=False, say=lambda line: None)
    _, card, _ = checkpoint.load(tmp_path / "run" / "model")
    learnt = {sample.provenance.patient_key for sample in training((str(folder),)) if sample.provenance.split != "test"}
    assert set(card.trained_patients) == learnt
