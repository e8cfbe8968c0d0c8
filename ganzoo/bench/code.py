"""The digest of the code that defines the science. Comments, docstrings and layout do not count: only what Python would run does."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import ganzoo
from ganzoo import models
from ganzoo.sources import digest_of_files, sources_of

ROOT = Path(ganzoo.__file__).parent
# Data code is not in here: the digest of the decoded pixels stands for it. Nor is what resuming and shipped weights' own digests vouch for.
SCIENCE = ("streams.py", "layers", "patch_layers.py", "convolutions.py", "losses.py", "recipes", "train", "metrics", "variation.py")
SCIENCE += (
    "bench/run.py",
    "bench/recording.py",
    "bench/events.py",
    "bench/looks.py",
    "bench/probing.py",
    "bench/translations.py",
    "bench/counts.py",
    "bench/numerics.py",
)
NOT_SCIENCE = ("metrics/training_data.py", "metrics/train_classifier.py", "train/checkpoint.py")


@cache
def science_digest(model: str) -> str:
    """Digest over ganzoo's science files and those that `model` (a registered name or an import path) is made of.

    Cached: what is edited while a process runs counts from the next one on, as it does for Python.
    """
    files = [path for part in SCIENCE for path in ([ROOT / part] if part.endswith(".py") else sorted((ROOT / part).rglob("*.py")))]
    named = [(path.relative_to(ROOT).as_posix(), path) for path in files]
    named = [(name, path) for name, path in named if name not in NOT_SCIENCE]
    found = models.get(model)  # one of ganzoo's own is its file (the layers are science anyway), a user's also what it imports there
    asked = model.partition(":")[0] if ":" in model else found.__module__
    return digest_of_files([*named, *sorted(sources_of(found, asked).items())])
