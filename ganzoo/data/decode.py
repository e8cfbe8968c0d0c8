"""Image files → one uint8 array. Pixels are what PIL decodes: no colour management, EXIF rotation not applied, first frame only.

If every image is grey (1 or 8 bit, with or without alpha) the set is grey, C = 1; otherwise (a palette counts as colour)
all of it is RGB, C = 3, and grey images get three equal channels. Transparency is dropped, not blended. `resize` is to a
square of that side, with PIL's antialiased bilinear filter; other proportions are squeezed, not cropped. Pairs are cut in two
first, so that the filter mixes nothing across the cut.
"""

from __future__ import annotations

import io
import math
import os
import shutil
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import numpy as np
import PIL
from PIL import Image, UnidentifiedImageError

from ganzoo.data.class_folders import Source
from ganzoo.errors import DataError

VERSION = f"1/pillow-{PIL.__version__}"  # part of the cache key: raise it when decoded pixels would change
FORMATS = ("JPEG", "PNG", "BMP", "PPM", "WEBP", "TIFF")  # PIL knows many more, some of which start other programs
GREY = frozenset({"1", "L", "LA"})
COLOUR = frozenset({"P", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"})
LARGEST_IMAGE = 2**26  # pixels of one image; below PIL's own guard, which stays on
CHUNK = 256  # images a thread decodes at a time

Progress = Callable[[int, int], None]  # images done, images in all


def decode(source: Source, resize: int | None, target: Path, progress: Progress | None = None) -> None:
    """Decodes every image of `source` into the .npy file `target`: uint8 (N, C, H, W), or the (2, N, C, H, W) halves of pairs.

    Memory use does not grow with N.
    """
    each = survey(source, resize)
    shape = (2, *each) if source.halves else each
    needed, free = math.prod(shape), shutil.disk_usage(target.parent).free
    if needed > free:
        what = "pairs" if source.halves else "images"
        raise DataError(
            f"{source.folders.where}: {each[0]:,} {what} of {each[1:]} decode to {needed:,} bytes, {target.parent} has {free:,} free. "
            "Set GANZOO_CACHE to a larger disk, or data.resize to a smaller side."
        )
    pixels = np.lib.format.open_memmap(target, mode="w+", dtype=np.uint8, shape=shape)
    by_file = pixels.swapaxes(0, 1) if source.halves else pixels  # (N, 2, C, H, W) or (N, C, H, W)
    files = source.folders.files

    def fill(start: int) -> int:
        stop = min(start + CHUNK, len(files))
        for i in range(start, stop):
            by_file[i] = _read(source, files[i], each[1], resize, each[2:])
        return stop - start

    done = 0
    pool = ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1))
    try:
        for chunk in as_completed([pool.submit(fill, start) for start in range(0, len(files), CHUNK)]):
            done += chunk.result()
            if progress:
                progress(done, len(files))
    finally:
        pool.shutdown(cancel_futures=True)  # on an error or Ctrl-C: the rest is not worth decoding
    pixels.flush()


def survey(source: Source, resize: int | None) -> tuple[int, int, int, int]:
    """(N, C, H, W) of the decoded set (of a half, for pairs), from the files' headers alone. Refuses what cannot become one array."""
    files, sizes, colour = source.folders.files, [], False
    with warnings.catch_warnings():  # around the loop and in this thread: filters belong to the whole process
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        for name in files:
            with _open(source, name) as image:
                sizes.append(image.size)
                colour = colour or image.mode in COLOUR
            if source.size and sizes[-1] != source.size:
                (w, h), (other_w, other_h) = source.size, sizes[-1]
                raise DataError(f"{source.folders.where}: {name!r} is {other_w}x{other_h}, every image of this data set is {w}x{h}.")
            if resize is None and sizes[-1] != sizes[0]:
                (w, h), (other_w, other_h) = sizes[0], sizes[-1]
                raise DataError(
                    f"{source.folders.where}: images of different sizes: {files[0]!r} is {w}x{h}, {name!r} is {other_w}x{other_h}. "
                    "Set data.resize (in `ganzoo evaluate`: --resize) to the side they should all have."
                )
            if source.halves:
                _check_halves(source, name, sizes[-1])
    width, height = sizes[0]
    if source.halves:
        width //= 2
    if resize:
        width = height = resize
    return len(files), 3 if colour else 1, height, width


def _check_halves(source: Source, name: str, size: tuple[int, int]) -> None:
    width, height = size
    if width % 2:
        said = f"a width of {width} pixels cannot be halved"
    elif width != 2 * height:
        said = f"its halves would be {width // 2}x{height}, not square"
    else:
        return
    raise DataError(
        f"{source.folders.where}: {name!r} is {width}x{height}: {said}. Expected two squares side by side, twice as wide as high. "
        "For two folders of images that are no pairs, use data set 'domains'."
    )


def resized(pixels: np.ndarray, side: int) -> np.ndarray:
    """Arrays (N, C, H, W) resized as files are, for sets that need no decoding."""
    out = np.empty((*pixels.shape[:2], side, side), dtype=np.uint8)
    for image, into in zip(pixels.reshape(-1, *pixels.shape[2:]), out.reshape(-1, side, side), strict=True):
        into[:] = np.asarray(_to_square(Image.fromarray(image), side))
    return out


def _to_square(image: Image.Image, side: int) -> Image.Image:
    return image.resize((side, side), Image.Resampling.BILINEAR)  # PIL widens the filter when it shrinks: antialiased


def _read(source: Source, name: str, channels: int, resize: int | None, size: tuple[int, int]) -> np.ndarray:
    """One image, uint8 (C, H, W), or the (2, C, H, W) halves of a pair; `size`: (H, W)."""
    with _open(source, name) as image:
        image.info.pop("transparency", None)  # dropped like every alpha channel; PIL would warn of it
        try:
            image = image.convert("RGB" if channels == 3 else "L")
            images = _halves(image) if source.halves else (image,)
            arrays = [np.asarray(_to_square(part, resize) if resize else part) for part in images]
        except Exception as error:
            raise _unreadable(source, name, error) from None
    if any(array.shape[:2] != size for array in arrays):
        raise DataError(f"{source.folders.where}: {name!r} changed while it was read. Try again once nothing writes there.")
    arrays = [array.transpose(2, 0, 1) if channels == 3 else array[None] for array in arrays]
    return np.stack(arrays) if source.halves else arrays[0]


def _halves(image: Image.Image) -> tuple[Image.Image, Image.Image]:
    width, height = image.size
    return image.crop((0, 0, width // 2, height)), image.crop((width // 2, 0, width, height))


def _open(source: Source, name: str) -> Image.Image:
    """The image with its header read and checked, its pixels not yet decoded."""
    where = source.folders.where
    try:
        image = Image.open(io.BytesIO(source.read(name)), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"{where}: {name!r} is too large: {error}") from None
    except Exception as error:
        raise _unreadable(source, name, error) from None
    if image.width * image.height > LARGEST_IMAGE:
        raise DataError(f"{where}: {name!r} has {image.width}x{image.height} pixels; at most {LARGEST_IMAGE:,} are accepted.")
    if image.mode not in GREY | COLOUR:
        raise DataError(f"{where}: {name!r} has pixels of kind {image.mode}. Expected 8 bit grey or colour; convert it first.")
    return image


def _unreadable(source: Source, name: str, error: Exception) -> DataError:
    """PIL's readers fail with almost any type of exception on broken files; all of them mean this."""
    unidentified = isinstance(error, UnidentifiedImageError)  # its own text names a buffer, not the file
    reason = f"it is none of {' '.join(FORMATS)}" if unidentified else str(error) or type(error).__name__
    return DataError(f"{source.folders.where}: {name!r} is corrupt or not an image: {reason}. Replace or remove it.")
