"""SIGKILL and Ctrl-C at any moment: the same command goes on, and ends in the same weights as an undisturbed run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CODE = """
import sys
from pathlib import Path
from ganzoo.bench.catalogue import load_checked
from ganzoo.bench.executor import run_all
from ganzoo.bench.plan import plan

if __name__ == "__main__":
    outcome = run_all(plan(load_checked(Path(sys.argv[1])), None, "full", [0]), Path(sys.argv[2]), threads=1)
    sys.exit(130 if outcome.interrupted else 0)
"""


@pytest.fixture(scope="module")
def spec(tmp_path_factory, write_tiny_spec) -> Path:
    path = tmp_path_factory.mktemp("spec") / "tiny.yaml"
    write_tiny_spec(path, {"long": {"train.epochs": 60, "source": {"assumed": "a test"}}})
    return path


def start(spec: Path, results: Path) -> subprocess.Popen:
    script = results.parent / "drive.py"
    script.write_text(CODE)
    return subprocess.Popen([sys.executable, str(script), str(spec), str(results)], start_new_session=True)


def record(results: Path) -> dict:
    (path,) = results.glob("tiny/long/*/record.json")
    return json.loads(path.read_text())


def wait_for_evaluations(results: Path, at_least: int) -> None:
    end = time.monotonic() + 200
    while time.monotonic() < end:
        if list(results.glob("tiny/long/*/record.json")) and len(record(results)["evaluations"]) >= at_least:
            return
        time.sleep(0.005)
    raise AssertionError("the run did not get going")


@pytest.fixture(scope="module")
def undisturbed(spec, tmp_path_factory) -> dict:
    results = tmp_path_factory.mktemp("whole") / "results"
    assert start(spec, results).wait(240) == 0
    return record(results)


@pytest.mark.parametrize("evaluations", [1, 10, 30])
def test_killed_and_resumed(spec, undisturbed, tmp_path, evaluations):
    results = tmp_path / "results"
    process = start(spec, results)
    wait_for_evaluations(results, evaluations)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert record(results)["status"] == "partial"
    assert start(spec, results).wait(240) == 0
    assert record(results)["weights"] == undisturbed["weights"]
    assert record(results)["losses"] == undisturbed["losses"]
    assert not list(results.rglob("*.part"))


def test_interrupted_and_resumed(spec, undisturbed, tmp_path):
    results = tmp_path / "results"
    process = start(spec, results)
    wait_for_evaluations(results, 3)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(240) == 130
    assert record(results)["status"] == "partial"
    assert start(spec, results).wait(240) == 0
    assert record(results)["weights"] == undisturbed["weights"]
