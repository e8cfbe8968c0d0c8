"""The benchmarks of the training step at a size of a few steps: what they time, when they decline, and how a record is reduced."""

from __future__ import annotations

import importlib.util
import json
import shutil
import time
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

from ganzoo.bench.catalogue import load_checked
from ganzoo.bench.plan import plan
from ganzoo.layers import NearestThenConv

pytest_plugins = ["pytester"]

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"throughput_{path.parent.name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def bench(monkeypatch) -> ModuleType:
    module = loaded(BENCHMARKS / "bench_throughput.py")
    monkeypatch.setattr(module, "ROUNDS", 3)
    monkeypatch.setattr(module, "STEPS", 2)
    return module


@pytest.fixture
def run(tmp_path, write_tiny_spec):
    write_tiny_spec(tmp_path / "tiny.yaml", {"base": {"train.epochs": 50, "eval.every_epochs": 50, "source": {"assumed": "a test"}}})
    return plan(load_checked(tmp_path / "tiny.yaml"), None, "full", [0])[0]


def test_a_session_waits_while_the_other_side_has_its_turn(bench, run, tmp_path):
    turns = []

    def other(count: int) -> None:
        turns.append(count)
        time.sleep(0.3)

    ours, theirs = bench.session(run, other, tmp_path / "results")
    assert turns == [2] * 5  # three rounds, one to warm up, one to close
    assert len(ours) == len(theirs) == 3
    assert max(ours) < 0.3 <= min(theirs)


def test_a_session_that_evaluates_meanwhile_is_no_measurement(bench, run, tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "ROUNDS", 200)  # more than its 250 steps
    with pytest.raises(AssertionError, match="something else than steps"):
        bench.session(run, lambda count: None, tmp_path / "results")


def test_sides_take_turns_at_going_first(bench):
    order = []
    ours, theirs = bench.alternate(lambda count: order.append("a"), lambda count: order.append("b"))
    assert "".join(order) == "ab" + "abbaab"
    assert len(ours) == len(theirs) == 3


def test_beside_other_workers_they_decline(pytester):
    names = [f"bench_{name}.py" for name in loaded(BENCHMARKS / "records" / "throughput.py").BENCHES]
    for name in names:
        shutil.copy(BENCHMARKS / name, pytester.path)
    arguments = ("-p", "no:cacheprovider", "-o", "python_functions=bench_*", "--strict-markers", "-rs", *names, "-n", "1")
    result = pytester.runpytest_subprocess(*arguments, timeout=120)
    result.assert_outcomes(skipped=sum((BENCHMARKS / name).read_text().count("\ndef bench_") for name in names))
    result.stdout.fnmatch_lines(["*beside other workers*"])


class Benchmark:
    """Stands for pytest-benchmark's fixture."""

    def __init__(self):
        self.extra_info = {}

    def pedantic(self, target):
        return target()


def test_the_ratio_is_the_median_of_the_rounds(bench):
    benchmark = Benchmark()
    assert bench.ratio_of(benchmark, "ours_over_bare", lambda: ([1.0, 2.0, 9.0], [1.0, 1.0, 1.0])) == 2.0
    assert benchmark.extra_info == {
        "ours_seconds_for_2_steps": {"min": 1.0, "median": 2.0, "max": 9.0},
        "bare_seconds_for_2_steps": {"min": 1.0, "median": 1.0, "max": 1.0},
        "ours_over_bare": 2.0,
    }


def test_the_three_sides_of_the_self_step_take_turns(monkeypatch):
    module, order, benchmark = loaded(BENCHMARKS / "bench_self.py"), [], Benchmark()
    pace, clock = {"self": 2.0, "two_step": 4.0, "plain": 3.0}, [0.0]

    def side(name: str):
        def steps(count: int) -> None:
            order.append(name[0])
            clock[0] += count * pace[name]

        return steps

    monkeypatch.setattr(module, "ROUNDS", 3)
    monkeypatch.setattr(module, "noise", lambda side: None)
    monkeypatch.setattr(module, "ours", lambda model, rule, images: side(rule))
    monkeypatch.setattr(module, "plain", lambda model, images: side("plain"))
    monkeypatch.setattr(module.time, "perf_counter", lambda: clock[0])
    assert module.measure(benchmark, "selfgan-dense") == (0.5, 1.5)
    assert "".join(order) == "stp" + "stp" + "tps" + "pst"
    assert benchmark.extra_info["self_over_two_step"] == 0.5 and benchmark.extra_info["plain_over_self"] == 1.5
    assert benchmark.extra_info["plain_seconds_for_20_steps"] == {"min": 60.0, "median": 60.0, "max": 60.0}


@pytest.mark.parametrize("cost, gain", [(1.11, 2.0), (1.0, 1.29)])
def test_both_pairs_of_the_self_step_are_held_to_both_bounds(monkeypatch, cost, gain):
    module = loaded(BENCHMARKS / "bench_self.py")
    monkeypatch.setattr(module, "measure", lambda benchmark, model: (cost, gain))
    for bench in (module.bench_dense_pair, module.bench_conv_pair):
        with pytest.raises(AssertionError, match="expected at"):
            bench(Benchmark())


def test_the_plain_conv_generator_is_the_same_function_in_the_authors_layers():
    module = loaded(BENCHMARKS / "bench_self.py")
    g, _ = module.build_networks(module.mnist_case("selfgan-conv", "self"), (1, 32, 32), 0)
    written, z = module.as_written(g), torch.randn(4, module.LATENT, generator=torch.Generator().manual_seed(0))
    kinds = [type(layer) for layer in written.modules()]
    assert NearestThenConv not in kinds
    assert [after for before, after in pairwise(kinds) if before is nn.Upsample] == [nn.Conv2d, nn.Conv2d]
    torch.testing.assert_close(written(z), g(z), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("model", ["selfgan-dense", "selfgan-conv"])
def test_the_plain_self_step_trains_g_as_written(monkeypatch, model):
    module, made = loaded(BENCHMARKS / "bench_self.py"), []
    as_written = module.as_written
    monkeypatch.setattr(module, "IMAGES", module.BATCH)
    monkeypatch.setattr(module, "as_written", lambda g: made.append(as_written(g)) or made[0])
    step = module.plain(model, module.noise(module.SIDES[model]))
    weights = [weight for weight in made[0].parameters() if weight.dim() > 1]  # of dense layers and convolutions
    before = [weight.detach().clone() for weight in weights]
    step(1)
    assert not any(torch.equal(old, new) for old, new in zip(before, weights, strict=True))


def test_the_record_keeps_the_ratios_and_names_no_machine(pytester, monkeypatch):
    for variable in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID"):
        monkeypatch.delenv(variable, raising=False)  # beside which pytest-benchmark measures nothing
    pytester.makepyfile("def test_x(benchmark):\n    benchmark.extra_info['a_over_b'] = 2.0\n    benchmark.pedantic(lambda: None)")
    pytester.runpytest_subprocess("-p", "no:cacheprovider", "--benchmark-json=raw.json", timeout=120).assert_outcomes(passed=1)
    raw = json.loads((pytester.path / "raw.json").read_text())
    raw["machine_info"]["node"] = "somebodys-machine"
    record = loaded(BENCHMARKS / "records" / "throughput.py").reduced(raw, "python benchmarks/records/throughput.py")
    assert record["benchmarks"] == [{"name": "test_x", "a_over_b": 2.0}]
    assert set(json.loads((BENCHMARKS / "records" / "throughput.json").read_text())) <= set(record)
    assert record["cores"] and record["python"] and record["when"] and record["commit"]
    assert "somebodys-machine" not in json.dumps(record)
