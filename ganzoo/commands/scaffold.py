"""`ganzoo new`: a spec and a references file that load and run as they are."""

from __future__ import annotations

import re
from pathlib import Path

from ganzoo import paths
from ganzoo.commands.folders import project_to_write
from ganzoo.errors import UserError

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
TEMPLATES = Path(__file__).parent / "templates"


def scaffold(document: str) -> None:
    """Write benchmarks/specs/DOCUMENT.yaml and reference_results/published/DOCUMENT.yaml, neither of which may exist."""
    if not NAME.fullmatch(document):
        raise UserError(f"'{document}' is no document key. Expected up to 40 lower-case letters, digits and dashes, as in 'karras-2018'.")
    root = project_to_write()
    files = {
        root / paths.SPECS / f"{document}.yaml": "spec.yaml",
        root / "reference_results" / "published" / f"{document}.yaml": "published.yaml",
    }
    for path in files:
        if path.exists():
            raise UserError(f"{path} exists already and is left alone. Choose another key, or edit that file.")
    for path, template in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as handle:
            handle.write((TEMPLATES / template).read_text(encoding="utf-8").replace("DOCUMENT", document))
        print(f"wrote {path}")
    print(f"Next: ganzoo run {document} --tier smoke, then fill in both files.")
