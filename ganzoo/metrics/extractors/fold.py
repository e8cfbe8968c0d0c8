"""Convolution and batch norm of an Inception block as one convolution: a pass less over the largest activations."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import relu


class FoldedConv2d(nn.Module):
    """relu(conv(x)) with a trained `BasicConv2d`'s batch norm in its weights and bias."""

    def __init__(self, block: nn.Module):
        super().__init__()
        norm = block.bn
        # As torch computes it, in float32: the rounding of these factors is common to whole layers and would add up otherwise.
        scale = norm.weight * (1 / torch.sqrt(norm.running_var + norm.eps))
        self.conv = block.conv
        self.conv.weight = nn.Parameter(block.conv.weight * scale[:, None, None, None])
        self.conv.bias = nn.Parameter(norm.bias - norm.running_mean * scale)

    def forward(self, x: Tensor) -> Tensor:
        return relu(self.conv(x), inplace=True)


@torch.no_grad()
def fold(net: nn.Module) -> nn.Module:
    """`net` in eval mode, its blocks of `conv`, `bn` and ReLU folded in place, channels last, without gradients."""
    net.eval()
    for parent in list(net.modules()):
        for name, child in list(parent.named_children()):
            if type(child).__name__ == "BasicConv2d":
                setattr(parent, name, FoldedConv2d(child))
    return net.to(memory_format=torch.channels_last).requires_grad_(False)
