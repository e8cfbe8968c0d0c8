"""The digest of the code that defines the science. Comments, docstrings and layout do not count: only what Python would run does."""

from __future__ import annotations

import ast
import hashlib
import inspect
from functools import cache
from pathlib import Path

import ganzoo
from ganzoo import models

ROOT = Path(ganzoo.__file__).parent
# Data code is not in here: the digest of the decoded pixels stands for it. Nor is what resuming and shipped weights' own digests vouch for.
SCIENCE = ("streams.py", "layers.py", "losses.py", "recipes.py", "train", "metrics")
NOT_SCIENCE = ("metrics/train_classifier.py", "train/checkpoint.py")


class _Bare(ast.NodeTransformer):
    """Drops docstrings."""

    def _strip(self, node):
        self.generic_visit(node)
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return node

    visit_Module = visit_ClassDef = visit_FunctionDef = visit_AsyncFunctionDef = _strip


def digest_of_source(text: str) -> str:
    """sha256 of a module's syntax tree without docstrings and positions."""
    return hashlib.sha256(ast.dump(_Bare().visit(ast.parse(text))).encode()).hexdigest()


@cache
def science_digest(model: str) -> str:
    """Digest over ganzoo's science modules and the module that defines `model` (a registered name or an import path)."""
    files = [path for part in SCIENCE for path in ([ROOT / part] if part.endswith(".py") else sorted((ROOT / part).rglob("*.py")))]
    files = [path for path in files if path.relative_to(ROOT).as_posix() not in NOT_SCIENCE]
    files.append(Path(inspect.getfile(models.get(model))))
    total = hashlib.sha256()
    for path in files:
        name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name
        total.update(f"{name}:{digest_of_source(path.read_text())}\n".encode())
    return total.hexdigest()
