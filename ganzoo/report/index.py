"""The index of a folder of reports. Each report carries its own summary, so the folder is all that the index needs."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from ganzoo.report.evaluator import KIND as EVALUATOR
from ganzoo.report.page import fill, write
from ganzoo.report.text import day
from ganzoo.report.verdicts import Tally, look
from ganzoo.spec.spec import FULL

_SUMMARY = re.compile(r'<script type="application/json" id="ganzoo-summary">(.*?)</script>', re.DOTALL)


@dataclass(frozen=True)
class Entry:
    file: str
    title: str
    document: str
    tier: str
    caution: str
    runs: int
    seeds: int
    day: str
    claims: list[Tally]
    numbers: list[Tally]
    told: str = ""  # of a page of `ganzoo evaluate`: what came out
    measured: str = ""


def read_entries(folder: Path) -> list[Entry]:
    """Entries of every report in the folder, by document, the full tier first, then the pages of `ganzoo evaluate`.

    Other HTML files are passed over.
    """
    found = []
    for path in sorted(Path(folder).glob("*.html")):
        match = _SUMMARY.search(path.read_text(encoding="utf-8", errors="replace"))
        if match:
            try:
                found.append(_entry(path.name, json.loads(match.group(1))))
            except (ValueError, KeyError, TypeError, AttributeError):  # a page of an older version, or not one of ours
                continue
    return sorted(found, key=lambda e: (bool(e.measured), e.document, e.tier != FULL, e.file))


def _entry(file: str, summary: dict) -> Entry:
    if summary.get("kind") == EVALUATOR:
        return _measurement(file, summary)
    return Entry(
        file=file,
        title=str(summary["title"]),
        document=str(summary["document"]),
        tier=str(summary["tier"]),
        caution=str(summary["caution"]),
        runs=int(summary["runs"]),
        seeds=int(summary["seeds"]),
        day=day(summary["finished"]),
        claims=[Tally(look(word), count) for word, count in summary["claims"].items()],
        numbers=[Tally(look(word), count) for word, count in summary["numbers"].items()],
    )


def _measurement(file: str, summary: dict) -> Entry:
    """Of one measurement: no document is judged, so there is nothing to count."""
    return Entry(
        file=file,
        title=str(summary["title"]),
        document=str(summary["protocol"]),
        tier=str(summary["tier"]),
        caution=str(summary["caution"]),
        runs=1,
        seeds=1,
        day=day(summary["finished"]),
        claims=[],
        numbers=[],
        told=str(summary["told"]),
        measured=str(summary["measured"]),
    )


def render_index(entries: list[Entry], out: Path) -> Path:
    """Write `out`/index.html, which links the given reports, and return its path."""
    return write(Path(out) / "index.html", fill("index.html.j2", entries=entries))
