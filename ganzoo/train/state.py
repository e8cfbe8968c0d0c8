"""Everything a training is: networks, optimisers, streams and counters, built from a case and saved whole."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer

from ganzoo import models
from ganzoo.errors import CheckpointError
from ganzoo.spec.schema import SGD as SGDSettings
from ganzoo.spec.schema import Case
from ganzoo.streams import derive, stream
from ganzoo.tensor_digest import digest_tensors
from ganzoo.train.batches import Batches
from ganzoo.train.checkpoint import flatten_optimiser, unflatten_optimiser
from ganzoo.train.ema import EMA
from ganzoo.train.log import LossLog


def build_networks(case: Case, image: tuple[int, int, int], seed: int) -> tuple[nn.Module, nn.Module]:
    """G and D of a case on the CPU, their first weights drawn from the stream "init"; the global stream is left as it was."""
    cls = models.get(case.model.name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "init"))
        return cls.build(cls.Options(**case.model.options), case.model.latent.dim, image)


def build_optimiser(params, settings, *, fused: bool) -> Optimizer:
    if isinstance(settings, SGDSettings):
        return SGD(params, lr=settings.lr, momentum=settings.momentum, fused=fused)
    return Adam(params, lr=settings.lr, betas=settings.betas, eps=settings.eps, fused=fused)


@dataclass
class State:
    """A training between two steps."""

    g: nn.Module
    d: nn.Module
    opt_g: Optimizer
    opt_d: Optimizer
    ema: EMA | None
    batches: Batches
    latent: torch.Generator
    log: LossLog
    device: torch.device
    step: int = 0  # G steps done

    @classmethod
    def fresh(cls, case: Case, images: Tensor, seed: int, total_steps: int, device: torch.device) -> State:
        """A training before its first step. `images` (M, C, H, W) uint8, already on `device`."""
        g, d = build_networks(case, tuple(images.shape[1:]), seed)
        layout = torch.channels_last if case.train.channels_last else torch.contiguous_format
        g, d = g.to(device, memory_format=layout).train(), d.to(device, memory_format=layout).train()
        torch.manual_seed(derive(seed, "dropout"))  # dropout draws from torch's global stream; nothing else here does
        return cls(
            g=g,
            d=d,
            opt_g=build_optimiser(g.parameters(), case.optim.g, fused=case.optim.fused),
            opt_d=build_optimiser(d.parameters(), case.optim.d, fused=case.optim.fused),
            ema=EMA(g, case.train.ema) if case.train.ema else None,
            batches=Batches(images, case.train.batch_size, case.data.range, stream(seed, "data"), channels_last=case.train.channels_last),
            latent=stream(seed, "latent", device),
            log=LossLog(total_steps, case.train.log_every_steps, device, d_every=case.recipe.d_every),
            device=device,
        )

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
        for name, optimiser in (("opt_g", self.opt_g), ("opt_d", self.opt_d)):
            state, meta[name] = flatten_optimiser(name, optimiser.state_dict())
            tensors |= state
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
            for name, optimiser in (("opt_g", self.opt_g), ("opt_d", self.opt_d)):
                optimiser.load_state_dict(unflatten_optimiser(name, tensors, meta[name]))
            self.batches.restore({key: tensors[f"batches/{key}"] for key in ("epoch_start", "position")})
            self.log.restore({key: tensors[f"log/{key}"] for key in ("losses",)}, meta["step"])
            self.latent.set_state(tensors["stream/latent"])
            torch.set_rng_state(tensors["stream/global"])
            if self.device.type == "cuda":
                torch.cuda.set_rng_state(tensors["stream/cuda"], self.device)
        except (KeyError, RuntimeError, ValueError) as error:
            raise CheckpointError(f"the checkpoint is not of this run ({error}). Delete it to start this run afresh.") from error
        self.step = meta["step"]
