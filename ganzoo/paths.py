"""Where things lie: specs, references, data, caches, results. Nothing is created here."""

from __future__ import annotations

import os
from pathlib import Path

from ganzoo.errors import UserError

SPECS = Path("benchmarks") / "specs"
_PACKAGE = Path(__file__).resolve().parent


def project_root() -> Path:
    """The folder that holds benchmarks/ and reference_results/: the nearest parent of the current folder that has
    benchmarks/specs, else $GANZOO_HOME, else the source checkout, else the copy that ships inside the package."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / SPECS).is_dir():
            return folder
    if home := os.environ.get("GANZOO_HOME"):
        folder = Path(home).expanduser()
        if not (folder / SPECS).is_dir():
            raise UserError(f"GANZOO_HOME is '{home}', expected a folder that has {SPECS}.")
        return folder
    for folder in (_PACKAGE.parent, _PACKAGE / "_packaged"):
        if (folder / SPECS).is_dir():
            return folder
    raise UserError(f"no {SPECS} above {here}; run inside a project, or set GANZOO_HOME to one.")


def specs_dir() -> Path:
    return project_root() / SPECS


def references_dir() -> Path:
    """Holds published/ and measured/."""
    return project_root() / "reference_results"


def cache_dir() -> Path:
    """Decoded data sets and fetched weights: $GANZOO_CACHE, else ~/.cache/ganzoo."""
    return _folder("GANZOO_CACHE") or Path.home() / ".cache" / "ganzoo"


def data_root() -> Path | None:
    """Where the user keeps data sets: $GANZOO_DATA, if set."""
    return _folder("GANZOO_DATA")


def results_dir() -> Path:
    """Default home of records: ./results."""
    return Path.cwd() / "results"


def _folder(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value).expanduser() if value else None
