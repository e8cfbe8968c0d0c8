"""Named random streams: each use of chance has its own generator, derived from the seed and its name.

What one part draws never moves another: more evaluations, another batch order or dropout leave the rest as it was.
"""

from __future__ import annotations

import hashlib

import torch


def derive(seed: int, name: str) -> int:
    """A 63-bit seed for the stream `name` of run `seed`: the head of sha256("seed:name")."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:8], "big") >> 1


def stream(seed: int, name: str, device: torch.device | str = "cpu") -> torch.Generator:
    """A fresh generator at the start of stream `name`."""
    return torch.Generator(device=device).manual_seed(derive(seed, name))


def fill_latent(z: torch.Tensor, dist: str, generator: torch.Generator) -> torch.Tensor:
    """Refill z (N, latent) in place: "normal" N(0, 1) or "uniform" U(-1, 1) per entry."""
    return z.normal_(generator=generator) if dist == "normal" else z.uniform_(-1.0, 1.0, generator=generator)
