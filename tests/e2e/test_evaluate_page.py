"""`ganzoo evaluate --page`: a run of digits under the authors' evaluator with a stand-in network, from the command line to the file."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ganzoo.commands.evaluation_page import departures
from ganzoo.metrics import protocols

NAME = "iyengar-2018@digits-cnn"


@pytest.fixture(scope="module")
def trained(tmp_path_factory, make_project) -> Path:
    root = make_project(tmp_path_factory.mktemp("page") / "project")
    command = [sys.executable, "-m", "ganzoo.cli", "run", "tiny/base", "--seeds", "1", "--threads", "1"]
    env = {**os.environ, "GANZOO_CACHE": str(root / "cache")}
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=240, env=env)
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture
def run(trained, monkeypatch) -> Path:
    """The run's folder, whole; its project is the current folder."""
    monkeypatch.chdir(trained)
    monkeypatch.setenv("GANZOO_CACHE", str(trained / "cache"))
    (record,) = trained.glob("results/tiny/base/*/record.json")
    return record.parent


def test_each_step_switched_off(ganzoo, run, trained, tmp_path):
    page = tmp_path / "made" / "steps.html"
    said = ganzoo("evaluate", "--fake", run, "--protocol", NAME, "--num-fake", 120, "--steps", "--page", page, "--json")
    assert (said.code, said.err) == (0, "")
    told, text = json.loads(said.out), page.read_text(encoding="utf-8")
    assert told["departures"]["extractor"] == ["torchvision-inception", "digits-cnn"] and told["departures"]["num_fake"] == [10240, 120]
    assert text.count("data:image/png") == 2 and text.count('class="effect"') == len(told["steps"]) * len(told["metrics"])
    assert "Stand-in network." in text and "120 samples, where iyengar-2018 takes 10,240" in text
    for step in ("without clipping", "without JPEG", "one range for both", "every real counts", "none of the steps"):
        assert step in text
    record = json.loads((run / "record.json").read_text())
    assert told["fake"]["key"] == record["key"] and told["fake"]["resolved"] == record["resolved"]
    assert told["fake"]["git"] == record["environment"]["git"]
    for machine in (str(trained), str(tmp_path), os.uname().nodename):
        assert machine not in said.out + text, "a page may be mailed: it names no folder and no host"


def test_its_command_measures_the_same_again(ganzoo, run, trained):
    first = json.loads(ganzoo("evaluate", "--fake", run, "--protocol", NAME, "--num-fake", 120, "--json").out)
    again = json.loads(ganzoo(*first["command"].split()[1:], "--json").out)
    assert again["metrics"] == first["metrics"] and again["command"] == first["command"]


def test_the_samples_are_what_the_protocol_sees(ganzoo, run, tmp_path):
    """Clipping leaves its mark: without the steps the first samples are other pictures."""
    page = tmp_path / "page.html"
    assert ganzoo("evaluate", "--fake", run, "--protocol", NAME, "--num-fake", 120, "--steps", "--page", page).code == 0
    seen, plain = re.findall(r'src="(data:image/png[^"]+)"', page.read_text())
    assert seen != plain
    assert ganzoo("evaluate", "--fake", run, "--protocol", "digits-cnn", "--num-fake", 120, "--page", page).code == 0
    assert re.findall(r'src="(data:image/png[^"]+)"', page.read_text()) == [plain]


def test_stored_images(ganzoo, run, tmp_path):
    name = tmp_path / "<img src=x onerror=alert(1)>.npy"
    np.save(name, np.random.default_rng(0).integers(0, 256, (60, 8, 8, 1), dtype=np.uint8))
    page = tmp_path / "stored.html"
    said = ganzoo("evaluate", "--fake", name, "--protocol", "digits-cnn", "--page", page)
    assert said.code == 0 and said.out.rstrip().endswith(f"page: {page}")
    text = page.read_text(encoding="utf-8")
    assert "<img src=x" not in text and "&lt;img src=x" in text and text.count("data:image/png") == 1
    assert "Without each step" not in text


@pytest.mark.parametrize("page", ["page.txt", "reports/index.html", "."])
def test_refused_before_anything_is_measured(ganzoo, run, page):
    said = ganzoo("evaluate", "--fake", run, "--protocol", "digits-cnn", "--page", page)
    assert said.code == 2 and "expected a file FILE.html" in said.err and said.out == ""


def test_the_index_lists_the_page(ganzoo, run, trained):
    assert ganzoo("evaluate", "--fake", run, "--protocol", NAME, "--num-fake", 120, "--page", "reports/ours.html").code == 0
    assert ganzoo("report", "tiny").code == 0
    index = (trained / "reports" / "index.html").read_text(encoding="utf-8")
    assert index.index('href="tiny.html"') < index.index('href="ours.html"') and f"protocol <code>{NAME}</code>" in index


def test_a_protocol_as_it_is_departs_from_nothing():
    for name in protocols.names():
        assert departures(protocols.get(name), generated=True, real_named=False) == {}
