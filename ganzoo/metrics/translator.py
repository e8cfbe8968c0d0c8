"""A generator that translates, together with the images that it is measured on: in place of latents, sources kept from training."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ganzoo.data import PairSet

CHUNK = 16  # images at once: a U-Net's activations are many times a small generator's


class Translator(nn.Module):
    """Stands where an evaluation expects G: `outputs` are translations of its own sources.

    A protocol's batch size for making fakes does not count: ganzoo's models that translate do not mix samples.
    The last `num_select` of `held` choose the best evaluation, the others are reported, and looked at while training.
    """

    def __init__(self, net: nn.Module, held: PairSet, value_range: tuple[float, float], num_select: int):
        super().__init__()
        self.net = net["ab"] if isinstance(net, nn.ModuleDict) else net
        self.value_range = value_range
        self.reported, self.selecting = held.a[:-num_select], held.a[-num_select:]
        self.targets = held.b[:-num_select] if held.paired else None

    def sources(self, name: str) -> Tensor:
        """uint8 (n, C, H, W) behind the images of this name."""
        return self.selecting if name == "eval/select" else self.reported

    def outputs(self, name: str, count: int) -> Iterator[Tensor]:
        """`count` translations, float chunks (≤ CHUNK, C, H, W), of the first sources; ValueError where there are fewer.

        A look ("watch") takes as many as there are: its count is one for latents, of which there are always enough.
        """
        sources = self.sources(name)
        if name == "watch":
            count = min(count, len(sources))
        if count > len(sources):
            raise ValueError(f"{count} translations of {len(sources)} sources were asked for")
        lo, hi = self.value_range
        device = next(self.net.parameters()).device
        for chunk in sources[:count].split(CHUNK):
            yield self.net(chunk.to(device, torch.float32).mul_((hi - lo) / 255.0).add_(lo))
