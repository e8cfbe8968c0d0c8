"""`ganzoo report`: pages from the records that are there. Torch-free."""

from __future__ import annotations

from pathlib import Path

from ganzoo.commands.judging import Evidence, judged_all, rendered


def report(evidence: Evidence, *, out: Path) -> None:
    """Render the specs asked for, and say where the pages are."""
    for page in rendered(judged_all(evidence), evidence.root, out):
        print(page)
