"""The small classifiers: float images (N, C, H, W) in [0, 1] → features (N, dim) → logits (N, classes)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Classifier(nn.Module):
    """`features` up to the penultimate layer, `head` from there."""

    image: tuple[int, int, int]  # (C, H, W) it takes
    dim: int
    classes: int

    def __init__(self, *features: nn.Module):
        super().__init__()
        self.features = nn.Sequential(*features)
        self.head = nn.Linear(self.dim, self.classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.features(x.contiguous(memory_format=torch.channels_last))  # half as long again without it on a CPU
        return features, self.head(features)


class DigitsCNN(Classifier):
    """8×8 grey, ten digits."""

    image, dim, classes = (1, 8, 8), 32, 10

    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),  # (N, 16, 8, 8)
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),  # (N, 32, 4, 4)
            nn.Flatten(), nn.Linear(512, self.dim), nn.ReLU(),
        )  # fmt: skip


class MNISTCNN(Classifier):
    """28×28 grey, ten digits."""

    image, dim, classes = (1, 28, 28), 64, 10

    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),  # (N, 16, 14, 14)
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),  # (N, 32, 7, 7)
            nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),  # (N, 64, 7, 7)
            nn.Flatten(), nn.Linear(3136, self.dim), nn.ReLU(),
        )  # fmt: skip


class MNIST32CNN(Classifier):
    """32×32 grey, ten digits."""

    image, dim, classes = (1, 32, 32), 64, 10

    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),  # (N, 16, 16, 16)
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),  # (N, 32, 8, 8)
            nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),  # (N, 64, 8, 8)
            nn.Flatten(), nn.Linear(4096, self.dim), nn.ReLU(),
        )  # fmt: skip


def _stage(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


class CIFAR10CNN(Classifier):
    """32×32 colour, the ten classes of CIFAR-10."""

    image, dim, classes = (3, 32, 32), 128, 10

    def __init__(self):
        super().__init__(
            *_stage(3, 32), nn.MaxPool2d(2),  # (N, 32, 16, 16)
            *_stage(32, 64), *_stage(64, 128), nn.MaxPool2d(2),  # (N, 128, 8, 8)
            *_stage(128, 128), nn.MaxPool2d(2),  # (N, 128, 4, 4)
            *_stage(128, 256), nn.AdaptiveAvgPool2d(1),
            nn.Flatten(), nn.Linear(256, self.dim), nn.ReLU(),
        )  # fmt: skip


class Images64CNN(Classifier):
    """64×64 colour, twenty classes of scenes, animals and faces."""

    image, dim, classes = (3, 64, 64), 128, 20

    def __init__(self):
        super().__init__(
            *_stage(3, 24), nn.MaxPool2d(2),  # (N, 24, 32, 32)
            *_stage(24, 48), nn.MaxPool2d(2),  # (N, 48, 16, 16)
            *_stage(48, 64), *_stage(64, 128), nn.MaxPool2d(2),  # (N, 128, 8, 8)
            *_stage(128, 128), nn.MaxPool2d(2),  # (N, 128, 4, 4)
            *_stage(128, 256), nn.AdaptiveAvgPool2d(1),
            nn.Flatten(), nn.Linear(256, self.dim), nn.ReLU(),
        )  # fmt: skip


NETWORKS: dict[str, type[Classifier]] = {
    "digits-cnn": DigitsCNN,
    "mnist-cnn": MNISTCNN,
    "mnist32-cnn": MNIST32CNN,
    "cifar10-cnn": CIFAR10CNN,
    "images64-cnn": Images64CNN,
}
