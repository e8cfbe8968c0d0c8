"""Sample grids (of translations strips, of points scatter pictures) as data URIs: read from the run directory alone, and kept small."""

from __future__ import annotations

import base64
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

TOTAL_BYTES = 1_600_000  # of PNG in one report, before base64 adds a third
MOST_BYTES = 120_000  # of one grid
WIDEST, NARROWEST = 512, 64  # pixels
COLOURS = 64  # of a grid that is too large as it is
TILE = 64  # pixels a side that the pictures of a strip are drawn at, if they are not larger
LARGEST_SOURCE = 32_000_000  # bytes; a grid is far smaller, so a bigger file is not one
TOLD = "a row is a class, spread over all if they are more than the rows; a column is one z"
COLUMNS = {"pairs": "input → output → target", "domains": "input → output, the first domain into the second"}  # of a translation
POINTS = "points: dark blue in a mode, orange in none, grey the data's; rings are 3 standard deviations"  # of a scatter picture


@dataclass(frozen=True)
class Grid:
    """The samples of one case. Without a `uri`, `missing` says why. `columns`: what a row shows, where the case translates.

    `points`: whether it is a scatter picture; its title says so.
    """

    case: str
    title: str
    seed: int
    epoch: str
    uri: str = ""
    width: int = 0
    height: int = 0
    missing: str = ""
    columns: str = ""
    points: bool = False


@dataclass(frozen=True)
class Strip:
    """A few pictures in a row."""

    title: str
    count: int
    uri: str
    width: int
    height: int


def strip(title: str, images: np.ndarray) -> Strip:
    """uint8 (n, C, H, W), C 1 or 3, side by side; small ones enlarged by whole numbers, so that every pixel stays one."""
    row = np.concatenate(list(images), axis=2)  # (C, H, n·W)
    image = Image.fromarray(row[0] if len(row) == 1 else row.transpose(1, 2, 0))
    side = max(images.shape[2:])
    if side < TILE:
        image = image.resize((image.width * (TILE // side), image.height * (TILE // side)), Image.Resampling.NEAREST)
    elif image.width > WIDEST:
        image = image.resize((WIDEST, max(1, round(image.height * WIDEST / image.width))), Image.Resampling.LANCZOS)
    return Strip(title, len(images), _uri(_png(image)), image.width, image.height)


def _uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()


def run_dir(results: Path, record: dict) -> Path | None:
    """results/<spec>/<case>/<key12>-s<seed>, or None when a record's names lead anywhere else."""
    root = results.resolve()
    parts = [record["spec"], record["case"], f"{record['key'][:12]}-s{record['seed']}"]
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
        runs = sorted((r for r in records if case in r["cases"]), key=lambda r: r["seed"])
        shown[case] = [(run, e) for run in runs if (e := _evaluation(run, case))]
    seed = _common_seed(shown)
    budget = min(MOST_BYTES, TOTAL_BYTES // max(1, len(titles)))
    return [_grid(case, title, shown[case], seed, results, budget) for case, title in titles.items() if shown[case]]


def _evaluation(record: dict, case: str) -> dict | None:
    """The evaluation that the case is read off; a partial or crashed run has at most earlier ones, which are not it."""
    epoch = record["cases"][case]
    return next((e for e in record["evaluations"] if e["epoch"] == epoch and e.get("samples")), None)


def _common_seed(shown: dict[str, list[tuple[dict, dict]]]) -> int | None:
    """The lowest of the seeds that most cases have."""
    counts = Counter(record["seed"] for runs in shown.values() for record, _ in runs)
    return min(counts, key=lambda seed: (-counts[seed], seed), default=None)


def _grid(case: str, title: str, runs: list[tuple[dict, dict]], seed: int | None, results: Path | None, budget: int) -> Grid:
    record, evaluation = next(((r, e) for r, e in runs if r["seed"] == seed), runs[0])
    about = {"case": case, "title": title, "seed": record["seed"], "epoch": f"{evaluation['epoch']:g}"}
    about["columns"] = COLUMNS.get((record.get("data") or {}).get("name"), "")
    if ((record.get("resolved") or {}).get("model") or {}).get("num_classes"):
        about["title"] = "; ".join(filter(None, [title, TOLD]))
    if ((record.get("protocol") or {}).get("fields") or {}).get("points"):
        about |= {"points": True, "title": "; ".join(filter(None, [title, POINTS]))}
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
    return Grid(**about, uri=_uri(png), width=width, height=height)


def embed(path: Path, budget: int) -> tuple[bytes, tuple[int, int]]:
    """PNG bytes within the budget, and their size in pixels: the file as it is, else fewer colours, else smaller too."""
    size = path.stat().st_size
    if size > LARGEST_SOURCE:
        raise ValueError(f"{size:,} bytes, more than a sample grid can have")
    with Image.open(path, formats=["PNG"]) as source:
        source.load()
        if size <= budget and source.width <= WIDEST:
            return path.read_bytes(), source.size
        image = source.convert("L" if source.mode in ("1", "L", "I;16") else "RGB")
    width = min(image.width, WIDEST)
    while True:
        resized = image.resize((width, max(1, round(image.height * width / image.width))), Image.Resampling.LANCZOS)
        for candidate in (resized, resized.quantize(COLOURS, Image.Quantize.FASTOCTREE)):
            png = _png(candidate)
            if len(png) <= budget or width <= NARROWEST:
                return png, candidate.size
        width = max(NARROWEST, round(width * 0.75))


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=9)
    return buffer.getvalue()
