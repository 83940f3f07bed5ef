"""A small encoder of two towers with an objective that compares all of a batch, to train in parts and in several processes."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Links:
    owner: Tensor  # (K,): the picture that each text was written of


@dataclass(frozen=True)
class Part:
    pictures: Tensor  # (B, N, 6)
    texts: Tensor  # (K, 5)
    links: Links


class Block(nn.Module):
    def __init__(self, width: int, drop: float) -> None:
        super().__init__()
        self.linear, self.drop = nn.Linear(width, width), nn.Dropout(drop)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.drop(torch.tanh(self.linear(x)))


class Tower(nn.Module):
    def __init__(self, given: int, width: int, drop: float) -> None:
        super().__init__()
        self.stem = nn.Linear(given, width)
        self.blocks = nn.ModuleList(Block(width, drop) for _ in range(2))


class Logits(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.log_scale, self.bias = nn.Parameter(torch.tensor(1.5)), nn.Parameter(torch.tensor(-1.0))


class TwoTowers(nn.Module):
    def __init__(self, drop: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.drop = drop
        self.vision, self.text, self.logits = Tower(6, 7, drop), Tower(5, 7, drop), Logits()

    def look(self, pictures: Tensor) -> Tensor:
        """(B, N, 6) to (B, n, 7): where tokens are dropped, n of the N are seen."""
        tokens = self.vision.stem(pictures)
        if self.training and self.drop:
            kept = torch.rand(tokens.shape[:2]).argsort(dim=1)[:, : tokens.shape[1] // 2]
            tokens = tokens.gather(1, kept[..., None].expand(-1, -1, tokens.shape[2]))
        for block in self.vision.blocks:
            tokens = block(tokens)
        return tokens

    def read(self, texts: Tensor) -> Tensor:
        """(K, 5) to (K, 7)."""
        stream = self.text.stem(texts)
        for block in self.text.blocks:
            stream = block(stream)
        return stream


class Contrast(nn.Module):
    """Sigmoid contrast of every picture with every text, and of the nearest patch; it has a parameter and a buffer of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(0.5, 1.5, 7))
        self.steps: Tensor
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    def features(self, model: TwoTowers, batch: Part) -> dict[str, Tensor]:
        tokens = model.look(batch.pictures)
        lengths = torch.full((len(tokens),), tokens.shape[1])
        image = F.normalize(tokens.mean(dim=1), dim=-1)
        return {"image": image, "text": F.normalize(model.read(batch.texts), dim=-1), "patch": tokens.flatten(0, 1), "n": lengths}

    def losses(self, model: TwoTowers, features: dict[str, Tensor], links: Links) -> dict[str, Tensor]:
        if self.training:
            self.steps += 1
        image, text = features["image"] * self.weight, features["text"]
        local = (features["patch"] @ text.T).split(features["n"].tolist())
        nearest = torch.stack([patches.amax(dim=0) for patches in local])  # (B, K)
        logits = model.logits.log_scale.exp() * (image @ text.T + 0.1 * nearest) + model.logits.bias
        signs = 2.0 * (links.owner[None] == torch.arange(len(image))[:, None]) - 1
        noise = 1 + 0.1 * torch.rand(
            len(image), dtype=image.dtype
        )  # random numbers in the loss itself: the same in all processes
        return {"loss": (-F.logsigmoid(signs * logits).sum(dim=1) * noise).mean(), "scale": model.logits.log_scale.exp().detach()}

    def forward(self, model: TwoTowers, batch: Part) -> dict[str, Tensor]:
        return self.losses(model, self.features(model, batch), batch.links)


class Pairs:
    """Eight pictures a step, with one or two texts each; `read` counts the pictures of each reading."""

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        self.dtype, self.read = dtype, list[int]()

    def at(self, step: int) -> Part:
        return self.part(step, 0, 1)

    def part(self, step: int, part: int, parts: int) -> Part:
        random = torch.Generator().manual_seed(step)
        pictures = torch.randn(8, 10, 6, generator=random).to(self.dtype)
        owner, share = self.links(step).owner, 8 // parts
        texts = torch.randn(len(owner), 5, generator=random).to(self.dtype)
        texts[:, :3] += pictures[owner].mean(dim=1)[:, :3]
        first = part * share
        mine = (owner >= first) & (owner < first + share)
        self.read.append(share)
        return Part(pictures[first : first + share], texts[mine], Links(owner[mine] - first))

    def links(self, step: int) -> Links:
        return Links(torch.tensor([i for i in range(8) for _ in range(1 + (i + step) % 2)]))
