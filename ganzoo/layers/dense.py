"""Dense layers, and the discriminator made of them."""

from __future__ import annotations

from torch import Tensor, nn


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
