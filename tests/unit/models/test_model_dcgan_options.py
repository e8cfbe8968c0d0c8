"""`dcgan`'s practices given up one by one (*machinecurve*): which layers stand where, what they compute, and that the base stays."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate, normalize
from torch.nn.utils.parametrize import is_parametrized

from ganzoo import models
from ganzoo.convolutions import FromPoint, ToPoint
from ganzoo.layers import NearestThenConv
from ganzoo.models.dcgan import ConvThenAverage
from ganzoo.tensor_digest import digest_tensors

DCGAN = models.get("dcgan")
LATENT = 10
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)

# (side, spectral norm) → digests of G's and D's first weights at the defaults, 100 latents, colour, seed 0, and the number that torch's
# global stream gives next. Taken before the options below existed.
FIRST = {
    (32, "none"): (
        "6ce0434b9ae6b17f57de464f714c30cd8ffc2228eefc8f250238a78a299245fe",
        "1b5deeebd461334f97117813ad5a4f7508ef7ef24ece49b40f048e03732f8809",
        574_120_592_635_825_908,
    ),
    (32, "both"): (
        "a8777c57d54c2fa146d0322ae0c7f4475d7c21e41d1c1723aa75e3b8180d647a",
        "cafabdcfcc7719eb1eb81a693ea3a45c7c8827723d2b36af30b002d4bb8a183c",
        958_900_964_655_750_705,
    ),
    (64, "none"): (
        "59900e5dae76c1440f34910f059a7a60355ef77037b4ad628ed04521f8d8c020",
        "73ada2c0fd17bd851d92dbf29e26acc336838537bb8dcbabac0af14386fffe21",
        2_078_657_912_218_814_472,
    ),
    (64, "both"): (
        "9869c933dceda89b36b7bcfea37720c86f91d0408e49676a80be23f4fbeda4a9",
        "5d114da0ff074ef72781c1d313167a6a0d50fe14c2caad48957ae65778ab1c71",
        3_045_262_659_762_828_530,
    ),
}
CANARY = "ed0abc707f2aadcbb4ef44a475b399fe000247c9cd5b78847fafb1427b1d7f2e"


def build(side: int = 32, **options) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    return DCGAN.build(DCGAN.Options(**{"width_g": 4, "width_d": 4, **options}), LATENT, (3, side, side))


def kinds(net: nn.Module) -> list[type]:
    return [type(layer) for layer in net.layers]


def biased(net: nn.Module) -> list[bool]:
    """Of each convolution and dense layer, in order."""
    return [layer.bias is not None for layer in net.modules() if isinstance(layer, (*CONVOLUTIONS, nn.Linear))]


@pytest.mark.parametrize(("side", "spectral_norm"), FIRST, ids=str)
def test_the_base_draws_the_weights_it_always_drew(side, spectral_norm):
    torch.manual_seed(0)
    networks = DCGAN.build(DCGAN.Options(spectral_norm=spectral_norm), 100, (3, side, side))
    position = torch.randint(2**62, ()).item()
    *digests, follows = FIRST[side, spectral_norm]
    assert position == follows, "another number of draws"
    torch.manual_seed(0)
    draws = torch.empty(1024).normal_()
    if digest_tensors({"draws": draws, "unit": normalize(draws, dim=0)}) != CANARY:
        pytest.skip("torch's normal law gives other bits on this machine than where the digests were taken")
    assert [digest_tensors(net.state_dict()) for net in networks] == digests


def test_what_is_given_up_is_what_the_base_has():
    base = {"down": "strided", "up": "transposed", "batchnorm": "both", "hidden_dense": [], "activation_g": "relu"}
    for net, same in zip(build(), build(**base, activation_d="leaky-relu"), strict=True):
        assert digest_tensors(net.state_dict()) == digest_tensors(same.state_dict()) and kinds(net) == kinds(same)


def compare(layer: nn.Module, x: Tensor, plain) -> None:
    """Values and gradients, in float64, with those of the two layers that it stands for."""
    x.requires_grad_()
    got, expected = layer(x), plain(x, layer.weight, layer.bias)
    assert got.shape == expected.shape
    torch.testing.assert_close(got, expected)
    weights = torch.randn_like(got)
    wanted = [x, *layer.parameters()]
    ours, theirs = (torch.autograd.grad((y * weights).sum(), wanted, retain_graph=True) for y in (got, expected))
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("bias", [False, True])
def test_average_pooling_in_one_convolution(bias):
    torch.manual_seed(0)
    layer = ConvThenAverage(3, 5, 3, padding=1, bias=bias).double()
    compare(layer, torch.randn(2, 3, 8, 8).double(), lambda x, w, b: avg_pool2d(conv2d(x, w, b, padding=1), 2))


@pytest.mark.parametrize("bias", [False, True])
def test_nearest_upsampling_in_one_convolution(bias):
    torch.manual_seed(0)
    layer = NearestThenConv(3, 5, 3, padding=1, bias=bias).double()
    compare(
        layer, torch.randn(2, 3, 4, 4).double(), lambda x, w, b: conv2d(interpolate(x, scale_factor=2, mode="nearest"), w, b, padding=1)
    )


@pytest.mark.parametrize(("down", "halving"), [("max-pool", [nn.Conv2d, nn.MaxPool2d]), ("avg-pool", [ConvThenAverage])])
def test_pooling_takes_the_place_of_every_stride(down, halving):
    g, d = build(down=down)
    inner = [*halving, nn.BatchNorm2d, nn.LeakyReLU]
    assert kinds(d) == [*halving, nn.LeakyReLU, *inner, *inner, ToPoint]
    of = [layer for layer in d.layers if isinstance(layer, nn.Conv2d)]
    assert [(layer.in_channels, layer.out_channels, layer.kernel_size[0], layer.stride[0]) for layer in of] == [
        (3, 4, 3, 1), (4, 8, 3, 1), (8, 16, 3, 1), (16, 1, 4, 1),
    ]  # fmt: skip
    assert not any(biased(d)) and kinds(g) == kinds(build()[0])


def test_nearest_takes_the_place_of_every_stride():
    """The layer from z to the 4x4 map upsamples no map, and stays."""
    g, d = build(up="nearest")
    inner = [nn.BatchNorm2d, nn.ReLU, NearestThenConv]
    assert kinds(g) == [FromPoint, *inner * 3, nn.Tanh]
    assert [layer.out_channels for layer in g.layers if isinstance(layer, CONVOLUTIONS)] == [16, 8, 4, 3]
    assert not any(biased(g)) and kinds(d) == kinds(build()[1])


@pytest.mark.parametrize(("who", "in_g", "in_d"), [("both", True, True), ("g", True, False), ("d", False, True), ("none", False, False)])
def test_a_bias_stands_in_for_a_batch_norm_taken_away(who, in_g, in_d):
    g, d = build(batchnorm=who)
    assert [sum(isinstance(layer, NORMS) for layer in net.modules()) for net in (g, d)] == [3 * in_g, 2 * in_d]
    assert biased(g) == [not in_g] * 3 + [False]
    assert biased(d) == [False] + [not in_d] * 2 + [False]


@pytest.mark.parametrize("batchnorm", ["both", "none"])
def test_dense_hidden_layers(batchnorm):
    on = batchnorm == "both"
    g, d = build(hidden_dense=[7, 5], batchnorm=batchnorm)
    block = [nn.Linear, nn.BatchNorm1d, nn.ReLU] if on else [nn.Linear, nn.ReLU]
    assert [type(layer) for layer in g.dense] == block * 2
    assert [(m.in_features, m.out_features) for m in g.dense if isinstance(m, nn.Linear)] == [(LATENT, 7), (7, 5)]
    assert g.layers[0].in_channels == 5 and kinds(g) == kinds(build(batchnorm=batchnorm)[0])
    assert biased(g) == [not on] * 5 + [False]
    assert kinds(d) == kinds(build(batchnorm=batchnorm)[1])[:-1] + [nn.Flatten] + [nn.Linear, nn.LeakyReLU] * 2 + [nn.Linear]
    assert [(m.in_features, m.out_features) for m in d.layers if isinstance(m, nn.Linear)] == [(16 * 16, 7), (7, 5), (5, 1)]
    assert biased(d)[-3:] == [True, True, False]


def test_spectral_norm_leaves_dense_layers_alone():
    for net in build(hidden_dense=[7], spectral_norm="both", up="nearest", down="avg-pool"):
        assert all(is_parametrized(layer) == isinstance(layer, CONVOLUTIONS) for layer in net.modules() if hasattr(layer, "weight")
                   and not isinstance(layer, NORMS))  # fmt: skip
        assert any(isinstance(layer, nn.Linear) for layer in net.modules())


def test_first_weights_reach_the_dense_layers():
    for net in build(hidden_dense=[400]):
        weights = [layer.weight for layer in net.modules() if isinstance(layer, nn.Linear) and layer.weight.numel() > 1000]
        assert weights and all(weight.std().item() == pytest.approx(0.02, rel=0.1) for weight in weights)
    (norm,) = (layer for layer in build(hidden_dense=[400])[0].dense if isinstance(layer, nn.BatchNorm1d))
    assert norm.weight.std().item() == pytest.approx(0.02, rel=0.2) and norm.bias.count_nonzero() == 0


@pytest.mark.parametrize(("name", "kind"), [("relu", nn.ReLU), ("leaky-relu", nn.LeakyReLU), ("tanh", nn.Tanh), ("sigmoid", nn.Sigmoid)])
def test_activations(name, kind):
    g, d = build(activation_g=name, activation_d="leaky-relu" if name == "sigmoid" else name, hidden_dense=[6], slope=0.3)
    assert [type(layer) for layer in (*g.dense, *g.layers) if type(layer).__module__.endswith("activation")] == [kind] * 4 + [nn.Tanh]
    of_d = [type(layer) for layer in d.layers if type(layer).__module__.endswith("activation")]
    assert of_d == [nn.LeakyReLU if name == "sigmoid" else kind] * 4
    assert {m.negative_slope for net in (g, d) for m in net.modules() if isinstance(m, nn.LeakyReLU)} <= {0.3}


@pytest.mark.parametrize("side", [32, 64, 128])
def test_every_side(side):
    g, d = build(side, down="max-pool", up="nearest", batchnorm="none", hidden_dense=[6])
    fakes = g(torch.randn(2, LATENT))
    assert fakes.shape == (2, 3, side, side) and d(fakes).shape == (2,)


@pytest.mark.parametrize(
    "option",
    [{"down": "pool"}, {"up": "bilinear"}, {"batchnorm": True}, {"hidden_dense": [0]}, {"hidden_dense": 8}, {"activation_d": "sigmoid"}],
    ids=str,
)
def test_values_out_of_range_are_refused(option):
    with pytest.raises(ValueError, match=next(iter(option))):
        DCGAN.Options(**option)
