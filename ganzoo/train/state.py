"""Everything a training is: networks, optimisers, streams and counters, built from a case and saved whole."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

from ganzoo import models
from ganzoo.data import PairSet
from ganzoo.errors import CheckpointError, SpecError
from ganzoo.layers import recompute_blocks
from ganzoo.recipes import Rule
from ganzoo.spec.schema import Case
from ganzoo.streams import derive, stream
from ganzoo.tensor_digest import digest_tensors
from ganzoo.train.batches import Batches
from ganzoo.train.checkpoint import flatten_optimiser, unflatten_optimiser
from ganzoo.train.distributed import ALONE, PartBatches, Ranks, suffix, synchronised
from ganzoo.train.ema import EMA
from ganzoo.train.log import LossLog
from ganzoo.train.pair_batches import PairBatches
from ganzoo.train.rules import build_optimisers, build_rule


def build_networks(case: Case, image: tuple[int, int, int], seed: int) -> tuple[nn.Module, nn.Module]:
    """G and D of a case on the CPU, their first weights drawn from the stream "init"; the global stream is left as it was.

    SpecError where activation checkpointing or synchronised batch norm is asked for and no layer can.
    """
    cls = models.get(case.model.name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "init"))
        g, d = cls.build(cls.Options(**case.model.options), case.model.latent.dim, image)
    if case.train.activation_checkpointing and not recompute_blocks(g) + recompute_blocks(d):
        raise SpecError(
            f"train.activation_checkpointing is true, but model '{case.model.name}' has no residual or attention blocks here: "
            "expected false, or a model that has them: biggan, sagan, dcgan with attention."
        )
    if case.train.sync_batchnorm and not any(isinstance(layer, _BatchNorm) for net in (g, d) for layer in net.modules()):
        raise SpecError(f"train.sync_batchnorm is true, but model '{case.model.name}' has no batch norm here: expected false.")
    return g, d


def build_batches(
    case: Case, images: Tensor | PairSet, seed: int, labels: Tensor | None = None, ranks: Ranks = ALONE
) -> Batches | PairBatches:
    size, scale, layout = case.train.batch_size, case.data.range, case.train.channels_last
    if isinstance(images, Tensor):
        told = labels if case.model.num_classes else None
        if ranks.size > 1:
            return PartBatches(images, size, scale, stream(seed, "data"), channels_last=layout, labels=told, ranks=ranks)
        return Batches(images, size, scale, stream(seed, "data"), channels_last=layout, labels=told)
    crop = case.data.resize if case.data.enlarge > 1 else None
    return PairBatches(
        images, size, scale, stream(seed, "data"), stream(seed, "augment"), crop=crop, flip=case.data.flip, channels_last=layout
    )


@dataclass
class State:
    """A training between two steps."""

    g: nn.Module
    d: nn.Module
    optimisers: dict[str, Optimizer]  # "g" and "d", or "both"; and the rule's own
    rule: Rule
    ema: EMA | None
    batches: Batches | PairBatches
    latent: torch.Generator
    labels: torch.Generator  # of the fakes; drawn from where the networks are told classes
    log: LossLog
    device: torch.device
    step: int = 0  # G steps done
    lr_share: float = 1.0  # of the optimisers' first learning rates, now
    ranks: Ranks = ALONE
    averaged: int = 0  # steps whose logged losses are means over ranks

    @classmethod
    def fresh(
        cls, case: Case, images: Tensor | PairSet, seed: int, total_steps: int, device: torch.device, labels: Tensor | None = None,
        ranks: Ranks = ALONE,
    ) -> State:  # fmt: skip
        """A training before its first step. `images`: (M, C, H, W) uint8, or both sides of a translation; already on `device`.

        `labels` (M,) int64, likewise, where the networks are told classes. Of several `ranks`, each is to build its own: from the same
        first weights and the same order of images, with z, labels and dropout of its own.
        """
        if ranks.size != case.train.ranks:
            raise ValueError(f"train.ranks is {case.train.ranks}, but {ranks.size} processes train: expected as many")
        batches = build_batches(case, images, seed, labels, ranks)
        g, d = build_networks(case, batches.shape, seed)
        if case.train.sync_batchnorm:
            g, d = synchronised(g), synchronised(d)
        layout = torch.channels_last if case.train.channels_last else torch.contiguous_format
        g, d = g.to(device, memory_format=layout).train(), d.to(device, memory_format=layout).train()
        optimisers = build_optimisers(case, g, d)
        rule = build_rule(case, g, d, optimisers, batches.shape, seed)
        optimisers = optimisers | dict(rule.optimisers)
        for optimiser in optimisers.values():
            ranks.join_gradients(optimiser)
        own = ranks.suffix
        torch.manual_seed(derive(seed, "dropout" + own))  # dropout draws from torch's global stream; nothing else here does
        return cls(
            g=g,
            d=d,
            optimisers=optimisers,
            rule=rule,
            ema=EMA(g, case.train.ema) if case.train.ema else None,
            batches=batches,
            latent=stream(seed, "latent" + own, device),
            labels=stream(seed, "labels" + own, device),
            log=LossLog(total_steps, case.train.log_every_steps, device, d_every=case.recipe.d_every, columns=rule.columns),
            device=device,
            ranks=ranks,
        )

    def _optimisers(self) -> list[tuple[str, Optimizer]]:
        return [(f"opt_{name}", optimiser) for name, optimiser in self.optimisers.items()]

    @property
    def evaluated(self) -> nn.Module:
        """G as evaluations see it: averaged if the case keeps an average."""
        return self.ema.net if self.ema else self.g

    def set_learning_rates(self, share: float) -> None:
        """`share` of those that the optimisers began with."""
        if share == self.lr_share:
            return
        for optimiser in self.optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = optimiser.defaults["lr"] * share
        self.lr_share = share

    def networks(self) -> dict[str, nn.Module]:
        return {"g": self.g, "d": self.d} | ({"ema": self.ema.net} if self.ema else {}) | dict(self.rule.networks)

    def weights(self) -> dict[str, Tensor]:
        return {f"{name}.{key}": value for name, net in self.networks().items() for key, value in net.state_dict().items()}

    def weights_digest(self) -> str:
        """sha256 of all weights and buffers of G and D (and of the average and the rule's own networks, where there are any)."""
        return digest_tensors(self.weights())

    def _own_streams(self) -> dict[str, Tensor]:
        """Where the streams stand that every rank has of its own."""
        states = {"latent": self.latent.get_state(), "labels": self.labels.get_state(), "global": torch.get_rng_state()}
        return states | ({"cuda": torch.cuda.get_rng_state(self.device)} if self.device.type == "cuda" else {})

    def average_losses(self) -> None:
        """Collective: the losses logged since the last time become means over ranks, as one process would have logged them."""
        if self.ranks.size > 1 and self.averaged < self.step:
            self.ranks.average_(self.log.losses[self.averaged : self.step])
        self.averaged = self.step

    def pack(self) -> tuple[dict[str, Tensor], dict]:
        """Named tensors and JSON that `restore` needs. Collective: rank 0's networks, which differ from the others' in running batch
        statistics alone, and the streams of all."""
        streams = self.ranks.gather(self._own_streams())
        self.average_losses()
        tensors = {f"net/{name}": value for name, value in self.weights().items()}
        meta: dict = {"step": self.step}
        for name, optimiser in self._optimisers():
            state, meta[name] = flatten_optimiser(name, optimiser.state_dict())
            tensors |= state
        tensors |= {f"carried/{name}": value for name, value in self.rule.carried.items()}
        tensors |= {f"stream/{name}": generator.get_state() for name, generator in self.rule.streams.items()}
        tensors |= {f"batches/{key}": value for key, value in self.batches.state().items()}
        tensors |= {f"log/{key}": value for key, value in self.log.state().items()}
        tensors |= {f"stream/{name}{suffix(rank)}": state for rank, own in enumerate(streams) for name, state in own.items()}
        return tensors, meta

    def restore(self, tensors: dict[str, Tensor], meta: dict) -> None:
        """Continue where `pack` was called; bit-exact on the same machine, device and thread count. CheckpointError on another device."""
        made = "cuda" if "stream/cuda" in tensors else "cpu"
        if made != self.device.type:  # their streams differ in kind: it would be another training from here on
            raise CheckpointError(
                f"the checkpoint was made on {made}, expected one made on {self.device.type}. "
                f"Go on with --device {made}, or delete it to start this run afresh on {self.device.type}."
            )
        try:
            for name, net in self.networks().items():
                prefix = f"net/{name}."
                net.load_state_dict({key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)})
            for name, optimiser in self._optimisers():
                optimiser.load_state_dict(unflatten_optimiser(name, tensors, meta[name]))
            for name, value in self.rule.carried.items():
                value.copy_(tensors[f"carried/{name}"])
            for name, generator in self.rule.streams.items():
                generator.set_state(tensors[f"stream/{name}"])
            self.batches.restore({key: tensors[f"batches/{key}"] for key in self.batches.state()})
            self.log.restore({key: tensors[f"log/{key}"] for key in ("losses",)}, meta["step"])
            own = self.ranks.suffix
            self.latent.set_state(tensors[f"stream/latent{own}"])
            self.labels.set_state(tensors[f"stream/labels{own}"])
            torch.set_rng_state(tensors[f"stream/global{own}"])
            if self.device.type == "cuda":
                torch.cuda.set_rng_state(tensors[f"stream/cuda{own}"], self.device)
        except (KeyError, RuntimeError, ValueError) as error:
            raise CheckpointError(f"the checkpoint is not of this run ({error}). Delete it to start this run afresh.") from error
        self.step = self.averaged = meta["step"]
        self.lr_share = math.nan  # whatever the optimisers came with: set anew before the next step
