"""`biggan`: parameters, by a formula of their own and against Brock et al.'s Table 1; what a step keeps in memory."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
import torch
from torch import nn

from ganzoo import models
from ganzoo.bench.counts import parameters

MODEL = models.get("biggan")
SCRIPT = Path(__file__).parents[3] / "benchmarks" / "records" / "biggan_memory.py"
# Channels in units of ch, typed from Brock et al. 2019, Table 4, and BigGAN-PyTorch's G_arch and D_arch.
GENERATORS = {32: [4, 4, 4, 4], 64: [16, 16, 8, 4, 2], 128: [16, 16, 8, 4, 2, 1]}
DISCRIMINATORS = {32: ([4, 4, 4, 4], 2), 64: ([1, 2, 4, 8, 16], 4), 128: ([1, 2, 4, 8, 16, 16], 5)}  # after each block; how many halve


def count(latent: int = 120, side: int = 128, channels: int = 3, **options) -> tuple[int, int]:
    """Of G and of D; shapes alone."""
    with torch.device("meta"):
        return tuple(parameters(net) for net in MODEL.build(MODEL.Options(**options), latent, (channels, side, side)))


def attention(channels: int) -> int:
    """Query, key to C/8, value to C/2, back to C, and gamma."""
    return 2 * channels * (channels // 8) + 2 * channels * (channels // 2) + 1


def by_formula(ch: int, classes: int, latent: int, *, shared: bool, chunks: bool, side: int = 128) -> tuple[int, int]:
    """Convolutions and dense layers with biases; conditional norms without."""
    widths = [ch * unit for unit in GENERATORS[side]]
    start = latent // len(widths) if chunks else latent
    told = (128 if shared else classes) + (start if chunks else 0)
    g = (start + 1) * 16 * widths[0] + (128 * classes if shared else 0) + 2 * widths[-1] + (9 * widths[-1] + 1) * 3
    for a, b in zip(widths[:-1], widths[1:], strict=True):
        g += (9 * a + 1) * b + (9 * b + 1) * b + (a + 1) * b + 2 * told * (a + b)
    units, halvings = DISCRIMINATORS[side]
    widths_d = [3, *(ch * unit for unit in units)]
    d = widths_d[-1] + 1 + classes * widths_d[-1]
    for i, (a, b) in enumerate(zip(widths_d[:-1], widths_d[1:], strict=True)):
        d += (9 * a + 1) * b + (9 * b + 1) * b + ((a + 1) * b if i < halvings or a != b else 0)
    if side > 32:
        g, d = g + attention(widths[-2]), d + attention(widths_d[1])
    return g, d


@pytest.mark.parametrize("side", GENERATORS)
@pytest.mark.parametrize(("shared", "chunks"), [(False, False), (True, False), (True, True), (False, True)])
def test_counts_are_those_of_a_formula(side, shared, chunks):
    options = {"ch": 8, "num_classes": 7, "shared_embedding": shared, "hierarchical_z": chunks}
    assert count(side=side, **options) == by_formula(8, 7, 120, shared=shared, chunks=chunks, side=side)


# Brock et al. 2019, Table 1, the column of parameters in millions: ImageNet at 128x128, 1,000 classes, G and D together.
UNSHARED = {"shared_embedding": False, "hierarchical_z": False}
TABLE_1 = {
    "ch 64": (81.5, 128, {"ch": 64, **UNSHARED}),
    "ch 96": (173.5, 128, {"ch": 96, **UNSHARED}),
    "ch 96, shared": (160.6, 128, {"ch": 96, "hierarchical_z": False}),
    "ch 96, shared, skip-z": (158.3, 120, {"ch": 96}),
    "ch 64, shared, skip-z": (71.3, 120, {"ch": 64}),
}


@pytest.mark.parametrize(("stated", "latent", "options"), TABLE_1.values(), ids=list(TABLE_1))
def test_table_1_of_the_original_to_its_last_digit(stated, latent, options):
    """z of 128 entries, and of 120 where it is cut in six; the table of shared embeddings, 1000 x 128, is not among their parameters."""
    total = sum(count(latent, num_classes=1000, **options))
    if options.get("shared_embedding", True):
        total -= 1000 * 128
    assert round(total / 1e6, 1) == stated


def test_width_by_half_more_than_doubles_the_parameters():
    """I6: 81.5 M to 173.5 M, within 0.1 M as they stand, with nothing taken off."""
    small, large = (sum(count(128, num_classes=1000, ch=ch, **UNSHARED)) / 1e6 for ch in (64, 96))
    assert abs(small - 81.5) < 0.1 and abs(large - 173.5) < 0.1
    assert large / small > 2


def test_what_classes_and_the_codes_layout_cost():
    g, d = count()
    assert count(num_classes=1000)[1] - d == 1000 * 16 * 64
    again, embedded = count(layout="code")[1], 2 * (9 * 64 + 1) * 64 + (64 + 1) * 64  # one block of ch to ch
    unpooled = 2 * (64 + 1) * 8 + (64 + 1) * 64 + 1
    assert again == d - attention(64) + embedded + unpooled


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("biggan_memory", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_counter_counts_each_storage_once(script):
    """ReLU keeps its output, which the linear layer after it keeps, too; the first one keeps x."""
    net = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 3))
    x = torch.randn(11, 5)
    assert script.Kept(net).during(lambda: net(x)).bytes == 4 * 11 * (5 + 7)


@pytest.fixture(scope="module")
def counted(script) -> dict[str, dict[str, int]]:
    """ch 64, 128x128, batch 64, fp32, 1,000 classes; shapes alone, so that the size costs no time."""
    return {"kept": script.count(again=False), "activation_checkpointing": script.count(again=True)}


@pytest.mark.parametrize("way", ["kept", "activation_checkpointing"])
def test_a_step_fits_on_a_card_of_24_gb(counted, way):
    """And the record beside the script says what is counted now."""
    told = counted[way]
    assert json.loads(SCRIPT.with_name("biggan-memory.json").read_text())["bytes"][way] == told
    assert told["weights"] == 4 * sum(count(num_classes=1000))
    assert told["weights"] * 4 < told["peak"] < 24e9


def test_activation_checkpointing_keeps_less(counted):
    plain, again = counted.values()
    assert again["g_update"] < 0.5 * plain["g_update"] and again["d_update"] < 0.75 * plain["d_update"]
    assert {name: again[name] for name in ("weights", "adam", "buffers")} == {name: plain[name] for name in ("weights", "adam", "buffers")}
