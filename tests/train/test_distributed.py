import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from tests.train.several import CASES, CLIP, ENCODERS, SETTINGS, adapt, gradients, quiet, validate
from tests.train.two_towers import Contrast, Pairs, TwoTowers
from vesalius.train.distributed import Ranks
from vesalius.train.log import read
from vesalius.train.loop import FitSettings, fit


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that four processes, started as `torchrun` does it, have filled."""
    root, folder = Path(__file__).parents[2], tmp_path_factory.mktemp("several")
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'src'}", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.train.several", str(folder)]
    done = subprocess.run(command, cwd=root, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return folder


@pytest.mark.parametrize("drop", [0.0, 0.4])
@pytest.mark.parametrize(("world", "parts", "cut"), CASES)
def test_gradients_and_their_norm_are_those_of_one_process(several: Path, world: int, parts: int, cut: bool, drop: float) -> None:
    found = load_file(several / f"{world}-{parts}-{cut}-{drop}.safetensors")
    expected = gradients(Ranks(), world * parts, False, drop)
    assert float(expected["norm"]) > CLIP
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-9, atol=1e-9, msg=name)


@pytest.mark.parametrize(("name", "case"), ENCODERS)
def test_encoders_learn_in_several_processes_as_in_one(several: Path, name: str, case: tuple[int, int, bool]) -> None:
    world, parts, cut = case
    found = load_file(several / f"{name}-{world}-{parts}-{cut}.safetensors")
    expected = gradients(Ranks(), world * parts, False, 0.5, name)
    assert found.keys() == expected.keys()
    for key, tensor in expected.items():
        torch.testing.assert_close(found[key], tensor, rtol=1e-9, atol=1e-9, msg=key)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, nn.Module]:
    """The run of one process that looks at as many parts."""
    model, folder = TwoTowers(0.4), tmp_path_factory.mktemp("alone")
    settings = FitSettings(**{**vars(SETTINGS), "parts": 4})
    fit(model, Contrast(), Pairs(), settings, folder=folder, validate=validate, say=quiet, adapt=adapt)
    return folder, model


def same(run: Path, other: Path) -> None:
    """Two runs have the same log, within float error."""
    ours, theirs = read(run / "log.jsonl"), read(other / "log.jsonl")
    assert len(theirs) == SETTINGS.steps + 3  # three times figures on held-out data
    assert [line["step"] for line in ours] == [line["step"] for line in theirs]
    for mine, line in zip(ours, theirs, strict=True):
        assert mine == pytest.approx(line, rel=1e-5)


@pytest.mark.parametrize("name", ["plain", "cut"])
def test_a_run_of_four_processes_is_that_of_one(several: Path, alone: tuple[Path, nn.Module], name: str) -> None:
    same(several / name, alone[0])
    found = load_file(several / name / "end.safetensors")
    for key, tensor in alone[1].state_dict().items():
        torch.testing.assert_close(found[key], tensor, rtol=1e-4, atol=1e-5)


def test_a_run_goes_on_with_another_number_of_processes(several: Path, alone: tuple[Path, nn.Module]) -> None:
    model, folder = TwoTowers(0.4), several / "moved"  # four processes stopped at step 4, two of them at step 7
    assert len([line for line in read(folder / "log.jsonl") if "loss" in line]) == 7
    settings = FitSettings(**{**vars(SETTINGS), "parts": 4})
    fit(model, Contrast(), Pairs(), settings, folder=folder, validate=validate, say=quiet, adapt=adapt)
    same(folder, alone[0])


def test_only_the_first_process_writes(several: Path) -> None:
    assert sorted(path.name for path in (several / "cut").iterdir()) == [
        "checkpoints",
        "end.safetensors",
        "log.jsonl",
        "tensorboard",
    ]
    assert len(list((several / "cut" / "tensorboard").iterdir())) == 1
