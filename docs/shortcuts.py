"""How well a thumbnail and a small network tell each kind's findings, as Markdown: what cannot be learnt by a short cut.

    python docs/shortcuts.py [KIND ...]

A logistic regression sees the picture at 16 x 16 (volumes and clips: 4 x 16 x 16) in gray or color; a convolutional network of
four layers sees all of it. Both learn from the same patients and are asked about the same others; the figure is the area under
the ROC curve, averaged over the kind's findings, with 95 % intervals over the patients asked. About two minutes a kind.
"""

import argparse
import sys
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from vesalius.phantom import world

TRAIN, TEST = 1600, 600
IMAGE_PX, VOLUME_PX, CLIP_PX, FRAMES = 96, 36, 64, 8
EPOCHS, BATCH, WIDTHS = 10, 32, (16, 32, 48, 64)
LEAST_GAP = 0.10
RESAMPLED = 300
DECAYS = (0.03, 0.3, 3.0, 30.0)


@dataclass(frozen=True)
class Data:
    """Pictures (N, C, ...) and labels (N, findings); the first `TRAIN` are learnt from."""

    pictures: torch.Tensor
    labels: torch.Tensor


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kinds", nargs="*", default=world.kinds())
    print("| kind | patients | thumbnail | network | gap [95 %] | at least 0.10 |")
    print("|---|---|---|---|---|---|")
    for kind in parser.parse_args().kinds:
        print(kind, file=sys.stderr)
        data = _data(kind)
        asked = data.labels[TRAIN:]
        thumbnail = max((_logistic(_small(data), data.labels, decay) for decay in DECAYS), key=lambda s: _mean_auc(s, asked))
        network = _network(data)
        one, other = _mean_auc(thumbnail, asked), _mean_auc(network, asked)
        low, high = _interval(thumbnail, network, asked)
        met = "yes" if other - one >= LEAST_GAP else "no"
        gap = f"{other - one:.3f} [{low:.3f}, {high:.3f}]"
        print(f"| {kind} | {TRAIN} + {TEST} | {one:.3f} | {other:.3f} | {gap} | {met} |", flush=True)


def _interval(one: torch.Tensor, other: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    """Of the difference of two mean areas, over patients drawn with replacement."""
    rng = np.random.default_rng(0)
    gaps = []
    for _ in range(RESAMPLED):
        chosen = torch.from_numpy(rng.integers(len(labels), size=len(labels)))
        gaps.append(_mean_auc(other[chosen], labels[chosen]) - _mean_auc(one[chosen], labels[chosen]))
    low, high = np.percentile(gaps, [2.5, 97.5])
    return float(low), float(high)


def _data(kind: str) -> Data:
    first = world.make(kind, seed=0, size_px=32).picture.kind
    sizes = {"image": {"size_px": IMAGE_PX}, "volume": {"size_px": VOLUME_PX}, "clip": {"size_px": CLIP_PX, "frames": FRAMES}}
    pictures, labels = [], []
    for seed in range(TRAIN + TEST):
        phantom = world.make(kind, seed=seed, wording="canonical", **sizes[first])
        pixels = phantom.picture.pixels
        scaled = pixels.astype(np.float32) / {np.dtype(np.uint8): 255, np.dtype(np.uint16): 4095}.get(pixels.dtype, 1000.0)
        pictures.append(np.moveaxis(scaled if phantom.picture.channels == 3 else scaled[..., None], -1, 0).astype(np.float16))
        labels.append([phantom.labels[item.name] == "present" for item in world.catalogue(kind)])
    stacked = torch.from_numpy(np.stack(pictures))
    return Data(stacked, torch.tensor(labels, dtype=torch.float32))


def _small(data: Data) -> torch.Tensor:
    """The thumbnails, standardized. The strength of regularization is chosen on the test patients: the short cut's advantage."""
    flat = data.pictures.ndim == 4
    pool = nn.AdaptiveAvgPool2d(16) if flat else nn.AdaptiveAvgPool3d((4, 16, 16))
    small = torch.cat([pool(part.float()).flatten(1) for part in torch.split(data.pictures, 128)])
    return (small - small[:TRAIN].mean(0)) / (small[:TRAIN].std(0) + 1e-6)


def _logistic(small: torch.Tensor, labels: torch.Tensor, decay: float) -> torch.Tensor:
    torch.manual_seed(0)
    model = nn.Linear(small.shape[1], labels.shape[1])
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=80)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        fit = nn.functional.binary_cross_entropy_with_logits(model(small[:TRAIN]), labels[:TRAIN])
        total: torch.Tensor = fit + decay / TRAIN * model.weight.square().sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        scores: torch.Tensor = model(small[TRAIN:])
    return scores


class Network(nn.Module):
    """Four convolutions, the largest and the mean of each feature, and one linear layer."""

    def __init__(self, channels: int, findings: int, *, flat: bool, shallow: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = channels
        for width in WIDTHS:
            if flat:
                layers += [nn.Conv2d(before, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
            else:
                pool = nn.MaxPool3d((1, 2, 2) if shallow else 2)
                layers += [nn.Conv3d(before, width, 3, padding=1), nn.BatchNorm3d(width), nn.ReLU(), pool]
            before = width
        self.body, self.head = nn.Sequential(*layers), nn.Linear(2 * before, findings)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Logits (N, findings)."""
        features = self.body(pictures).flatten(2)
        logits: torch.Tensor = self.head(torch.cat([features.amax(2), features.mean(2)], 1))
        return logits


def _network(data: Data) -> torch.Tensor:
    torch.manual_seed(0)
    flat, shallow = data.pictures.ndim == 4, data.pictures.shape[2] < 24
    model = Network(data.pictures.shape[1], data.labels.shape[1], flat=flat, shallow=shallow)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3, weight_decay=1e-3)
    steps = EPOCHS * TRAIN // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    for _ in range(steps):
        chosen = torch.randint(0, TRAIN, (BATCH,))
        optimizer.zero_grad()
        logits = model(data.pictures[chosen].float())
        nn.functional.binary_cross_entropy_with_logits(logits, data.labels[chosen]).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    model.eval()
    with torch.no_grad():
        scores = torch.cat([model(part.float()) for part in torch.split(data.pictures[TRAIN:], 64)])
    return scores


def _mean_auc(scores: torch.Tensor, labels: torch.Tensor) -> float:
    """Over the findings that some of the patients have and some have not, from the ranks of the scores."""
    found = []
    for column in range(labels.shape[1]):
        score, label = scores[:, column].double().numpy(), labels[:, column].numpy() > 0.5
        ill, well = int(label.sum()), int((~label).sum())
        if ill and well:
            _, place, count = np.unique(score, return_inverse=True, return_counts=True)
            ranks = (np.cumsum(count) - (count - 1) / 2)[place]
            found.append((ranks[label].sum() - ill * (ill + 1) / 2) / (ill * well))
    return float(np.mean(found))


if __name__ == "__main__":
    main()
