"""torchvision's Inception v3, the network of many home-made evaluators: other weights than the published scores', so other numbers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.errors import WeightsError
from ganzoo.metrics.extractors.base import LABELS, Extractor, unit
from ganzoo.metrics.extractors.fold import fold
from ganzoo.metrics.extractors.weights import WeightsFile, state_dict
from ganzoo.metrics.resize import torch_bilinear

# torchvision publishes the first eight digits of the digest, in the name; the rest and the size are of the file that it serves.
WEIGHTS = WeightsFile(
    name="inception_v3_google-0cc3c7bd.pth",
    url="https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth",
    sha256="0cc3c7bd75056d25e46cba549dc184522069b81e9787eff6df84f397bd52a5ef",
    size=108_949_747,
    licence="BSD-3-Clause; weights from TensorFlow, Apache-2.0",
)
FACTS = {
    "channels": 3,
    "size": None,
    "dim": 2048,
    "classes": 1000,
    "chunk": 16,
    "preprocessing": "x / 255, torch bilinear to 299×299 without antialiasing, 2x - 1; features: pool, no dropout",
    "measures": LABELS,
}
SIDE = 299


def load(device: torch.device) -> Extractor:
    from torchvision.models import inception_v3

    path = WEIGHTS.locate()
    with torch.device("meta"):
        net = inception_v3(weights=None, aux_logits=True, transform_input=False, init_weights=False)
    try:
        net.load_state_dict(state_dict(path), assign=True)
    except RuntimeError as error:
        raise WeightsError(f"weights {path} do not fit torchvision-inception: {error}") from error
    head, net.fc, net.AuxLogits = net.fc.requires_grad_(False).to(device), nn.Identity(), None
    net = fold(net).to(device)

    def network(x: Tensor) -> tuple[Tensor, Tensor]:
        features = net(x.contiguous(memory_format=torch.channels_last))  # (N, 2048)
        return features, head(features)  # (N, 1000)

    return Extractor(
        "torchvision-inception", WEIGHTS.sha256, **FACTS, network=network, before=unit, resize=_resize, after=_signed, device=device
    )


def _resize(x: Tensor) -> Tensor:
    return torch_bilinear(x, (SIDE, SIDE))


def _signed(x: Tensor) -> Tensor:
    return x.mul(2).sub_(1)
