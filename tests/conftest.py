"""Shared by all tests: a spec that trains in a fraction of a second, on the embedded digits with networks of a few units."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

ADAM = {"name": "adam", "lr": 1e-3, "betas": [0.5, 0.999]}
BASE = {
    "model": {"name": "mlp-gan", "latent": {"dim": 4, "dist": "normal"}, "hidden_g": [8], "hidden_d": [8], "dropout_d": 0.3},
    "data": {"name": "digits", "range": [-1, 1], "limit": 320},
    "optim": {"g": ADAM, "d": ADAM},
    "train": {"batch_size": 64, "epochs": 2, "log_every_steps": 2},
    "eval": {"protocol": "digits-cnn", "num_fake": 200, "num_select": 50, "every_epochs": 1},
}


def write_spec(path: Path, cases: dict, **more) -> None:
    spec = {
        "document": path.stem,
        "title": "tiny",
        "base": BASE,
        "cases": cases,
        "sources": {part: {"assumed": "a test"} for part in BASE},
        "seeds": [0, 1],
        "claims": [],
        **more,
    }
    path.write_text("# tiny\n" + json.dumps(spec, indent=1))


@pytest.fixture(scope="session")
def write_tiny_spec() -> Callable[..., None]:
    """write(path, cases, **top_level_keys)"""
    return write_spec
