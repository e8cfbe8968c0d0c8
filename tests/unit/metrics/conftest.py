"""What the metrics' tests share: frozen random features, a case, a protocol at a small scale, and a generator with every kind of state."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganzoo.metrics import extractors, protocols
from ganzoo.metrics.protocol import Protocol
from ganzoo.spec.schema import Case


def features_of(seed: int, count: int, dim: int) -> Tensor:
    """Correlated float64 features (count, dim) that are the same on every machine: numpy's RandomState is frozen."""
    random = np.random.RandomState(seed)
    return torch.from_numpy(random.randn(count, dim) @ random.randn(dim, dim) + random.randn(dim))


def case_of(latent: int = 16, dist: str = "normal", **evaluation) -> Case:
    """A case whose G reads `latent` numbers of law `dist`; `evaluation` overrides its `eval`."""
    adam = {"name": "adam", "lr": 1e-3}
    case = {
        "model": {"name": "mlp-gan", "latent": {"dim": latent, "dist": dist}},
        "data": {"name": "digits"},
        "optim": {"g": adam, "d": adam},
        "train": {"batch_size": 32, "epochs": 1},
        "eval": {"protocol": "digits-cnn", "num_select": 50, **evaluation},
    }
    return Case.model_validate_json(json.dumps(case))


class StatefulGenerator(nn.Module):
    """z (N, 16) → (N, 1, 8, 8) in (-1, 1), with what an evaluation could disturb: batch norm, dropout and spectral norm."""

    def __init__(self, side: int = 8):
        super().__init__()
        self.side = side
        self.dense = nn.utils.parametrizations.spectral_norm(nn.Linear(16, 32))
        self.norm = nn.BatchNorm1d(32)
        self.dropout = nn.Dropout(0.5)
        self.frozen_norm = nn.BatchNorm1d(32)  # kept in eval mode while the rest trains
        self.out = nn.Linear(32, side * side)

    def forward(self, z: Tensor) -> Tensor:
        x = self.frozen_norm(self.dropout(self.norm(self.dense(z)).relu()))
        return self.out(x).tanh().view(-1, 1, self.side, self.side)


@pytest.fixture
def features() -> Callable[[int, int, int], Tensor]:
    return features_of


@pytest.fixture
def make_case() -> Callable[..., Case]:
    return case_of


@pytest.fixture
def small() -> Protocol:
    """`digits-cnn` with fewer fakes."""
    return replace(protocols.get("digits-cnn"), num_fake=120, num_neighbours=100)


@pytest.fixture
def generator() -> StatefulGenerator:
    """In the middle of training: statistics moved, modes mixed, some weights frozen."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        g = StatefulGenerator()
        g.train()
        for _ in range(3):
            g(torch.randn(64, 16))
    g.frozen_norm.eval()
    g.out.bias.requires_grad_(False)
    return g


@pytest.fixture
def own_net(monkeypatch):
    """The module of a user's networks, on the Python path for this test alone."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    yield importlib.import_module("own_net")
    sys.modules.pop("own_net", None)
    extractors.load.cache_clear()


@pytest.fixture
def pixels() -> Callable[..., Tensor]:
    """pixels(count, channels, side=8, seed=0): uint8 images, smooth rather than noise."""

    def draw(count: int, channels: int, side: int = 8, seed: int = 0) -> Tensor:
        coarse = np.random.RandomState(seed).randint(0, 256, (count, channels, side // 2, side // 2), dtype=np.uint8)
        return torch.from_numpy(coarse.repeat(2, axis=2).repeat(2, axis=3))

    return draw
