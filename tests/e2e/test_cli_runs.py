"""The command line from outside: runs, verdicts, reports, blessings, crashes, interruptions."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def finished(tmp_path_factory, make_project) -> tuple[Path, subprocess.CompletedProcess]:
    """A project after `ganzoo run tiny`, and what that printed. Tests must not change it."""
    root = make_project(tmp_path_factory.mktemp("finished") / "project")
    command = [sys.executable, "-m", "ganzoo.cli", "run", "tiny", "--threads", "1"]
    return root, subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=240)


@pytest.fixture
def in_finished(finished, monkeypatch) -> Path:
    monkeypatch.chdir(finished[0])
    return finished[0]


def test_run_ends_with_verdicts_and_the_report(finished):
    root, done = finished
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert re.search(r"^\s*C1\s+(holds|contradicted|inconclusive)", done.stdout, re.MULTILINE)
    last = done.stdout.splitlines()[-1]
    assert last == "report: reports/tiny.html"
    assert "<html" in (root / "reports" / "tiny.html").read_text()
    assert len(list(root.glob("results/tiny/*/*/record.json"))) == 4  # 2 cases, 2 seeds


def test_what_is_finished_is_not_run_again(ganzoo, in_finished):
    def times() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in in_finished.rglob("results/**/*") if path.is_file() and path.name != ".lock"}

    before = times()
    assert ganzoo("run", "tiny/base").code == 0
    assert len(before) >= 4 and times() == before


def test_compare_json(ganzoo, in_finished):
    judged = json.loads(ganzoo("compare", "tiny", "--json").out)
    (claim,) = judged["claims"]
    records = [json.loads(path.read_text()) for path in in_finished.glob("results/tiny/*/*/record.json")]
    measured: dict[str, dict] = {"wide": {}, "base": {}}
    for record in records:
        measured[record["case"]][str(record["seed"])] = record["evaluations"][-1]["metrics"]["frechet"]
    assert claim["values"] == measured
    assert claim["n"] == {"wide": 2, "base": 2}
    assert "permutation" in claim["test"] and len(claim["interval"]) == 2
    assert isinstance(json.loads(ganzoo("compare", "--json").out), list)


def test_compare_needs_records(ganzoo, project):
    said = ganzoo("compare", "tiny")
    assert said.code == 2 and "no records" in said.err and "ganzoo run tiny" in said.err


def test_compare_refuses_a_corrupt_record(ganzoo, in_finished, tmp_path):
    folder = tmp_path / "results" / "tiny" / "base" / "0123456789ab-s0"
    folder.mkdir(parents=True)
    (folder / "record.json").write_text('{"schema": 1')
    said = ganzoo("compare", "tiny", "--results", tmp_path / "results")
    assert said.code == 2 and "record.json" in said.err and "Traceback" not in said.err


def test_report_of_one_tier(ganzoo, in_finished, tmp_path):
    said = ganzoo("report", "tiny", "--out", tmp_path / "pages")
    assert said.out.split() == [str(tmp_path / "pages" / "tiny.html"), str(tmp_path / "pages" / "index.html")]
    assert ganzoo("report", "tiny", "--tier", "smoke", "--out", tmp_path / "none").code == 2
    assert not (tmp_path / "none").exists()


def test_bless_then_compare_the_blessed(ganzoo, finished, project):
    results = finished[0] / "results"
    said = ganzoo("bless", "tiny", "--reason", "a test", "--results", results)
    assert said.code == 0, said
    measured = json.loads((project / "reference_results" / "measured" / "tiny.json").read_text())
    assert measured["blessings"][0]["reason"] == "a test" and len(measured["records"]) == 4
    fresh = json.loads(ganzoo("compare", "tiny", "--results", results, "--json").out)["claims"]
    assert json.loads(ganzoo("compare", "tiny", "--measured", "--json").out)["claims"] == fresh


def test_bless_refuses(ganzoo, finished, edit, project, tmp_path):
    measured = project / "reference_results" / "measured"
    assert ganzoo("bless", "tiny").code == 2
    assert "--reason is empty" in ganzoo("bless", "tiny", "--reason", " ").err
    assert "no runs of tiny" in ganzoo("bless", "tiny", "--reason", "x").err
    results = tmp_path / "results"
    source = next((finished[0] / "results").glob("tiny/base/*/record.json"))
    copy = results / "tiny" / "base" / source.parent.name / "record.json"
    copy.parent.mkdir(parents=True)
    for status in ("crashed", "partial"):
        copy.write_text(json.dumps(json.loads(source.read_text()) | {"status": status}))
        said = ganzoo("bless", "tiny", "--reason", "x", "--results", results)
        assert said.code == 2 and f"is {status}" in said.err
    copy.write_text(source.read_text())
    edit(lambda spec: spec["base"]["train"].update(batch_size=32))
    said = ganzoo("bless", "tiny", "--reason", "x", "--results", results)
    assert said.code == 2 and "train.batch_size" in said.err
    assert not measured.exists()


def test_a_crash_is_a_row_and_the_others_go_on(ganzoo, edit, project, monkeypatch):
    nets = project / "broken_nets.py"
    nets.write_text(
        "from ganzoo.models.mlp import MLPGAN\n"
        "class Broken(MLPGAN):\n"
        "    @staticmethod\n"
        "    def build(options, latent, image):\n"
        "        g, d = MLPGAN.build(options, latent, image)\n"
        "        g.forward = lambda z: 1 / 0\n"
        "        return g, d\n"
    )
    monkeypatch.syspath_prepend(str(project))
    edit(lambda spec: spec["cases"]["wide"].update({"model.name": "broken_nets:Broken"}))
    said = ganzoo("run", "tiny", "--seeds", "1", "--threads", "1")
    assert said.code == 1, said
    assert "crashed: tiny/wide seed 0: ZeroDivisionError" in said.out and "report: reports/tiny.html" in said.out
    statuses = {path.parts[-3]: json.loads(path.read_text())["status"] for path in project.glob("results/tiny/*/*/record.json")}
    assert statuses == {"base": "finished", "wide": "crashed"}
    said = ganzoo("bless", "tiny", "--reason", "x")
    assert said.code == 2 and "tiny/wide seed 0 is crashed" in said.err


def test_run_refuses_a_corrupt_checkpoint(ganzoo, finished, project):
    source = next((finished[0] / "results").glob("tiny/base/*-s0"))
    copy = project / "results" / source.relative_to(finished[0] / "results")
    copy.mkdir(parents=True)
    (copy / "checkpoint.safetensors").write_bytes((source / "checkpoint.safetensors").read_bytes()[:-100])
    said = ganzoo("run", "tiny/base", "--seeds", "1", "--threads", "1")
    assert said.code == 2 and "checkpoint" in said.err and "Traceback" not in said.err, said


def test_interrupt_says_how_to_go_on(edit, project):
    edit(lambda spec: spec["base"]["train"].update(epochs=100_000))
    command = [sys.executable, "-m", "ganzoo.cli", "run", "tiny/base", "--seeds", "1", "--threads", "1"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        end = time.monotonic() + 240
        while not list(project.glob("results/tiny/base/*/record.json")) and time.monotonic() < end:
            time.sleep(0.05)
        assert list(project.glob("results/tiny/base/*/record.json")), "the run did not get going"
        os.killpg(running.pid, signal.SIGINT)
        out, err = running.communicate(timeout=120)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
    assert running.returncode == 130, (out, err)
    assert "The same command goes on where it stopped" in out and "Traceback" not in err
