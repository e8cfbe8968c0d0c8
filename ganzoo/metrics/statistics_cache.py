"""Statistics of real images on disk, under the digest of everything they depend on.

    <cache>/statistics/<key>.safetensors     named tensors; the header holds what they must hash to
    <cache>/statistics/<key>.lock            held while the entry is built

An entry appears by one rename, whole or not at all, and is checked in full each time it is opened; a damaged one is built again.
Where the folder cannot be written the statistics are built and not kept. Deleting any of it is always safe.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ganzoo.tensor_digest import digest_tensors


def cached_statistics(cache: Path, key: str, build: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    """The tensors stored under `key` (hex); `build` makes them where there are none, once, however many processes ask."""
    folder = cache / "statistics"
    path = folder / f"{key}.safetensors"
    if (found := _open(path)) is not None:
        return found
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        return build()
    with _locked(folder / f"{key}.lock"):
        if (found := _open(path)) is not None:  # another process built it while this one waited
            return found
        for leftover in folder.glob(f".{key}.*.part"):  # of a killed process
            leftover.unlink()
        tensors = build()
        _write(path, tensors)
        return tensors


def _open(path: Path) -> dict[str, Tensor] | None:
    try:
        with safe_open(path, framework="pt") as handle:
            told = (handle.metadata() or {}).get("sha256")
            tensors = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError):  # missing, cut short, altered: building it again mends it
        return None
    return tensors if digest_tensors(tensors) == told else None


def _write(path: Path, tensors: dict[str, Tensor]) -> None:
    """A full disk leaves no entry and no error: what was built is used all the same."""
    partial = path.with_name(f".{path.stem}.{os.getpid()}.part")
    try:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, partial, metadata={"sha256": digest_tensors(tensors)})
        partial.replace(path)
    except (OSError, SafetensorError):
        pass
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time; the kernel lets go of the lock when its holder dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
