"""The import direction of ARCHITECTURE.md, read off the sources, and the torch-free rooms, tried in a fresh interpreter."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "ganzoo"

# room → the rooms it may import. A room is a folder or a single file of the package; `spec.schema` (the resolved case) and
# `bench.store` (records on disk) are named apart since rooms below `spec` and `bench` need them and nothing else of theirs.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "paths": {"errors"},
    "variation": set(),
    "sources": set(),
    "tensor_digest": set(),
    "spec.schema": set(),
    "spec": {"errors", "paths", "spec.schema"},
    "streams": set(),
    "convolutions": set(),
    "layers": {"errors", "convolutions"},
    "patch_layers": {"convolutions"},
    "losses": {"errors"},
    "recipes": {"errors", "losses"},
    "models": {"errors", "convolutions", "layers", "patch_layers"},
    "data": {"errors", "paths"},
    "metrics": {"errors", "paths", "sources", "tensor_digest", "streams", "data", "spec.schema"},
    "train": {"tensor_digest", "errors", "paths", "streams", "losses", "recipes", "data", "layers", "models", "spec.schema"},
    "bench.store": {"errors", "paths"},
    "bench": {
        "errors",
        "paths",
        "spec",
        "spec.schema",
        "streams",
        "recipes",
        "models",
        "data",
        "metrics",
        "train",
        "bench.store",
        "variation",
        "sources",
        "tensor_digest",
    },
    "judge": {"errors", "paths", "spec", "spec.schema", "bench.store", "variation"},
    "report": {"errors", "paths", "spec", "spec.schema", "bench.store", "judge"},
}
TOP = {"cli", "commands", "pytest_nodes", "pytest_plugin"}  # may import everything; nothing imports them but themselves


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module: str) -> str:
    """'ganzoo.spec.schema' → 'spec.schema', 'ganzoo.spec.loader' → 'spec', 'ganzoo' → ''."""
    parts = module.split(".")[1:]
    pair = ".".join(parts[:2])
    return pair if pair in MAY_IMPORT else (parts[0] if parts else "")


def imports(path: Path) -> list[tuple[str, int]]:
    """(imported module, line) of a file, wherever in it the import stands."""
    package = module_name(path) if path.name == "__init__.py" else module_name(path).rpartition(".")[0]
    known = {module_name(p) for p in PACKAGE.rglob("*.py")}
    found: list[tuple[str, int]] = []

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            found.extend((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*package.split(".")[: len(package.split(".")) - node.level + 1], *filter(None, [base])])
            found.extend((f"{base}.{alias.name}" if f"{base}.{alias.name}" in known else base, node.lineno) for alias in node.names)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8"), filename=str(path)))
    return found


SOURCES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_direction(path):
    here = room(module_name(path))
    if here == "" or here in TOP:
        return
    assert here in MAY_IMPORT, f"{path.name} is a room the map does not know: add it to ARCHITECTURE.md and to MAY_IMPORT"
    wrong = [
        f"{path.relative_to(PACKAGE.parent)}:{line} imports {name}"
        for name, line in imports(path)
        if name.split(".")[0] == "ganzoo" and room(name) not in {here, "", *MAY_IMPORT[here]}
    ]
    assert not wrong, wrong


def test_the_direction_test_sees_imports(tmp_path, monkeypatch):
    """The reading itself: plain, from, relative, nested and type-checking imports."""
    package = tmp_path / "ganzoo"
    (package / "spec").mkdir(parents=True)
    (package / "spec" / "schema.py").write_text("")
    sample = package / "spec" / "loader.py"
    sample.write_text(
        "import torch\nfrom ganzoo.bench import run\nfrom . import schema\nfrom ..errors import X\n"
        "def f():\n    import numpy\nif TYPE_CHECKING:\n    import scipy\n"
    )
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", package)
    assert {name for name, _ in imports(sample)} == {"torch", "ganzoo.bench", "ganzoo.spec.schema", "ganzoo.errors", "numpy", "scipy"}
    assert [room(f"ganzoo.{name}") for name in ("spec.schema", "spec.loader", "layers")] == ["spec.schema", "spec", "layers"]


BLOCKED = """
import sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "torchvision"}:
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, NoTorch())
import importlib, pkgutil
import ganzoo.bench.store, ganzoo.cli, ganzoo.paths, ganzoo.pytest_plugin
import ganzoo.commands.bless, ganzoo.commands.compare, ganzoo.commands.listing, ganzoo.commands.report, ganzoo.commands.scaffold
for room in ("spec", "judge", "report"):
    package = importlib.import_module(f"ganzoo.{room}")
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(found.name)
assert "torch" not in sys.modules
"""


def test_torch_free_rooms_import_where_torch_is_missing():
    done = subprocess.run([sys.executable, "-c", BLOCKED], capture_output=True, text=True, cwd=PACKAGE.parent, timeout=120)
    assert done.returncode == 0, done.stderr
