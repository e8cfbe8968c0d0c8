"""A generator run backwards: from images, layer by layer, to what its hidden layers would have to say about them.

A G reads z, not images. So that parts of it can serve as a feature extractor, it is turned around: each of its affine maps
(transposed convolution, convolution, upsampling, dense layer, batch norm with its running statistics, and what adds or reshapes between
them) is replaced by its adjoint, the linear map with the same weights the other way, and each nonlinearity is applied where the
signal passes it. A transposed convolution so becomes the strided convolution with its kernel. The output nonlinearity is left out: the
images are in its range already. (The same idea as a deconvnet's way back: Zeiler & Fergus 2014, §2.1.) This is the suite's own reading.

How: in G's forward pass at z = 0 each activation module is replaced by the identity that applies the activation to the gradient, so
that the vector-Jacobian product with an image is that way back, skip connections included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ganzoo.metrics.encode import NotFinite
from ganzoo.metrics.layer_outputs import ACTIVATIONS, is_parametrised, on_grid

GATES = (nn.Sigmoid, nn.Hardsigmoid)
TOLERANCE = 1e-8  # relative, of float64 sums that are equal for an affine map


class NotReversible(Exception):
    """A generator that is not affine between its activation modules."""


class _Turned(torch.autograd.Function):
    """Forwards the identity, backwards the activation; what it gives there is kept as features."""

    @staticmethod
    def forward(ctx, x: Tensor, activation: nn.Module, kept: dict[int, Tensor], place: int) -> Tensor:
        ctx.activation, ctx.kept, ctx.place = activation, kept, place
        return x.view_as(x)

    @staticmethod
    def backward(ctx, signal: Tensor) -> tuple:
        signal = ctx.activation.forward(signal.clone())  # clone: it may work in place
        ctx.kept[ctx.place] = on_grid(signal)
        return signal, None, None, None


@contextmanager
def _hooked(net: nn.Module, after: Callable[[nn.Module, Tensor, Tensor, int], Tensor | None]) -> Iterator[None]:
    """Calls after(module, what entered, what came out, place) for each call of a module; what it returns, if anything, goes on.

    Places number the calls of one forward pass in the order of their ends.
    """
    entered: dict[nn.Module, Tensor] = {}
    place = -1

    def pre_hook(module: nn.Module, args: tuple) -> tuple | None:
        if not isinstance(module, ACTIVATIONS):
            return None
        entered[module] = args[0]
        return (args[0].clone(),)  # it may work in place

    def hook(module: nn.Module, args: tuple, out: Tensor) -> Tensor | None:
        nonlocal place
        place += 1
        return after(module, entered.pop(module) if module in entered else args[0] if args else out, out, place)

    layers = [module for module in net.modules() if module is not net]
    hooks = [module.register_forward_pre_hook(pre_hook) for module in layers] + [module.register_forward_hook(hook) for module in layers]
    try:
        yield
    finally:
        for one in hooks:
            one.remove()


def _is_gate(module: nn.Module, x: Tensor, out: Tensor) -> bool:
    """A sigmoid, or what reduces a map to one number a channel: in a generator, a factor of the channels."""
    if isinstance(module, GATES):
        return True
    return x.ndim == out.ndim == 4 and x.shape[2:] != (1, 1) and out.shape[2:] == (1, 1)


@dataclass
class Backwards:
    """`g` turned around, for `batch` images at once. Use inside `evaluation_mode`; NotReversible where that cannot be done,
    NotFinite for weights that are no numbers.

    Between its activation modules G must be affine in z, which is tried in float64. Where it is not so at first, its gates
    (squeeze-and-excitation) keep the value they have at z = 0.
    """

    g: nn.Module
    latent: int
    batch: int
    device: str
    kept: dict[int, Tensor] = field(default_factory=dict)  # features of the latest images by place

    def __post_init__(self) -> None:
        self.gates: dict[int, Tensor] = {}
        self._look()
        if not self._is_affine():
            self.gates = self.found_gates
            if not self._is_affine():
                raise NotReversible(f"{type(self.g).__name__} is not affine between its activation modules")
        self.z = torch.zeros(self.batch, self.latent, device=self.device, requires_grad=True)
        with torch.enable_grad(), _hooked(self.g, self._turn):
            self.out = self._call(self.z)

    def features(self, images: Tensor) -> Tensor:
        """Features (N, p) of float images (N, C, H, W), N ≤ batch, in G's own range: the layer nearest to the image first."""
        signal = torch.zeros_like(self.out)
        signal[: len(images)] = images
        self.kept.clear()
        torch.autograd.grad(self.out, self.z, signal, retain_graph=True, allow_unused=True)
        if not self.kept:
            raise NotReversible(f"{type(self.g).__name__} has no activation module before its last layer")
        return torch.cat([self.kept[place] for place in sorted(self.kept, reverse=True)], 1)[: len(images)]

    def _call(self, z: Tensor, state: dict[str, Tensor] | None = None) -> Tensor:
        inputs = (z, torch.zeros(len(z), dtype=torch.long, device=z.device)) if getattr(self.g, "num_classes", 0) else (z,)
        return self.g(*inputs) if state is None else functional_call(self.g, state, inputs)

    def _look(self) -> None:
        """One forward pass at z = 0: where the last layer with weights is, and what the gates before it give."""
        self.last, self.found_gates = -1, {}

        def note(module: nn.Module, x: Tensor, out: Tensor, place: int) -> None:
            if is_parametrised(module):
                self.last = place
            if _is_gate(module, x, out):
                self.found_gates[place] = out.detach().clone()

        with _hooked(self.g, note):
            self._call(torch.zeros(1, self.latent, device=self.device))
        self.found_gates = {place: value for place, value in self.found_gates.items() if place < self.last}

    def _turn(self, module: nn.Module, x: Tensor, out: Tensor, place: int) -> Tensor | None:
        if place in self.gates:
            return self.gates[place].to(out.dtype).expand_as(out)
        if not isinstance(module, ACTIVATIONS):
            return None
        return x if place > self.last else _Turned.apply(x, module, self.kept, place)  # after the last layer: the output's own

    def _is_affine(self) -> bool:
        """Whether f(a) + f(b) = f(a + b) + f(0) with activations as the identity, in float64 and far from zero."""
        state = {**dict(self.g.named_parameters()), **dict(self.g.named_buffers())}
        wide = {name: value.detach().double() if value.is_floating_point() else value for name, value in state.items()}
        draw = torch.Generator().manual_seed(0)
        a, b = (10 * torch.randn(2, self.latent, generator=draw, dtype=torch.float64).to(self.device) for _ in range(2))
        with torch.no_grad(), _hooked(self.g, self._turn):
            whole = self._call(torch.cat((a, b, a + b, torch.zeros_like(a))), wide)
        if not bool(whole.isfinite().all()):
            raise NotFinite("the generator's weights are not finite: there are no features. Look where its training diverged.")
        f_a, f_b, f_sum, f_zero = whole.chunk(4)
        return float((f_a + f_b - f_sum - f_zero).abs().max()) <= TOLERANCE * float(whole.abs().max())
