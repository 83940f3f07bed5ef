"""What open_clip says of CLIP's and SigLIP's loss on numbers that are drawn here: losses and their gradients, in float64.

Run in an environment of its own that holds open_clip_torch 3.3.0 and torch 2.13.0; it writes open_clip_values.json beside itself:

    python tests/objectives/losses/open_clip_values.py
"""

import importlib
import json
from pathlib import Path

import torch

# torchvision, which open_clip imports, asks for two operators that its build for another torch does not bring. None is called.
library = torch.library.Library("torchvision", "DEF")
for name in ("nms", "qnms"):
    library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")

PAIRS, WIDTH, SCALE, BIAS = 7, 5, 8.5, -3.25


def evaluated(kind: str) -> dict[str, object]:
    """The loss of one batch, with its gradients to both sides' vectors, to the scale and to the bias."""
    torch.manual_seed(6)
    loss_of = {"clip": "ClipLoss", "siglip": "SigLipLoss"}[kind]
    leaves = {
        "image": torch.nn.functional.normalize(torch.randn(PAIRS, WIDTH, dtype=torch.float64), dim=-1),
        "text": torch.nn.functional.normalize(torch.randn(PAIRS, WIDTH, dtype=torch.float64), dim=-1),
        "scale": torch.tensor(SCALE, dtype=torch.float64),
    }
    if kind == "siglip":
        leaves["bias"] = torch.tensor(BIAS, dtype=torch.float64)
    for leaf in leaves.values():
        leaf.requires_grad_()
    loss = getattr(importlib.import_module("open_clip.loss"), loss_of)()(*leaves.values())
    gradients = torch.autograd.grad(loss, list(leaves.values()))
    return {
        "values": {name: leaf.detach().tolist() for name, leaf in leaves.items()},
        "loss": loss.item(),
        "gradients": {name: gradient.tolist() for name, gradient in zip(leaves, gradients, strict=True)},
    }


if __name__ == "__main__":
    values = {
        "made_by": "tests/objectives/losses/open_clip_values.py",
        "open_clip": importlib.import_module("open_clip").__version__,
        "torch": torch.__version__.partition("+")[0],
        **{kind: evaluated(kind) for kind in ("clip", "siglip")},
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
