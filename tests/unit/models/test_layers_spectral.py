"""Spectral norm of every kind of layer, with several power iterations, and what it passes over."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from ganzoo.layers import CONVOLUTIONS, SpectralNorm, normalise_spectrally

LAYERS = {
    "conv": (lambda: nn.Conv2d(4, 6, 3), lambda: torch.randn(2, 4, 5, 5)),
    "transposed conv": (lambda: nn.ConvTranspose2d(4, 6, 3), lambda: torch.randn(2, 4, 5, 5)),
    "dense": (lambda: nn.Linear(5, 7), lambda: torch.randn(2, 5)),
    "embedding": (lambda: nn.Embedding(9, 4), lambda: torch.tensor([3, 0])),
}
KINDS = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.Embedding)
every_layer = pytest.mark.parametrize(("make", "entry"), LAYERS.values(), ids=list(LAYERS))


def algorithm_1(matrix: np.ndarray, u: np.ndarray, iterations: int) -> tuple[np.ndarray, np.ndarray]:
    """(W / σ, the new u), written out in float64."""
    for _ in range(iterations):
        v = matrix.T @ u
        v /= np.sqrt((v**2).sum())
        u = matrix @ v
        u /= np.sqrt((u**2).sum())
    return matrix / (u @ matrix @ v), u


@every_layer
@pytest.mark.parametrize("iterations", [1, 2, 5])
def test_by_the_letter_of_algorithm_1(make, entry, iterations):
    torch.manual_seed(0)
    layer = make()
    normalise_spectrally(layer, KINDS, iterations)
    raw, norm = layer.parametrizations.weight.original, layer.parametrizations.weight[0]
    matrix, u = raw.detach().double().numpy().reshape(len(raw), -1), norm.u.double().numpy()
    for _ in range(3):
        expected, u = algorithm_1(matrix, u, iterations)
        np.testing.assert_allclose(layer.weight.detach().numpy().reshape(len(raw), -1), expected, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(norm.u.numpy(), u, atol=1e-5)


@every_layer
def test_norm_one_after_many_forwards(make, entry):
    torch.manual_seed(1)
    layer = make()
    normalise_spectrally(layer, KINDS, iterations=5)
    with torch.no_grad():
        for _ in range(100):
            layer(entry())
    weight, raw = layer.eval().weight.detach().flatten(1), layer.parametrizations.weight.original.flatten(1)
    assert torch.linalg.matrix_norm(weight, ord=2).item() == pytest.approx(1, abs=1e-4)
    torch.testing.assert_close(weight, raw / torch.linalg.matrix_norm(raw, ord=2), rtol=1e-4, atol=1e-5)


def test_the_gradient_with_u_and_v_held():
    """∂⟨W/σ, A⟩/∂W = (A - ⟨W/σ, A⟩ u vᵀ) / σ (Miyato et al. 2018, eq. 12), at any u."""
    generator = torch.Generator().manual_seed(2)
    weight = torch.randn(5, 7, generator=generator, dtype=torch.float64, requires_grad=True)
    direction = torch.randn(5, 7, generator=generator, dtype=torch.float64)
    norm = SpectralNorm(weight, iterations=3)
    u = norm.u.clone()
    (norm(weight) * direction).sum().backward()
    w = weight.detach()
    for _ in range(3):
        v = w.T @ u / (w.T @ u).norm()
        u = w @ v / (w @ v).norm()
    sigma = u @ w @ v
    expected = (direction - (w / sigma * direction).sum() * torch.outer(u, v)) / sigma
    torch.testing.assert_close(weight.grad, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("iterations", [1, 3])
def test_evaluation_does_not_move_u(iterations):
    torch.manual_seed(3)
    layer = nn.Linear(5, 7)
    normalise_spectrally(layer, KINDS, iterations)
    layer.weight  # noqa: B018 (a use is an iteration)
    before = layer.parametrizations.weight[0].u.clone()
    first, second = layer.eval().weight, layer.weight
    assert torch.equal(first, second)
    assert torch.equal(layer.parametrizations.weight[0].u, before)
    assert torch.equal(layer.train().weight, first), "what evaluation saw is what training goes on with"
    assert not torch.equal(layer.parametrizations.weight[0].u, before)


def test_embeddings_stay_float32_under_autocast():
    torch.manual_seed(4)
    layer = nn.Embedding(9, 4)
    normalise_spectrally(layer, KINDS)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer.weight.dtype == torch.float32
        assert layer(torch.tensor([1])).dtype == torch.float32


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.up, self.dense, self.table = nn.Conv2d(1, 2, 1), nn.ConvTranspose2d(2, 2, 2), nn.Linear(2, 2), nn.Embedding(3, 2)
        self.out = nn.Sequential(nn.Conv2d(2, 2, 1), nn.Sequential(nn.Linear(2, 2)))
        self.out.spectral = False


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (None, {"conv", "up"}),
        (CONVOLUTIONS, {"conv", "up"}),
        ((nn.Linear,), {"dense"}),
        (KINDS, {"conv", "up", "dense", "table"}),
    ],
    ids=["default", "convolutions", "dense", "all"],
)
def test_which_layers(kinds, expected):
    net = Net()
    normalise_spectrally(net, *([kinds] if kinds else []))
    assert {name for name, layer in net.named_modules() if is_parametrized(layer)} == expected


def test_a_layer_that_stands_at_two_places_is_normalised_once():
    shared = nn.Linear(3, 3)
    net = nn.Sequential(shared, nn.ReLU(), shared)
    normalise_spectrally(net, KINDS)
    assert len(shared.parametrizations.weight) == 1
