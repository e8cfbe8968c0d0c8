"""The command line as a test calls it, and a project of one small spec, `tiny`, for it to work on."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from ganzoo import cli

SPEC = Path("benchmarks/specs/tiny.yaml")
CLAIM = {"id": "C1", "text": "wider is better", "where": "§1", "kind": "ordering", "metric": "frechet", "better": "wide", "worse": "base"}
CASES = {"base": {}, "wide": {"model.hidden_g": [16], "source": {"assumed": "a test"}}}


class Said(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def ganzoo(capfd, monkeypatch) -> Callable[..., Said]:
    """ganzoo("list", "--json") → exit code, stdout, stderr of `ganzoo list --json` in the current folder."""

    def call(*arguments: object) -> Said:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["ganzoo", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        return Said(left.value.code or 0, *capfd.readouterr())

    return call


@pytest.fixture(scope="session")
def make_project(write_tiny_spec) -> Callable[..., Path]:
    """make_project(folder, more_cases, **top_level_keys) → the folder, with a spec and its references in it."""

    def make(root: Path, more_cases: dict | None = None, **keys) -> Path:
        published = root / "reference_results" / "published" / "tiny.yaml"
        for path in (published, root / SPEC):
            path.parent.mkdir(parents=True)
        published.write_text("document: tiny\ntitle: Tiny\n")
        write_tiny_spec(root / SPEC, CASES | (more_cases or {}), claims=[CLAIM], **keys)
        return root

    return make


@pytest.fixture
def project(tmp_path, make_project, monkeypatch) -> Path:
    """A project as the current folder, on a machine with no data sets but those that ship."""
    root = make_project(tmp_path / "project")
    monkeypatch.chdir(root)
    monkeypatch.delenv("GANZOO_DATA", raising=False)
    monkeypatch.delenv("GANZOO_DOWNLOAD", raising=False)
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    return root


@pytest.fixture
def edit(project) -> Callable[[Callable[[dict], object]], None]:
    """edit(change): rewrite the project's spec after `change` had its way with the plain data."""

    def rewrite(change: Callable[[dict], object]) -> None:
        spec = yaml.safe_load((project / SPEC).read_text())
        change(spec)
        (project / SPEC).write_text(json.dumps(spec, indent=1))

    return rewrite
