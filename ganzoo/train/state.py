"""Everything a training is: networks, optimisers, streams and counters, built from a case and saved whole."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganzoo import models
from ganzoo.data import PairSet
from ganzoo.errors import CheckpointError
from ganzoo.recipes import Rule
from ganzoo.spec.schema import Case
from ganzoo.streams import derive, stream
from ganzoo.tensor_digest import digest_tensors
from ganzoo.train.batches import Batches
from ganzoo.train.checkpoint import flatten_optimiser, unflatten_optimiser
from ganzoo.train.ema import EMA
from ganzoo.train.log import LossLog
from ganzoo.train.pair_batches import PairBatches
from ganzoo.train.rules import build_optimisers, build_rule


def build_networks(case: Case, image: tuple[int, int, int], seed: int) -> tuple[nn.Module, nn.Module]:
    """G and D of a case on the CPU, their first weights drawn from the stream "init"; the global stream is left as it was."""
    cls = models.get(case.model.name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "init"))
        return cls.build(cls.Options(**case.model.options), case.model.latent.dim, image)


def build_batches(case: Case, images: Tensor | PairSet, seed: int) -> Batches | PairBatches:
    size, scale, layout = case.train.batch_size, case.data.range, case.train.channels_last
    if isinstance(images, Tensor):
        return Batches(images, size, scale, stream(seed, "data"), channels_last=layout)
    crop = case.data.resize if case.data.enlarge > 1 else None
    return PairBatches(
        images, size, scale, stream(seed, "data"), stream(seed, "augment"), crop=crop, flip=case.data.flip, channels_last=layout
    )


@dataclass
class State:
    """A training between two steps."""

    g: nn.Module
    d: nn.Module
    optimisers: dict[str, Optimizer]  # "g" and "d", or "both"
    rule: Rule
    ema: EMA | None
    batches: Batches | PairBatches
    latent: torch.Generator
    log: LossLog
    device: torch.device
    step: int = 0  # G steps done
    lr_share: float = 1.0  # of the optimisers' first learning rates, now

    @classmethod
    def fresh(cls, case: Case, images: Tensor | PairSet, seed: int, total_steps: int, device: torch.device) -> State:
        """A training before its first step. `images`: (M, C, H, W) uint8, or both sides of a translation; already on `device`."""
        batches = build_batches(case, images, seed)
        g, d = build_networks(case, batches.shape, seed)
        layout = torch.channels_last if case.train.channels_last else torch.contiguous_format
        g, d = g.to(device, memory_format=layout).train(), d.to(device, memory_format=layout).train()
        optimisers = build_optimisers(case, g, d)
        rule = build_rule(case, g, d, optimisers, batches.shape, seed)
        torch.manual_seed(derive(seed, "dropout"))  # dropout draws from torch's global stream; nothing else here does
        return cls(
            g=g,
            d=d,
            optimisers=optimisers,
            rule=rule,
            ema=EMA(g, case.train.ema) if case.train.ema else None,
            batches=batches,
            latent=stream(seed, "latent", device),
            log=LossLog(total_steps, case.train.log_every_steps, device, d_every=case.recipe.d_every, columns=rule.columns),
            device=device,
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
        return {"g": self.g, "d": self.d} | ({"ema": self.ema.net} if self.ema else {})

    def weights(self) -> dict[str, Tensor]:
        return {f"{name}.{key}": value for name, net in self.networks().items() for key, value in net.state_dict().items()}

    def weights_digest(self) -> str:
        """sha256 of all weights and buffers of G and D (and of the average, where there is one)."""
        return digest_tensors(self.weights())

    def pack(self) -> tuple[dict[str, Tensor], dict]:
        """Named tensors and JSON that `restore` needs."""
        tensors = {f"net/{name}": value for name, value in self.weights().items()}
        meta: dict = {"step": self.step}
        for name, optimiser in self._optimisers():
            state, meta[name] = flatten_optimiser(name, optimiser.state_dict())
            tensors |= state
        tensors |= {f"carried/{name}": value for name, value in self.rule.carried.items()}
        tensors |= {f"stream/{name}": generator.get_state() for name, generator in self.rule.streams.items()}
        tensors |= {f"batches/{key}": value for key, value in self.batches.state().items()}
        tensors |= {f"log/{key}": value for key, value in self.log.state().items()}
        tensors["stream/latent"] = self.latent.get_state()
        tensors["stream/global"] = torch.get_rng_state()
        if self.device.type == "cuda":
            tensors["stream/cuda"] = torch.cuda.get_rng_state(self.device)
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
            self.latent.set_state(tensors["stream/latent"])
            torch.set_rng_state(tensors["stream/global"])
            if self.device.type == "cuda":
                torch.cuda.set_rng_state(tensors["stream/cuda"], self.device)
        except (KeyError, RuntimeError, ValueError) as error:
            raise CheckpointError(f"the checkpoint is not of this run ({error}). Delete it to start this run afresh.") from error
        self.step = meta["step"]
        self.lr_share = math.nan  # whatever the optimisers came with: set anew before the next step
