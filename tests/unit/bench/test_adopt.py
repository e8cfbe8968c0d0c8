"""A run of equal key under another name is taken over."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ganzoo.bench import run as run_module
from ganzoo.bench.run import Hooks, execute
from ganzoo.bench.store import Store
from ganzoo.bench.worker import work_on

CPU = torch.device("cpu")


def worked(run, store: Store) -> dict:
    return work_on(run, store, CPU, lambda _: None, retry=False)


def named(run, case: str):
    """The same run as another spec would have it."""
    (stop,) = run.stops.values()
    return replace(run, spec="other", case=case, stops={case: stop})


def test_a_finished_one_is_not_trained_again(run_of, store, monkeypatch):
    first = worked(run_of("short"), store)
    monkeypatch.setattr("ganzoo.train.batches.Batches.next", lambda *_: pytest.fail("trained again"))
    monkeypatch.setattr(run_module, "evaluate", lambda *_: pytest.fail("measured again"))
    again = worked(named(run_of("short"), "brief"), store)
    assert (again["spec"], again["case"], again["cases"], again["status"]) == ("other", "brief", {"brief": 2}, "finished")
    assert again["weights"] == first["weights"] and again["evaluations"] == first["evaluations"]
    assert (store.root / named(run_of("short"), "brief").folder / again["evaluations"][-1]["samples"]).is_file()
    assert store.record(run_of("short").folder) == first, "the first one is only read"


def test_one_that_was_interrupted_is_gone_on_with(run_of, store, tmp_path):
    asked = iter(range(1, 100))
    execute(run_of("long"), store, CPU, Hooks(interrupted=lambda: next(asked) >= 7, checkpoint_seconds=1e9))
    again = worked(named(run_of("long"), "other-long"), store)
    assert again["weights"] == execute(run_of("long"), Store(tmp_path / "whole"), CPU)["weights"]
    log = (store.root / named(run_of("long"), "other-long").folder / "log.txt").read_text()
    assert "taken over from there" in log and "resumed at step 7 of 20" in log


def test_another_key_is_another_run(run_of, store):
    worked(run_of("short"), store)
    other = replace(named(run_of("short"), "brief"), key=run_of("short").key[:12] + "0" * 52)
    assert worked(other, store)["key"] == other.key, "a shared head of the key is not enough"


def test_a_run_of_another_kind_of_device_is_left_alone(run_of, store):
    """Its streams are of another kind: the checkpoint would be refused."""
    first = worked(run_of("short"), store)
    store.write_record(run_of("short").folder, {**first, "environment": {**first["environment"], "device": "cuda"}})
    assert worked(named(run_of("short"), "brief"), store)["status"] == "finished"
    assert "taken over" not in (store.root / named(run_of("short"), "brief").folder / "log.txt").read_text()


def test_a_damaged_record_is_passed_over(run_of, store):
    worked(run_of("short"), store)
    (store.root / run_of("short").folder / "record.json").write_text("{")
    assert worked(named(run_of("short"), "brief"), store)["status"] == "finished"
