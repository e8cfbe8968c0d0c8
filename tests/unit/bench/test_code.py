"""The code digest follows what Python runs, and nothing else."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import numpy
import pytest

from ganzoo import sources
from ganzoo.bench import code, worker
from ganzoo.bench.code import science_digest
from ganzoo.sources import digest_of_source

SOURCE = '"""Doc."""\nX = 1\n\ndef f(a):\n    """Doc."""\n    return a + X  # why\n'


def test_comments_docstrings_and_layout_do_not_count():
    bare = "X = 1\ndef f(a):\n\n    return (a\n      + X)\n"
    assert digest_of_source(SOURCE) == digest_of_source(bare)


def test_a_number_or_an_operator_counts():
    assert digest_of_source(SOURCE) != digest_of_source(SOURCE.replace("X = 1", "X = 2"))
    assert digest_of_source(SOURCE) != digest_of_source(SOURCE.replace("a + X", "a - X"))


def test_a_models_own_file_counts_and_another_models_does_not():
    assert science_digest("mlp-gan") != science_digest("conv-gen-gan")
    assert science_digest("ganzoo.models.mlp:MLPGAN") == science_digest("mlp-gan")


def test_every_science_path_exists():
    """A renamed file must not silently drop out of the digest."""
    for part in (*code.SCIENCE, *code.NOT_SCIENCE):
        assert (code.ROOT / part).exists(), part


def test_what_measures_times_and_sets_up_counts():
    files = (
        "bench/run.py",
        "bench/recording.py",
        "bench/translations.py",
        "bench/events.py",
        "bench/counts.py",
        "bench/numerics.py",
        "variation.py",
    )
    assert set(files) <= set(code.SCIENCE)
    assert worker.prepare.__module__ == "ganzoo.bench.numerics"


NETS = "from ganzoo.models.mlp import MLPGAN\nfrom {where} import WIDTH\n\nclass Mine(MLPGAN):\n    width = WIDTH\n"


@pytest.fixture
def digest_of(tmp_path, monkeypatch):
    """digest_of(import path, {file: text}) → the digest with these files on the Python path, in an interpreter that has seen neither."""

    def digest(model: str, files: dict[str, str]) -> str:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        for name in [name for name in sys.modules if name.partition(".")[0] in TOPS]:
            del sys.modules[name]
        importlib.invalidate_caches()
        science_digest.cache_clear()
        return science_digest(model)

    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield digest
    science_digest.cache_clear()


TOPS = ("mynets", "myhelp", "mypack", "otherpack")
PACKAGE = {
    "mypack/__init__.py": "",
    "mypack/nets/__init__.py": "from .gans import Mine\n",
    "mypack/nets/gans.py": NETS.format(where="..sizes"),
    "mypack/sizes.py": "from mypack.deep.inner import WIDTH\n",
    "mypack/deep/__init__.py": "import otherpack\n",
    "mypack/deep/inner.py": "def width():\n    from . import late\n    return late.W\n\nWIDTH = width()\n",
    "mypack/deep/late.py": "W = 3\n",
    "mypack/unused.py": "X = 1\n",
    "otherpack/__init__.py": "Y = 1\n",
}


def test_the_module_beside_a_users_model_counts(digest_of):
    files = {"mynets.py": NETS.format(where="myhelp"), "myhelp.py": "WIDTH = 1\n", "unused.py": "X = 1\n"}
    before = digest_of("mynets:Mine", files)
    assert digest_of("mynets:Mine", {"myhelp.py": "# why\nWIDTH = 1  # so wide\n", "unused.py": "X = 2\n"}) == before
    assert digest_of("mynets:Mine", {"myhelp.py": "WIDTH = 2\n"}) != before


@pytest.mark.parametrize("model", ["mypack.nets.gans:Mine", "mypack.nets:Mine"])
@pytest.mark.parametrize("moved", ["__init__.py", "nets/__init__.py", "nets/gans.py", "sizes.py", "deep/inner.py", "deep/late.py"])
def test_every_module_of_its_package_that_a_users_model_imports_counts(digest_of, model, moved):
    before = digest_of(model, PACKAGE)
    assert digest_of(model, {f"mypack/{moved}": PACKAGE[f"mypack/{moved}"] + "MOVED = 1\n"}) != before


def test_what_lies_outside_a_users_package_or_is_not_imported_does_not(digest_of):
    before = digest_of("mypack.nets.gans:Mine", PACKAGE)
    assert digest_of("mypack.nets.gans:Mine", {"mypack/unused.py": "X = 2\n", "otherpack/__init__.py": "Y = 2\n"}) == before


def test_the_project_of_an_installed_module_is_that_module_alone(tmp_path, monkeypatch):
    """Else a single-file model among installed packages would digest all of torch."""
    assert {Path(numpy.__file__).parents[1].resolve(), Path(json.__file__).parents[1].resolve()} <= sources._installed()
    (tmp_path / "mynets.py").write_text("import myhelp\n")
    (tmp_path / "myhelp.py").touch()
    assert list(sources.sources("mynets", tmp_path / "mynets.py")) == ["mynets", "myhelp"]
    monkeypatch.setattr(sources, "_installed", lambda: {tmp_path.resolve()})
    assert list(sources.sources("mynets", tmp_path / "mynets.py")) == ["mynets"]


def test_ganzoo_is_nobodys_project(tmp_path):
    (tmp_path / "mynets.py").write_text("import ganzoo.layers\nimport json\n")
    (tmp_path / "ganzoo").mkdir()
    (tmp_path / "ganzoo" / "__init__.py").touch()
    assert list(sources.sources("mynets", tmp_path / "mynets.py")) == ["mynets"]
