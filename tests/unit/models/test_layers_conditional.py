"""What tells a network a class: each layer against its equation, and against the plain layer where it is turned off."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from ganzoo.errors import SpecError
from ganzoo.layers import (
    ClassBatchNorm,
    ConditionalBatchNorm,
    ProjectionHead,
    SharedEmbedding,
    chunk_size,
    chunks,
    initialise,
    initialise_dcgan,
    normalise_spectrally,
)

C, WIDTH = 6, 5


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def standardised(x: Tensor) -> Tensor:
    """(x - mean) / √(variance + 1e-5), channel by channel, over all images and places."""
    out = torch.empty_like(x)
    for channel in range(x.shape[1]):
        values = x[:, channel]
        mean = values.sum() / values.numel()
        variance = ((values - mean) ** 2).sum() / values.numel()
        out[:, channel] = (values - mean) / math.sqrt(variance + 1e-5)
    return out


def entry() -> tuple[Tensor, Tensor]:
    return 3 * torch.randn(4, C, 3, 3, dtype=torch.float64) + 1, torch.randn(4, WIDTH, dtype=torch.float64)


@pytest.mark.parametrize("bias", [False, True])
def test_conditional_batch_norm_by_its_equation(bias):
    layer, (x, c) = ConditionalBatchNorm(C, WIDTH, bias=bias).double(), entry()
    assert (layer.gain.bias is not None) == bias
    out, normed = layer(x, c), standardised(x)
    for image in range(len(x)):
        for channel in range(C):
            gain = 1 + layer.gain.weight[channel] @ c[image] + (layer.gain.bias[channel] if bias else 0)
            shift = layer.shift.weight[channel] @ c[image] + (layer.shift.bias[channel] if bias else 0)
            torch.testing.assert_close(out[image, channel], gain * normed[image, channel] + shift, rtol=1e-6, atol=1e-6)


def test_conditional_batch_norm_with_weights_of_zero_is_plain():
    layer, (x, c) = ConditionalBatchNorm(C, WIDTH), (y.float() for y in entry())
    for linear in (layer.gain, layer.shift):
        nn.init.zeros_(linear.weight)
    plain = nn.BatchNorm2d(C, affine=False)
    assert torch.equal(layer(x, c), plain(x))
    assert torch.equal(layer.bn.running_mean, plain.running_mean)
    assert torch.equal(layer.bn.running_var, plain.running_var)
    assert torch.equal(layer.eval()(x, c), plain.eval()(x))


def test_conditional_batch_norm_as_the_authors_code():
    """One dense layer, its weight's first columns at 1: at first every gain and shift of an image are alike but for the bias."""
    layer, (x, c) = ConditionalBatchNorm(3, WIDTH, as_code=True).double(), entry()
    x = x[:, :3]
    weight, bias = layer.both.weight, layer.both.bias
    assert weight.shape == (6, WIDTH)
    assert (weight[:, :3] == 1).all()
    assert (weight[:, 3:] == 0).all()
    assert bias.abs().max() > 0
    told = c[:, :3].sum(1)  # what the ones let through
    gain, shift = told[:, None] + bias[:3], told[:, None] + bias[3:]
    torch.testing.assert_close(layer(x, c), gain[:, :, None, None] * standardised(x) + shift[:, :, None, None], rtol=1e-6, atol=1e-6)
    with torch.no_grad():
        weight.copy_(torch.randn_like(weight))
    gain, shift = c @ weight[:3].T + bias[:3], c @ weight[3:].T + bias[3:]
    torch.testing.assert_close(layer(x, c), gain[:, :, None, None] * standardised(x) + shift[:, :, None, None], rtol=1e-6, atol=1e-6)


def test_class_batch_norm_by_its_equation():
    layer, (x, _) = ClassBatchNorm(C, 3).double(), entry()
    labels = torch.tensor([2, 0, 2, 1])
    with torch.no_grad():
        layer.gain.weight.copy_(torch.randn(3, C))
        layer.shift.weight.copy_(torch.randn(3, C))
    out, normed = layer(x, labels), standardised(x)
    for image, label in enumerate(labels.tolist()):
        expected = torch.stack([layer.gain.weight[label, c] * normed[image, c] + layer.shift.weight[label, c] for c in range(C)])
        torch.testing.assert_close(out[image], expected, rtol=1e-6, atol=1e-6)


def test_class_batch_norm_begins_as_batch_norm():
    layer, x = ClassBatchNorm(C, 3), torch.randn(4, C, 3, 3)
    assert torch.equal(layer(x, torch.tensor([0, 1, 2, 0])), nn.BatchNorm2d(C)(x))


def test_gradients_reach_the_condition_and_only_the_classes_that_were_seen():
    layer, (x, c) = ConditionalBatchNorm(C, WIDTH).double(), entry()
    c.requires_grad_()
    layer(x, c).square().sum().backward()
    assert (c.grad.abs().sum(1) > 0).all()
    table = ClassBatchNorm(C, 3).double()
    table(x, torch.tensor([0, 2, 2, 0])).square().sum().backward()
    for weight in (table.gain.weight, table.shift.weight):
        assert (weight.grad.abs().sum(1) > 0).tolist() == [True, False, True]


@pytest.mark.parametrize(
    "make", [lambda: ConditionalBatchNorm(C, WIDTH, as_code=True), lambda: ClassBatchNorm(C, 3)], ids=["code", "class"]
)
@pytest.mark.parametrize("init", ["orthogonal", "normal-0.02", "glorot-uniform", "torch-default"])
def test_first_weights_that_are_the_layers_own_are_kept(make, init):
    net = nn.Sequential(make())
    before = {key: value.clone() for key, value in net.state_dict().items()}
    initialise_dcgan(net, init)
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_first_weights_of_the_projections_follow_the_law():
    layer = ConditionalBatchNorm(8, 8)
    initialise(layer, "orthogonal")
    for linear in (layer.gain, layer.shift):
        torch.testing.assert_close(linear.weight @ linear.weight.T, torch.eye(8), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "count"),
    [
        (lambda: ConditionalBatchNorm(C, WIDTH), 2),
        (lambda: ConditionalBatchNorm(C, WIDTH, as_code=True), 0),
        (lambda: ClassBatchNorm(C, 3), 0),
        (lambda: ProjectionHead(C, 3), 2),
    ],
    ids=["projections", "as code", "class", "head"],
)
def test_what_spectral_norm_reaches(make, count):
    net = nn.Sequential(make())
    normalise_spectrally(net, (nn.Linear, nn.Embedding))
    assert sum(is_parametrized(layer) for layer in net.modules()) == count


@pytest.mark.parametrize("make", [lambda: ConditionalBatchNorm(C, WIDTH), lambda: ClassBatchNorm(C, 3)], ids=["conditional", "class"])
def test_their_statistics_can_be_shared_among_processes(make):
    layer = make()
    shared = nn.SyncBatchNorm.convert_sync_batchnorm(make())
    assert [type(one) for one in shared.modules()].count(nn.SyncBatchNorm) == 1
    assert list(shared.state_dict()) == list(layer.state_dict())


@pytest.mark.parametrize("make", [lambda: ConditionalBatchNorm(C, WIDTH), lambda: ClassBatchNorm(C, 3)], ids=["conditional", "class"])
def test_bfloat16_stays(make):
    layer, x = make(), torch.randn(4, C, 3, 3, dtype=torch.bfloat16)
    told = torch.tensor([0, 1, 2, 0]) if isinstance(layer, ClassBatchNorm) else torch.randn(4, WIDTH)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(x, told).dtype == torch.bfloat16


def test_shared_embedding_is_a_table():
    table = SharedEmbedding(3, WIDTH)
    assert torch.equal(table(torch.tensor([2, 0])), table.weight[[2, 0]])


def test_chunks_are_consecutive_and_lose_nothing():
    z = torch.arange(24).reshape(2, 12)
    parts = chunks(z, 4)
    assert [part.tolist() for part in parts] == [[[3 * i + j for j in range(3)], [12 + 3 * i + j for j in range(3)]] for i in range(4)]
    assert torch.equal(torch.cat(parts, 1), z)
    with pytest.raises(ValueError, match=r"z has 12 entries, expected a multiple of 5"):
        chunks(z, 5)


def test_chunk_size():
    assert chunk_size(120, 6, "biggan") == 20
    with pytest.raises(
        SpecError,
        match=r"^model\.latent\.dim is 128, but model 'biggan' splits z into 6 equal chunks here: expected a multiple of 6\. "
        r"Set it to 126 or 132\.$",
    ):
        chunk_size(128, 6, "biggan")
    with pytest.raises(SpecError, match=r"Set it to 6\.$"):
        chunk_size(4, 6, "biggan")


def test_projection_head_by_its_equation():
    head, h, labels = ProjectionHead(5, 3).double(), torch.randn(4, 5, dtype=torch.float64), torch.tensor([2, 0, 2, 1])
    out = head(h, labels)
    assert out.shape == (4,)
    for image, label in enumerate(labels.tolist()):
        plain = sum(head.linear.weight[0, i] * h[image, i] for i in range(5)) + head.linear.bias[0]
        told = sum(head.embed.weight[label, i] * h[image, i] for i in range(5))
        torch.testing.assert_close(out[image], plain + told)


def test_projection_head_without_classes_is_the_dense_layer():
    head, h = ProjectionHead(5, 0), torch.randn(4, 5)
    assert torch.equal(head(h), head.linear(h).squeeze(1))
    assert torch.equal(head(h, torch.tensor([1, 2, 3, 4])), head(h))
    assert [key for key, _ in head.named_parameters()] == ["linear.weight", "linear.bias"]
    told = ProjectionHead(5, 3)
    nn.init.zeros_(told.embed.weight)
    told.linear.load_state_dict(head.linear.state_dict())
    assert torch.equal(told(h, torch.tensor([0, 1, 2, 0])), head(h))
    with pytest.raises(ValueError, match=r"told 3 classes: expected labels \(N,\), not None"):
        told(h)
