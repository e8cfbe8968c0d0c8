"""The law of the first weights.

A layer with an attribute `redrawn = False` keeps those that it was built with, and so does all below it.
"""

from __future__ import annotations

from typing import Literal

from torch import nn

from ganzoo.layers.walk import layers_of

Init = Literal["glorot-uniform", "torch-default", "normal-0.02", "orthogonal"]


def initialise(net: nn.Module, init: Init) -> None:
    """Redraw the weights of dense and convolutional layers and of embeddings; biases become zero.

    glorot-uniform: U(-a, a), a = sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010, eq. 16; Keras' default).
    normal-0.02: N(0, 0.02²) (Radford et al. 2015, §3).
    orthogonal: W Wᵀ = I or WᵀW = I, whichever can be, of W as the matrix (first axis, all others) (Saxe et al. 2014; Brock et al. 2019).
    torch-default: left as torch drew them, biases too.
    """
    if init == "torch-default":
        return
    for layer in layers_of(net, unless="redrawn"):
        if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d, nn.Embedding)):
            if init == "glorot-uniform":
                nn.init.xavier_uniform_(layer.weight)
            elif init == "orthogonal":
                nn.init.orthogonal_(layer.weight)
            else:
                nn.init.normal_(layer.weight, 0.0, 0.02)
            if getattr(layer, "bias", None) is not None:
                nn.init.zeros_(layer.bias)


def initialise_dcgan(net: nn.Module, init: Init) -> None:
    """`initialise`, and under normal-0.02 batch norm's scales ~ N(1, 0.02²), shifts 0 (*iyengar*'s code, `weights_init`)."""
    initialise(net, init)
    if init == "normal-0.02":
        for layer in layers_of(net, unless="redrawn"):
            if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)) and layer.affine:
                nn.init.normal_(layer.weight, 1.0, 0.02)
                nn.init.zeros_(layer.bias)


def initialise_convolutions(net: nn.Module, init: Init) -> None:
    """As `initialise`, but normal-0.02 is `weights_init_normal` of *selfgan*'s author (github.com/HighCWu/SelfGAN, 0b3fbd4).

    Convolutions' weights ~ N(0, 0.02²), batch norm's scales ~ N(1, 0.02²), its shifts 0. Dense layers and all biases stay as torch drew
    them.
    """
    if init != "normal-0.02":
        initialise(net, init)
        return
    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)
            nn.init.zeros_(layer.bias)
