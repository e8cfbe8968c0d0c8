"""Which folders a command may write to."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ganzoo import paths
from ganzoo.errors import UserError


def project_to_write() -> Path:
    """The project's root. Where only the installed copy is there, the current folder, which so becomes a project of its own."""
    root = paths.project_root()
    return Path.cwd() if root.name == "_packaged" else root


def is_writable(folder: Path) -> bool:
    """Whether the folder, or the one it would be created in, takes files: tried with one that is gone at once."""
    existing = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            return True
    except OSError:
        return False


def check_writable(folder: Path, what: str, remedy: str) -> None:
    """UserError before the work, not after it."""
    if not is_writable(folder):
        raise UserError(f"{what} cannot be written to {folder}. Expected a folder that this user may write to. {remedy}")
