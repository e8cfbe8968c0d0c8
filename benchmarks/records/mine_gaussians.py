"""Estimate the mutual information of Gaussians, where it is known, and keep the outcome beside this file.

    python benchmarks/records/mine_gaussians.py      # mine-gaussians.json: about two minutes on one core

x and z have d entries each, every pair of entries correlated by rho: I = -d/2 ln(1 - rho²) nats. A statistics network ascends the
Donsker-Varadhan bound on 20,000 samples and is read off on as many fresh ones, each x with 20 other samples' z for the marginals.
With 20 entries the bound stays well below the truth: a network of this size overfits 20,000 samples, and no bound from n pairs tells
much more than log n nats.
"""

from __future__ import annotations

import json
import math
import platform
import sys
import time
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.recipes.mutual_information import estimate

KEPT = Path(__file__).parent / "mine-gaussians.json"
DIMS, RHOS, SEEDS = (1, 2, 5, 20), (0.0, 0.3, 0.5, 0.9), (0, 1, 2)
SAMPLES, SHIFTS = 20_000, 20
SETTINGS = {"hidden": [64, 64], "steps": 2000, "batch_size": 256, "lr": 2e-3, "rate": 0.01}


def gaussians(dim: int, rho: float, seed: int) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    x, noise = (torch.randn(SAMPLES, dim, generator=draw) for _ in range(2))
    return x, rho * x + math.sqrt(1 - rho**2) * noise


def row(dim: int, rho: float) -> dict:
    """One law, every seed: its own samples, fresh samples, first weights and order."""
    begun = time.process_time()
    found = [
        estimate(*gaussians(dim, rho, 1000 + seed), gaussians(dim, rho, 2000 + seed), shifts=SHIFTS, seed=seed, **SETTINGS)
        for seed in SEEDS
    ]
    return {
        "dim": dim,
        "rho": rho,
        "closed_form": round(abs(dim / 2 * math.log(1 - rho**2)), 4),
        "estimates": [round(one, 4) for one in found],
        "cpu_seconds_per_estimate": round((time.process_time() - begun) / len(SEEDS), 2),
    }


def main() -> int:
    torch.set_num_threads(1)
    rows = []
    for dim in DIMS:
        for rho in RHOS:
            rows.append(row(dim, rho))
            print(json.dumps(rows[-1]), flush=True)
    about = {
        "command": "python benchmarks/records/mine_gaussians.py",
        "unit": "nats",
        "samples": SAMPLES,
        "fresh_samples": SAMPLES,
        "marginal_pairs": SAMPLES * SHIFTS,
        "seeds": list(SEEDS),
        "settings": SETTINGS,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "threads": 1,
    }
    body = ",\n  ".join(json.dumps(one) for one in rows)
    KEPT.write_text(json.dumps(about, indent=1).removesuffix("\n}") + f',\n "rows": [\n  {body}\n ]\n}}\n', encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
