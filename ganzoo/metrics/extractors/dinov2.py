"""DINOv2 ViT-L/14 (Oquab et al. 2023), the features that Stein et al. (2023) found to agree best with people; as torch-fidelity uses it.

Optional, and never fetched as a whole: the network is code of its authors' repository, which torch.hub would download unpinned and run.
So that code must have been put into torch's folder by the user; the weights are checked by digest and loaded as tensors only.
"""

from __future__ import annotations

import os

import torch
from torch import Tensor

from ganzoo.errors import WeightsError
from ganzoo.metrics.extractors.base import FEATURES, Extractor
from ganzoo.metrics.extractors.weights import WeightsFile, state_dict, torch_home
from ganzoo.metrics.resize import tf1_bilinear

WEIGHTS = WeightsFile(
    name="dinov2_vitl14_pretrain.pth",
    url="https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/dinov2_vitl14_pretrain.pth",
    sha256="d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428",
    size=1_217_586_395,
    licence="Apache-2.0",
)
FACTS = {
    "channels": 3,
    "size": None,
    "dim": 1024,
    "classes": 0,
    "chunk": 16,
    "preprocessing": "TensorFlow 1 bilinear to 224×224, ImageNet's mean and std; features: class token",
    "measures": FEATURES,
}
SIDE, NETWORK = 224, "dinov2_vitl14"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, on 0..1


def at_hand() -> None:
    """WeightsError where the code is missing, or the weights are; the code first, before 1.2 GB are fetched for nothing."""
    _check_code()
    WEIGHTS.locate()


def load(device: torch.device) -> Extractor:
    net = _built()
    path = WEIGHTS.locate()
    try:
        net.load_state_dict(state_dict(path))
    except RuntimeError as error:
        raise WeightsError(f"weights {path} do not fit {NETWORK} of {_code()}: {error}") from error
    net = net.eval().requires_grad_(False).to(device)
    mean, std = (torch.tensor(values, device=device).mul_(255).view(3, 1, 1) for values in (MEAN, STD))

    def network(x: Tensor) -> tuple[Tensor, Tensor]:
        return net(x), x.new_empty(len(x), 0)

    def normalise(x: Tensor) -> Tensor:
        return (x - mean).div_(std)

    return Extractor("dinov2", WEIGHTS.sha256, **FACTS, network=network, resize=_resize, after=normalise, device=device)


def _resize(x: Tensor) -> Tensor:
    return tf1_bilinear(x, (SIDE, SIDE))


def _code():
    return torch_home() / "facebookresearch_dinov2_main"


def _check_code() -> None:
    folder = _code()
    if not (folder / "hubconf.py").is_file():
        raise WeightsError(
            f"extractor 'dinov2' needs its authors' code in {folder}, which is missing and is not downloaded, because it could not be "
            f"checked before it runs. Put a checkout of https://github.com/facebookresearch/dinov2 there, and {WEIGHTS.name} "
            f"(sha256 {WEIGHTS.sha256}) beside the other weights."
        )


def _built() -> torch.nn.Module:
    """The untrained network from the user's copy of its code; torch's global stream is left as it was."""
    folder = _code()
    _check_code()
    os.environ.setdefault("XFORMERS_DISABLED", "1")  # plain attention: the same arithmetic everywhere, as in torch-fidelity
    try:
        with torch.random.fork_rng():
            return torch.hub.load(str(folder), NETWORK, source="local", pretrained=False)
    except Exception as error:  # somebody else's code may fail in any way
        raise WeightsError(f"extractor 'dinov2': {folder} cannot build {NETWORK} ({type(error).__name__}: {error}).") from error
