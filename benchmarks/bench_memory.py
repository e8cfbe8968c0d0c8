"""Peak memory of an evaluation as large as the published ones: 50,000 fakes with 2048 features and 1008 logits each.

    pytest benchmarks/bench_memory.py            # a few minutes on 2 cores

In a process of its own, so that its peak is its own. The network is a random projection of small images to features as wide as Inception's:
what is streamed, kept and compared is the same, the network's own memory (some 0.3 GB for Inception) is added to the bound.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

FAKES, REALS = 50_000, 50_000
MOST_MB = 2000
INCEPTION_MB = 300  # weights 95 MB, twice while they are folded, and the activations of a piece of 16 images

SCRIPT = """
import json, resource, sys
from dataclasses import replace

import torch
from torch import nn

from ganzoo.metrics import extractors, protocols
from ganzoo.metrics.extractors.base import Extractor, unit
from ganzoo.metrics.measure import measure
from ganzoo.metrics.reals import reals_for


def small_network(device):
    torch.manual_seed(0)
    wide, head = nn.Linear(192, 2048), nn.Linear(2048, 1008)

    def network(x):
        features = wide(x.flatten(1)).relu()
        return features, head(features)

    facts = {"channels": 3, "size": (8, 8), "dim": 2048, "classes": 1008, "chunk": 16, "preprocessing": "x / 255"}
    return Extractor("tf-inception", "00", **facts, network=network, before=unit)


fakes, reals = int(sys.argv[1]), int(sys.argv[2])
extractors.load = lambda name, device="cpu": small_network(device)
protocol = replace(protocols.get("tf-inception"), num_fake=fakes)
images = torch.randint(0, 256, (reals, 3, 8, 8), dtype=torch.uint8)
real_side = reals_for(protocol, images=images)
found = measure(protocol, real_side, torch.randint(0, 256, (fakes, 3, 8, 8), dtype=torch.uint8).split(1000), "cpu")
print(json.dumps({"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "metrics": found.metrics}))
"""


@pytest.mark.timeout(0)
def bench_memory_of_50k(tmp_path, monkeypatch, record_property):
    """Peak resident memory, the interpreter and torch themselves included."""
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path))
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(FAKES), str(REALS)], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    record_property("peak_mb", found["peak_mb"])
    print(f"peak {found['peak_mb']:.0f} MB, and {INCEPTION_MB} MB for the network")
    assert found["metrics"]["frechet"] > 0 and found["peak_mb"] + INCEPTION_MB < MOST_MB
