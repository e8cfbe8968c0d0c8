"""The statistics network T of a mutual information bound: does this x belong to this z?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import elu, linear


class StatisticsNetwork(nn.Module):
    """T(x, z): x (N, …) flattened and z (N, code) side by side, dense layers with ELU between, (N,) real numbers.

    Widths and ELU are this suite's choice. Each layer treats samples independently, so no output depends on its neighbours.
    """

    def __init__(self, x_size: int, z_size: int, hidden: Sequence[int]):
        super().__init__()
        self.sizes = (x_size, z_size)
        self.first = nn.Linear(x_size + z_size, hidden[0])
        self.layers = nn.ModuleList(nn.Linear(wide, narrow) for wide, narrow in pairwise((*hidden, 1)))

    def _halves(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """What x and what z bring to the first layer, which is their sum: each (N, hidden)."""
        of_x, of_z = self.first.weight.split(self.sizes, 1)
        return linear(x.flatten(1), of_x, self.first.bias), linear(z, of_z)

    def _rest(self, h: Tensor) -> Tensor:
        for layer in self.layers:
            h = layer(elu(h))
        return h.flatten()

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        of_x, of_z = self._halves(x, z)
        return self._rest(of_x + of_z)

    def pairs(self, x: Tensor, z: Tensor, shift: int = 1) -> tuple[Tensor, Tensor]:
        """(T(x_i, z_i), T(x_i, z_{i - shift})), each (N,): of pairs as they came, and of x with a z that was drawn without it.

        The z of a batch are independent draws, so another sample's is independent of x and each such pair has the law of the marginals'
        product. A random permutation would leave one z in its place on average, and be a draw a step; a shift leaves none. The wide
        product, of x with its weights, is computed once for both.
        """
        of_x, of_z = self._halves(x, z)
        joint, marginal = self._rest(torch.cat((of_x + of_z, of_x + of_z.roll(shift, 0)))).chunk(2)
        return joint, marginal
