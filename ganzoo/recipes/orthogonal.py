"""Orthogonal regularisation: filters that are alike are pushed apart, their lengths left alone.

R = β‖W Wᵀ ⊙ (1 - I)‖²_F over each weight W, read as the matrix (first axis, all others), whose rows are the filters (Brock et al. 2019,
§3.1, eq. 3, who write them as columns). For a transposed convolution these are its inputs', as in their own code. Under spectral norm
it is the weight itself that counts, not the normalised one.

The gradient, 4β (W Wᵀ ⊙ (1 - I)) W, is added to the loss's: nothing is differentiated for it. Their code adds half of it; so their
β = 1e-4 is 5e-5 here.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def matrices(net: nn.Module) -> list[nn.Parameter]:
    """What is regularised: every trainable weight of two axes or more, but for embeddings, whose rows are classes and not filters.

    Brock's code leaves out G's table of classes alone, and has no use for it in D.
    """
    tables = {id(p) for layer in net.modules() if isinstance(layer, nn.Embedding) for p in layer.parameters()}
    return [p for p in net.parameters() if p.requires_grad and p.dim() > 1 and id(p) not in tables]


@torch.no_grad()
def penalty(weights: Sequence[Tensor]) -> Tensor:
    """Σ ‖W Wᵀ ⊙ (1 - I)‖²_F, a scalar."""
    total = torch.zeros((), device=weights[0].device) if weights else torch.zeros(())
    for w in weights:
        total = total + _alike(w.flatten(1)).square().sum()
    return total


@torch.no_grad()
def add_gradient(weights: Sequence[nn.Parameter], beta: float) -> None:
    """Add that of β times the penalty to each weight's; a weight without gradient, which no loss has reached, is passed over."""
    for w in weights:
        if w.grad is not None:
            matrix = w.flatten(1)
            w.grad.add_((_alike(matrix) @ matrix).view_as(w), alpha=4 * beta)


def _alike(matrix: Tensor) -> Tensor:
    """Inner products (n, n) of different rows; 0 on the diagonal."""
    return (matrix @ matrix.mT).fill_diagonal_(0)
