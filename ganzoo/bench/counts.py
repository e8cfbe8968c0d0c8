"""Parameters and arithmetic of a case."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ganzoo.bench.sides import two_sided
from ganzoo.spec.schema import Case
from ganzoo.train.rules import build_rule
from ganzoo.train.state import build_networks


def parameters(net: nn.Module) -> int:
    """Trainable parameters."""
    return sum(p.numel() for p in net.parameters() if p.requires_grad)


def parameters_of(case: Case, image: tuple[int, int, int]) -> dict[str, int]:
    """{"generator", "discriminator"} of a case on images (C, H, W). Built without memory behind the weights, however many they are."""
    try:
        with torch.device("meta"):
            g, d = build_networks(case, image, seed=0)
    except Exception as error:
        if "meta" not in str(error):  # torch names the device where a model wants real numbers while it is built
            raise
        g, d = build_networks(case, image, seed=0)
    return {"generator": parameters(g), "discriminator": parameters(d)}


def flops_per_step(case: Case, g: nn.Module, d: nn.Module, image: tuple[int, int, int]) -> int:
    """Floating point operations of one whole step, forward and backward (matrix products and convolutions; 2 a multiply-add).

    Where D rests in some steps, the mean of a step.

    Counted on copies, so that nothing of the training moves.
    """
    device = next(g.parameters()).device
    g, d = copy.deepcopy(g), copy.deepcopy(d)
    still = torch.optim.SGD([*g.parameters(), *d.parameters()], lr=0.0)
    rule = build_rule(case, g, d, dict.fromkeys(("g", "d", "both"), still), image, seed=0)
    x = torch.zeros(case.train.batch_size, *image, device=device)
    z = torch.zeros(case.train.batch_size, case.model.latent.dim, device=device)
    told = torch.zeros(case.train.batch_size, dtype=torch.long, device=device)
    reals, noise = ((x, told), (z, told)) if case.model.num_classes else ((x, x) if two_sided(case) else x, z)

    def counted(d_steps: int) -> int:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), FlopCounterMode(display=False) as counter:
            rule.step(lambda: reals, lambda: noise, d_steps)
        return counter.get_total_flops()

    whole, every = counted(case.recipe.d_steps), case.recipe.d_every
    return whole if every == 1 else (whole + (every - 1) * counted(0)) // every
