"""What every update rule offers, and the pieces that several use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import MappingProxyType
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

Autocast = Callable[[], AbstractContextManager]
Batch = Tensor | tuple[Tensor, ...]  # images or z, alone or with what the networks are told beside them
NOTHING: Mapping[str, Any] = MappingProxyType({})


class Rule(Protocol):
    """One training step.

    columns: names of the scalars that `step` returns after the two losses.
    carried: what one step leaves to the next; a checkpoint keeps it. The tensors stay the same objects, refilled in place.
    streams: its own uses of chance, on the CPU; a checkpoint keeps where they stand.
    networks, optimisers: its own, beside those of G and D, by name; a checkpoint keeps them.
    """

    columns: tuple[str, ...]
    carried: dict[str, Tensor]
    streams: dict[str, torch.Generator]
    networks: Mapping[str, nn.Module]
    optimisers: Mapping[str, Optimizer]

    def step(
        self, reals: Callable[[], Batch], noise: Callable[[], Batch], d_steps: int
    ) -> tuple[Tensor | None, Tensor, *tuple[Tensor, ...]]:
        """One update of G and `d_steps` of D (0: D rests, and its loss is None); (D loss, G loss, *columns), scalars on device."""


def parted(batch: Batch) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Images or z (N, …), and what the networks are told beside them: () or (labels (N,),)."""
    return (batch, ()) if isinstance(batch, Tensor) else (batch[0], tuple(batch[1:]))


@contextmanager
def frozen(params: Iterable[nn.Parameter]) -> Iterator[None]:
    """What is computed in here has no gradients for `params`, and saves nothing for them."""
    params = list(params)
    for p in params:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in params:
            p.requires_grad_(True)


def mixes_samples(net: nn.Module) -> bool:
    """Whether an output depends on its neighbours in the batch: batch norm, or a layer that says `mixes_samples = True` of itself."""
    return any(isinstance(layer, _BatchNorm) or getattr(layer, "mixes_samples", False) for layer in net.modules())


def widened(x: Tensor) -> Tensor:
    """Losses are computed in single precision at least, whatever the networks were run in."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
