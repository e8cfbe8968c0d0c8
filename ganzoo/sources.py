"""Which files a user's class is made of: its module and those of the same project that it imports, found by reading, not by running."""

from __future__ import annotations

import ast
import hashlib
import importlib
import inspect
import site
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OURS = "ganzoo"


class _Bare(ast.NodeTransformer):
    """Drops docstrings."""

    def _strip(self, node):
        self.generic_visit(node)
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return node

    visit_Module = visit_ClassDef = visit_FunctionDef = visit_AsyncFunctionDef = _strip


def digest_of_source(text: str | bytes) -> str:
    """sha256 of a module's syntax tree without docstrings and positions."""
    return hashlib.sha256(ast.dump(_Bare().visit(ast.parse(text))).encode()).hexdigest()


def digest_of_files(files: list[tuple[str, Path]]) -> str:
    """sha256 over names and sources, in the order given."""
    total = hashlib.sha256()
    for name, path in files:
        total.update(f"{name}:{digest_of_source(path.read_bytes())}\n".encode())
    return total.hexdigest()


@dataclass(frozen=True)
class Project:
    """Where a user's modules lie. `package`: the top-level package that bounds them; None: whatever lies in the folder."""

    base: Path
    package: str | None

    def file(self, module: str) -> Path | None:
        """The source of a module of this project, if it is one."""
        top = module.partition(".")[0]
        if not top or top == OURS or self.package not in (None, top):
            return None
        place = self.base.joinpath(*module.split("."))
        return next((path for path in (place.with_name(place.name + ".py"), place / "__init__.py") if path.is_file()), None)


def sources_of(found: type, named: str) -> dict[str, Path]:
    """Module name → file of what a user's class is made of. `named`: the module it was asked for by, which may hand on, or alter, what
    another one defines. OSError, TypeError or SyntaxError where there is no source to read."""
    files = sources(found.__module__, Path(inspect.getfile(found)))
    if named != found.__module__ and named.partition(".")[0] != OURS:
        files |= sources(named, Path(importlib.import_module(named).__file__))
    return files


def sources(module: str, file: Path) -> dict[str, Path]:
    """Module name → file: `module`, what it imports of its own project, what that imports, and the packages around each.

    The project is the module's top-level package; for a module that has none, the folder it lies in, unless packages are installed
    there. Imports count wherever in a file they stand; one put together at run time (`importlib.import_module(name)`) is not seen.
    """
    project = _project(module, file)
    found, todo = {}, [module]
    while todo:
        name = todo.pop()
        path = file if name == module else project.file(name)
        if path is None or name in found:
            continue
        found[name] = path
        todo.extend(part for imported in (name, *_imported(name, path)) for part in _and_packages(imported))
    return found


def _project(module: str, file: Path) -> Project:
    depth = module.count(".") + (file.name == "__init__.py")
    top = module.partition(".")[0]
    alone = depth == 0 and file.parent.resolve() not in _installed()
    return Project(file.parents[depth], None if alone else top)


def _installed() -> set[Path]:
    """Folders whose modules are nobody's project: the standard library and installed packages."""
    known = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return {Path(path).resolve() for path in (*known, *site.getsitepackages(), site.getusersitepackages())}


def _imported(module: str, path: Path) -> Iterator[str]:
    """Names that may be modules: of `from a import b` both a and a.b, as b may be either."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_bytes(), filename=str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            start = ".".join([*above, *filter(None, [node.module])])
            yield start
            yield from (f"{start}.{alias.name}" for alias in node.names if alias.name != "*")


def _and_packages(module: str) -> list[str]:
    """'a.b.c' → a, a.b, a.b.c: Python runs them all."""
    parts = module.split(".")
    return [".".join(parts[: i + 1]) for i in range(len(parts))]
