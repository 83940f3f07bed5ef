"""How well a thumbnail and a small network tell each kind's findings, as Markdown: what cannot be learnt by a short cut.

    python docs/shortcuts.py [KIND ...] [--each]

A logistic regression sees the picture at 16 x 16 (volumes and clips: 4 x 16 x 16) in gray or color; a convolutional network of
four layers sees all of it. Both learn from the same patients and are asked about the same others; the figure is the area under
the ROC curve, averaged over the kind's findings, with 95 % intervals over the patients asked. Of an ultrasound clip only what its
examination can show is learnt and asked. Two to six minutes a kind on one core; a kind that was measured before, on the same
pictures and in the same way, is taken from docs/measured/shortcuts.json.
"""

import argparse
import hashlib
import json
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from vesalius.phantom import world
from vesalius.phantom.kinds.ultrasound import EXAMS
from vesalius.phantom.truth import Floats, Phantom, Picture

KEPT = Path(__file__).resolve().parent / "measured/shortcuts.json"
TRAIN, TEST = 1600, 600
SIZES = {"image": {"size_px": 96}, "volume": {"size_px": 36}, "clip": {"size_px": 64, "frames": 8}}
EPOCHS = {"image": 20, "volume": 12, "clip": 12}
BATCH, WIDTHS = 32, (16, 32, 48, 64)
RATE, MOVED, MIRRORED = 4e-3, 0.06, True
LEAST_GAP = 0.10
RESAMPLED = 300
METHOD = 1  # one more when what is learnt, or how, changes here otherwise than by a number
DECAYS = (0.03, 0.3, 3.0, 30.0)
SHOWN = {"lung": "pleura", "fetal head": "head", "gallbladder": "gallbladder"}  # exam → what it always shows


@dataclass(frozen=True)
class Data:
    """The patients of a kind; the first `TRAIN` are learnt from.

    Attributes:
        sort: image, volume or clip.
        pictures: (N, C, ...) float16.
        labels: (N, findings), 1 where present.
        asked: (N, findings), 1 where the examination can show it.
    """

    sort: str
    pictures: torch.Tensor
    labels: torch.Tensor
    asked: torch.Tensor


@dataclass(frozen=True)
class Asked:
    """Scores, labels and what is asked of the patients that nobody learnt from, each (TEST, findings)."""

    thumbnail: torch.Tensor
    network: torch.Tensor
    labels: torch.Tensor
    asked: torch.Tensor


def main() -> None:
    """Measure what has not been measured yet, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kinds", nargs="*", default=world.kinds())
    parser.add_argument("--each", action="store_true", help="print the areas of each finding too")
    asked = parser.parse_args()
    kept: dict[str, dict[str, Any]] = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.is_file() else {}
    print("| kind | patients | thumbnail | network | gap [95 %] | at least 0.10 |")
    print("|---|---|---|---|---|---|")
    for kind in asked.kinds:
        print(kind, file=sys.stderr)
        stamp = _stamp(kind)
        if kept.get(kind, {}).get("stamp") != stamp:
            kept[kind] = {"stamp": stamp, **_measured(kind)}
            KEPT.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        print(_row(kind, kept[kind]), flush=True)
    if asked.each:
        print("\n| kind | finding | thumbnail | network |\n|---|---|---|---|")
        for kind in asked.kinds:
            for finding, (one, other) in kept[kind]["findings"].items():
                print(f"| {kind} | {finding} | {one:.3f} | {other:.3f} |")


def _row(kind: str, found: dict[str, Any]) -> str:
    one, other, (low, high) = found["thumbnail"], found["network"], found["interval"]
    gap = f"{other - one:.3f} [{low:.3f}, {high:.3f}]"
    return f"| {kind} | {TRAIN} + {TEST} | {one:.3f} | {other:.3f} | {gap} | {'yes' if other - one >= LEAST_GAP else 'no'} |"


def _stamp(kind: str) -> str:
    """What tells whether a kind would be measured the same way again: its first pictures, and how it is learnt."""
    digest = hashlib.sha256()
    for phantom in (_phantom(kind, seed) for seed in range(4)):
        digest.update(np.ascontiguousarray(phantom.picture.pixels).tobytes())
        digest.update(repr(sorted(phantom.labels.items())).encode())
    sort = _sort(kind)
    digest.update(repr((TRAIN, TEST, SIZES[sort], EPOCHS[sort], BATCH, WIDTHS, RATE, MOVED, MIRRORED, DECAYS, METHOD)).encode())
    return digest.hexdigest()[:16]


def _measured(kind: str) -> dict[str, Any]:
    """The areas of a kind, mean and of each finding as (thumbnail, network), and the interval of the gap."""
    data = _data(kind)
    labels, asked = data.labels[TRAIN:], data.asked[TRAIN:]
    small = _small(data)
    thumbnail = max((_logistic(small, data, decay) for decay in DECAYS), key=lambda scores: _mean_auc(scores, labels, asked))
    scores = Asked(thumbnail, _network(data), labels, asked)
    each = {
        item.name: [_mean_auc(one[:, [at]], labels[:, [at]], asked[:, [at]]) for one in (scores.thumbnail, scores.network)]
        for at, item in enumerate(world.catalogue(kind))
    }
    one, other = (_mean_auc(found, labels, asked) for found in (scores.thumbnail, scores.network))
    return {"thumbnail": one, "network": other, "interval": _interval(scores), "findings": each}


def _interval(scores: Asked) -> tuple[float, float]:
    """Of the difference of two mean areas, over patients drawn with replacement."""
    rng = np.random.default_rng(0)
    gaps = []
    for _ in range(RESAMPLED):
        chosen = torch.from_numpy(rng.integers(TEST, size=TEST))
        labels, asked = scores.labels[chosen], scores.asked[chosen]
        gaps.append(_mean_auc(scores.network[chosen], labels, asked) - _mean_auc(scores.thumbnail[chosen], labels, asked))
    low, high = np.percentile(gaps, [2.5, 97.5])
    return float(low), float(high)


def _phantom(kind: str, seed: int) -> Phantom:
    return world.make(kind, seed=seed, wording="canonical", **SIZES[_sort(kind)])


@cache
def _sort(kind: str) -> str:
    return world.make(kind, seed=0, size_px=32).picture.kind


def _data(kind: str) -> Data:
    pictures, labels, asked = [], [], []
    names = [item.name for item in world.catalogue(kind)]
    for seed in range(TRAIN + TEST):
        phantom = _phantom(kind, seed)
        pictures.append(_scaled(phantom.picture).astype(np.float16))
        labels.append([phantom.labels[name] == "present" for name in names])
        seen = [name for exam, mask in SHOWN.items() if mask in phantom.picture.masks for name in EXAMS[exam]]
        asked.append([kind != "ultrasound" or name in seen for name in names])
    stacked = torch.from_numpy(np.stack(pictures))
    return Data(_sort(kind), stacked, torch.tensor(labels).float(), torch.tensor(asked).float())


def _scaled(picture: Picture) -> Floats:
    """Pixels (C, ...) of about -1 to 1: of a CT as its window shows them, what lies outside it ever fainter."""
    pixels = picture.pixels.astype(np.float32)
    if picture.window:
        center, width = picture.window
        shown = (pixels - center) / (width / 2)
        scaled = shown / (1 + np.abs(shown))
    else:
        scaled = pixels / (255 if picture.pixels.dtype == np.uint8 else 4095)
    return np.moveaxis(scaled if picture.channels == 3 else scaled[..., None], -1, 0)


def _small(data: Data) -> torch.Tensor:
    """The thumbnails, standardized. The strength of regularization is chosen on the test patients: the short cut's advantage."""
    pool = nn.AdaptiveAvgPool2d(16) if data.sort == "image" else nn.AdaptiveAvgPool3d((4, 16, 16))
    small = torch.cat([pool(part.float()).flatten(1) for part in torch.split(data.pictures, 128)])
    return (small - small[:TRAIN].mean(0)) / (small[:TRAIN].std(0) + 1e-6)


def _logistic(small: torch.Tensor, data: Data, decay: float) -> torch.Tensor:
    torch.manual_seed(0)
    model = nn.Linear(small.shape[1], data.labels.shape[1])
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=80)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        fit = _loss(model(small[:TRAIN]), data.labels[:TRAIN], data.asked[:TRAIN])
        total: torch.Tensor = fit + decay / TRAIN * model.weight.square().sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        scores: torch.Tensor = model(small[TRAIN:])
    return scores


def _loss(logits: torch.Tensor, labels: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
    return nn.functional.binary_cross_entropy_with_logits(logits, labels, asked)


class Network(nn.Module):
    """Four convolutions, each on half the side of the one before, the largest and the mean of each feature, one linear layer.

    A clip is seen frame by frame, and every other layer sees three frames together.
    """

    def __init__(self, channels: int, findings: int, sort: str) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = channels
        for depth, width in enumerate(WIDTHS):
            if sort == "image":
                layers += [nn.Conv2d(before, width, 3, padding=1, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(width), nn.ReLU()]
            else:
                joins = sort == "volume" or depth % 2 == 1
                long, pool = (3, (2, 2, 2)) if joins else (1, (1, 2, 2))
                convolution = nn.Conv3d(before, width, (long, 3, 3), padding=(long // 2, 1, 1), bias=False)
                layers += [convolution, nn.MaxPool3d(pool), nn.BatchNorm3d(width), nn.ReLU()]
            before = width
        self.body, self.head = nn.Sequential(*layers), nn.Linear(2 * before, findings)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Logits (N, findings)."""
        features = self.body(pictures).flatten(2)
        logits: torch.Tensor = self.head(torch.cat([features.amax(2), features.mean(2)], 1))
        return logits


def _network(data: Data) -> torch.Tensor:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    layout = torch.channels_last if data.sort == "image" else torch.channels_last_3d
    model = Network(data.pictures.shape[1], data.labels.shape[1], data.sort).to(memory_format=layout)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=1e-2)
    epochs = EPOCHS[data.sort]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=epochs * (TRAIN // BATCH))
    for _ in range(epochs):
        for chosen in torch.split(torch.from_numpy(rng.permutation(TRAIN)), BATCH):
            seen = _varied(data.pictures[chosen].float(), rng).contiguous(memory_format=layout)
            optimizer.zero_grad()
            _loss(model(seen), data.labels[chosen], data.asked[chosen]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    model.eval()
    with torch.no_grad():
        return torch.cat(
            [model(part.float().contiguous(memory_format=layout)) for part in torch.split(data.pictures[TRAIN:], 50)]
        )


def _varied(pictures: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """A batch moved by up to `MOVED` of each side, and mirrored every other time: nothing here asks for a side."""
    steps = [round(float(rng.uniform(-MOVED, MOVED)) * pictures.shape[axis]) for axis in (-2, -1)]
    moved = torch.roll(pictures, steps, (-2, -1))
    return moved.flip(-1) if MIRRORED and rng.random() < 0.5 else moved


def _mean_auc(scores: torch.Tensor, labels: torch.Tensor, asked: torch.Tensor) -> float:
    """Over the findings that some of the patients asked have and some have not, from the ranks of the scores."""
    found = []
    for column in range(labels.shape[1]):
        of = asked[:, column] > 0
        score, label = scores[of, column].double().numpy(), labels[of, column].numpy() > 0.5
        ill, well = int(label.sum()), int((~label).sum())
        if ill and well:
            _, place, count = np.unique(score, return_inverse=True, return_counts=True)
            ranks = (np.cumsum(count) - (count - 1) / 2)[place]
            found.append((ranks[label].sum() - ill * (ill + 1) / 2) / (ill * well))
    return float(np.mean(found))


if __name__ == "__main__":
    main()
