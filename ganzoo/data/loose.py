"""Images that belong to no data set: a folder of files, a zip, an array file. What `ganzoo evaluate` is pointed at."""

from __future__ import annotations

import zipfile
from functools import partial
from pathlib import Path

import numpy as np

from ganzoo.data.class_folders import arrange_loose
from ganzoo.data.decode import Progress
from ganzoo.data.folder import open_folder
from ganzoo.data.image_files import load_image_files
from ganzoo.data.raw_set import RawSet, raw_set
from ganzoo.data.registry import LARGEST_SIDE
from ganzoo.data.zip_file import open_zip
from ganzoo.errors import DataError
from ganzoo.paths import cache_dir

DEEPEST = 8  # folders below the one named
ARRAYS = (".npz", ".npy")
WEIGHTS = (".pt", ".pth", ".ckpt", ".pkl", ".bin", ".safetensors")


def load_loose(path: Path, resize: int | None = None, progress: Progress | None = None) -> RawSet:
    """All images at `path`, uint8 (N, C, H, W): a folder (at any depth), a zip or a folder in a zip (pack.zip/train), an .npz or .npy.

    Class folders are looked into, their names ignored. Every failure is a DataError that says what to do.
    """
    if resize is not None and not 1 <= resize <= LARGEST_SIDE:
        raise DataError(f"resize is {resize}, expected a side of 1 to {LARGEST_SIDE:,} pixels.")
    if path.suffix in WEIGHTS and path.is_file():
        raise DataError(f"{path} holds weights, not images. For a generator name its run's folder, or the images it made.")
    if path.suffix in ARRAYS and path.is_file():
        if resize is not None:
            raise DataError(f"{path}: arrays are taken as they are. Leave out the resize, or write image files.")
        return load_array(path)
    if path.is_dir():
        return load_image_files(partial(open_folder, arranged=arrange_loose, depth=DEEPEST), path, "", resize, cache_dir(), progress)
    archive, inside = _in_zip(path)
    return load_image_files(partial(open_zip, arranged=arrange_loose), archive, inside, resize, cache_dir(), progress)


def _in_zip(path: Path) -> tuple[Path, str]:
    """pack.zip/train/frog → (pack.zip, "train/frog")."""
    for archive in (path, *path.parents):
        if archive.is_file():
            if not zipfile.is_zipfile(archive):
                raise DataError(f"{archive} is neither a zip nor an array file. Expected a folder, .zip, {' or '.join(ARRAYS)}.")
            return archive, path.relative_to(archive).as_posix().removeprefix(".")
    raise DataError(f"{path} not found. Expected a folder of images, a .zip, {' or '.join(ARRAYS)}.")


def load_array(path: Path) -> RawSet:
    """uint8 images of an .npy, or the one such array of an .npz: (N, H, W, C) or (N, C, H, W), C 1 or 3. Never unpickles."""
    try:
        loaded = np.load(path, allow_pickle=False)
        arrays = {path.stem: loaded} if isinstance(loaded, np.ndarray) else {name: loaded[name] for name in loaded.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read as an array file: {error}") from None
    images = {name: array for name, array in arrays.items() if array.ndim == 4}
    if len(images) != 1:
        held = ", ".join(f"{name} {array.dtype} {array.shape}" for name, array in arrays.items()) or "nothing"
        raise DataError(f"{path}: expected one array of images (N, H, W, C) or (N, C, H, W). It holds: {held}.")
    name, array = images.popitem()
    if array.dtype != np.uint8:
        raise DataError(f"{path}: {name} is {array.dtype}, expected uint8, 0..255.")
    if array.shape[3] in (1, 3):
        array = array.transpose(0, 3, 1, 2)
    elif array.shape[1] not in (1, 3):
        raise DataError(f"{path}: {name} has shape {array.shape}, expected (N, H, W, C) or (N, C, H, W) with 1 or 3 channels.")
    if not array.size:
        raise DataError(f"{path}: {name} has shape {array.shape}: no images.")
    # Flattened in between: with one channel both orders count as contiguous, and torch would take the strides of (N, H, W, C)
    # for channels last, whose convolutions round otherwise.
    array = np.ascontiguousarray(array).reshape(-1).reshape(array.shape)
    return raw_set(array, np.zeros(len(array), np.int64), ("images",))
