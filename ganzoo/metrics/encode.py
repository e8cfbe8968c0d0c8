"""From a generator's output to the stored pixels that a protocol looks at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from ganzoo.metrics.features import MetricError
from ganzoo.metrics.protocol import Protocol


def to_uint8(x: Tensor, value_range: tuple[float, float]) -> Tensor:
    """Float images in `value_range` → uint8: clipped, scaled to 0..255, rounded to nearest."""
    lo, hi = value_range
    return ((x.float() - lo) * (255.0 / (hi - lo))).clamp_(0, 255).round_().to(torch.uint8)


def as_images(x: Tensor, protocol: Protocol, fake_range: tuple[float, float]) -> Tensor:
    """A generator's float output in `fake_range` as the reals are: uint8 images; points stay what they are."""
    return x.float() if protocol.points else to_uint8(x, fake_range)


def to_uint8_clipped(x: Tensor) -> Tensor:
    """Float images taken for 0..1 → uint8 as torchvision's `save_image` stores them: half up, what lies outside clipped."""
    return x.float().mul(255.0).add_(0.5).clamp_(0, 255).to(torch.uint8)


def through_jpeg(images: Tensor, quality: int) -> Tensor:
    """uint8 (N, C, H, W) written as JPEG files by Pillow (4:2:0) and read back; C is 1 or 3, device kept."""
    back = np.empty_like(pixels := images.cpu().numpy())
    for one, stored in zip(pixels, back, strict=True):  # a codec knows one image at a time
        file = BytesIO()
        Image.fromarray(one[0] if len(one) == 1 else one.transpose(1, 2, 0)).save(file, "JPEG", quality=quality)
        read = np.asarray(Image.open(file))
        stored[:] = read[None] if read.ndim == 2 else read.transpose(2, 0, 1)
    return torch.from_numpy(back).to(images.device)


class NotFinite(MetricError):
    """A generator whose outputs are not numbers any more."""


def stored(x: Tensor, protocol: Protocol, fake_range: tuple[float, float]) -> Tensor:
    """What the protocol's evaluator would find on disk for a generator's float output in `fake_range`; of points, they themselves.

    NotFinite for NaN or infinity.
    """
    if not bool(x.isfinite().all()):  # as pixels they would be black, and nobody would know
        raise NotFinite("the generator's outputs are not finite: there is nothing to measure. Look where its training diverged.")
    pixels = as_images(x, protocol, fake_range) if protocol.denormalised else to_uint8_clipped(x)
    return pixels if protocol.jpeg is None else through_jpeg(pixels, protocol.jpeg)


@contextmanager
def evaluation_mode(net: nn.Module) -> Iterator[nn.Module]:
    """`net` in eval mode without gradients; every layer's own mode is put back afterwards."""
    modes = [(module, module.training) for module in net.modules()]
    net.eval()
    try:
        with torch.no_grad():
            yield net
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def batch_statistics_mode(net: nn.Module) -> Iterator[nn.Module]:
    """`net` in train mode without gradients; modes, buffers (statistics, spectral norm's vectors) and torch's stream are put back."""
    modes = [(module, module.training) for module in net.modules()]
    before = {name: buffer.clone() for name, buffer in net.named_buffers()}
    devices = sorted({buffer.device.index or 0 for buffer in (*net.buffers(), *net.parameters()) if buffer.device.type == "cuda"})
    net.train()
    try:
        with torch.random.fork_rng(devices=devices), torch.no_grad():
            yield net
    finally:
        with torch.no_grad():
            for name, buffer in net.named_buffers():
                buffer.copy_(before[name])
        for module, training in modes:
            module.training = training


def generation_mode(net: nn.Module, protocol: Protocol) -> AbstractContextManager[nn.Module]:
    """The mode in which a protocol has its fakes made."""
    return evaluation_mode(net) if protocol.fake_batch is None else batch_statistics_mode(net)
