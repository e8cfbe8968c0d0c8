"""Activations by name."""

from __future__ import annotations

from torch import nn


def activation(name: str, slope: float) -> nn.Module:
    """relu, leaky-relu, tanh, sigmoid or linear; in place where torch offers that."""
    match name:
        case "relu":
            return nn.ReLU(inplace=True)
        case "leaky-relu":
            return nn.LeakyReLU(slope, inplace=True)
        case "tanh":
            return nn.Tanh()
        case "sigmoid":
            return nn.Sigmoid()
        case "linear":
            return nn.Identity()
    raise ValueError(f"no activation '{name}'")
