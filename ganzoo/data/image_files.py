"""Data sets of image files: open, decode once, cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import numpy as np

from ganzoo.data import decode
from ganzoo.data.cache import cached
from ganzoo.data.class_folders import Source
from ganzoo.data.raw_set import RawSet, content_digest

OpenSource = Callable[[Path, str, Sequence[str] | None], AbstractContextManager[Source]]  # (path, split, classes)


def load_image_files(
    open_source: OpenSource,
    path: Path,
    split: str,
    resize: int | None,
    cache: Path,
    progress: decode.Progress | None,
    classes: Sequence[str] | None = None,
) -> RawSet:
    """One split of the images at `path`, of these classes (None: all), uint8 (N, C, H, W), as a memory map of the cache.

    Where the source holds pairs, the pixels are their halves: (2, N, C, H, W).
    """
    with open_source(path, split, classes) as source:
        labels = np.array(source.folders.labels, dtype=np.int64)
        labelled = hashlib.sha256(labels.tobytes()).hexdigest()  # the same files may be read with their classes, or without
        chosen = [source.folders.classes] if classes is not None else []  # a zip's own key is the same for all of its classes
        chosen += ["halves"] if source.halves else []
        key = hashlib.sha256(json.dumps([source.key, split, labelled, resize, decode.VERSION, *chosen]).encode()).hexdigest()
        build = partial(decode.decode, source, resize, progress=progress)
        pixels, digest = cached(cache, key, build, lambda array: content_digest(array, labels))
    return RawSet(pixels, labels, source.folders.classes, digest)
