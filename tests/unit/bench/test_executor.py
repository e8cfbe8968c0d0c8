"""Workers side by side: crashes are rows, refusals are errors, deaths do not stop the others."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest
import torch

from ganzoo.bench import executor
from ganzoo.bench.executor import default_jobs, default_threads, run_all
from ganzoo.bench.plan import plan
from ganzoo.bench.run import execute
from ganzoo.bench.store import Store
from ganzoo.errors import UserError


def test_runs_side_by_side_all_finish(spec, store):
    heard = []
    outcome = run_all(plan(spec, None, "full", [0, 1]), store.root, jobs=2, threads=1, listen=lambda run, message: heard.append(message[0]))
    assert sorted((r["case"], r["seed"], r["status"]) for r in outcome.records) == [
        (case, seed, "finished") for case in ("short", "wide") for seed in (0, 1)
    ]
    assert heard.count("started") == heard.count("done") == 4 and not outcome.interrupted


def test_a_worker_that_dies_is_a_row_and_the_others_go_on(spec, store, monkeypatch):
    runs, victim = plan(spec, None, "full", [0, 1]), []

    def listen(run, message):
        if message[0] == "started" and not victim:
            victim.append(run)
            os.kill(children()[0], signal.SIGKILL)

    outcome = run_all(runs, store.root, jobs=1, threads=1, listen=listen)
    assert [r["error"]["type"] for r in outcome.crashed] == ["WorkerDied"]
    assert "exit code -9" in outcome.crashed[0]["error"]["message"]
    assert len(outcome.records) == 4
    again = run_all(runs, store.root, jobs=1, threads=1, retry=True)
    assert not again.crashed and len(again.records) == 4


def children() -> list[int]:
    return [child.pid for child in multiprocessing.active_children()]


def test_what_the_user_must_mend_is_raised_not_recorded(spec, store):
    run = plan(spec, ["short"], "full", [0])[0]
    folder = store.root / run.folder
    folder.mkdir(parents=True)
    (folder / "record.json").write_text("{ not json")
    with pytest.raises(UserError, match=r"tiny/short seed 0: record .*Delete it"):
        run_all([run], store.root, threads=1)


def test_cores_are_shared_out():
    cores = default_threads(1)
    assert default_threads(cores) == 1 and default_threads(10 * cores) == 1
    assert default_jobs("cpu", 100) == min(cores, 4) and default_jobs("cpu", 1) == 1 and default_jobs("cuda", 100) == 1


class Kaput(Exception):
    pass


@pytest.mark.timeout(100)
def test_a_listener_that_raises_leaves_no_worker_behind(spec, store):
    """At "done" the worker waits for its next run, where a signal alone does not wake it."""

    def listen(run, message):
        if message[0] == "done":
            raise Kaput

    with pytest.raises(Kaput):
        run_all(plan(spec, None, "full", [0, 1]), store.root, jobs=2, threads=1, listen=listen)
    assert children() == []


@pytest.mark.timeout(100)
def test_a_worker_that_does_not_stop_is_killed(monkeypatch):
    """One that is deaf to its pipe and to the signal."""
    monkeypatch.setattr(executor, "GRACE_SECONDS", 0.2)
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_be_deaf, args=(theirs,), daemon=True)
    process.start()
    assert ours.recv() == "deaf"
    executor._dismiss([executor._Worker(process, ours)])
    assert process.exitcode == -signal.SIGKILL


def _be_deaf(pipe) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pipe.send("deaf")
    while True:
        time.sleep(1)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="the system does not show a process' environment")
def test_idle_threads_of_a_worker_sleep_and_move_no_number(run_of, store, tmp_path, monkeypatch):
    for name in executor.WAIT_POLICY:
        monkeypatch.delenv(name, raising=False)
    before, told = dict(os.environ), []

    def listen(run, message):
        if message[0] == "done":
            told.extend(Path(f"/proc/{children()[0]}/environ").read_text().split("\0"))

    run_all([run_of("short")], store.root, threads=1, listen=listen)
    assert {"OMP_WAIT_POLICY=PASSIVE", "KMP_BLOCKTIME=0"} <= set(told)
    assert dict(os.environ) == before
    here = execute(run_of("short"), Store(tmp_path / "here"), torch.device("cpu"))
    assert store.record(run_of("short").folder)["weights"] == here["weights"]


@pytest.mark.parametrize("users", [{"OMP_WAIT_POLICY": "ACTIVE"}, {"KMP_BLOCKTIME": "5"}])
def test_how_threads_wait_is_left_as_the_user_set_it(monkeypatch, users):
    for name in executor.WAIT_POLICY:
        monkeypatch.delenv(name, raising=False)
    for name, value in users.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    with executor._passive_threads():
        assert dict(os.environ) == before
    assert dict(os.environ) == before
