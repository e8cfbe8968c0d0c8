"""Pieces that two or more model families use."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

Init = Literal["glorot-uniform", "torch-default", "normal-0.02"]


def initialise(net: nn.Module, init: Init) -> None:
    """Redraw the weights of dense and convolutional layers; biases become zero.

    glorot-uniform: U(-a, a), a = sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010, eq. 16; Keras' default).
    normal-0.02: N(0, 0.02²) (Radford et al. 2015, §3).
    torch-default: left as torch drew them, biases too.
    """
    if init == "torch-default":
        return
    for layer in net.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
            if init == "glorot-uniform":
                nn.init.xavier_uniform_(layer.weight)
            else:
                nn.init.normal_(layer.weight, 0.0, 0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def dense_block(width_in: int, width_out: int, slope: float, *, batchnorm: bool = False, dropout: float = 0.0) -> list[nn.Module]:
    """Dense → (batch norm) → LeakyReLU → (dropout)."""
    block: list[nn.Module] = [nn.Linear(width_in, width_out)]
    if batchnorm:
        block.append(nn.BatchNorm1d(width_out))
    block.append(nn.LeakyReLU(slope, inplace=True))
    if dropout:
        block.append(nn.Dropout(dropout))
    return block


class DenseDiscriminator(nn.Module):
    """Image (N, C, H, W) → hidden dense blocks → logit (N,)."""

    def __init__(self, image: tuple[int, int, int], hidden: list[int], slope: float, dropout: float):
        super().__init__()
        channels, height, width = image
        widths = [channels * height * width, *hidden]
        blocks = [dense_block(a, b, slope, dropout=dropout) for a, b in zip(widths[:-1], widths[1:], strict=True)]
        self.layers = nn.Sequential(*(layer for block in blocks for layer in block), nn.Linear(widths[-1], 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x.flatten(1)).squeeze(1)
