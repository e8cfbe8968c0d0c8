"""What the README promises, and what an installed copy brings along."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import typer

from ganzoo import cli

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def code_blocks(text: str, language: str) -> list[str]:
    return [block.partition("\n")[2] for block in text.split("```")[1::2] if block.partition("\n")[0] == language]


def test_ci_runs_the_readmes_test_command():
    (command,) = [line for block in code_blocks(README, "sh") for line in block.splitlines() if line.endswith("/tox")]
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert "-c constraints.txt" in command


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_every_command_shown_exists(text):
    known = typer.main.get_command(cli.app).commands
    shown = re.findall(r"(?:^|/|&& |`)ganzoo ([a-z]+)([^\n`#]*)", text, re.MULTILINE)
    assert shown
    for name, rest in shown:
        assert name in known, f"ganzoo {name}"
        options = {option for parameter in known[name].params for option in parameter.opts}
        assert set(re.findall(r"--[a-z]+", rest)) <= options, f"ganzoo {name}{rest}"


def test_every_entry_of_the_tree_exists():
    (tree,) = [block for block in code_blocks(README, "") if block.startswith("ganzoo/")]
    folder, entries = "", 0
    for line in tree.splitlines():
        names = re.match(r" *([^\s,]+(?:, [^\s,]+)*)", line).group(1).split(", ")
        folder = names[0] if not line.startswith(" ") else folder
        for name in names:
            path = ROOT / name if not line.startswith(" ") else ROOT / folder / name
            assert path.exists(), path
            entries += 1
    assert entries > 15


def test_constraints_pin_every_dependency_and_nothing_but_versions():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {match.group(1): match.group(2) for line in lines if (match := re.fullmatch(r"([a-z0-9.-]+)==([0-9][0-9a-z.]*)", line))}
    assert len(pinned) == len(lines)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = project["dependencies"] + [name for extra in project["optional-dependencies"].values() for name in extra]
    names = {re.match(r"[A-Za-z0-9-]+", name).group().lower() for name in asked} - {"ganzoo"}
    assert names <= pinned.keys()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    code = f"from hatchling.build import build_wheel; print(build_wheel({str(out)!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return out / done.stdout.split()[-1]


def test_the_wheel_holds_what_runs_need_and_no_more(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for needed in (
        "ganzoo/_packaged/benchmarks/specs/quickstart.yaml",
        "ganzoo/_packaged/reference_results/published/liu.yaml",
        "ganzoo/metrics/weights/digits-cnn.safetensors",
        "ganzoo/report/templates/report.html.j2",
        "ganzoo/commands/templates/spec.yaml",
    ):
        assert needed in names
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"ganzoo"}


def test_an_installed_copy_finds_its_specs_from_any_folder(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    (tmp_path / "elsewhere").mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "GANZOO_HOME"} | {"PYTHONPATH": str(tmp_path / "installed")}
    command = [sys.executable, "-c", "import ganzoo.cli; print(ganzoo.__file__); ganzoo.cli.main()", "list", "specs", "--json"]
    done = subprocess.run(command, cwd=tmp_path / "elsewhere", env=environment, capture_output=True, text=True, check=True)
    where, _, listed = done.stdout.partition("\n")
    assert where.startswith(str(tmp_path / "installed"))
    assert "quickstart" in [spec["name"] for spec in json.loads(listed)["specs"]]
