"""The tiny spec, planned and stored."""

from __future__ import annotations

import pytest
import torch

from ganzoo.bench.catalogue import load_checked
from ganzoo.bench.plan import plan
from ganzoo.bench.store import Store


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def spec(tmp_path, write_tiny_spec):
    """Cases `short` (2 epochs) and `long` (4) on one trajectory, `wide` on its own."""
    path = tmp_path / "tiny.yaml"
    source = {"assumed": "a test"}
    write_tiny_spec(
        path,
        {"short": {}, "long": {"train.epochs": 4, "source": source}, "wide": {"model.hidden_g": [16], "source": source}},
    )
    return load_checked(path)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results")


@pytest.fixture
def run_of(spec):
    """The one run that covers the given cases."""

    def find(*cases: str, seed: int = 0):
        (run,) = plan(spec, list(cases), "full", [seed])
        return run

    return find
