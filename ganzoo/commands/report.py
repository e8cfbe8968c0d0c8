"""`ganzoo report`: pages from the records that are there."""

from __future__ import annotations

from pathlib import Path

from ganzoo import paths
from ganzoo.commands.judging import judged_all, rendered


def report(names: list[str], *, tier: str | None, results: Path | None, out: Path) -> None:
    """Render the specs named, or all that have records, and say where the pages are."""
    for page in rendered(judged_all(names, tier, results), results or paths.results_dir(), out):
        print(page)
