"""A small pair that is told classes, importable as a user's model is."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from ganzoo.models.registry import Options


class Generator(nn.Module):
    def __init__(self, latent: int, image: tuple[int, int, int], num_classes: int):
        super().__init__()
        self.num_classes, self.image = num_classes, image
        self.told = nn.Embedding(num_classes, latent)
        self.layers = nn.Sequential(nn.Linear(latent, 24), nn.ReLU(), nn.Linear(24, torch.Size(image).numel()), nn.Tanh())

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        return self.layers(z + self.told(labels)).unflatten(1, self.image)


class Discriminator(nn.Module):
    def __init__(self, image: tuple[int, int, int], num_classes: int):
        super().__init__()
        self.features = nn.Sequential(nn.Flatten(), nn.Linear(torch.Size(image).numel(), 16), nn.LeakyReLU(0.2))
        self.logit, self.told = nn.Linear(16, 1), nn.Embedding(num_classes, 16)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        h = self.features(x)
        return self.logit(h).squeeze(1) + (self.told(labels) * h).sum(1)


class Conditional:
    class Options(Options):
        num_classes: int = Field(10, ge=1, description="classes")

    @staticmethod
    def build(options, latent, image):
        return Generator(latent, image, options.num_classes), Discriminator(image, options.num_classes)
