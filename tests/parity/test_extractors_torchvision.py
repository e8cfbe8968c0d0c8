"""Our torchvision Inception, folded and channels last, against torchvision's own forward, on random weights.

The published weights, 104 MB from the network:  GANZOO_DOWNLOAD=1 pytest -m network tests/parity
"""

from __future__ import annotations

import os

import pytest
import torch
from random_inception import images, publish, randomise, worst_relative
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torchvision.models import inception_v3

from ganzoo.metrics import extractors
from ganzoo.metrics.extractors import torchvision_inception


def plain() -> nn.Module:
    return inception_v3(weights=None, aux_logits=True, transform_input=False, init_weights=False)


@torch.no_grad()
def their_outputs(net: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """Features by a hook before the dropout, and logits, of `x` on the network's scale."""
    features = []
    with_hook = net.avgpool.register_forward_hook(lambda module, given, found: features.append(found.flatten(1)))
    logits = net(interpolate(x, (299, 299), mode="bilinear", align_corners=False))
    with_hook.remove()
    return features[0], logits


@pytest.fixture(scope="module")
def theirs():
    return randomise(plain())


@pytest.fixture(scope="module")
def ours(theirs, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "random-torchvision.pth"
    torch.save(theirs.state_dict(), path)
    with pytest.MonkeyPatch.context() as patch:
        publish(patch, torchvision_inception, path)
        return torchvision_inception.load(torch.device("cpu"))


@pytest.mark.plumbing
@pytest.mark.parametrize("side", [28, 64, 350])
def test_pixels(ours, theirs, side):
    x = images(3, side)
    scaled = 2 * interpolate(x / 255, (299, 299), mode="bilinear", align_corners=False) - 1
    for one, other, width in zip(ours(x), their_outputs(theirs, scaled), (2048, 1000), strict=True):
        assert one.shape == (3, width)
        assert worst_relative(one, other) < 1e-6


@pytest.mark.plumbing
@pytest.mark.parametrize(("low", "high"), [(0, 1), (-1, 1), (-3, 7)])
def test_embed_takes_any_range(ours, theirs, low, high):
    x = images(2, 64) / 255 * (high - low) + low
    for one, other in zip(ours.embed(x), their_outputs(theirs, x), strict=True):
        assert worst_relative(one, other) < 1e-6


@pytest.mark.network
@pytest.mark.skipif(os.environ.get("GANZOO_DOWNLOAD") != "1", reason="104 MB: GANZOO_DOWNLOAD=1 pytest -m network tests/parity")
def test_published_weights():
    network, net = extractors.load("torchvision-inception"), plain()
    net.load_state_dict(torch.load(torchvision_inception.WEIGHTS.locate(), weights_only=True))
    x = images(8, 64) / 127.5 - 1
    for one, other in zip(network.embed(x), their_outputs(net.eval(), x), strict=True):
        assert worst_relative(one, other) < 1e-6
