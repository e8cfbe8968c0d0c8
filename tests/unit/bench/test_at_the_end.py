"""What only a case's last evaluation measures: truncated samples and the probe."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ganzoo.bench import run as run_module
from ganzoo.bench.events import FINDERS
from ganzoo.bench.plan import Run
from ganzoo.bench.probing import check_probe
from ganzoo.bench.reach import reached
from ganzoo.bench.run import Hooks, execute
from ganzoo.bench.store import Store
from ganzoo.errors import SpecError
from ganzoo.metrics.encode import NotFinite
from ganzoo.metrics.probe import PROBES
from ganzoo.spec import metric_names

CPU = torch.device("cpu")


def asking(run: Run, **settings) -> Run:
    """The same run, with settings of `eval` changed."""
    case = run.resolved.model_copy(update={"eval": run.resolved.eval.model_copy(update=settings)})
    return replace(run, resolved=case, key=("e" * 64))


@pytest.fixture
def run(run_of) -> Run:
    return asking(run_of("short"), truncations=[1.0, 0.5], probe=True)


def test_the_last_evaluation_has_them_and_no_other(run, store):
    first, last = execute(run, store, CPU)["evaluations"]
    assert "truncated" not in first and not set(PROBES) & set(first["metrics"])
    assert [one["threshold"] for one in last["truncated"]] == [1.0, 0.5]
    assert set(last["truncated"][0]["metrics"]) == set(first["metrics"])
    assert last["truncated"][0]["metrics"]["frechet"] != last["truncated"][1]["metrics"]["frechet"]
    assert set(PROBES) <= set(last["metrics"]) and all(0 <= last["metrics"][name] <= 1 for name in PROBES)
    assert last["metrics"]["probe_pixels"] > 0.7, "digits are easy"


def test_they_move_no_weight_and_no_other_number(run, run_of, store, tmp_path):
    with_them, without = execute(run, store, CPU), execute(run_of("short"), Store(tmp_path / "without"), CPU)
    assert with_them["weights"] == without["weights"]
    plain = without["evaluations"][-1]["metrics"]
    assert {name: with_them["evaluations"][-1]["metrics"][name] for name in plain} == plain


def test_interrupted_and_resumed_they_are_the_same(run, store, tmp_path):
    asked = iter(range(1, 100))
    execute(run, store, CPU, Hooks(interrupted=lambda: next(asked) >= 7, checkpoint_seconds=1e9))
    whole = execute(run, Store(tmp_path / "whole"), CPU)
    resumed = execute(run, store, CPU)["evaluations"][-1]
    assert (resumed["metrics"], resumed["truncated"]) == (whole["evaluations"][-1]["metrics"], whole["evaluations"][-1]["truncated"])


def test_an_end_without_them_is_no_end(run, store):
    record = execute(run, store, CPU)
    assert reached(record, run)
    del record["evaluations"][-1]["truncated"]
    assert not reached(record, run)


def test_a_longer_case_measures_them_at_its_own_end_too(run, run_of, store):
    execute(run, store, CPU)
    longer = replace(asking(run_of("long"), truncations=[1.0, 0.5], probe=True), case=run.case)
    entries = execute(longer, store, CPU)["evaluations"]
    assert [("truncated" in entry, "probe_d" in entry["metrics"]) for entry in entries] == [
        (False, False), (True, True), (False, False), (True, True),
    ]  # fmt: skip


def test_a_diverged_d_costs_the_probe_and_nothing_else(run, store, monkeypatch):
    def diverged(*_):
        raise NotFinite("D's features are not finite")

    monkeypatch.setattr(run_module, "probe_case", diverged)
    last = execute(run, store, CPU)["evaluations"][-1]
    assert last["metrics"]["frechet"] > 0 and len(last["truncated"]) == 2
    assert all(last["metrics"][name] is None for name in PROBES)


def test_the_names_are_the_spec_s():
    """Claims name them without torch at hand."""
    assert set(PROBES) == set(metric_names.PROBES)
    assert set(FINDERS) == set(metric_names.EVENTS)


def test_the_probe_wants_labels_and_a_test_split(run):
    data = run.resolved.data
    alone = run.resolved.model_copy(update={"data": data.model_copy(update={"classes": ["3"]})})
    with pytest.raises(SpecError, match="tiny/short: eval.probe needs labelled images, but digits has 1 class. Set eval.probe: false."):
        check_probe(alone, "tiny/short")
    nowhere = run.resolved.model_copy(update={"data": data.model_copy(update={"name": "folder", "path": "nowhere"})})
    with pytest.raises(SpecError, match="eval.probe is tested on the data's split 'test'.*Or set eval.probe: false."):
        check_probe(nowhere, "tiny/short")
    tested = run.resolved.model_copy(update={"data": data.model_copy(update={"split": "test"})})
    with pytest.raises(SpecError, match="Set data.split: train."):
        check_probe(tested, "tiny/short")
