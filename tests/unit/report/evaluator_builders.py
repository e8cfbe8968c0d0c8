"""What `ganzoo evaluate --json` says of an imagined generator under `iyengar-2018@cifar10-cnn`, and pictures of its samples."""

from __future__ import annotations

import numpy as np

from ganzoo.report.samples import Strip, strip

METRICS = {"frechet": 100.0, "kid": 2.5, "is": 4.0, "modes": 10}
STEPS = {
    "negative half not clipped": METRICS | {"frechet": 60.0, "is": 5.0},
    "no JPEG": METRICS | {"frechet": 100.25},
    "reals and fakes in one range": METRICS | {"frechet": 110.0},
    "no channel shift": METRICS | {"frechet": 99.0, "kid": 2.25},
    "all reals": METRICS,
    "none of them": METRICS | {"frechet": 50.0, "is": 5.5, "kid": 2.0},
}
NAME = "iyengar-2018@cifar10-cnn"
LABELS = {
    "frechet": f"classifier Fréchet distance ({NAME})",
    "kid": f"classifier kernel distance ({NAME})",
    "is": f"classifier score ({NAME})",
}


def measured(*, steps: bool = True, stored: str | None = None, departures: dict | None = None) -> dict:
    """Of a run's generator, or of the images stored at a path."""
    run = {
        "run": "demo/original", "seed": 3, "step": 3900, "tier": "full", "key": "a" * 64, "weights": "b" * 64, "git": "c" * 40,
        "git_dirty": None, "resolved": {"model": {"name": "mlp-gan", "hidden_g": [8, 8]}, "train": {"epochs": 10}},
    }  # fmt: skip
    fake = run if stored is None else {"path": stored, "digest": "d" * 64}
    return {
        "protocol": {
            "name": NAME,
            "hash": "e" * 64,
            "fields": {"name": NAME, "extractor": "cifar10-cnn", "weights": "f" * 64, "jpeg": 75, "real_count": None},
            "labels": LABELS | {"modes": "classes reached"},
        },
        "real": {"pack": "cifar10-jpeg", "name": "zip", "split": "train", "digest": "0" * 64, "count": 49984},
        "fake": fake | {"count": 10240},
        "metrics": METRICS,
        "warnings": [{"code": "odd", "message": "2 of 64 features are constant"}],
        "departures": {"extractor": ["torchvision-inception", "cifar10-cnn"]} if departures is None else departures,
        "command": f"ganzoo evaluate --fake results/demo/original/{'a' * 12}-s3 --protocol {NAME} --steps",
        "made": {"when": "2026-11-21T05:00:00Z", "ganzoo": "0.1.0", "git": "c" * 40, "git_dirty": None, "torch": "2.15.0"},
    } | ({"steps": STEPS} if steps else {})


def pictures() -> list[Strip]:
    noise = np.random.default_rng(0).integers(0, 256, (8, 3, 32, 32), dtype=np.uint8)
    return [strip(f"as {NAME} sees them: negative half clipped, JPEG, quality 75", noise // 2), strip("as they are", noise)]
