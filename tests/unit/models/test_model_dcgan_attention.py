"""`dcgan` with non-local blocks: none by default, bit for bit; where they stand, what they begin with, who is refused."""

from __future__ import annotations

import pydantic
import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from ganzoo import models
from ganzoo.errors import SpecError
from ganzoo.layers import DCGANDiscriminator, DCGANGenerator, NonLocalBlock, initialise_dcgan, normalise_spectrally
from ganzoo.tensor_digest import digest_tensors

DCGAN = models.get("dcgan")
LATENT = 10


def build(side: int = 64, **options) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    return DCGAN.build(DCGAN.Options(**{"width_g": 8, "width_d": 8, **options}), LATENT, (3, side, side))


@pytest.mark.parametrize("spectral", [False, True])
def test_without_it_the_networks_are_what_they_were(spectral):
    """Names, weights, and the random stream after them, against the networks put together here."""
    g, d = build(spectral_norm="both" if spectral else "none")
    after = torch.rand(3)
    torch.manual_seed(0)
    nets = DCGANGenerator(LATENT, (3, 64, 64), 8, slope=0.2), DCGANDiscriminator((3, 64, 64), 8, slope=0.2)
    for net in nets:
        initialise_dcgan(net, "normal-0.02")
        if spectral:
            normalise_spectrally(net)
    assert torch.equal(after, torch.rand(3))
    for found, expected in zip((g, d), nets, strict=True):
        assert list(found.state_dict()) == list(expected.state_dict())
        assert digest_tensors(found.state_dict()) == digest_tensors(expected.state_dict())


def seen_by_attention(net: nn.Module, x: torch.Tensor) -> list[tuple[int, int]]:
    """(channels, side) of what each block is shown."""
    seen = []
    for block in (layer for layer in net.layers if isinstance(layer, NonLocalBlock)):
        block.register_forward_hook(lambda module, arguments, out: seen.append(tuple(arguments[0].shape[1:3])))
    net(x)
    return seen


OPTIONS = {
    "plain": {},
    "nearest, max-pool, dense, tanh": {
        "up": "nearest",
        "down": "max-pool",
        "hidden_dense": [12],
        "activation_g": "tanh",
        "activation_d": "tanh",
    },
    "no batch norm": {"batchnorm": "none"},
    "dropout": {"dropout_where": "every", "spectral_norm": "both"},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=list(OPTIONS))
def test_it_follows_the_layer_that_makes_maps_of_this_side(options):
    g, d = build(attention=[32, 8], **options)
    assert seen_by_attention(g, torch.randn(2, LATENT)) == [(32, 8), (8, 32)]
    assert seen_by_attention(d, torch.randn(2, 3, 64, 64)) == [(8, 32), (32, 8)]
    for net in (g, d):
        for place, layer in enumerate(net.layers):
            if isinstance(layer, NonLocalBlock):
                assert not layer.pooled and isinstance(net.layers[place - 1], (nn.ReLU, nn.LeakyReLU, nn.Tanh))


@pytest.mark.parametrize("spectral", ["both", "g"])
def test_all_else_begins_as_it_does_without(spectral):
    """And gamma at 0: the first outputs are those without it, too."""
    plain, attended = build(spectral_norm=spectral), build(spectral_norm=spectral, attention=[16])
    for a, b, name in zip(plain, attended, "gd", strict=True):
        blocks = [layer for layer in b.layers if isinstance(layer, NonLocalBlock)]
        assert len(blocks) == 1 and is_parametrized(blocks[0].query) == (spectral in (name, "both"))
        rest = nn.Sequential(*(layer for layer in b.layers if not isinstance(layer, NonLocalBlock)))
        assert digest_tensors(a.layers.state_dict()) == digest_tensors(rest.state_dict())
        x = torch.randn(2, *((LATENT,) if name == "g" else (3, 64, 64)))
        assert torch.equal(a.eval()(x), b.eval()(x))
        nn.init.constant_(blocks[0].gamma, 5.0)
        assert not torch.equal(a(x), b(x))


def test_first_weights_of_the_block_are_the_networks():
    g, _ = build(attention=[4], width_g=64)
    (block,) = (layer for layer in g.layers if isinstance(layer, NonLocalBlock))
    assert 0.018 < block.value.weight.std() < 0.022 and block.value.bias is None and block.gamma.item() == 0


@pytest.mark.parametrize(
    ("side", "asked", "valid"), [(64, 64, "4, 8, 16, 32"), (32, 32, "4, 8, 16"), (64, 12, "4, 8, 16, 32"), (32, 2, "4, 8, 16")]
)
def test_sides_of_no_map_are_refused_with_those_there_are(side, asked, valid):
    with pytest.raises(SpecError, match=rf"attention names side {asked},.*{side}x{side} images.*side {valid}\."):
        build(side, attention=[asked])


def test_nonsense_is_refused():
    with pytest.raises(SpecError, match="each side once"):
        build(attention=[8, 8])
    with pytest.raises(pydantic.ValidationError, match="attention"):
        DCGAN.Options(attention=[0])
