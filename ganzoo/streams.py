"""Named random streams: each use of chance has its own generator, derived from the seed and its name.

What one part draws never moves another: more evaluations, another batch order or dropout leave the rest as it was.
"""

from __future__ import annotations

import hashlib
import math

import torch


def derive(seed: int, name: str) -> int:
    """A 63-bit seed for the stream `name` of run `seed`: the head of sha256("seed:name")."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:8], "big") >> 1


def stream(seed: int, name: str, device: torch.device | str = "cpu") -> torch.Generator:
    """A fresh generator at the start of stream `name`."""
    return torch.Generator(device=device).manual_seed(derive(seed, name))


def fill_latent(z: torch.Tensor, dist: str, generator: torch.Generator, truncation: float | None = None) -> torch.Tensor:
    """Refill z (N, latent) in place: "normal" N(0, 1) or "uniform" U(-1, 1) per entry.

    truncation: threshold t > 0. Entries have the law that remains when one with |z_i| > t is drawn again until it is not (Brock et al.
    2019, §3.1), found by inverting its distribution function, which needs no second draw; the same draws serve every threshold.
    """
    if truncation is None:
        return z.normal_(generator=generator) if dist == "normal" else z.uniform_(-1.0, 1.0, generator=generator)
    u = torch.rand(z.shape, generator=generator, device=z.device, dtype=torch.float64)
    if dist == "uniform":
        limit = min(truncation, 1.0)
        return z.copy_((2 * u - 1) * limit)
    below = 0.5 * math.erfc(truncation / math.sqrt(2))  # Φ(-t)
    return z.copy_(torch.special.ndtri(below + u * (1 - 2 * below))).clamp_(-truncation, truncation)
