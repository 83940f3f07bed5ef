"""The state of a run on disk: model, optimizer and step, written whole or not at all, to resume to the bit.

Batches and random numbers are functions of the seed and the step, so that nothing else needs to be kept.
"""

import json
import os
import shutil
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import AdamW

from vesalius.errors import InputRefused

KEEP = 2  # the newest checkpoint and the one before it


def save(folder: Path, model: nn.Module, optimizer: AdamW, step: int, averages: dict[str, Tensor] | None = None) -> Path:
    """Write `folder/step-XXXXXXXX`; older ones beyond `KEEP` go. A kill at any moment leaves a complete one.

    Args:
        folder: of the run's checkpoints.
        model: its weights.
        optimizer: its moments.
        step: finished steps.
        averages: running means of the weights, where the run keeps them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob(".step-*"):
        shutil.rmtree(leftover)
    fresh, final = folder / f".step-{step:08d}", folder / f"step-{step:08d}"
    fresh.mkdir()
    save_file({n: t.detach().contiguous() for n, t in model.state_dict().items()}, fresh / "model.safetensors")
    save_file(_optimizer_tensors(optimizer), fresh / "optimizer.safetensors")
    if averages is not None:
        save_file({n: t.contiguous() for n, t in averages.items()}, fresh / "averages.safetensors")
    (fresh / "step.json").write_text(json.dumps({"step": step}))
    for file in fresh.iterdir():
        with file.open("rb") as stream:
            os.fsync(stream.fileno())
    if final.exists():
        shutil.rmtree(final)
    os.replace(fresh, final)
    for old in sorted(folder.glob("step-*"))[:-KEEP]:
        shutil.rmtree(old)
    return final


def load(folder: Path, model: nn.Module, optimizer: AdamW) -> tuple[int, dict[str, Tensor] | None]:
    """Load the newest state into model and optimizer; returns the number of finished steps and the averages.

    0 and None where there is no checkpoint yet.

    Raises:
        InputRefused: `bad_checkpoint`: it does not fit the model or is damaged.
    """
    found = sorted(folder.glob("step-*"))
    if not found:
        return 0, None
    newest = found[-1]
    try:
        model.load_state_dict(load_file(newest / "model.safetensors"))
        _set_optimizer_tensors(optimizer, load_file(newest / "optimizer.safetensors"))
        averages = load_file(newest / "averages.safetensors") if (newest / "averages.safetensors").exists() else None
        step = int(json.loads((newest / "step.json").read_text())["step"])
    except (SafetensorError, OSError, RuntimeError, KeyError, ValueError) as error:
        raise InputRefused(
            "bad_checkpoint",
            "The run's newest checkpoint is damaged or was made by another model. "
            "Delete its folder to resume from the one before, or choose another output folder.",
        ) from error
    return step, averages


def _optimizer_tensors(optimizer: AdamW) -> dict[str, Tensor]:
    """AdamW's moments and step counts by the parameter's place in the groups."""
    tensors: dict[str, Tensor] = {}
    for index, parameter in enumerate(_parameters(optimizer)):
        for name, value in optimizer.state.get(parameter, {}).items():
            tensors[f"{index}.{name}"] = value.detach().contiguous()
    return tensors


def _set_optimizer_tensors(optimizer: AdamW, tensors: dict[str, Tensor]) -> None:
    for key, value in tensors.items():
        index, name = key.split(".")
        parameter = _parameters(optimizer)[int(index)]
        # Step counts stay on the CPU, as AdamW made them; moments go where the parameter is.
        optimizer.state[parameter][name] = value if name == "step" else value.to(parameter.device)


def _parameters(optimizer: AdamW) -> list[nn.Parameter]:
    parameters: list[nn.Parameter] = [p for group in optimizer.param_groups for p in group["params"]]
    return parameters
