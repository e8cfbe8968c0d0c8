"""A run that two processes share: its record, its resumption to the last bit, and how it ends where a rank does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ganzoo.bench.catalogue import load_checked
from ganzoo.bench.plan import plan
from ganzoo.bench.ranks import check_devices, launch
from ganzoo.bench.run import Hooks, execute
from ganzoo.bench.store import Store
from ganzoo.bench.worker import work_on
from ganzoo.errors import UserError

CPU = torch.device("cpu")
SHARED = {"train.ranks": 2, "model.name": "troubled_nets:Troubled", "source": {"assumed": "a test"}}
NETS = """
import os, signal
from pathlib import Path
from ganzoo.models.mlp import MLPGAN

class Trouble:
    calls = 0

    def __call__(self, module, arguments):
        self.calls += 1
        trigger = Path(os.environ["TROUBLE"])
        if self.calls == 300 and trigger.exists():
            kind = trigger.read_text()
            trigger.unlink()
            if kind == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise ArithmeticError("kaput")

class Troubled(MLPGAN):
    @staticmethod
    def build(options, latent, image):
        g, d = MLPGAN.build(options, latent, image)
        if os.environ.get("RANK") == "1":
            d.register_forward_pre_hook(Trouble())
        return g, d
"""


@pytest.fixture
def trouble(tmp_path, monkeypatch) -> Path:
    """A file that, once there, says how rank 1 is to end in about its 150th step: "kill" or "raise"; read once."""
    folder = tmp_path / "nets"
    folder.mkdir()
    (folder / "troubled_nets.py").write_text(NETS)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("TROUBLE", str(tmp_path / "trouble"))
    return tmp_path / "trouble"


def left_behind(trouble: Path) -> list[str]:
    """Ranks, their torchrun and their worker, which know this test by their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"TROUBLE={trouble}" in (process / "environ").read_text(errors="replace").split("\0"):
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return [command for command in found if "resource_tracker" not in command]  # this process' own


@pytest.mark.timeout(400)
def test_interrupted_then_killed_then_resumed_equals_undisturbed(tmp_path, write_tiny_spec, trouble):
    path = tmp_path / "tiny.yaml"
    write_tiny_spec(path, {"two": {**SHARED, "train.epochs": 100, "train.ema": 0.9, "eval.every_epochs": 20}})
    (run,) = plan(load_checked(path), None, "full", [0])
    whole = execute(run, Store(tmp_path / "whole"), CPU, Hooks(), launch)
    assert whole["status"] == "finished" and whole["resolved"]["train"]["ranks"] == 2

    store, seen, lines = Store(tmp_path / "results"), [], []
    stopped = Hooks(progress=lambda step, total: seen.append(step), interrupted=lambda: bool(seen), log=lines.append)
    assert execute(run, store, CPU, stopped, launch)["status"] == "partial"
    assert any("500 steps of 64 among 2 ranks" in line for line in lines)

    trouble.write_text("kill")
    crashed = work_on(run, store, CPU, lambda message: None, retry=True)
    assert crashed["status"] == "crashed" and 0 < len(crashed["evaluations"]) < len(whole["evaluations"])
    assert crashed["error"]["type"] == "RankDied" and crashed["error"]["message"].startswith("rank 1 of 2: ")
    assert not left_behind(trouble)

    resumed = work_on(run, store, CPU, lambda message: None, retry=True)
    assert "resumed at step" in (store.root / run.folder / "log.txt").read_text()
    assert (resumed["status"], resumed["weights"], resumed["losses"]) == ("finished", whole["weights"], whole["losses"])
    assert [(e["step"], e["weights"], e["metrics"]) for e in resumed["evaluations"]] == [
        (e["step"], e["weights"], e["metrics"]) for e in whole["evaluations"]
    ]


@pytest.mark.timeout(300)
def test_a_rank_that_raises_ends_the_run_as_a_row(ganzoo, edit, project, trouble):
    edit(lambda spec: spec["cases"]["wide"].update({**SHARED, "train.epochs": 60}))
    trouble.write_text("raise")
    said = ganzoo("run", "tiny/wide", "--seeds", "1", "--threads", "2")
    assert said.code == 1, said
    assert "crashed: tiny/wide seed 0: ArithmeticError: rank 1 of 2: kaput" in said.out
    (log,) = project.glob("results/tiny/wide/*/log.txt")
    assert "troubled_nets.py" in log.read_text()
    assert not left_behind(trouble)


def test_fewer_gpus_than_ranks_are_told_before_anything_is_written(tmp_path, write_tiny_spec, trouble, monkeypatch):
    write_tiny_spec(tmp_path / "tiny.yaml", {"two": SHARED})
    runs = plan(load_checked(tmp_path / "tiny.yaml"), None, "full", [0])
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(UserError, match=r"tiny/two has train.ranks 2, one GPU each, but 1 are here. Expected 2"):
        check_devices(runs, "cuda")
    with pytest.raises(UserError, match=r"--device cuda:0 names one. Expected --device cuda"):
        check_devices(runs, "cuda:0")
    check_devices(runs, "cpu")
