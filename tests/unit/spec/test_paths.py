"""Where specs, references, data, caches and results are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganzoo import paths
from ganzoo.errors import UserError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "benchmarks" / "specs").mkdir(parents=True)
    return folder


@pytest.fixture(autouse=True)
def bare(monkeypatch, tmp_path):
    """No variables set, and a current folder outside any project."""
    for name in ("GANZOO_HOME", "GANZOO_CACHE", "GANZOO_DATA"):
        monkeypatch.delenv(name, raising=False)
    outside = tmp_path / "outside"
    outside.mkdir()
    monkeypatch.chdir(outside)


def test_nearest_project_above_the_current_folder(monkeypatch, project):
    deep = project / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    monkeypatch.setenv("GANZOO_HOME", "/elsewhere")
    assert paths.project_root() == project
    assert paths.specs_dir() == project / "benchmarks" / "specs"
    assert paths.references_dir() == project / "reference_results"


def test_home_variable_outside_any_project(monkeypatch, project, tmp_path):
    monkeypatch.setenv("GANZOO_HOME", str(project))
    assert paths.project_root() == project
    monkeypatch.setenv("GANZOO_HOME", str(tmp_path / "none"))
    with pytest.raises(UserError, match="GANZOO_HOME is '.*none', expected a folder that has benchmarks"):
        paths.project_root()


def test_source_checkout_comes_before_the_packaged_copy(monkeypatch, tmp_path):
    package = tmp_path / "site" / "ganzoo"
    monkeypatch.setattr(paths, "_PACKAGE", package)
    with pytest.raises(UserError, match="set GANZOO_HOME"):
        paths.project_root()
    (package / "_packaged" / "benchmarks" / "specs").mkdir(parents=True)
    assert paths.project_root() == package / "_packaged"
    (package.parent / "benchmarks" / "specs").mkdir(parents=True)
    assert paths.project_root() == package.parent


def test_this_checkout_is_found_from_anywhere():
    assert (paths.project_root() / "benchmarks" / "specs" / "liu.yaml").is_file()


def test_data_and_cache(monkeypatch, tmp_path):
    assert paths.data_root() is None
    assert paths.cache_dir() == Path.home() / ".cache" / "ganzoo"
    monkeypatch.setenv("GANZOO_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GANZOO_CACHE", "~/some")
    assert paths.data_root() == tmp_path / "data"
    assert paths.cache_dir() == Path.home() / "some"


def test_empty_variables_count_as_unset(monkeypatch):
    for name in ("GANZOO_HOME", "GANZOO_CACHE", "GANZOO_DATA"):
        monkeypatch.setenv(name, "")
    assert paths.data_root() is None
    assert paths.cache_dir() == Path.home() / ".cache" / "ganzoo"
    assert paths.project_root()


def test_results_are_kept_where_the_user_stands(tmp_path):
    assert paths.results_dir() == tmp_path / "outside" / "results"
    assert not paths.results_dir().exists()
