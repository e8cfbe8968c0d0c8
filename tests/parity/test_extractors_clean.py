"""Our clean-fid path against clean-fid's own resize and wrapper, with a small script in place of its network.

The published network, 95 MB:  GANZOO_DOWNLOAD=1 pytest -m network tests/parity
"""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from random_inception import images, publish, worst_relative
from torch import Tensor, nn

from ganzoo.metrics import extractors
from ganzoo.metrics.extractors import clean
from ganzoo.metrics.resize import pil_bicubic

REASON = "clean-fid, the library compared with, is not installed"
cleanfid_resize = pytest.importorskip("cleanfid.resize", reason=REASON)
torchscript = pytest.importorskip("cleanfid.inception_torchscript", reason=REASON)
# Pillow's of `mode`, which clean-fid passes; torch's of TorchScript
pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning"), pytest.mark.filterwarnings("ignore::FutureWarning")]

NAME = "inception-2015-12-05.pt"  # their wrapper knows the file by this name


def their_resize(x: Tensor) -> Tensor:
    """uint8 (N, 3, H, W) → float (N, 3, 299, 299) as clean-fid does it, image by image through Pillow."""
    resize = cleanfid_resize.build_resizer("clean")
    return torch.from_numpy(np.stack([resize(one.permute(1, 2, 0).numpy()) for one in x])).permute(0, 3, 1, 2)


class Script(nn.Module):
    """What stands for the network: `layers` from (N, 3, 299, 299) to (N, 2048, 1, 1)."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 2048, 13, stride=26), nn.ReLU(), nn.AdaptiveAvgPool2d(1))

    def forward(self, x):
        return self.layers(x)


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / NAME
    with torch.random.fork_rng():
        torch.manual_seed(0)
        torch.jit.script(Script().eval()).save(str(path))
    return path


@pytest.fixture(scope="module")
def ours(script):
    with pytest.MonkeyPatch.context() as patch:
        publish(patch, clean, script)
        return clean.load(torch.device("cpu"))


@pytest.mark.parametrize("shape", [(28, 28), (32, 32), (64, 48), (299, 299), (512, 400)], ids=str)
@pytest.mark.parametrize("kind", ["noise", "smooth", "stripes"])
def test_resize(shape, kind):
    """Noise and stripes overshoot, so the clamp counts as well."""
    x = images(2, 512)[..., : shape[0], : shape[1]]
    if kind == "noise":
        x = torch.randint(0, 256, (2, 3, *shape), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    elif kind == "stripes":
        x = torch.tensor([0, 255], dtype=torch.uint8).repeat_interleave(4).repeat(64)[: shape[1]].expand(2, 3, *shape)
    ours = pil_bicubic(x.float(), (299, 299)).clamp(0, 255)
    assert (ours - their_resize(x)).abs().max() < 2e-3 * 255


@pytest.mark.plumbing
@pytest.mark.parametrize("side", [32, 350])
def test_features(ours, script, side):
    """Pixels at both ends, where the filter overshoots and the clamp counts."""
    x = (images(4, side) > 128).to(torch.uint8) * 255
    theirs = torchscript.InceptionV3W(str(script.parent), download=False)(their_resize(x))
    features, logits = ours(x)
    assert features.shape == (4, 2048) and logits.shape == (4, 0)
    assert worst_relative(features, theirs) < 1e-4


@pytest.mark.plumbing
def test_twice_the_same(ours):
    """TorchScript optimises from the second call on."""
    x = images(3, 32)
    first = ours(x)[0]
    assert all(torch.equal(ours(x)[0], first) for _ in range(3))


@pytest.mark.network
@pytest.mark.skipif(os.environ.get("GANZOO_DOWNLOAD") != "1", reason="95 MB: GANZOO_DOWNLOAD=1 pytest -m network tests/parity")
def test_published_network():
    network, path = extractors.load("clean"), clean.WEIGHTS.locate()
    assert path.name == NAME
    x = images(8, 64)
    assert worst_relative(network(x)[0], torchscript.InceptionV3W(str(path.parent), download=False)(their_resize(x))) < 1e-4
