"""Workers side by side: crashes are rows, refusals are errors, deaths do not stop the others."""

from __future__ import annotations

import os
import signal

import pytest

from ganzoo.bench.executor import default_jobs, default_threads, run_all
from ganzoo.bench.plan import plan
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
    import multiprocessing

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
