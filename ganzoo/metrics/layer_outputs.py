"""What a network's nonlinearities give, reduced to a 4×4 grid each: features of a layer for a linear classifier.

As Radford et al. 2015 (arXiv 1511.06434), §5.1, do with their D: the maps of all convolutional layers, max-pooled to 4×4, flattened
and put side by side. A layer is an activation module here (nn.ReLU, nn.LeakyReLU, …); a dense layer's outputs are taken as they are.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_max_pool2d
from torch.nn.utils.parametrize import ParametrizationList, is_parametrized

from ganzoo.metrics.features import MetricError

GRID = 4
ACTIVATIONS = (
    nn.CELU, nn.ELU, nn.GELU, nn.Hardsigmoid, nn.Hardswish, nn.Hardtanh, nn.LeakyReLU, nn.LogSigmoid, nn.Mish, nn.PReLU, nn.ReLU,
    nn.RReLU, nn.SELU, nn.SiLU, nn.Sigmoid, nn.Softplus, nn.Softsign, nn.Tanh,
)  # fmt: skip


def on_grid(x: Tensor) -> Tensor:
    """Maps (N, C, H, W) max-pooled to at most 4×4, (N, ·); anything else flattened. float32, memory of its own."""
    if x.ndim == 4 and max(x.shape[2:]) > GRID:
        x = adaptive_max_pool2d(x, (min(GRID, x.shape[2]), min(GRID, x.shape[3])))
    return x.detach().float().flatten(1).clone()


def is_parametrised(layer: nn.Module) -> bool:
    """Whether a layer has weights of its own, beside what is in its parts."""
    if isinstance(layer, (*ACTIVATIONS, ParametrizationList)):
        return False
    return is_parametrized(layer) or any(True for _ in layer.parameters(recurse=False))


def hidden_outputs(net: nn.Module, run: Callable[[], object]) -> Tensor:
    """Features (N, p) of what `run` shows to `net`: the outputs of its activation modules up to its last layer with weights.

    In the order of their calls. A network without any (nonlinearities called as functions) gives what enters that last layer.
    MetricError for a network without weights.
    """
    found: list[Tensor] = []
    hidden, entering = 0, None

    def before(layer: nn.Module, args: tuple) -> None:
        nonlocal hidden, entering
        if args and isinstance(args[0], Tensor):
            hidden, entering = len(found), on_grid(args[0])

    def after(layer: nn.Module, args: tuple, out: Tensor) -> None:
        found.append(on_grid(out))

    hooks = [layer.register_forward_pre_hook(before) for layer in net.modules() if is_parametrised(layer)]
    hooks += [layer.register_forward_hook(after) for layer in net.modules() if isinstance(layer, ACTIVATIONS)]
    try:
        run()
    finally:
        for hook in hooks:
            hook.remove()
    if entering is None:
        raise MetricError(f"the probe finds no layer with weights in {type(net).__name__}. Set eval.probe: false for this model.")
    return torch.cat(found[:hidden] or [entering], 1)
