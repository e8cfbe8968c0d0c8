"""Activation checkpointing: a block keeps what goes into it, and on the way back computes again what it did."""

from __future__ import annotations

from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


class Recomputable(nn.Module):
    """A block whose `forward` is `compute`; with `recompute` set, its inner activations are not kept but computed again for gradients.

    Chen et al. 2016 (arXiv 1604.06174). Values, gradients, buffers and streams are those of a block that keeps them: the second
    computation begins at the buffers (batch statistics, spectral norm's u) and at the dropout of the first one, asks gradients for the
    same weights, and leaves all of them as it found them. `compute` must not change what it is given.
    """

    recompute = False

    def compute(self, *args: Tensor | None, **named: Tensor | None) -> Tensor:
        raise NotImplementedError

    def forward(self, *args: Tensor | None, **named: Tensor | None) -> Tensor:
        if not (self.recompute and torch.is_grad_enabled()):
            return self.compute(*args, **named)
        first = _AsNow(self)
        return checkpoint(self.compute, *args, use_reentrant=False, context_fn=lambda: (nullcontext(), first), **named)


class _AsNow:
    """What a block's computation depends on beside its input, as it is now; within the context it is so again, as often as entered.

    Other buffers are put in the place of the present ones: writing into those would undo what autograd knows of them.
    """

    def __init__(self, net: nn.Module):
        self.buffers = [
            (layer, name, buffer.clone()) for layer in net.modules() for name, buffer in layer._buffers.items() if buffer is not None
        ]
        self.asked = [(p, p.requires_grad) for p in net.parameters()]  # others where a network was frozen in between

    def __enter__(self) -> None:
        self.present = [layer._buffers[name] for layer, name, _ in self.buffers], [p.requires_grad for p, _ in self.asked]
        for layer, name, buffer in self.buffers:
            layer._buffers[name] = buffer.clone()
        for p, asked in self.asked:
            p.requires_grad_(asked)

    def __exit__(self, *_: object) -> None:
        buffers, asked = self.present
        for (layer, name, _), buffer in zip(self.buffers, buffers, strict=True):
            layer._buffers[name] = buffer
        for (p, _), now in zip(self.asked, asked, strict=True):
            p.requires_grad_(now)


def recompute_blocks(net: nn.Module) -> int:
    """Switch activation checkpointing on for every block of `net` that knows how (the outermost where they are nested); how many."""
    if isinstance(net, Recomputable):
        net.recompute = True
        return 1
    return sum(recompute_blocks(child) for child in net.children())
