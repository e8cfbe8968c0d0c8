"""From a case's settings to its optimisers and its update rule."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer

from ganzoo.recipes import (
    Alternating,
    Balance,
    Informed,
    PairedAlternating,
    PairedSelf,
    Rule,
    SelfTrained,
    StatisticsNetwork,
    UnpairedAlternating,
    UnpairedSelf,
)
from ganzoo.spec.schema import SGD as SGDSettings
from ganzoo.spec.schema import Adam as AdamSettings
from ganzoo.spec.schema import Case
from ganzoo.streams import derive, stream


def build_optimiser(params: Iterable[nn.Parameter], settings, *, fused: bool) -> Optimizer:
    if isinstance(settings, SGDSettings):
        return SGD(params, lr=settings.lr, momentum=settings.momentum, fused=fused)
    return Adam(params, lr=settings.lr, betas=settings.betas, eps=settings.eps, fused=fused)


def build_optimisers(case: Case, g: nn.Module, d: nn.Module) -> dict[str, Optimizer]:
    """{"g", "d"}, or {"both"} where the rule has one for both networks."""
    fused = case.optim.fused
    if case.recipe.name == "self":
        return {"both": build_optimiser([*g.parameters(), *d.parameters()], case.optim.g, fused=fused)}
    return {
        name: build_optimiser(net.parameters(), settings, fused=fused)
        for name, net, settings in (("g", g, case.optim.g), ("d", d, case.optim.d))
    }


def build_rule(case: Case, g: nn.Module, d: nn.Module, optimisers: dict[str, Optimizer], image: tuple[int, int, int], seed: int) -> Rule:
    """The case's rule on these networks, before its first step; `image` (C, H, W) is the shape of a fake."""
    recipe, device = case.recipe, next(g.parameters()).device
    layout = torch.channels_last if case.train.channels_last else torch.contiguous_format

    def autocast():
        return torch.autocast(device.type, torch.bfloat16, enabled=case.train.precision == "bf16")

    def zeros() -> Tensor:
        return torch.zeros(case.train.batch_size, *image, device=device).to(memory_format=layout)

    turns = {"loss": recipe.loss, "d_weight": recipe.d_weight, "autocast": autocast}
    together = {"balance": Balance(recipe.loss, recipe.balance, recipe.form, recipe.shares, recipe.shards), "autocast": autocast}
    cycle = {
        "lambda_cycle": recipe.lambda_cycle, "lambda_identity": recipe.lambda_identity, "buffer": recipe.buffer,
        "one_buffer": recipe.one_buffer, "stream": stream(seed, "buffer"),
    }  # fmt: skip
    g_first, alone = recipe.order == "g-first", recipe.name == "self"
    match case.data.name:
        case "pairs" if alone:
            pair = {"lambda_pixel": recipe.lambda_pixel, "previous": zeros(), "previous_source": zeros()}
            return PairedSelf(g, d, optimisers["both"], **together, **pair)
        case "pairs":
            return PairedAlternating(g, d, optimisers["g"], optimisers["d"], **turns, lambda_pixel=recipe.lambda_pixel, g_first=g_first)
        case "domains" if alone:
            return UnpairedSelf(g, d, optimisers["both"], **together, **cycle, like=zeros())
        case "domains":
            return UnpairedAlternating(g, d, optimisers["g"], optimisers["d"], **turns, **cycle, like=zeros())
        case _ if alone:
            return SelfTrained(g, d, optimisers["both"], **together, previous=zeros())
    plain = turns | {"fresh_z": recipe.fresh_z, "g_first": g_first, "ortho_g": recipe.ortho_g, "ortho_d": recipe.ortho_d}
    if not recipe.mine.weight:
        return Alternating(g, d, optimisers["g"], optimisers["d"], **plain)
    return Informed(g, d, optimisers["g"], optimisers["d"], **plain, **_information(case, math.prod(image), seed, device))


def _information(case: Case, image_size: int, seed: int, device: torch.device) -> dict:
    """What the rule `Informed` has of its own: the statistics network, its first weights from the stream "init/mine", and its optimiser."""
    mine = case.recipe.mine
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "init/mine"))
        t = StatisticsNetwork(image_size, mine.code or case.model.latent.dim, mine.hidden).to(device)
    settings = AdamSettings(name="adam", lr=mine.lr, betas=mine.betas)
    opt_t = build_optimiser(t.parameters(), settings, fused=case.optim.fused)
    return {"statistics": t, "opt_t": opt_t, "weight": mine.weight, "rate": mine.rate, "clip": mine.clip}


def lr_share(case: Case, step: int, per_epoch: int) -> float:
    """The learning rates' share of what they began with, in the step after `step` G steps: constant through an epoch.

    1 up to epoch `lr_decay_from`, then linearly down to 0 at the end (Zhu et al. 2017, §7.1).
    """
    start = case.train.lr_decay_from
    if start is None:
        return 1.0
    return 1.0 - max(0, step // per_epoch - start) / (case.train.epochs - start)
