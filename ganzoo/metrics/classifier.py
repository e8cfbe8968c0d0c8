"""Small classifiers whose penultimate layer serves as the feature space of the offline protocols.

They are trained by `python -m ganzoo.metrics.train_classifier NAME` and shipped as safetensors beside this file, with
their digest and test accuracy. A distance in their features is a *classifier Fréchet distance*, not an FID.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ganzoo.errors import WeightsError, nearest

WEIGHTS = Path(__file__).parent / "weights"


class DigitsCNN(nn.Module):
    """8×8 grey: (N, 1, 8, 8) in [0, 1] → features (N, 32) → logits (N, 10)."""

    dim = 32

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),  # (N, 16, 8, 8)
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),  # (N, 32, 4, 4)
            nn.Flatten(), nn.Linear(512, self.dim), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(self.dim, 10)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.features(x)
        return features, self.head(features)


class MNISTCNN(nn.Module):
    """28×28 grey: (N, 1, 28, 28) in [0, 1] → features (N, 64) → logits (N, 10)."""

    dim = 64

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),  # (N, 16, 14, 14)
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),  # (N, 32, 7, 7)
            nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),  # (N, 64, 7, 7)
            nn.Flatten(), nn.Linear(3136, self.dim), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(self.dim, 10)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.features(x)
        return features, self.head(features)


NETWORKS: dict[str, type[DigitsCNN] | type[MNISTCNN]] = {"digits-cnn": DigitsCNN, "mnist-cnn": MNISTCNN}
SHAPES = {"digits-cnn": (1, 8, 8), "mnist-cnn": (1, 28, 28)}


@dataclass(frozen=True)
class Extractor:
    """A frozen network: uint8 images (N, C, H, W) → features (N, d) and logits (N, k), float32."""

    name: str
    net: nn.Module
    weights: str  # sha256 of the weights file
    image: tuple[int, int, int]

    @torch.no_grad()
    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return self.net(images.float().div_(255.0))


def card(name: str) -> dict:
    """What is known of a shipped classifier: sha256, test accuracy, data, training."""
    path = WEIGHTS / f"{name}.json"
    if name not in NETWORKS:
        raise WeightsError(f"unknown extractor '{name}'.{nearest(name, NETWORKS)}")
    if not path.is_file():
        raise WeightsError(f"{path} is missing: train it with `python -m ganzoo.metrics.train_classifier {name}`.")
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        facts["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path} is no card of a classifier ({error!r}): reinstall ganzoo.") from error
    return facts


@cache
def load_extractor(name: str, device: str = "cpu") -> Extractor:
    """The shipped classifier `name`, digest-checked; WeightsError where the file is missing or altered."""
    path, expected = WEIGHTS / f"{name}.safetensors", card(name)["sha256"]
    if not path.is_file():
        remedy = f"reinstall ganzoo, or train them with `python -m ganzoo.metrics.train_classifier {name}`."
        raise WeightsError(f"weights {path} are missing (sha256 {expected}): {remedy}")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != expected:
        raise WeightsError(f"weights {path} have sha256 {found}, expected {expected}: the file was truncated or changed; reinstall ganzoo.")
    with torch.device("meta"):  # first weights would be drawn from torch's global stream, which a training may be using
        net = NETWORKS[name]()
    try:
        net.load_state_dict(load_file(path), assign=True)
    except (SafetensorError, RuntimeError) as error:
        raise WeightsError(f"weights {path} do not fit {name}: {error}") from error
    return Extractor(name, net.eval().requires_grad_(False).to(device), found, SHAPES[name])
