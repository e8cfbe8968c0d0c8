"""`ganzoo doctor`: what can run here, and how to get what is missing."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import ganzoo
from ganzoo import data, paths
from ganzoo.commands.folders import is_writable
from ganzoo.commands.terminal import console, table
from ganzoo.errors import UserError


def doctor(*, results: Path | None) -> None:
    """Print versions, devices, data sets, weights and folders."""
    out = console()
    out.print(table(["this machine", ""], _machine()), "")
    out.print(table(["data set", "state", ""], dataset_rows()), "")
    out.print(table(["extractor", "state", ""], _extractors()), "")
    out.print(table(["folder", "state", "path"], _folders(results or paths.results_dir())))


def _machine() -> list[tuple]:
    import torch

    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return [
        ("ganzoo", ganzoo.__version__),
        ("python", platform.python_version()),
        *((name, version(name)) for name in ("torch", "torchvision", "numpy", "scipy", "scikit-learn")),
        ("devices", ", ".join(["cpu", *(f"cuda:{index} {name}" for index, name in enumerate(gpus))])),
        ("cores", len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        ("torch threads", torch.get_num_threads()),
    ]


def dataset_rows() -> list[tuple]:
    """(name, state, what it is), or how to get it where it is missing and every place that was looked in."""
    rows = []
    for name in data.names():
        known = data.describe(name)
        if known["needs_path"]:
            rows.append((name, "yours to point at", f"{known['summary']}. {known['how_to_get']}"))
        elif known["available"]:
            rows.append((name, "ready", known["summary"]))
        else:
            looked_in = f" Looked in: {'; '.join(known['looked_in'])}." if known["looked_in"] else ""
            rows.append((name, "missing", f"{known['summary']}. {known['how_to_get']}{looked_in}"))
    return rows


def _extractors() -> list[tuple]:
    from ganzoo.metrics import extractors
    from ganzoo.metrics.extractors import classifier

    rows = []
    for name in extractors.names():
        try:
            extractors.check_at_hand(name)
            told = f"sha256 {extractors.card(name)['sha256'][:12]}"
            if name in classifier.names():
                known = classifier.card(name)
                data = "packs of images" if known["data"] == "packs" else known["data"]
                told = f"trained on {data}, test accuracy {known['test_accuracy']:.2%}, {told}"
            rows.append((name, "ready", told))
        except UserError as error:
            rows.append((name, "unusable" if name in classifier.names() else "missing", error))
    return rows


def _folders(results: Path) -> list[tuple]:
    readable = [("specs", paths.specs_dir()), ("references", paths.references_dir())]
    if root := paths.data_root():
        readable.append(("GANZOO_DATA", root))
    written = [("results", results), ("cache", paths.cache_dir())]
    return [
        *((what, "found" if path.is_dir() else "missing", path) for what, path in readable),
        *((what, "writable" if is_writable(path) else "not writable", path) for what, path in written),
    ]
