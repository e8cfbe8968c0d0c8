"""The digest of the code that defines the science. Comments, docstrings and layout do not count: only what Python would run does."""

from __future__ import annotations

import ast
import hashlib
import importlib
import inspect
from functools import cache
from pathlib import Path

import ganzoo
from ganzoo import models
from ganzoo.bench.modules import OURS, sources

ROOT = Path(ganzoo.__file__).parent
# Data code is not in here: the digest of the decoded pixels stands for it. Nor is what resuming and shipped weights' own digests vouch for.
SCIENCE = ("streams.py", "layers.py", "losses.py", "recipes.py", "train", "metrics", "variation.py")
SCIENCE += ("bench/run.py", "bench/events.py", "bench/counts.py", "bench/numerics.py")
NOT_SCIENCE = ("metrics/training_data.py", "metrics/train_classifier.py", "train/checkpoint.py")


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


@cache
def science_digest(model: str) -> str:
    """Digest over ganzoo's science files and those that `model` (a registered name or an import path) is made of.

    Cached: what is edited while a process runs counts from the next one on, as it does for Python.
    """
    files = [path for part in SCIENCE for path in ([ROOT / part] if part.endswith(".py") else sorted((ROOT / part).rglob("*.py")))]
    named = [(path.relative_to(ROOT).as_posix(), path) for path in files]
    named = [(name, path) for name, path in named if name not in NOT_SCIENCE]
    total = hashlib.sha256()
    for name, path in [*named, *sorted(_of_model(model).items())]:
        total.update(f"{name}:{digest_of_source(path.read_bytes())}\n".encode())
    return total.hexdigest()


def _of_model(model: str) -> dict[str, Path]:
    """Name → file: one of ganzoo's own models is its file (the layers are science anyway), a user's also what it imports there."""
    found = models.get(model)
    defined = Path(inspect.getfile(found))
    ours = defined.is_relative_to(ROOT)
    files = {defined.relative_to(ROOT).as_posix(): defined} if ours else sources(found.__module__, defined)
    named = model.partition(":")[0] if ":" in model else found.__module__
    if named != found.__module__ and named.partition(".")[0] != OURS:  # it hands on, or alters, what another module defines
        files |= sources(named, Path(importlib.import_module(named).__file__))
    return files
