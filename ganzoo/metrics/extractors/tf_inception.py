"""The Inception of 2015-12-05 behind the published IS, FID and KID (Salimans et al. 2016; Heusel et al. 2017; Bińkowski et al. 2018).

The network and its weights, converted from TensorFlow, are torch-fidelity's (Apache-2.0); its blocks are put together here, with batch
norm folded, channels last, and one pass for features and logits.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.errors import WeightsError
from ganzoo.metrics.extractors.base import LABELS, Extractor
from ganzoo.metrics.extractors.fold import fold
from ganzoo.metrics.extractors.weights import WeightsFile, state_dict
from ganzoo.metrics.resize import tf1_bilinear

WEIGHTS = WeightsFile(
    name="weights-inception-2015-12-05-6726825d.pth",
    url="https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
    sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    size=95_628_359,
    licence="Apache-2.0",
)
FACTS = {
    "channels": 3,
    "size": None,
    "dim": 2048,
    "classes": 1008,
    "chunk": 16,  # what fits the processor's cache best
    "preprocessing": "TensorFlow 1 bilinear to 299×299, (x - 128) / 128; features: pool, logits: without bias",
    "measures": LABELS,
}
SIDE = 299


def load(device: torch.device) -> Extractor:
    path = WEIGHTS.locate()
    with torch.device("meta"):  # first weights would be drawn from torch's global stream, which a training may be using
        net = inception()
    try:
        net.load_state_dict(state_dict(path), assign=True)
    except RuntimeError as error:
        raise WeightsError(f"weights {path} do not fit tf-inception: {error}") from error
    net = fold(net).to(device)

    def network(x: Tensor) -> tuple[Tensor, Tensor]:
        features = net.trunk(x.contiguous(memory_format=torch.channels_last)).flatten(1)  # (N, 2048)
        return features, features @ net.fc.weight.T  # (N, 1008)

    return Extractor("tf-inception", WEIGHTS.sha256, **FACTS, network=network, resize=_resize, after=_normalise, device=device)


def _resize(x: Tensor) -> Tensor:
    return tf1_bilinear(x, (SIDE, SIDE))


def _normalise(x: Tensor) -> Tensor:
    return (x - 128).div_(128)


def inception() -> nn.Module:
    """The network with torch-fidelity's names of layers; `trunk` runs all of them but the last."""
    from torch_fidelity import feature_extractor_inceptionv3 as blocks

    conv, pool = blocks.BasicConv2d, nn.MaxPool2d
    layers = {
        "Conv2d_1a_3x3": conv(3, 32, kernel_size=3, stride=2),  # (N, 32, 149, 149)
        "Conv2d_2a_3x3": conv(32, 32, kernel_size=3),  # (N, 32, 147, 147)
        "Conv2d_2b_3x3": conv(32, 64, kernel_size=3, padding=1),  # (N, 64, 147, 147)
        "MaxPool_1": pool(kernel_size=3, stride=2),  # (N, 64, 73, 73)
        "Conv2d_3b_1x1": conv(64, 80, kernel_size=1),  # (N, 80, 73, 73)
        "Conv2d_4a_3x3": conv(80, 192, kernel_size=3),  # (N, 192, 71, 71)
        "MaxPool_2": pool(kernel_size=3, stride=2),  # (N, 192, 35, 35)
        "Mixed_5b": blocks.InceptionA(192, pool_features=32),  # (N, 256, 35, 35)
        "Mixed_5c": blocks.InceptionA(256, pool_features=64),  # (N, 288, 35, 35)
        "Mixed_5d": blocks.InceptionA(288, pool_features=64),
        "Mixed_6a": blocks.InceptionB(288),  # (N, 768, 17, 17)
        "Mixed_6b": blocks.InceptionC(768, channels_7x7=128),
        "Mixed_6c": blocks.InceptionC(768, channels_7x7=160),
        "Mixed_6d": blocks.InceptionC(768, channels_7x7=160),
        "Mixed_6e": blocks.InceptionC(768, channels_7x7=192),
        "Mixed_7a": blocks.InceptionD(768),  # (N, 1280, 8, 8)
        "Mixed_7b": blocks.InceptionE_1(1280),  # (N, 2048, 8, 8)
        "Mixed_7c": blocks.InceptionE_2(2048),
        "AvgPool": nn.AdaptiveAvgPool2d(1),  # (N, 2048, 1, 1)
    }
    return _Inception(layers)


class _Inception(nn.Module):
    def __init__(self, layers: dict[str, nn.Module]):
        super().__init__()
        self.order = list(layers)
        for name, layer in layers.items():
            self.add_module(name, layer)
        self.fc = nn.Linear(2048, FACTS["classes"])

    def trunk(self, x: Tensor) -> Tensor:
        for name in self.order:
            x = getattr(self, name)(x)
        return x
