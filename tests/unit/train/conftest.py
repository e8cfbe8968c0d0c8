"""A small training that takes milliseconds a step, on one thread: bits must not depend on how many cores the machine has."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import torch
from small_case import SMALL
from torch import Tensor

from ganzoo.spec.schema import Case


@pytest.fixture(autouse=True)
def one_thread():
    """And the global stream back where it was."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        yield
    torch.set_num_threads(threads)


@pytest.fixture
def make_case() -> Callable[..., Case]:
    """make_case({"train.ema": 0.9, …}) → the small case with these settings changed; a model's options go without checks."""

    def make(changes: dict | None = None) -> Case:
        tree = json.loads(json.dumps(SMALL))
        for path, value in (changes or {}).items():
            *parents, last = path.split(".")
            node = tree
            for part in parents:
                node = node.setdefault(part, {})
            node[last] = value
        return Case.model_validate_json(json.dumps(tree))

    return make


@pytest.fixture
def images() -> Tensor:
    """40 grey images of 8x8, all different: two batches of 16 an epoch, eight left over."""
    return torch.randint(0, 256, (40, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
