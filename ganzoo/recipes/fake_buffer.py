"""A history of fakes that D judges in place of the newest ones (Shrivastava et al. 2017, §2.3; Zhu et al. 2017, §4)."""

from __future__ import annotations

import torch
from torch import Tensor


class FakeBuffer:
    """Up to `size` fakes (C, H, W) on the device.

    While it fills, a fake is kept and comes back at once. Then, with probability 1/2, it takes the place of one drawn uniformly, which
    comes back in its stead. The draws are the CPU's, so that nothing waits for the device.
    """

    def __init__(self, size: int, like: Tensor, stream: torch.Generator):
        self.images = torch.zeros(size, *like.shape[1:], device=like.device, dtype=like.dtype)
        self.filled = torch.zeros((), dtype=torch.int64)  # on the CPU
        self.stream = stream

    def exchange(self, fakes: Tensor) -> Tensor:
        """(N, C, H, W) detached fakes → as many, each new or old; one after another, so that a batch may meet itself."""
        size, back = len(self.images), []
        for fake in fakes:
            filled = int(self.filled)
            if filled < size:
                self.images[filled].copy_(fake)
                self.filled += 1
                back.append(fake)
            elif torch.rand((), generator=self.stream).item() > 0.5:
                place = int(torch.randint(size, (), generator=self.stream))
                back.append(self.images[place].clone())
                self.images[place].copy_(fake)
            else:
                back.append(fake)
        return torch.stack(back)
