"""One spec's report as one HTML file that needs nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from ganzoo.report.page import fill, write
from ganzoo.report.view import build
from ganzoo.spec import Spec
from ganzoo.spec.spec import FULL


def render(spec: Spec, judgement: dict, records: list[dict], out: Path, *, results: Path | None) -> Path:
    """Write `out`/<spec>.html (<spec>-<tier>.html below the full tier) and return its path.

    spec: a loaded Spec. judgement: `Judgement.as_dict()`. records: of that spec; other tiers' are left out.
    results: the folder whose run directories hold the sample grids; None: the report says that they are not at hand.
    StoreError where the file cannot be written.
    """
    view = build(spec, judgement, records, results)
    name = view.spec if view.tier == FULL else f"{view.spec}-{view.tier}"
    return write(Path(out) / f"{re.sub(r'[^A-Za-z0-9._-]', '_', name)}.html", fill("report.html.j2", r=view))
