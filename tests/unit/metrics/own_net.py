"""Networks of a user, for tests: random weights, any size, and every call noted."""

from __future__ import annotations

from torch import Tensor, nn

CALLS: list[tuple[int, float, float]] = []  # images, least and greatest value of each pass


class Noted(nn.Module):
    """(N, 3, H, W) → 6 features and `classes` logits."""

    dim, channels, size, chunk = 6, 3, None, 64
    classes = 10

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, self.dim, 2, stride=2)
        self.head = nn.Linear(self.dim, self.classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        CALLS.append((len(x), float(x.min()), float(x.max())))
        features = self.layer(x).square().mean((2, 3))
        return features, 3 * self.head(features)


class ImageNetLike(Noted):
    classes = 1008


class FeaturesAlone(Noted):
    """No logits."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[0]


class Means(nn.Module):
    """The features are the channels' means: what reached the network can be read off."""

    dim, channels, size = 3, 3, None

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.mean((2, 3)), x.mean((2, 3))[:, :2]
