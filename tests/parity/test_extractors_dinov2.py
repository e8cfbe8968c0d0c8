"""Our DINOv2 path against torch-fidelity's, with a small network in place of theirs; what is told where its code is not at hand."""

from __future__ import annotations

import pytest
import torch
from random_inception import images, publish, worst_relative

from ganzoo.errors import WeightsError
from ganzoo.metrics import extractors
from ganzoo.metrics.extractors import dinov2

theirs_module = pytest.importorskip("torch_fidelity.feature_extractor_dinov2", reason="torch-fidelity, compared with, is not installed")

HUBCONF = """
import torch
from torch import nn

class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 1024, 14, stride=56)

    def forward(self, x):
        return self.layer(x).mean((2, 3))

def dinov2_vitl14(pretrained=True):
    assert not pretrained
    return Small()
"""


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """torch's folder with a stand-in for the authors' code."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("XFORMERS_DISABLED", "1")
    folder = tmp_path / "torch" / "hub" / "facebookresearch_dinov2_main"
    folder.mkdir(parents=True)
    (folder / "hubconf.py").write_text(HUBCONF)
    return folder


@pytest.mark.plumbing
def test_features(hub, tmp_path, monkeypatch):
    before = torch.get_rng_state()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = torch.hub.load(str(hub), "dinov2_vitl14", source="local", pretrained=False)
    torch.save(net.state_dict(), path := tmp_path / "small.pth")
    publish(monkeypatch, dinov2, path)
    ours = dinov2.load(torch.device("cpu"))
    assert torch.equal(torch.get_rng_state(), before)
    monkeypatch.setattr(theirs_module.torch.hub, "load", lambda *_, **__: net)
    theirs = theirs_module.FeatureExtractorDinoV2("dinov2-vit-l-14", ["dinov2"])
    for side in (32, 250):
        x = images(3, side)
        features, logits = ours(x)
        assert features.shape == (3, 1024) and logits.shape == (3, 0)
        assert worst_relative(features, theirs(x)[0]) < 1e-6


def test_code_that_is_not_at_hand(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(WeightsError, match="facebookresearch_dinov2_main, which is missing and is not downloaded"):
        dinov2.load(torch.device("cpu"))


def test_code_that_fails(hub):
    (hub / "hubconf.py").write_text("raise RuntimeError('old torch')")
    with pytest.raises(WeightsError, match="cannot build dinov2_vitl14 .*old torch"):
        dinov2.load(torch.device("cpu"))


def test_weights_that_are_not_at_hand(hub, monkeypatch, tmp_path):
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path))
    monkeypatch.delenv("GANZOO_WEIGHTS", raising=False)
    monkeypatch.delenv("GANZOO_DOWNLOAD", raising=False)
    with pytest.raises(WeightsError, match="dinov2_vitl14_pretrain.pth .*not found"):
        dinov2.load(torch.device("cpu"))


def test_the_plan_asks_for_both(hub, tmp_path, monkeypatch):
    """The weights are at hand all along: what is missing is the code, then nothing, then the weights."""
    (path := tmp_path / "small.pth").write_bytes(b"weights")
    publish(monkeypatch, dinov2, path)
    code = (hub / "hubconf.py").rename(tmp_path / "away.py")
    with pytest.raises(WeightsError, match="facebookresearch_dinov2_main, which is missing"):
        extractors.check_at_hand("dinov2")
    code.rename(hub / "hubconf.py")
    extractors.check_at_hand("dinov2")
    path.unlink()
    with pytest.raises(WeightsError, match="small.pth .*not found"):
        extractors.check_at_hand("dinov2")
