"""Sample grids as data URIs: read from the run directory and nowhere else, made small enough to travel in one file."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from ganzoo.report.text import number, seed_order

TOTAL_BYTES = 1_600_000  # of PNG in one report, before base64 adds a third
MOST_BYTES = 120_000  # of one grid
WIDEST = 512  # pixels
LARGEST_SOURCE = 32_000_000  # bytes; a grid is far smaller, so a bigger file is not one


@dataclass(frozen=True)
class Grid:
    """The samples of one case. Without a `uri`, `missing` says why."""

    case: str
    title: str
    seed: object
    epoch: str
    uri: str = ""
    width: int = 0
    height: int = 0
    missing: str = ""


def run_dir(results: Path, record: dict) -> Path | None:
    """results/<spec>/<case>/<key12>-s<seed>, or None when a record's names lead anywhere else."""
    root = results.resolve()
    parts = [str(record.get("spec", "")), str(record.get("case", "")), f"{str(record.get('key', ''))[:12]}-s{record.get('seed')}"]
    if any(part in ("", ".", "..") or "/" in part or "\\" in part or "\0" in part for part in parts):
        return None
    folder = root.joinpath(*parts).resolve()
    return folder if folder.is_relative_to(root) else None


def sample_file(results: Path, record: dict, relative: object) -> Path | None:
    """The file that `evaluations[].samples` names, or None where it leaves its run's folder (links included)."""
    folder = run_dir(results, record)
    if folder is None or not isinstance(relative, str) or not relative or "\0" in relative:
        return None
    path = (folder / relative).resolve()
    return path if path.is_relative_to(folder) else None


def grids(titles: dict[str, str], records: list[dict], results: Path | None) -> list[Grid]:
    """One grid per case, all of the same seed where one seed has every case: the same latents, side by side.

    `records` may hold several cases each (read off one trajectory). The evaluation shown is the case's last.
    """
    shown = {}
    for case in titles:
        runs = sorted((r for r in records if case in (r.get("cases") or {})), key=lambda r: seed_order(r.get("seed")))
        shown[case] = [(run, e) for run in runs if (e := _evaluation(run, case))]
    seed = _common_seed(shown)
    budget = min(MOST_BYTES, TOTAL_BYTES // max(1, len(titles)))
    return [_grid(case, title, shown[case], seed, results, budget) for case, title in titles.items() if shown[case]]


def _evaluation(record: dict, case: str) -> dict | None:
    """The evaluation that the case is read off; a partial or crashed run has at most earlier ones, which are not it."""
    epoch = record["cases"][case]
    return next((e for e in record.get("evaluations") or [] if e.get("epoch") == epoch and e.get("samples")), None)


def _common_seed(shown: dict[str, list[tuple[dict, dict]]]) -> object:
    """The lowest of the seeds that most cases have."""
    counts: dict[object, int] = {}
    for runs in shown.values():
        for record, _ in runs:
            counts[record.get("seed")] = counts.get(record.get("seed"), 0) + 1
    return min(counts, key=lambda seed: (-counts[seed], seed_order(seed))) if counts else None


def _grid(case: str, title: str, runs: list[tuple[dict, dict]], seed: object, results: Path | None, budget: int) -> Grid:
    record, evaluation = next(((r, e) for r, e in runs if r.get("seed") == seed), runs[0])
    about = {"case": case, "title": title, "seed": record.get("seed"), "epoch": number(evaluation["epoch"])}
    if results is None:
        return Grid(**about, missing="the samples stay with the run; this report was made from records alone")
    path = sample_file(results, record, evaluation["samples"])
    if path is None:
        return Grid(**about, missing="the record names a file outside its run directory; not read")
    if not path.is_file():
        return Grid(**about, missing=f"{evaluation['samples']} is not in the run directory")
    try:
        png, (width, height) = embed(path, budget)
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return Grid(**about, missing=f"{evaluation['samples']} cannot be read as a PNG: {error}")
    return Grid(**about, uri="data:image/png;base64," + base64.b64encode(png).decode(), width=width, height=height)


def embed(path: Path, budget: int) -> tuple[bytes, tuple[int, int]]:
    """PNG bytes within the budget, and their size in pixels: first as it is, then fewer colours, then smaller."""
    if path.stat().st_size > LARGEST_SOURCE:
        raise ValueError(f"{path.stat().st_size:,} bytes, more than a sample grid can have")
    with Image.open(path, formats=["PNG"]) as source:
        image = source.convert("L" if source.mode in ("1", "L", "I;16") else "RGB")
    if image.width > WIDEST:
        image = image.resize((WIDEST, max(1, round(image.height * WIDEST / image.width))), Image.Resampling.LANCZOS)
    colours = 256 if image.mode == "RGB" else 64
    while True:
        for candidate in (image, image.quantize(colours), image.quantize(16)):
            png = _png(candidate)
            if len(png) <= budget or image.width <= 32:
                return png, candidate.size
        image = image.resize((max(32, round(image.width * 0.75)), max(1, round(image.height * 0.75))), Image.Resampling.LANCZOS)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
