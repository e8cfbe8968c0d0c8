"""The IDX format of the MNIST files: two zero bytes, a type code, the number of axes, each size as big-endian uint32, then the bytes."""

from __future__ import annotations

import gzip
import hashlib
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from ganzoo.errors import DataError

UNSIGNED_BYTE = 0x08
LARGEST = 64 * 2**20  # bytes; MNIST's largest file has 47,040,016. Bounds what a hostile .gz can unpack to


def read_idx(path: Path, axes: int, md5: str, remedy: str) -> np.ndarray:
    """uint8 array with `axes` axes from an IDX file, plain or gzipped, whose unpacked bytes have the digest `md5`.

    `remedy` ends the message of every DataError: what to do about a file that is not the one expected.
    """
    content = _bytes(path, remedy)
    header = 4 + 4 * axes
    start, magic = bytes(content[:4]).hex(), bytes([0, 0, UNSIGNED_BYTE, axes]).hex()
    if start != magic:
        raise DataError(f"{path} is not the IDX file expected: it starts with {start or 'nothing'}, expected {magic}. {remedy}")
    if len(content) < header:
        raise DataError(f"{path} is truncated: it holds {len(content):,} bytes, its header alone takes {header}. {remedy}")
    shape = struct.unpack(f">{axes}I", content[4:header])
    expected = header + math.prod(shape)
    if len(content) != expected:
        raise DataError(f"{path} is truncated or padded: it holds {len(content):,} bytes, its header announces {expected:,}. {remedy}")
    found = hashlib.md5(memoryview(content), usedforsecurity=False).hexdigest()
    if found != md5:
        raise DataError(f"{path} is not the published file: MD5 {found}, expected {md5}. {remedy}")
    return content[header:].reshape(shape)


def _bytes(path: Path, remedy: str) -> np.ndarray:
    """The unpacked bytes of a file, uint8 (n,), writable, so that torch can share the memory."""
    try:
        if path.suffix != ".gz":
            with path.open("rb") as file:
                content = file.read(LARGEST + 1)
        else:
            with gzip.open(path, "rb") as file:
                content = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}. {remedy}") from None
    if len(content) > LARGEST:
        raise DataError(f"{path} unpacks to more than {LARGEST:,} bytes, which no file of this data set does. {remedy}")
    return np.frombuffer(bytearray(content), dtype=np.uint8)
