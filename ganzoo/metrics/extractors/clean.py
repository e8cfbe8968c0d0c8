"""clean-fid's network (Parmar, Zhang & Zhu 2022): NVIDIA's TorchScript of the 2015 Inception, behind a resize that does not alias.

clean-fid resizes with Pillow, image by image; here the same filter runs in batches on the device (within 2e-3 of 255). Pixels are
clamped, not rounded. Only the network's `layers` are used, so no logits.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from ganzoo.errors import WeightsError
from ganzoo.metrics.extractors.base import FEATURES, Extractor
from ganzoo.metrics.extractors.weights import WeightsFile
from ganzoo.metrics.resize import pil_bicubic

WEIGHTS = WeightsFile(
    name="inception-2015-12-05.pt",
    url="https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/inception-2015-12-05.pt",
    sha256="f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4",
    size=95_607_719,
    licence="NVIDIA Source Code License for StyleGAN2 with ADA; weights from TensorFlow, Apache-2.0",
)
FACTS = {
    "channels": 3,
    "size": None,
    "dim": 2048,
    "classes": 0,
    "chunk": 32,
    "preprocessing": "antialiased bicubic to 299×299 in float32, clamped to 0..255, not rounded; (x - 128) / 128; features: pool",
    "measures": FEATURES,
}
SIDE = 299


def load(device: torch.device) -> Extractor:
    path = WEIGHTS.locate()
    try:  # a script is a program: it is read only now that its digest is known
        with warnings.catch_warnings(action="ignore", category=FutureWarning):  # torch would rather have no scripts any more
            layers = torch.jit.load(str(path), map_location=device).eval().layers
    except (RuntimeError, AttributeError) as error:
        raise WeightsError(f"weights {path} hold no TorchScript with `layers`: {error}") from error

    def network(x: Tensor) -> tuple[Tensor, Tensor]:
        with torch.jit.optimized_execution(False):  # else later calls may compute in another order than the first
            features = layers(x).reshape(len(x), -1)  # (N, 2048)
        return features, features.new_empty(len(x), 0)

    return Extractor("clean", WEIGHTS.sha256, **FACTS, network=network, resize=_resize, after=_normalise, device=device)


def _resize(x: Tensor) -> Tensor:
    return pil_bicubic(x, (SIDE, SIDE))


def _normalise(x: Tensor) -> Tensor:
    return x.clamp(0, 255).sub_(128).div_(128)
